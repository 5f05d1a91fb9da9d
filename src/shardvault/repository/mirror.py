"""Mirror a repository: the same objects, bit by bit, in another store.

A mirror has the keys and the log of its repository and writes nothing of its own. Objects
come first, then the entries of the log that make them count, so an interrupted mirror is a
sound repository of an earlier time. What the repository pruned goes only if its signed log
says so: whoever deletes objects in one store deletes nothing in the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from shardvault.errors import (
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    RefusedError,
    RepositoryMissing,
    StorageError,
    TamperDetected,
)
from shardvault.failpoints import failpoint
from shardvault.interfaces import Storage
from shardvault.repository.crypto import content_hash
from shardvault.repository.entries import Doomed, Entry, KeyChanged
from shardvault.repository.format import (
    EPOCH_PREFIX,
    FORMAT_NAME,
    INDEX_PREFIX,
    LOG_PREFIX,
    MANIFEST_PREFIX,
    PACK_PREFIX,
    SLOT_PREFIX,
    SOURCE_PREFIX,
    TOMBSTONE_PREFIX,
    ObjectType,
    pack_name,
    parse_pack_name,
)
from shardvault.repository.format_object import fetch_format
from shardvault.repository.heads import HeadMemory
from shardvault.repository.history import History, read_history
from shardvault.repository.insides import Insides
from shardvault.repository.log import Log, entry_name, parse_number
from shardvault.repository.objects import open_object

_THREADS = 8
_MOST_TRIES = 8
_BEFORE_LOG = (
    SOURCE_PREFIX,
    TOMBSTONE_PREFIX,
    EPOCH_PREFIX,
    PACK_PREFIX,
    INDEX_PREFIX,
    MANIFEST_PREFIX,
    SLOT_PREFIX,
)
"""Order of writing; what comes later relies on what came before."""


@dataclass
class Mirrored:
    """Add up what a mirror took.

    Attributes:
        objects: objects that were sent.
        size_bytes: their size [bytes].
        dropped: objects that were deleted because the repository had pruned them.
        damaged: objects that are not what they should be, and were not sent.
    """

    objects: int = 0
    size_bytes: int = 0
    dropped: int = 0
    damaged: list[IntegrityError] = field(default_factory=list)


def mirror_repository(source: Insides, destination: Storage, *, drops_pruned: bool) -> Mirrored:
    """Send what a mirror does not have yet; may be repeated after any interruption.

    Args:
        drops_pruned: delete in the mirror what the repository has pruned.

    Raises:
        TamperDetected: the repository's log was rolled back, or the mirror's log is not a
            part of it: something was written to the mirror itself.
        RefusedError: another repository is there.
    """
    mirror = _Mirror(source, destination)
    for _ in range(_MOST_TRIES):
        try:
            mirror.send()
            break
        except ObjectMissing:  # pruned since it was listed
            continue
    else:
        raise StorageError("the repository loses objects all the time; try again")
    mirror.drop(drops_pruned=drops_pruned)
    return mirror.done


def remember_mirror(source: Insides, destination: Storage, memory: HeadMemory) -> None:
    """Remember the mirror as it is now, if its log is, entry by entry, that of its repository.

    So one that was lost and made anew is not taken for one that somebody rolled back. A mirror
    whose log has gaps, or is ahead, is left to be compared with what was remembered before.
    """
    log = Log(destination, source.ring, source.random_bytes, None)
    log.inspect()
    if (log.head, log.faulty) == (source.log.head, source.log.faulty):
        memory.remember(msgspec.structs.replace(log.head, accepted=log.faulty))


class _Mirror:
    def __init__(self, source: Insides, destination: Storage) -> None:
        self._source = source
        self._from = source.storage
        self._to = destination
        self._entries: tuple[Entry, ...] = ()
        self.done = Mirrored()
        self._lock = threading.Lock()

    def send(self) -> None:
        """Bring the mirror up to the state of the log as it is now."""
        self._entries = self._source.log.read()
        head = self._source.log.head.number
        stored = fetch_format(self._from)
        is_new = self._compare_format(stored)
        begin = self._compare_log(head)
        self.done.damaged.clear()
        history = read_history(self._entries)
        for prefix in _BEFORE_LOG:
            self._send_all(self._missing(prefix), history)
        for number in range(begin + 1, head + 1):
            self._send(entry_name(number), history)
        if is_new:
            self._put(FORMAT_NAME, stored)

    def drop(self, *, drops_pruned: bool) -> None:
        """Delete what the log says is gone, and the repository no longer has."""
        for name in _gone(self._entries, drops_pruned=drops_pruned):
            if not _exists(self._from, name) and _exists(self._to, name):
                self._to.delete(name)
                self.done.dropped += 1

    def _compare_format(self, stored: bytes) -> bool:
        """Say whether there is no mirror yet; raises RefusedError if there is something else."""
        try:
            present = fetch_format(self._to)
        except RepositoryMissing:
            return True
        if present != stored:
            raise RefusedError(
                "another repository is where the mirror should be",
                hint="name an empty place; or, if it is a copy with keys of its own, take "
                "`mirror: true` out of the configuration",
            )
        return False

    def _compare_log(self, head: int) -> int:
        """Return how many entries the mirror has; raises TamperDetected if they are others."""
        number = max(map(parse_number, _names(self._to, LOG_PREFIX)), default=0)
        last = entry_name(number)
        is_part = number <= head and (not number or self._to.get(last) == self._from.get(last))
        if not is_part:
            raise TamperDetected(
                "the mirror's log is not a part of its repository's: one of them was written "
                "to on its own, or rolled back",
                hint="look which of the two is right (`shardvault list --repository`); then "
                "mirror it into an empty place",
            )
        return number

    def _missing(self, prefix: str) -> list[str]:
        present = set(_names(self._to, prefix))
        return [name for name in _names(self._from, prefix) if name not in present]

    def _send_all(self, names: Sequence[str], history: History) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            for _ in pool.map(lambda name: self._send(name, history), names):
                pass

    def _send(self, name: str, history: History) -> None:
        if name.startswith(MANIFEST_PREFIX) and name not in history.commits:
            return
        data = self._from.get(name)
        try:
            self._prove(name, data, history)
        except IntegrityError as error:
            self.done.damaged.append(error)
        else:
            self._put(name, data)

    def _prove(self, name: str, data: bytes, history: History) -> None:
        """Raise IntegrityError for what would be damaged in the mirror too."""
        is_sound = True
        if name.startswith(PACK_PREFIX):
            is_sound = parse_pack_name(name) == content_hash(data)
        elif name.startswith(MANIFEST_PREFIX):
            is_sound = sha256(data).hexdigest() == history.commits[name].digest
        elif name.startswith(INDEX_PREFIX):
            open_object(self._source.ring, ObjectType.INDEX, name, data)
        if not is_sound:
            raise IntegrityError(f"object {name} is damaged and was not sent")

    def _put(self, name: str, data: bytes) -> None:
        failpoint("mirror.put")
        try:
            self._to.put_new(name, [data])
        except ObjectExists:  # another run was faster
            return
        with self._lock:
            self.done.objects += 1
            self.done.size_bytes += len(data)


def _gone(entries: Iterable[Entry], *, drops_pruned: bool) -> Iterator[str]:
    """Name what the log says was deleted; a key that was removed must not open the mirror."""
    for entry in entries:
        match entry.action:
            case KeyChanged(change="removed", name=name) if name.startswith(SLOT_PREFIX):
                yield name
            case Doomed(packs=packs, objects=objects) if drops_pruned:
                yield from map(pack_name, packs)
                yield from objects


def _names(storage: Storage, prefix: str) -> Iterator[str]:
    return (found.name for found in storage.list(prefix))


def _exists(storage: Storage, name: str) -> bool:
    try:
        storage.stat(name)
    except ObjectMissing:
        return False
    return True
