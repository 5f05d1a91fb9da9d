"""Keep the log of a repository: numbered, signed, each entry holding the hash of the one before.

An entry is created under the next number, and only one writer can win a number. So the log
puts all that matters into one order: backups, deletions, and who may still write. What was
decided on an older log is decided again before it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import chain

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
from shardvault.repository.afterwards import warn_only
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.entries import Action, Entry
from shardvault.repository.format import (
    LOG_PREFIX,
    MANIFEST_PREFIX,
    MAX_SEALED_BYTES,
    MAX_SOURCE_ENTRY_BYTES,
    ObjectType,
    source_name,
)
from shardvault.repository.heads import Head, HeadMemory
from shardvault.repository.judging import Ignored, Judge, count_ignored, missing
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import author_of, open_signed, prove_written, seal_signed
from shardvault.repository.owners import describe_process

_MOST_TRIES = 256
_READERS = 8
_BATCH = 64
_PIECE_BYTES = 1 << 20
_DIGITS = 12
_TAMPER_HINT = (
    "look who changed the store; what is left can be restored after `shardvault repo accept`, "
    "which takes the present state for the true one"
)
Decide = Callable[[Sequence[Entry]], Action | None]


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
        self._judge = self._new_judge()
        self._accepted: dict[int, str] = {}
        self._strays: dict[int, tuple[str, str] | None] = {}

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
        return self._entries()

    def _read_next(self) -> tuple[Entry, ...]:
        """Read what follows, without a list: whoever floods the log must not be faster."""
        while (found := self._fetch(self.head.number + 1))[0]:
            self._take(self.head.number + 1, *found)
        for fault in self.faults():
            raise TamperDetected(fault, hint=_TAMPER_HINT)
        return self._entries()

    def inspect(self) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
        """Return every entry that can be read, and what is wrong; nothing is remembered."""
        self._look()
        return self._entries(), self.faults()

    def faults(self) -> tuple[str, ...]:
        """Name all that is wrong with the log, as far as it was read, and not yet accepted."""
        if is_off("repo.memory"):
            return ()
        seen = self._recall() if is_off("repo.head_first") else self._seen
        accepted = {
            **(seen.accepted if seen else {}),
            **self._judge.accepted,
            **self._accepted,
        }
        wrong = [
            stored.fault
            for number, stored in enumerate(self._judge.stored, 1)
            if stored.fault and accepted.get(number) != stored.digest
        ]
        return (*wrong, *self._compare(seen))

    def ignored(self) -> tuple[Ignored, ...]:
        """Count the entries that count for nothing, as far as the log was read."""
        strays = ((n, *stray) for n, stray in sorted(self._strays.items()) if stray is not None)
        return count_ignored(chain(self._judge.ignored(), strays))

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
        judged = enumerate(self._judge.stored, 1)
        return {number: stored.digest for number, stored in judged if stored.fault}

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
        entries = self.read()
        for _ in range(_MOST_TRIES):
            known = self.head.number
            action = decide(entries)
            if self.head.number != known:  # deciding read on: what is new was not decided on
                entries = self._entries()
                continue
            if action is None:
                return None
            if entry := self._try_append(action):
                return entry
            entries = self._read_next()
        raise StorageError("the log of the repository is written to all the time; try again")

    @property
    def head(self) -> Head:
        """Name the last entry that was read."""
        stored = self._judge.stored
        digest = stored[-1].digest if stored else ""
        return Head(self._ring.repository.hex(), len(stored), digest)

    def _new_judge(self) -> Judge:
        return Judge(lambda backup: MANIFEST_PREFIX + self._ring.hidden_name(backup))

    def _entries(self) -> tuple[Entry, ...]:
        return tuple(stored.entry for stored in self._judge.stored if stored.entry is not None)

    def _try_append(self, action: Action) -> Entry | None:
        entry = Entry(
            number=self.head.number + 1,
            previous=self.head.digest,
            time=format_time(utc_now()),
            writer=describe_process(),
            action=action,
            owner_previous=self._judge.owner_digest,
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
        source = source_name(self._ring.author.source)
        written = msgspec.structs.replace(entry, source=source)
        self._judge.take(sha256(signed).hexdigest(), written)
        self._remember()
        return written

    def _look(self) -> None:
        """Read what is new; whatever seems to be wrong is read once more, from the first entry.

        Another process of this computer may have added entries, or accepted what is wrong,
        between two requests of ours.
        """
        self._fetch_new()
        if self.faults() and not is_off("repo.head_first"):
            self._judge = self._new_judge()
            self._strays.clear()
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
        known = len(self._judge.stored)
        present = {parse_number(found.name) for found in self._storage.list(LOG_PREFIX)}
        failpoint("repo.log_listed")
        for number in range(1, known + 1):
            if number not in present and not self._is_there(number):
                self._judge.stored[number - 1] = missing(number)
        last = self._find_last(known, present)
        with ThreadPoolExecutor(_READERS) as pool:
            for numbers in _in_batches(known + 1, last):
                for number, found in zip(numbers, pool.map(self._fetch, numbers), strict=True):
                    self._take(number, *found)

    def _find_last(self, known: int, present: Collection[int]) -> int:
        """Return the number of the last entry.

        Whoever can write to the store can put something under any number. So what stands
        after a gap counts only if whoever holds the repository's key wrote any of it: then
        entries were lost. A source cannot find that out, and ignores all of it.
        """
        last = known
        while last + 1 in present or self._is_there(last + 1):
            last += 1
        if self._ring.is_write_only:
            return last
        for number in sorted(number for number in present if number > last):
            if number not in self._strays:
                self._strays[number] = self._try_stray(number)
        return max((n for n, stray in self._strays.items() if stray is None), default=last)

    def _try_stray(self, number: int) -> tuple[str, str] | None:
        """Say by whom and why an entry after a gap is ignored; None if it proves a loss."""
        source = ""
        try:
            digest, signed = self._fetch(number)
            source = open_entry(self._ring, number, signed).source if digest else ""
            is_lost = bool(digest) and not source
        except IntegrityError:
            is_lost = False
        return None if is_lost else (source, "it stands after a gap of the log")

    def _is_there(self, number: int) -> bool:
        try:
            self._storage.stat(entry_name(number))
        except ObjectMissing:
            return False
        return True

    def _fetch(self, number: int) -> tuple[str, bytes]:
        """Return SHA-256 and bytes of an entry; no bytes if this key does not read it.

        Nor if it is larger than any: then it is hashed piece by piece. Both are empty if the
        entry is gone.
        """
        name, digest, kept = entry_name(number), sha256(), bytearray()
        limit_bytes: int | None = None
        at = 0
        try:
            piece = bytes(_PIECE_BYTES)
            while len(piece) == _PIECE_BYTES:
                piece = self._storage.get(name, at, _PIECE_BYTES)
                if limit_bytes is None:
                    limit_bytes = self._limit_entry(piece)
                digest.update(piece)
                at += len(piece)
                if at <= limit_bytes:
                    kept += piece
        except ObjectMissing:
            return "", b""
        return digest.hexdigest(), bytes(kept) if at <= (limit_bytes or 0) else b""

    def _limit_entry(self, begin: bytes) -> int:
        """Return how large an entry that begins so can be [bytes]; 0 if it is not read at all."""
        if self._ring.is_write_only:
            return 0
        return MAX_SOURCE_ENTRY_BYTES if self._find_source(begin) else MAX_SEALED_BYTES

    def _find_source(self, begin: bytes) -> str:
        """Name the source under whose epoch an entry was written; empty for all else."""
        try:
            return source_name(author_of(self._ring, ObjectType.LOG, begin).source)
        except IntegrityError:
            return ""

    def _take(self, number: int, digest: str, signed: bytes) -> None:
        """Judge an entry; whatever is wrong with it is noted, not raised."""
        if not digest:
            self._judge.take_missing(number)
        elif self._ring.is_write_only:
            self._judge.take_unread(digest)
        else:
            try:
                entry = open_entry(self._ring, number, signed)
            except IntegrityError as error:
                self._judge.take_forged(digest, error.message, self._find_source(signed))
            else:
                self._judge.take(digest, entry)

    def _compare(self, seen: Head | None) -> tuple[str, ...]:
        """Compare with what this computer saw before."""
        if not self._judge.stored:
            return ("the repository's log is gone",)
        repository = self._ring.repository.hex()
        if seen is None:
            return ()
        if seen.repository != repository:
            return (f"another repository is in its place: {repository}, not {seen.repository}",)
        if seen.number > self.head.number:
            return (
                f"the repository went back to an older state: its log ends at entry "
                f"{self.head.number}, this computer saw entry {seen.number}",
            )
        if self._judge.stored[seen.number - 1].digest != seen.digest:
            return (f"the repository's log was rewritten at or before entry {seen.number}",)
        return ()

    def _remember(self) -> None:
        """Remember the head; what counts is in the repository, whether that succeeds or not."""
        if self._memory is not None:
            with warn_only():
                self._memory.advance(self.head)


def _in_batches(first: int, last: int) -> Iterator[range]:
    """Divide numbers, so that no more entries are in memory than one batch."""
    for begin in range(first, last + 1, _BATCH):
        yield range(begin, min(begin + _BATCH, last + 1))


def entry_name(number: int) -> str:
    """Name the object of an entry."""
    return f"{LOG_PREFIX}{number:0{_DIGITS}d}"


def begin_log(storage: Storage, ring: KeyRing, action: Action, random_bytes: RandomBytes) -> None:
    """Write the first entry of a new repository; raises ObjectExists if there is one."""
    entry = Entry(1, "", format_time(utc_now()), describe_process(), action)
    name = entry_name(1)
    plain = msgspec.json.encode(entry)
    storage.put_new(name, [seal_signed(ring, ObjectType.LOG, name, plain, random_bytes)])


def open_entry(ring: KeyRing, number: int, signed: bytes) -> Entry:
    """Decrypt an entry after checking who signed it; raises IntegrityError."""
    name = entry_name(number)
    plain, author = open_signed(ring, ObjectType.LOG, name, signed)
    try:
        entry = msgspec.json.decode(plain, type=Entry)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"object {name} is not an entry of the log: {error}") from error
    return msgspec.structs.replace(entry, source=source_name(author.source))


def parse_number(name: str) -> int:
    """Read the number in an entry's name; a foreign object there counts as none."""
    word = name.removeprefix(LOG_PREFIX)
    return int(word) if word.isascii() and word.isdigit() and entry_name(int(word)) == name else 0
