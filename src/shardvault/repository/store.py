"""Open and create repositories: the door to everything in this room."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from shardvault.errors import (
    IntegrityError,
    ObjectMissing,
    RepositoryMissing,
    UsageError,
)
from shardvault.interfaces import Storage
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.manifest import Manifest
from shardvault.model.report import BackupSummary
from shardvault.repository.catalog import Catalog
from shardvault.repository.chunks import ChunkReader, ChunkWriter
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.format import (
    COMPRESSION_LEVEL,
    FORMAT_NAME,
    FORMAT_VERSION,
    INDEX_PREFIX,
    KEY_BYTES,
    MANIFEST_PREFIX,
    MAX_CHUNK_BYTES,
    MAX_FORMAT_BYTES,
    PACK_BYTES,
    PACK_PREFIX,
    REPOSITORY_ID_BYTES,
)
from shardvault.repository.index import load_index
from shardvault.repository.keys import (
    KeyRing,
    create_key_file,
    make_key_ring,
    open_slots,
    read_key_file,
    write_slot,
)
from shardvault.repository.leftovers import reclaim_leftovers
from shardvault.repository.locks import hold_writer_lock
from shardvault.repository.parts import iterate_row_chunks
from shardvault.storage.owners import OwnedStorage


@dataclass(frozen=True)
class FormatRecord:
    """Hold what the format object says; the store cannot alter it, see ``keys``.

    Attributes:
        id: of the repository, 32 hex digits.
        signing_key: public key of its manifests, 64 hex digits.
        pack_bytes: size at which packs are closed [bytes].
        chunk_max_bytes: largest chunk [bytes].
    """

    id: str
    signing_key: str
    version: int = FORMAT_VERSION
    compression: str = "zstd"
    pack_bytes: int = PACK_BYTES
    chunk_max_bytes: int = MAX_CHUNK_BYTES


class Repository:
    """Commit, load and list backups, and open readers and writers of their chunks."""

    def __init__(self, storage: OwnedStorage, ring: KeyRing, random_bytes: RandomBytes) -> None:
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes
        self._catalog = Catalog(storage, ring, random_bytes)
        self._writer: ChunkWriter | None = None

    @property
    def id(self) -> str:
        """Return the repository's id, 32 hex digits."""
        return self._ring.repository.hex()

    def reader(self) -> ChunkReader:
        """Read the index and return a reader of what is stored now; takes no lock."""
        return ChunkReader(self._storage, self._ring, load_index(self._storage, self._ring))

    @contextlib.contextmanager
    def writer(self, command: str, *, level: int = COMPRESSION_LEVEL) -> Iterator[ChunkWriter]:
        """Open the only write session of the repository.

        Space that an interrupted session took is freed first. What was put and not
        flushed when the block ends is lost, and freed by the next session.

        Args:
            command: told to whoever finds the repository locked, as ``backup``.
            level: of zstd; any level reads the same.

        Raises:
            RepositoryLocked: another session is open.
        """
        with hold_writer_lock(self._storage, command):
            index = load_index(self._storage, self._ring)
            freed = reclaim_leftovers(self._storage, index, self._catalog)
            writer = ChunkWriter(
                self._storage,
                self._ring,
                index,
                self._random_bytes,
                reclaimed_bytes=freed,
                level=level,
            )
            self._writer = writer
            try:
                yield writer
            finally:
                self._writer = None
                writer.close()

    def commit(self, manifest: Manifest) -> None:
        """Store a manifest durably, the last write of a backup, inside its write session.

        Before, every object of the session is looked for in the store, and every chunk
        that the manifest names in the index.

        Raises:
            IntegrityError: something the backup needs is not stored; nothing is committed.
            RefusedError: a backup of that id exists.
        """
        writer = self._writer
        if writer is None:
            raise RuntimeError("commit needs the write session that put the chunks")
        writer.flush()
        writer.prove()
        _prove_chunks(writer, manifest)
        self._catalog.commit(manifest, writer.index_names())

    def load(self, backup: BackupId) -> Manifest:
        """Read a manifest by id or ``latest``; raises UnknownBackup, IntegrityError."""
        return self._catalog.load(backup)

    def list(self) -> tuple[BackupSummary, ...]:
        """Give every complete backup, oldest first.

        One damaged manifest does not hide the others; ``damaged`` names it. Whoever shows
        this list must show those as well.
        """
        return self._catalog.scan().summaries

    def damaged(self) -> tuple[IntegrityError, ...]:
        """Give one error for each manifest and index object that cannot be read."""
        index = load_index(self._storage, self._ring)
        scan = self._catalog.scan()
        missing = sorted(scan.index - index.names) if not index.damaged else ()
        gone = (IntegrityError(f"object {INDEX_PREFIX}{word} is missing") for word in missing)
        return (*scan.damaged, *index.damaged, *gone)


