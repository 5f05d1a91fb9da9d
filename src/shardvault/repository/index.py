"""Find chunks: an index object lists the entries of packs, a table holds all of them."""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from shardvault.errors import IntegrityError, ObjectMissing, StorageError
from shardvault.failpoints import failpoint
from shardvault.interfaces import ChunkKind, Storage
from shardvault.repository.authors import Author
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.format import (
    ENTRY,
    HEADER,
    ID_BYTES,
    INDEX_ENTRIES,
    INDEX_PREFIX,
    KIND_BYTES,
    NAME_BYTES,
    PACK_PREFIX,
    PACK_RECORD,
    ObjectType,
    parse_pack_name,
)
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import author_of, fetch_sealed, open_object, seal_object
from shardvault.repository.packs import Place, read_directory

_ROOM = 1 << 10
_MOST_TRIES = 8
_ROW = struct.Struct("=IIIII")  # pack, number, offset, stored bytes, plain bytes


@dataclass(frozen=True)
class StoredIndex:
    """Describe an index object that was stored, by its word and plain contents [bytes]."""

    word: str
    plain: bytes = field(repr=False)
    size_bytes: int

    @property
    def name(self) -> str:
        """Return the name of the object."""
        return INDEX_PREFIX + self.word


@dataclass(frozen=True)
class PackRecord:
    """Describe a pack as an index lists it.

    Attributes:
        directory: its entries, one after the other.
    """

    pack: bytes
    size_bytes: int
    directory: bytes = field(repr=False)

    @property
    def entries(self) -> int:
        """Return the number of its blobs."""
        return len(self.directory) // ENTRY.size


class _Rank(IntEnum):
    """Order the packs that name one chunk; the lowest counts."""

    SOUND = 0
    FOREIGN = 1
    DOOMED = 2
    LOST = 3


class ChunkTable:
    """Map chunk ids to places in about 70 bytes each; safe for many threads.

    Open addressing over one buffer of ids and one of rows: a million chunks as Python
    objects would take four times the memory.
    """

    def __init__(self) -> None:
        self._ids = bytearray()
        self._rows = bytearray()
        self._count = 0
        self._slots = array("I", bytes(4 * _ROOM))
        self._packs: list[bytes] = []
        self._ranks: list[_Rank] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def find(self, chunk: bytes) -> Place | None:
        """Return where the chunk lies, or should lie; None if no index names it."""
        with self._lock:
            row = self._slots[self._probe(chunk)]
            if not row:
                return None
            pack, *where = _ROW.unpack_from(self._rows, (row - 1) * _ROW.size)
        return Place(self._packs[pack], *where)

    def is_stored(self, chunk: bytes) -> bool:
        """Say whether the chunk lies in a pack that was there when it was looked for."""
        return self._rank_of(chunk) < _Rank.LOST

    def is_sound(self, chunk: bytes) -> bool:
        """Say whether a new backup may rely on the chunk: stored, by the same author."""
        return self._rank_of(chunk) == _Rank.SOUND

    def add(
        self,
        record: PackRecord,
        *,
        is_lost: bool = False,
        is_foreign: bool = False,
        is_doomed: bool = False,
        kinds: Collection[ChunkKind] = frozenset(ChunkKind),
    ) -> None:
        """Take the entries of a pack; a chunk keeps its first sound place.

        Args:
            is_lost: the pack is not in the store as the index describes it.
            is_foreign: another author wrote the index, and could name chunks of ours in it.
            is_doomed: the pack will be deleted once nobody can need it.
            kinds: entries that are taken.
        """
        offset, taken = HEADER.size, {KIND_BYTES[kind] for kind in kinds}
        rank = _rank(is_lost=is_lost, is_foreign=is_foreign, is_doomed=is_doomed)
        with self._lock:
            pack = len(self._packs)
            self._packs.append(record.pack)
            self._ranks.append(rank)
            for number, entry in enumerate(ENTRY.iter_unpack(record.directory)):
                chunk, kind, stored_bytes, plain_bytes = entry
                if kind in taken:
                    self._set(chunk, _ROW.pack(pack, number, offset, stored_bytes, plain_bytes))
                offset += stored_bytes

    def lose(self, packs: Collection[bytes]) -> None:
        """Rely no longer on packs, though they may still be read."""
        with self._lock:
            for number, pack in enumerate(self._packs):
                if pack in packs:
                    self._ranks[number] = _Rank.LOST

    def mark(self, chunks: Iterable[bytes], flags: bytearray) -> Iterator[bytes]:
        """Set the flag of each chunk, and give those that are not stored.

        Args:
            flags: one byte for each chunk of the table, which must not grow meanwhile.
        """
        for chunk in chunks:
            row = self._slots[self._probe(chunk)]
            if not row or self._ranks[self._pack_of(row)] is _Rank.LOST:
                yield chunk
            else:
                flags[row - 1] = 1

    def is_marked(self, chunk: bytes, flags: bytearray) -> bool:
        """Say whether the chunk's flag is set."""
        row = self._slots[self._probe(chunk)]
        return bool(row and flags[row - 1])

    def sum_marked(self, flags: bytearray) -> dict[bytes, int]:
        """Add up marked chunks with their entries, by the pack in which they lie [bytes]."""
        sums = [0] * len(self._packs)
        for flag, (pack, _, _, stored_bytes, _) in zip(
            flags, _ROW.iter_unpack(self._rows), strict=True
        ):
            if flag:
                sums[pack] += stored_bytes + ENTRY.size
        marked: dict[bytes, int] = {}
        for name, size_bytes in zip(self._packs, sums, strict=True):
            marked[name] = marked.get(name, 0) + size_bytes
        return marked

    def _rank_of(self, chunk: bytes) -> _Rank:
        with self._lock:
            row = self._slots[self._probe(chunk)]
            return self._ranks[self._pack_of(row)] if row else _Rank.LOST

    def _set(self, chunk: bytes, packed: bytes) -> None:
        slot = self._probe(chunk)
        row = self._slots[slot]
        if not row:
            self._append(slot, chunk, packed)
        elif self._ranks[-1] < self._ranks[self._pack_of(row)]:
            self._rows[(row - 1) * _ROW.size : row * _ROW.size] = packed

    def _append(self, slot: int, chunk: bytes, packed: bytes) -> None:
        self._ids += chunk
        self._rows += packed
        self._count += 1
        self._slots[slot] = self._count
        if 3 * self._count > 2 * len(self._slots):
            self._grow()

    def _grow(self) -> None:
        self._slots = array("I", bytes(8 * len(self._slots)))
        for row in range(self._count):
            chunk = bytes(self._ids[row * ID_BYTES : (row + 1) * ID_BYTES])
            self._slots[self._probe(chunk)] = row + 1

    def _probe(self, chunk: bytes) -> int:
        """Return the slot that holds the chunk or is free for it."""
        mask = len(self._slots) - 1
        slot = int.from_bytes(chunk[:8], "big") & mask
        while row := self._slots[slot]:
            if self._ids.startswith(chunk, (row - 1) * ID_BYTES):
                break
            slot = (slot + 1) & mask
        return slot

    def _pack_of(self, row: int) -> int:
        pack: int = _ROW.unpack_from(self._rows, (row - 1) * _ROW.size)[0]
        return pack


