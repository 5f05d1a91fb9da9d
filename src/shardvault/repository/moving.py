"""Move chunks into new packs: authenticated, encrypted anew, not compressed again."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from shardvault.interfaces import ChunkKind, Storage
from shardvault.model.ids import ChunkId
from shardvault.repository.authors import Author
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.epochs import SourceEpoch, sealing_key
from shardvault.repository.format import (
    ENTRY,
    HEADER,
    PACK_BYTES,
    PACK_OVERHEAD,
    pack_name,
)
from shardvault.repository.index import PackRecord, put_index, split_records
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import prove_object
from shardvault.repository.packs import PackBuilder, PackReader, Place
from shardvault.repository.sealing import public_half

Chunk = tuple[ChunkId, ChunkKind, Place]
_READERS = 8


class Mover:
    """Copy chunks out of packs that will go; for one thread.

    The name of a chunk follows from the keys of its author, so it goes into a pack in that
    author's name, under an epoch of its own.
    """

    def __init__(self, storage: Storage, ring: KeyRing, random_bytes: RandomBytes) -> None:
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes
        self._packs = PackReader(storage, ring)
        self._authors: dict[bytes, _AuthorPacks] = {}
        self._moved: set[bytes] = set()
        self._written: list[tuple[str, int]] = []

    def move(self, chunks: Iterable[Chunk]) -> None:
        """Copy chunks, those that were copied before only once.

        Raises:
            IntegrityError: one is damaged or gone.
        """
        new = [chunk for chunk in chunks if chunk[0] not in self._moved]
        with ThreadPoolExecutor(_READERS) as pool:
            for (chunk, kind, place), (frame, author) in zip(
                new, pool.map(self._copy, new), strict=True
            ):
                self._packs_of(author).add(chunk, kind, frame, place.plain_bytes)
                self._moved.add(chunk)

    def keep(self, records: Iterable[PackRecord], author: Author) -> None:
        """List packs as well that stay where they are, in the name of who listed them."""
        self._packs_of(author).records.extend(records)

    def finish(self) -> tuple[str, ...]:
        """Make everything durable and findable, and ask the store for every object of it.

        Returns:
            names of the new index objects.

        Raises:
            IntegrityError: what was stored is not there.
        """
        names = []
        for packs in self._authors.values():
            packs.close()
            for records in split_records(packs.records):
                index = put_index(self._storage, packs.ring, records, self._random_bytes)
                self._written.append((index.name, index.size_bytes))
                names.append(index.name)
            self._written += packs.ring.epochs.stored()
        self._authors.clear()
        for name, size_bytes in self._written:
            prove_object(self._storage, name, size_bytes)
        self._written.clear()
        return tuple(names)

    def abandon(self) -> None:
        """Delete what was written since the last ``finish``: nothing relies on it."""
        for name, _ in sorted(self._written):  # index objects come before packs
            self._storage.delete(name)

    def _copy(self, chunk: Chunk) -> tuple[bytes, Author]:
        name, kind, place = chunk
        return self._packs.copy(place, name, kind)

    def _packs_of(self, author: Author) -> _AuthorPacks:
        if author.source not in self._authors:
            ring = _ring_of(self._ring, author, self._storage)
            self._authors[author.source] = _AuthorPacks(
                self._storage, ring, self._random_bytes, self._written
            )
        return self._authors[author.source]


class _AuthorPacks:
    """Fill packs in the name of one author.

    Attributes:
        records: packs that the author's new index objects will list.
    """

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        random_bytes: RandomBytes,
        written: list[tuple[str, int]],
    ) -> None:
        self.ring = ring
        self.records: list[PackRecord] = []
        self._storage = storage
        self._random_bytes = random_bytes
        self._written = written
        self._open: PackBuilder | None = None

    def add(self, chunk: ChunkId, kind: ChunkKind, frame: bytes, plain_bytes: int) -> None:
        if self._open is not None and not self._open.fits(frame):
            self.close()
        if self._open is None:
            self._open = PackBuilder(self.ring, bytearray(PACK_BYTES), self._random_bytes)
        self._open.add(chunk, kind, frame, plain_bytes)

    def close(self) -> None:
        if self._open is not None:
            sealed = self._open.seal()
            self._open = None
            pack = sealed.store(self._storage)
            self.records.append(PackRecord(pack, sealed.size_bytes, sealed.directory))
            self._written.append((pack_name(pack), sealed.size_bytes))


def measure_packs(blobs: Iterable[int]) -> int:
    """Return the stored size of the packs that blobs of these lengths fill [bytes]."""
    total = used = 0
    for size_bytes in blobs:
        if not used or used + size_bytes > PACK_BYTES:
            total, used = total + PACK_OVERHEAD, HEADER.size
        used += size_bytes
        total += size_bytes + ENTRY.size
    return total


def _ring_of(ring: KeyRing, author: Author, storage: Storage) -> KeyRing:
    """Return a ring that writes in the name of an author, whose secret follows from the master."""
    if not author.source:
        return ring
    recipient = public_half(sealing_key(ring.require_master(), ring.repository))
    return KeyRing(
        repository=ring.repository,
        version=ring.version,
        author=author,
        epochs=SourceEpoch(ring.repository, recipient, author, storage),
        master=None,
        _name_key=b"",
    )