def create_repository(
    storage: OwnedStorage, key_file: Path, *, random_bytes: RandomBytes = secrets.token_bytes
) -> Repository:
    """Create an empty repository and, unless it is there, its key file.

    The format object is written last: before it there is no repository, and the call can
    be repeated.

    Raises:
        UsageError: a repository is there already, or the key file cannot be used.
        RepositoryLocked: another process is creating one.
    """
    with hold_writer_lock(storage, "init"):
        _refuse_remains(storage)
        is_there = key_file.exists()
        key = read_key_file(key_file) if is_there else create_key_file(key_file, random_bytes)
        repository = random_bytes(REPOSITORY_ID_BYTES)
        ring = make_key_ring(repository, random_bytes(KEY_BYTES))
        stored = msgspec.json.encode(
            FormatRecord(id=repository.hex(), signing_key=_public_key(ring))
        )
        write_slot(storage, ring, key, sha256(stored).digest(), random_bytes)
        storage.put_new(FORMAT_NAME, [stored])
    return Repository(storage, ring, random_bytes)


def open_repository(
    storage: OwnedStorage, key: bytes, *, random_bytes: RandomBytes = secrets.token_bytes
) -> Repository:
    """Open a repository with the key of a key file; nothing is written.

    Raises:
        RepositoryMissing: there is none.
        WrongKey: the key does not open it.
        IntegrityError: its format object or key slot is damaged.
        UsageError: it is of a newer format.
    """
    try:
        stored = storage.get(FORMAT_NAME, 0, MAX_FORMAT_BYTES)
    except ObjectMissing as error:
        raise RepositoryMissing(
            "there is no repository", hint="create it with `shardvault init`, or correct its url"
        ) from error
    ring = open_slots(storage, _parse_id(stored), key, sha256(stored).digest())
    _check_format(stored)
    return Repository(storage, ring, random_bytes)


def _refuse_remains(storage: Storage) -> None:
    try:
        storage.stat(FORMAT_NAME)
    except ObjectMissing:
        pass
    else:
        raise UsageError("a repository is there already", hint="name another place")
    for prefix in (MANIFEST_PREFIX, INDEX_PREFIX, PACK_PREFIX):
        for found in storage.list(prefix):
            raise UsageError(
                f"{found.name} is of a repository that lost its format object",
                hint="bring back its `format` object, or name another place",
            )


def _parse_id(stored: bytes) -> bytes:
    try:
        repository = bytes.fromhex(msgspec.json.decode(stored, type=_Identified).id)
    except (msgspec.MsgspecError, ValueError) as error:
        raise IntegrityError(f"object {FORMAT_NAME} is damaged: {error}") from error
    if len(repository) != REPOSITORY_ID_BYTES:
        raise IntegrityError(f"object {FORMAT_NAME} is damaged: no repository id")
    return repository


def _check_format(stored: bytes) -> None:
    """Refuse an authentic format object that this program does not understand."""
    version = msgspec.json.decode(stored, type=_Identified).version
    if version != FORMAT_VERSION:
        raise UsageError(
            f"repository has format version {version}, this program reads {FORMAT_VERSION}",
            hint="use the version of shardvault that wrote it, or a newer one",
        )


class _Identified(msgspec.Struct):
    id: str
    version: int


def _public_key(ring: KeyRing) -> str:
    return ring.signing.public_key().public_bytes_raw().hex()


def _prove_chunks(writer: ChunkWriter, manifest: Manifest) -> None:
    for shard in manifest.shards:
        _prove_stored(writer, shard.name, shard.part)
        _prove_stored(writer, shard.name, iterate_row_chunks(writer, shard.part))


def _prove_stored(writer: ChunkWriter, shard: str, chunks: Iterable[ChunkId]) -> None:
    for chunk in chunks:
        if not writer.has(chunk):
            raise IntegrityError(f"chunk {chunk.hex()} of the backup is not stored", shard=shard)
