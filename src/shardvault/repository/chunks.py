"""Put chunks into packs and get them back: the two implementations of the chunk seam."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Iterator

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.failpoints import failpoint
from shardvault.interfaces import Buffer, ChunkKind, PutResult, Storage
from shardvault.model.ids import ChunkId
from shardvault.repository.crypto import Compressor, RandomBytes
from shardvault.repository.format import (
    COMPRESSION_LEVEL,
    ENTRY,
    MAX_CHUNK_BYTES,
    PACK_BYTES,
    pack_name,
)
from shardvault.repository.index import Index, PackRecord, put_index, split_records
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import prove_written
from shardvault.repository.packs import PackBuilder, PackReader, SealedPack, view_bytes
from shardvault.repository.parity import ParityBuilder
from shardvault.repository.uploads import UploadPool


class ChunkReader:
    """Read chunks of a repository; safe for many threads."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        index: Index,
        reload: Callable[[], Index | None] = lambda: None,
    ) -> None:
        """Read by an index.

        Args:
            reload: returns a newer index if a prune moved chunks since the last one, else
                None; never called by two threads at once.
        """
        self._packs = PackReader(storage, ring)
        self._index = index
        self._reload = reload
        self._reloading = threading.Lock()

    def get(self, chunk: ChunkId, kind: ChunkKind) -> bytes:
        """Read a chunk, authenticated and compared with its id.

        One that is not where it was is looked for once more: a prune may have moved it.

        Raises:
            IntegrityError: the chunk is damaged, or an index that may name it is.
            ObjectMissing: no index names the chunk.
        """
        index = self._index
        try:
            return self._get(index, chunk, kind)
        except (IntegrityError, ObjectMissing):
            if self._renew(index):
                return self._get(self._index, chunk, kind)
            raise

    def _get(self, index: Index, chunk: ChunkId, kind: ChunkKind) -> bytes:
        place = index.table.find(chunk)
        if place is not None:
            return self._packs.read(place, chunk, kind)
        for error in index.damaged:
            raise IntegrityError(f"chunk {chunk.hex()} cannot be found: {error}") from error
        raise ObjectMissing(f"chunk {chunk.hex()} is in no index")

    def _renew(self, used: Index) -> bool:
        """Say whether there is a newer index than the one that was used, after looking."""
        with self._reloading:
            if self._index is used:
                self._index = self._reload() or used
            return self._index is not used

    def has(self, chunk: ChunkId) -> bool:
        """Say whether the chunk is stored."""
        return self._index.table.is_stored(chunk)


