"""Keep the log of a repository: numbered, signed, each entry holding the hash of the one before.

An entry is created under the next number, and only one writer can win a number. So the log
puts all that matters into one order: backups, deletions, and who may still write. What was
decided on an older log is decided again before it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

import msgspec

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
from shardvault.repository.entries import (
    Action,
    Committed,
    Entry,
    HistoryAccepted,
    KeyChanged,
)
from shardvault.repository.format import LOG_PREFIX, SOURCE_PREFIX, ObjectType
from shardvault.repository.heads import Head, HeadMemory
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import fetch_sealed, open_signed, prove_written, seal_signed
from shardvault.repository.owners import describe_process

_MOST_TRIES = 64
_READERS = 8
_DIGITS = 12
_TAMPER_HINT = (
    "look who changed the store; what is left can be restored after `shardvault repo accept`, "
    "which takes the present state for the true one"
)
Decide = Callable[[Sequence[Entry]], Action | None]


@dataclass(frozen=True)
class _Stored:
    """Hold what stands under a number.

    Attributes:
        digest: SHA-256 of the stored bytes; empty if they are gone.
        entry: None if it cannot be read by this key, or counts for nothing.
        fault: what is wrong with it; empty if nothing is.
        ignored: why it counts for nothing though it is authentic; empty if it counts.
    """

    digest: str
    entry: Entry | None
    fault: str = ""
    ignored: str = ""


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
                compared, as by a test of the repository alone.
        """
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes
        self._memory = memory
        self._seen: Head | None = None
        self._stored: list[_Stored] = []
        self._removed: set[str] = set()
        self._accepted: dict[int, str] = {}

    def read(self) -> tuple[Entry, ...]:
        """Return every entry, oldest first, after comparing the log with what was seen before.

        A source reads none; it compares all the same.

        Raises:
            TamperDetected: an entry is gone, altered, or older than what was seen here.
        """
        self._look()
        for fault in self.faults():
            raise TamperDetected(fault, hint=_TAMPER_HINT)
        self._remember()
        return tuple(stored.entry for stored in self._stored if stored.entry is not None)

    def inspect(self) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
        """Return every entry that can be read, and what is wrong; nothing is remembered."""
        self._look()
        entries = tuple(stored.entry for stored in self._stored if stored.entry is not None)
        return entries, self.faults()

    def faults(self) -> tuple[str, ...]:
        """Name all that is wrong with the log, as far as it was read, and not yet accepted."""
        if is_off("repo.memory"):
            return ()
        seen = self._recall() if is_off("repo.head_first") else self._seen
        accepted = {**(seen.accepted if seen else {}), **self._accepted}
        wrong = [
            stored.fault
            for number, stored in enumerate(self._stored, 1)
            if stored.fault and accepted.get(number) != stored.digest
        ]
        return (*wrong, *self._compare(seen))

    def ignored(self) -> tuple[str, ...]:
        """Name the authentic entries that count for nothing, as far as the log was read."""
        return tuple(stored.ignored for stored in self._stored if stored.ignored)

    def accept(self) -> tuple[str, ...]:
        """Take the present state for the true one from now on, and return what was wrong."""
        self._look()
        faults = self.faults()
        self._accepted.update(self.faulty)
        if self._memory is not None:
            self._memory.remember(msgspec.structs.replace(self.head, accepted=self.faulty))
        return faults

    @property
    def faulty(self) -> dict[int, str]:
        """Return the digests of entries that are wrong, by number, whether accepted or not."""
        return {n: stored.digest for n, stored in enumerate(self._stored, 1) if stored.fault}

    def append(self, decide: Decide) -> Entry | None:
        """Add the entry that is decided on the newest state of the log.

        Args:
            decide: is given all entries, again each time that another writer was faster;
                returns None if nothing is left to be said, and raises what forbids it.

        Raises:
            StorageError: other writers were always faster.
            RefusedError: this is a mirror; its log is that of another repository.
        """
        self._ring.require_writable()
        for _ in range(_MOST_TRIES):
            action = decide(self.read())
            if action is None:
                return None
            if entry := self._try_append(action):
                return entry
        raise StorageError("the log of the repository is written to all the time; try again")

    @property
    def head(self) -> Head:
        """Name the last entry that was read."""
        digest = self._stored[-1].digest if self._stored else ""
        return Head(self._ring.repository.hex(), len(self._stored), digest)

    def _try_append(self, action: Action) -> Entry | None:
        entry = Entry(
            number=len(self._stored) + 1,
            previous=self.head.digest,
            time=format_time(utc_now()),
            writer=describe_process(),
            action=action,
        )
        name = entry_name(entry.number)
        plain = msgspec.json.encode(entry)
        signed = seal_signed(self._ring, ObjectType.LOG, name, plain, self._random_bytes)
        failpoint("repo.log")
        try:
            self._storage.put_new(name, [signed])
            prove_written(self._storage, name, len(signed))
        except ObjectExists:
            return None
        self._keep(_Stored(sha256(signed).hexdigest(), entry))
        self._remember()
        return entry

    def _look(self) -> None:
        """Read what is new; whatever seems to be wrong is read once more, from the first entry.

        Another process of this computer may have added entries, or accepted what is wrong,
        between two requests of ours.
        """
        self._fetch_new()
        if self.faults() and not is_off("repo.head_first"):
            self._stored.clear()
            self._removed.clear()
            self._fetch_new()

    def _recall(self) -> Head | None:
        return self._memory.recall() if self._memory else None

    def _fetch_new(self) -> None:
        """Read the entries after those that are known.

        What this computer saw before is recalled first: another process of it may see, and
        remember, an entry that is added while we read.

        A list may be older than what is stored. Whoever believed one would take the newest
        backup for an interrupted one: so what a list leaves out is asked for by its name.
        """
        self._seen = self._recall()
        known = len(self._stored)
        present = {parse_number(found.name) for found in self._storage.list(LOG_PREFIX)}
        failpoint("repo.log_listed")
        for number in range(1, known + 1):
            if number not in present and not self._is_there(number):
                self._stored[number - 1] = _missing(number)
        last = max(known, *present, 0)
        while self._is_there(last + 1):
            last += 1
        new = range(known + 1, last + 1)
        with ThreadPoolExecutor(_READERS) as pool:
            for number, signed in zip(new, pool.map(self._fetch, new), strict=True):
                self._keep(self._judge(number, signed))

    def _is_there(self, number: int) -> bool:
        try:
            self._storage.stat(entry_name(number))
        except ObjectMissing:
            return False
        return True

    def _fetch(self, number: int) -> bytes | None:
        try:
            return fetch_sealed(self._storage, entry_name(number))
        except ObjectMissing:
            return None

    def _judge(self, number: int, signed: bytes | None) -> _Stored:
        """Read an entry; whatever is wrong with it is noted, not raised."""
        if signed is None:
            return _missing(number)
        digest = sha256(signed).hexdigest()
        if self._ring.is_write_only:
            return _Stored(digest, None)
        try:
            entry, source = open_entry(self._ring, number, signed)
        except IntegrityError as error:
            return _Stored(digest, None, error.message)
        is_behind_gap = number > 1 and not self.head.digest
        if entry.number != number or (entry.previous != self.head.digest and not is_behind_gap):
            fault = f"entry {number} of the repository's log does not follow the one before"
            return _Stored(digest, entry, fault)
        if ignored := self._refuse_source(entry, source):
            return _Stored(digest, None, "", ignored)
        return _Stored(digest, entry)

    def _keep(self, stored: _Stored) -> None:
        self._stored.append(stored)
        action = stored.entry.action if stored.entry else None
        if isinstance(action, KeyChanged) and action.change == "removed":
            self._removed.add(action.name)
        elif isinstance(action, HistoryAccepted):
            self._accepted.update(action.faulty)

    def _refuse_source(self, entry: Entry, source: bytes) -> str:
        """Say why an entry of a source counts for nothing; empty if it counts."""
        name = SOURCE_PREFIX + source.hex()
        action = entry.action
        if source and (not isinstance(action, Committed) or action.received_s is not None):
            return f"entry {entry.number} says what a source, {name}, may not say"
        if source and name in self._removed:
            return f"entry {entry.number} was added by {name} after that source was revoked"
        return ""

    def _compare(self, seen: Head | None) -> tuple[str, ...]:
        """Compare with what this computer saw before."""
        if not self._stored:
            return ("the repository's log is gone",)
        repository = self._ring.repository.hex()
        if seen is None:
            return ()
        if seen.repository != repository:
            return (f"another repository is in its place: {repository}, not {seen.repository}",)
        if seen.number > len(self._stored):
            return (
                f"the repository went back to an older state: its log ends at entry "
                f"{len(self._stored)}, this computer saw entry {seen.number}",
            )
        if self._stored[seen.number - 1].digest != seen.digest:
            return (f"the repository's log was rewritten at or before entry {seen.number}",)
        return ()

    def _remember(self) -> None:
        if self._memory is not None:
            self._memory.advance(self.head)


