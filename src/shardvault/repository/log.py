"""Keep the log of a repository: numbered, signed, each entry holding the hash of the one before.

An entry is created under the next number, and only one writer can win a number. So the log
puts all that matters into one order: backups, deletions, and who may still write. What was
decided on an older log is decided again before it is written.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidSignature

from shardvault.clock import format_time, utc_now
from shardvault.errors import (
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    StorageError,
    TamperDetected,
)
from shardvault.failpoints import failpoint, is_off
from shardvault.interfaces import Storage
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.entries import Action, Entry
from shardvault.repository.format import (
    LOG_PREFIX,
    SIGNATURE_BYTES,
    ObjectType,
    associated_data,
)
from shardvault.repository.heads import Head, HeadMemory
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import fetch_sealed, open_object, seal_object

_MOST_TRIES = 64
_READERS = 8
_DIGITS = 12
Decide = Callable[[Sequence[Entry]], Action | None]


@dataclass(frozen=True)
class _Stored:
    """Hold an entry and the hash of the bytes it was stored as."""

    entry: Entry
    digest: str


class Log:
    """Read and append; one instance per command, not shared between threads."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        random_bytes: RandomBytes,
        memory: HeadMemory | None,
    ) -> None:
        """Open the log; nothing is read yet.

        Args:
            memory: what this computer saw of the repository before; None = nothing is
                compared, as for a copy that is read once.
        """
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes
        self._memory = memory
        self._stored: list[_Stored] = []

    def read(self) -> tuple[Entry, ...]:
        """Return every entry, oldest first, after comparing the log with what was seen before.

        Raises:
            TamperDetected: an entry is gone, altered, or older than what was seen here.
        """
        self._fetch_new()
        self._compare_with_memory()
        return tuple(stored.entry for stored in self._stored)

    def append(self, decide: Decide) -> Entry | None:
        """Add the entry that is decided on the newest state of the log.

        Args:
            decide: is given all entries, again for each that another writer was faster
                with; returns None if nothing is left to be said, and raises what forbids it.

        Raises:
            StorageError: other writers were always faster.
        """
        for _ in range(_MOST_TRIES):
            action = decide(self.read())
            if action is None:
                return None
            if entry := self._try_append(action):
                return entry
        raise StorageError("the log of the repository is written to all the time; try again")

    @property
    def head(self) -> Head:
        """Return the last entry that was read."""
        last = self._stored[-1]
        return Head(self._ring.repository.hex(), last.entry.number, last.digest)

    def begin(self, action: Action) -> None:
        """Write the first entry of a new repository."""
        if self._try_append(action) is None:
            raise StorageError("the log of the repository exists already")

    def _try_append(self, action: Action) -> Entry | None:
        previous = self._stored[-1].digest if self._stored else ""
        entry = Entry(
            number=len(self._stored) + 1,
            previous=previous,
            time=format_time(utc_now()),
            writer=f"{socket.gethostname()}, process {os.getpid()}",
            action=action,
        )
        name = entry_name(entry.number)
        plain = msgspec.json.encode(entry)
        sealed = seal_object(self._ring, ObjectType.LOG, name, plain, self._random_bytes)
        signed = sealed + self._ring.signing.sign(_signed(self._ring, name, sealed))
        failpoint("repo.log")
        try:
            self._storage.put_new(name, [signed])
        except ObjectExists:
            return None
        self._stored.append(_Stored(entry, hashlib.sha256(signed).hexdigest()))
        self._remember()
        return entry

    def _fetch_new(self) -> None:
        """Read the entries behind those that are known; there must be no gap."""
        known = len(self._stored)
        present = {_number(found.name) for found in self._storage.list(LOG_PREFIX)}
        last = max(present, default=0)
        missing = [number for number in range(1, max(last, known) + 1) if number not in present]
        if missing:
            raise TamperDetected(
                f"entry {missing[0]} of the repository's log is missing", hint=_TAMPER_HINT
            )
        new = range(known + 1, last + 1)
        with ThreadPoolExecutor(_READERS) as pool:
            for number, signed in zip(new, pool.map(self._fetch, new), strict=True):
                self._accept(number, signed)

    def _fetch(self, number: int) -> bytes:
        name = entry_name(number)
        try:
            return fetch_sealed(self._storage, name)
        except ObjectMissing as error:
            raise TamperDetected(f"object {name} is missing", hint=_TAMPER_HINT) from error

    def _accept(self, number: int, signed: bytes) -> None:
        entry = open_entry(self._ring, number, signed)
        previous = self._stored[-1].digest if self._stored else ""
        if (entry.number, entry.previous) != (number, previous):
            raise TamperDetected(
                f"entry {number} of the repository's log does not follow the one before",
                hint=_TAMPER_HINT,
            )
        self._stored.append(_Stored(entry, hashlib.sha256(signed).hexdigest()))

    def _compare_with_memory(self) -> None:
        if self._memory is None or is_off("repo.memory"):
            return
        if not self._stored:
            raise TamperDetected("the repository's log is gone", hint=_TAMPER_HINT)
        seen = self._memory.recall()
        if seen is not None and seen != self.head:
            self._compare(seen)
        self._remember()

    def _compare(self, seen: Head) -> None:
        repository = self._ring.repository.hex()
        if seen.repository != repository:
            what = f"another repository is in its place: {repository}, not {seen.repository}"
        elif seen.number > len(self._stored):
            what = (
                f"the repository went back to an older state: its log ends at entry "
                f"{len(self._stored)}, this computer saw entry {seen.number}"
            )
        elif self._stored[seen.number - 1].digest != seen.digest:
            what = f"the repository's log was rewritten at or before entry {seen.number}"
        else:
            return
        raise TamperDetected(what, hint=_TAMPER_HINT)

    def _remember(self) -> None:
        if self._memory is not None and self._memory.recall() != self.head:
            self._memory.remember(self.head)


_TAMPER_HINT = (
    "look who changed the store; backups that are left can still be restored "
    "after `shardvault repo accept`, which takes the present state for the true one"
)


def entry_name(number: int) -> str:
    """Name the object of an entry."""
    return f"{LOG_PREFIX}{number:0{_DIGITS}d}"


def open_entry(ring: KeyRing, number: int, signed: bytes) -> Entry:
    """Decrypt an entry and check its signature; raises IntegrityError."""
    name = entry_name(number)
    sealed, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
    try:
        ring.signing.public_key().verify(signature, _signed(ring, name, sealed))
    except InvalidSignature as error:
        raise IntegrityError(f"object {name} is damaged: its signature is wrong") from error
    try:
        return msgspec.json.decode(open_object(ring, ObjectType.LOG, name, sealed), type=Entry)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"object {name} is not an entry of the log: {error}") from error


def _signed(ring: KeyRing, name: str, sealed: bytes) -> bytes:
    detail = name.encode() + b"\0" + sealed
    return associated_data(ObjectType.SIGNATURE, ring.repository, detail)


def _number(name: str) -> int:
    """Read the number in an entry's name; a foreign object there counts as none."""
    word = name.removeprefix(LOG_PREFIX)
    return int(word) if word.isdigit() and entry_name(int(word)) == name else 0