class ChunkWriter:
    """Store chunks; safe for many threads, which compress side by side.

    One pack is open for all threads. Only encrypting into it, a small share of the work,
    is done in turn; so memory does not grow with the number of threads.

    Attributes:
        reclaimed_bytes: what the start of the session freed [bytes].

    Args:
        keep_index: is given word and contents of each index object once it is stored.
        parity: protects the packs; None = they are not protected.
    """

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        index: Index,
        random_bytes: RandomBytes,
        *,
        reclaimed_bytes: int = 0,
        level: int = COMPRESSION_LEVEL,
        keep_index: Callable[[str, bytes], None] | None = None,
        parity: ParityBuilder | None = None,
    ) -> None:
        self._level = level
        self._parity = parity
        self._keep_index = keep_index
        self.reclaimed_bytes = reclaimed_bytes
        self._storage = storage
        self._ring = ring
        self._index = index
        self._known = _KnownChunks(index)
        self._random_bytes = random_bytes
        self._reader = ChunkReader(storage, ring, index)
        self._uploads = UploadPool(self._upload)
        self._packing = threading.Lock()
        self._open: PackBuilder | None = None
        self._buffers: list[bytearray] = []
        self._local = threading.local()
        self._written: list[tuple[str, int]] = []

    def put(self, data: Buffer, kind: ChunkKind) -> PutResult:
        """Store a chunk unless it is there; the caller may reuse the buffer at once.

        The chunk is durable only after ``flush``. An error of an earlier chunk may be
        raised here; then nothing of this session can be kept.

        Raises:
            ValueError: the chunk is larger than any that could be read back.
        """
        self._uploads.check()
        view = view_bytes(data)
        if len(view) > MAX_CHUNK_BYTES:
            raise ValueError(f"chunk of {len(view)} bytes; the limit is {MAX_CHUNK_BYTES}")
        chunk = self._ring.chunk_id(kind, view)
        if self._known.has(chunk):
            return PutResult(chunk, 0)
        frame = self._compressor().compress(view)
        with self._exclusive():
            # Another thread may have stored the same chunk while this one compressed it.
            stored = 0 if self._known.has(chunk) else self._pack(chunk, kind, frame, len(view))
        return PutResult(chunk, stored)

    def get(self, chunk: ChunkId, kind: ChunkKind) -> bytes:
        """Read a chunk back, authenticated; one that is not yet durable is flushed first."""
        if self._known.is_pending(chunk):
            self.flush()
        return self._reader.get(chunk, kind)

    def has(self, chunk: ChunkId) -> bool:
        """Say whether the chunk is stored or about to be."""
        return self._known.has(chunk)

    def rescue(
        self, chunks: Iterable[tuple[ChunkId, ChunkKind]], doomed: Collection[bytes]
    ) -> None:
        """Store chunks anew that lie in packs which will be deleted, and make them durable.

        Args:
            chunks: those that the session needs; none may have been lost already.
            doomed: ids of such packs.
        """
        table = self._index.table
        lying = ((chunk, kind, table.find(chunk)) for chunk, kind in chunks)
        found = [(chunk, kind) for chunk, kind, place in lying if place and place.pack in doomed]
        table.lose(doomed)
        for chunk, kind in found:
            self.put(self._reader.get(chunk, kind), kind)
        self.flush()

    def flush(self) -> None:
        """Make every chunk put so far durable and findable: packs first, then their index."""
        with self._exclusive():
            self._close_pack()
            self._uploads.finish()
            for records in split_records(self._known.unlisted()):
                self._write_index(records)

    def index_names(self) -> frozenset[str]:
        """Return the words of every index object there is now that this author wrote."""
        return self._known.index_names()

    def seen_names(self) -> frozenset[str]:
        """Return the words of the index objects of others that there were at the begin."""
        return frozenset(self._index.names - self._index.own)

    def prove(self) -> None:
        """End the last group of parity, and ask the store for every object of this session.

        Raises:
            IntegrityError: one is missing or has another size than was written.
        """
        if self._parity is not None:
            self._written += self._parity.finish()
        for name, size_bytes in (*self._written, *self._ring.epochs.stored()):
            prove_written(self._storage, name, size_bytes)

    def close(self) -> None:
        """End the threads; whatever was not flushed is left to the next session's reclaim."""
        self._uploads.close()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Work on the open pack alone; an error in the middle ends the whole session."""
        with self._packing:
            self._uploads.check()
            try:
                yield
            except BaseException as error:
                self._uploads.fail(error)
                raise

    def _compressor(self) -> Compressor:
        if not hasattr(self._local, "compressor"):
            self._local.compressor = Compressor(self._level)
        compressor: Compressor = self._local.compressor
        return compressor

    def _pack(self, chunk: ChunkId, kind: ChunkKind, frame: bytes, plain_bytes: int) -> int:
        if self._open is not None and not self._open.fits(frame):
            self._close_pack()
        if self._open is None:
            buffer = self._buffers.pop() if self._buffers else bytearray(PACK_BYTES)
            self._open = PackBuilder(self._ring, buffer, self._random_bytes)
        stored = self._open.add(chunk, kind, frame, plain_bytes)
        self._known.begin(chunk)
        return stored

    def _close_pack(self) -> None:
        if self._open is not None:
            sealed = self._open.seal()
            self._open = None
            self._uploads.submit(sealed)

    def _upload(self, sealed: SealedPack) -> None:
        failpoint("repo.pack")
        pack = sealed.store(self._storage)
        if self._parity is not None:
            with memoryview(sealed.buffer) as whole, whole[: sealed.used] as blobs:
                self._written += self._parity.add(pack, [blobs, sealed.tail])
        if len(sealed.buffer) == PACK_BYTES:
            self._buffers.append(sealed.buffer)
        self._written.append((pack_name(pack), sealed.size_bytes))
        self._known.finish(PackRecord(pack, sealed.size_bytes, sealed.directory))

    def _write_index(self, records: list[PackRecord]) -> None:
        index = put_index(self._storage, self._ring, records, self._random_bytes)
        self._written.append((index.name, index.size_bytes))
        self._known.list_in(index.word, records)
        if self._keep_index is not None:
            self._keep_index(index.word, index.plain)


class _KnownChunks:
    """Follow each chunk from its pack in memory to the table; safe for many threads."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._pending: set[bytes] = set()
        self._unlisted: list[PackRecord] = []
        self._lock = threading.Lock()

    def has(self, chunk: bytes) -> bool:
        # In this order: a chunk enters the table before it leaves the pending ones.
        return self.is_pending(chunk) or self._index.table.is_sound(chunk)

    def is_pending(self, chunk: bytes) -> bool:
        with self._lock:
            return chunk in self._pending

    def begin(self, chunk: bytes) -> None:
        with self._lock:
            self._pending.add(chunk)

    def finish(self, record: PackRecord) -> None:
        self._index.table.add(record)
        with self._lock:
            self._unlisted.append(record)
            self._pending.difference_update(
                chunk for chunk, *_ in ENTRY.iter_unpack(record.directory)
            )

    def unlisted(self) -> list[PackRecord]:
        with self._lock:
            return list(self._unlisted)

    def list_in(self, word: str, records: list[PackRecord]) -> None:
        with self._lock:
            self._unlisted = [record for record in self._unlisted if record not in records]
            self._index.own.add(word)

    def index_names(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._index.own)