def entry_name(number: int) -> str:
    """Name the object of an entry."""
    return f"{LOG_PREFIX}{number:0{_DIGITS}d}"


def begin_log(storage: Storage, ring: KeyRing, action: Action, random_bytes: RandomBytes) -> None:
    """Write the first entry of a new repository; raises ObjectExists if there is one."""
    entry = Entry(1, "", format_time(utc_now()), describe_process(), action)
    name = entry_name(1)
    plain = msgspec.json.encode(entry)
    storage.put_new(name, [seal_signed(ring, ObjectType.LOG, name, plain, random_bytes)])


def open_entry(ring: KeyRing, number: int, signed: bytes) -> tuple[Entry, bytes]:
    """Decrypt an entry after checking who signed it; raises IntegrityError.

    Returns:
        the entry, and the id of the source that wrote it; empty for the repository's owner.
    """
    name = entry_name(number)
    plain, author = open_signed(ring, ObjectType.LOG, name, signed)
    try:
        return msgspec.json.decode(plain, type=Entry), author.source
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"object {name} is not an entry of the log: {error}") from error


def _missing(number: int) -> _Stored:
    return _Stored("", None, f"entry {number} of the repository's log is missing")


def parse_number(name: str) -> int:
    """Read the number in an entry's name; a foreign object there counts as none."""
    word = name.removeprefix(LOG_PREFIX)
    return int(word) if word.isdigit() and entry_name(int(word)) == name else 0