def _rank(*, is_lost: bool, is_foreign: bool, is_doomed: bool) -> _Rank:
    if is_lost:
        return _Rank.LOST
    if is_doomed:
        return _Rank.DOOMED
    return _Rank.FOREIGN if is_foreign else _Rank.SOUND


@dataclass
class Index:
    """Hold everything that the index objects of a repository say.

    Attributes:
        names: words of the index objects that were read.
        packs: ids of the packs they name.
        listed: the same by the word of each index object.
        own: words of those that the reader itself wrote, as its key opens them.
        present: size of each pack that is stored, named or not, by its id [bytes].
        faults: why index objects could not be read, by their words.
        directories: why directories of doomed packs could not be read.
    """

    table: ChunkTable = field(default_factory=ChunkTable)
    names: set[str] = field(default_factory=set)
    packs: set[bytes] = field(default_factory=set)
    listed: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    present: dict[bytes, int] = field(default_factory=dict)
    faults: dict[str, IntegrityError] = field(default_factory=dict)
    directories: list[IntegrityError] = field(default_factory=list)

    @property
    def damaged(self) -> tuple[IntegrityError, ...]:
        """Give one error for each index object and directory that could not be read."""
        return (*self.faults.values(), *self.directories)

    def damaged_among(self, words: Collection[str]) -> tuple[IntegrityError, ...]:
        """Give the same for the index objects that somebody needs, and every directory.

        Whoever can write to the store can put something there that nobody needs.
        """
        found = (error for word, error in sorted(self.faults.items()) if word in words)
        return (*found, *self.directories)


@dataclass(frozen=True)
class IndexObject:
    """Hold what one index object says.

    Attributes:
        is_foreign: another author wrote it.
        fault: why it cannot be read; it says nothing then.
    """

    name: str
    records: tuple[PackRecord, ...] = ()
    is_foreign: bool = False
    fault: IntegrityError | None = None


def read_index_objects(storage: Storage, ring: KeyRing) -> Iterator[IndexObject]:
    """Read every index object; a damaged one says why it cannot be read."""
    for found in storage.list(INDEX_PREFIX):
        try:
            records, author = fetch_index(storage, ring, found.name)
        except IntegrityError as error:
            yield IndexObject(found.name, fault=error)
        else:
            yield IndexObject(found.name, tuple(records), author != ring.author)


def scan_index(storage: Storage, ring: KeyRing) -> Index:
    """Read every index object one by one, and keep only names and faults; needs little memory."""
    index = Index()
    for found in read_index_objects(storage, ring):
        word = found.name.removeprefix(INDEX_PREFIX)
        if found.fault is None:
            index.names.add(word)
        else:
            index.faults[word] = found.fault
    return index


def load_index(storage: Storage, ring: KeyRing, doomed: Collection[bytes] = ()) -> Index:
    """Read every index object; damaged ones are noted, not raised.

    A prune may delete index objects meanwhile; what takes their place was stored before, so
    everything is read again then.

    Args:
        doomed: packs whose index objects may be gone already; as long as they are stored,
            their chunks are found by their own directories.
    """
    for _ in range(_MOST_TRIES):
        present = list_packs(storage)
        try:
            index = join_index(read_index_objects(storage, ring), present)
        except ObjectMissing:
            continue
        for pack in present.keys() & set(doomed):
            _take_doomed(index, storage, ring, pack)
        return index
    raise StorageError("the store lists index objects that it does not have; try again")


def _take_doomed(index: Index, storage: Storage, ring: KeyRing, pack: bytes) -> None:
    size_bytes = index.present[pack]
    try:
        directory = read_directory(storage, ring, pack, size_bytes)
    except ObjectMissing:  # freed meanwhile: nobody needs it
        return
    except IntegrityError as error:
        index.directories.append(error)
        return
    index.table.add(PackRecord(pack, size_bytes, directory), is_doomed=True)


def fetch_index(storage: Storage, ring: KeyRing, name: str) -> tuple[list[PackRecord], Author]:
    """Read an index object, and say who wrote it; raises ObjectMissing, IntegrityError."""
    stored = fetch_sealed(storage, name)
    records = parse_index(open_object(ring, ObjectType.INDEX, name, stored))
    return records, author_of(ring, ObjectType.INDEX, stored)


def put_index(
    storage: Storage, ring: KeyRing, records: Iterable[PackRecord], random_bytes: RandomBytes
) -> StoredIndex:
    """Store a new index object durably."""
    word = random_bytes(NAME_BYTES).hex()
    name = INDEX_PREFIX + word
    plain = encode_index(records)
    stored = seal_object(ring, ObjectType.INDEX, name, plain, random_bytes)
    failpoint("repo.index")
    storage.put_new(name, [stored])
    return StoredIndex(word, plain, len(stored))


def join_index(objects: Iterable[IndexObject], present: Mapping[bytes, int]) -> Index:
    """Put together what index objects say.

    Args:
        present: size of every pack that is stored, by its id [bytes].
    """
    index = Index(present=dict(present))
    for found in objects:
        word = found.name.removeprefix(INDEX_PREFIX)
        if found.fault is not None:
            index.faults[word] = found.fault
            continue
        index.names.add(word)
        if not found.is_foreign:
            index.own.add(word)
        index.listed[word] = tuple(record.pack for record in found.records)
        for record in found.records:
            index.packs.add(record.pack)
            is_lost = present.get(record.pack) != record.size_bytes
            index.table.add(record, is_lost=is_lost, is_foreign=found.is_foreign)
    return index


def encode_index(records: Iterable[PackRecord]) -> bytes:
    """Write the plain contents of an index object."""
    return b"".join(
        PACK_RECORD.pack(record.pack, record.size_bytes, record.entries) + record.directory
        for record in records
    )


def parse_index(plain: bytes) -> list[PackRecord]:
    """Read the plain contents of an index object; raises IntegrityError."""
    records = []
    at = 0
    while at < len(plain):
        if at + PACK_RECORD.size > len(plain):
            raise IntegrityError("index is cut short")
        pack, size_bytes, entries = PACK_RECORD.unpack_from(plain, at)
        at += PACK_RECORD.size
        end = at + entries * ENTRY.size
        if end > len(plain):
            raise IntegrityError("index is cut short")
        records.append(PackRecord(pack, size_bytes, plain[at:end]))
        at = end
    return records


def split_records(records: Iterable[PackRecord]) -> Iterator[list[PackRecord]]:
    """Group packs so that each group fits one index object."""
    group: list[PackRecord] = []
    entries = 0
    for record in records:
        if group and entries + record.entries > INDEX_ENTRIES:
            yield group
            group, entries = [], 0
        group.append(record)
        entries += record.entries
    if group:
        yield group


def list_packs(storage: Storage) -> dict[bytes, int]:
    """Return the size of every pack that is stored, by its id [bytes]."""
    packs = {}
    for found in storage.list(PACK_PREFIX):
        pack = parse_pack_name(found.name)
        if pack is not None:
            packs[pack] = found.size_bytes
    return packs
