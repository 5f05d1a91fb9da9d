"""Open and create repositories: the door to everything in this room."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import cast

from shardvault.errors import (
    BackupExists,
    IntegrityError,
    ObjectMissing,
    RepositoryMissing,
    TamperDetected,
    UsageError,
    WrongKey,
)
from shardvault.failpoints import is_off
from shardvault.interfaces import ChunkKind, Storage
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.manifest import Manifest
from shardvault.model.report import BackupSummary
from shardvault.repository.afterwards import warn_only
from shardvault.repository.catalog import Catalog, new_backup_id
from shardvault.repository.chunks import ChunkReader, ChunkWriter
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.entries import Committed, Created, Entry
from shardvault.repository.format import (
    COMPRESSION_LEVEL,
    FORMAT_NAME,
    FORMAT_VERSION,
    INDEX_PREFIX,
    KEY_BYTES,
    MANIFEST_PREFIX,
    PACK_PREFIX,
    REPOSITORY_ID_BYTES,
    SUFFIX_DIGITS,
)
from shardvault.repository.format_object import (
    altered_format,
    encode_format,
    fetch_format,
    parse_id,
    parse_owner_key,
)
from shardvault.repository.heads import HeadMemory
from shardvault.repository.history import History, read_history
from shardvault.repository.index import Index, load_index
from shardvault.repository.insides import Insides
from shardvault.repository.keychain import Keychain
from shardvault.repository.keyfiles import create_key_file, read_key_file
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.leases import BACKUP_SCOPE, Lease, Leases
from shardvault.repository.leftovers import reclaim_leftovers
from shardvault.repository.locks import hold_writer_lock
from shardvault.repository.log import Log, begin_log
from shardvault.repository.lookup import Latest
from shardvault.repository.openers import Closer, FileSecret, Opener
from shardvault.repository.overview import Overview, look_over
from shardvault.repository.paper import PaperKey
from shardvault.repository.parity import ParityBuilder
from shardvault.repository.parts import iterate_row_chunks
from shardvault.repository.prune import Pruner
from shardvault.repository.slots import open_slots, write_slot
from shardvault.repository.source_cache import SourceCache
from shardvault.repository.sources import SourceKey
from shardvault.repository.tombstones import guard_against_removal
from shardvault.storage.owners import OwnedStorage


class Repository:
    """Commit, load and list backups, and open readers and writers of their chunks."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        random_bytes: RandomBytes,
        *,
        memory: HeadMemory | None = None,
        cache: SourceCache | None = None,
        guard: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open what was unlocked.

        Args:
            memory: what this computer saw of the repository before; None = nothing is
                compared.
            cache: what this source stored before.
            guard: raises WrongKey once the key of this source was removed.
        """
        self._storage = storage
        self._ring = ring
        self._cache = cache
        self._guard = guard
        self._random_bytes = random_bytes
        self.log = Log(storage, ring, random_bytes, memory)
        self.leases = Leases(storage, ring, random_bytes, self.log)
        self._catalog = Catalog(storage, ring, random_bytes, self.history)
        self._session: _Session | None = None

    @property
    def id(self) -> str:
        """Return the repository's id, 32 hex digits."""
        return self._ring.repository.hex()

    @property
    def is_write_only(self) -> bool:
        """Say whether the repository was opened by a source, which can only add backups."""
        return self._ring.is_write_only

    def history(self) -> History | None:
        """Read what the log says; None where there is none, in repositories of version 1.

        Raises:
            TamperDetected: the log was deleted, rolled back or exchanged.
        """
        return read_history(self.log.read()) if self._ring.has_log else None

    def keychain(self) -> Keychain:
        """Return what manages the keys; raises WrongKey to a source."""
        return Keychain(self._storage, self._ring, self._random_bytes, self.leases, self.log)

    def insides(self) -> Insides:
        """Return what the repository is made of; raises WrongKey to a source."""
        self._ring.require_master()
        return Insides(
            self._storage, self._ring, self._random_bytes, self.log, self.leases, self._catalog
        )

    def reader(self) -> ChunkReader:
        """Read the index and return a reader of what is stored now; takes no lock.

        Raises:
            WrongKey: a source asks, which can only add backups; as does all that reads.
        """
        self._ring.require_master()
        loaded = 0

        def reload() -> Index | None:
            nonlocal loaded
            history = self.history() or History()
            if history.last_doomed == loaded:
                return None
            loaded = history.last_doomed
            return load_index(self._storage, self._ring, history.doomed_packs)

        return ChunkReader(self._storage, self._ring, reload() or self._load_index(), reload)

    def _load_index(self) -> Index:
        return load_index(self._storage, self._ring)

    def pruner(self) -> Pruner:
        """Return what frees space; raises WrongKey to a source, RefusedError in version 1."""
        return Pruner(self.insides(), self.reader)

    @contextlib.contextmanager
    def spare_room(self) -> Iterator[None]:
        """Give up the reserve inside the ``with`` block, so that a full store can be pruned."""
        if not self._storage.features.owner_lock:
            yield
            return
        owned = cast("OwnedStorage", self._storage)
        owned.spend_reserve()
        try:
            yield
        finally:
            owned.make_reserve()

    @contextlib.contextmanager
    def writer(
        self,
        command: str,
        *,
        fleet: str = "",
        level: int = COMPRESSION_LEVEL,
        parity_packs: int = 0,
    ) -> Iterator[ChunkWriter]:
        """Open a write session; those of different fleets may run side by side.

        Space that interrupted sessions took is freed first, if no other is alive. What was
        put and not flushed when the block ends is lost, and freed later.

        Args:
            command: told to whoever finds the repository locked, as ``backup``.
            fleet: whose backups these are.
            level: of zstd; any level reads the same.
            parity_packs: packs that share one object of parity; 0 = none is stored.

        Raises:
            RepositoryLocked: another session of the fleet is open.
            RefusedError: the repository has an old format, and is only read.
        """
        self._ring.require_writable()
        with self.leases.hold(self._scope(fleet), command) as lease:
            index, freed = self._prepare_index(lease)
            writer = ChunkWriter(
                self._storage,
                self._ring,
                index,
                self._random_bytes,
                reclaimed_bytes=freed,
                level=level,
                keep_index=self._cache.keep if self._cache else None,
                parity=self._begin_parity(parity_packs),
            )
            self._session = _Session(writer, lease, fleet)
            try:
                yield writer
            finally:
                self._session = None
                writer.close()

    def _begin_parity(self, packs: int) -> ParityBuilder | None:
        if not packs:
            return None
        return ParityBuilder(self._storage, self._ring, self._random_bytes, packs)

    def _scope(self, fleet: str) -> str:
        """Name the lease of a fleet's backups; a source has one of its own."""
        source = self._ring.author.source.hex()
        hidden = self._ring.hidden_name(f"fleet {fleet}")
        return f"{BACKUP_SCOPE}{hidden}-{source}" if source else f"{BACKUP_SCOPE}{hidden}"

    def _prepare_index(self, lease: Lease) -> tuple[Index, int]:
        """Return what may be relied on, and the bytes that were freed before."""
        if self._cache is not None:
            return self._cache.load(self._storage), 0
        # Before the index: what is doomed afterwards stays while this session is alive.
        doomed = self._doomed_packs()
        index, freed = reclaim_leftovers(
            self.insides(), self._load_index, lambda: self.leases.end_gone(lease.scope)
        )
        index.table.lose(doomed | self._doomed_packs())
        return index, freed

    def _doomed_packs(self) -> frozenset[bytes]:
        history = self.history()
        return history.doomed_packs if history else frozenset()

    def commit(self, manifest: Manifest, *, received_s: float | None = None) -> None:
        """Complete a backup, the last write of its session.

        Before, every object of the session is looked for in the store, and every chunk
        that the manifest names in the index. The backup counts once the log says so.

        Args:
            received_s: of a copy, when the first repository's store took the backup [s].

        Raises:
            IntegrityError: something the backup needs is not stored; nothing is committed.
            BackupExists: a backup of that id exists; the caller may commit under another.
            RepositoryLocked: the session lost its lease, as one that slept too long.
            WrongKey: the key of this source was removed meanwhile; the backup counts for nothing.
        """
        session = self._session
        if session is None:
            raise RuntimeError("commit needs the write session that put the chunks")
        writer = session.writer
        writer.flush()
        writer.prove()
        needed = list(_prove_stored(writer, manifest))
        session.lease.assert_held()
        self._refuse_taken(manifest.id)
        name, digest = self._catalog.put(manifest, writer.index_names(), writer.seen_names())

        def decide(entries: Sequence[Entry]) -> Committed:
            session.lease.assert_held(entries)
            self._refuse_taken(manifest.id, entries)
            doomed = read_history(entries).doomed_packs
            if doomed and not is_off("repo.rescue"):
                writer.rescue(needed, doomed)
            return Committed(
                manifest.id,
                session.fleet,
                name,
                digest,
                session.lease.scope,
                session.lease.epoch,
                received_s,
            )

        entry = self.log.append(decide)
        self._prove_counted(manifest.id, entry)
        self._guard(f"backup {manifest.id} was stored and counts for nothing")

    def new_id(self, begin: datetime, kind: str) -> BackupId:
        """Return an id that no backup has, for one that this author takes.

        Ids of a source end with the begin of its own id, so that no author has those of another.

        Args:
            begin: of the backup, in UTC.
            kind: the backup's type.
        """
        source = self._ring.author.source.hex()[:SUFFIX_DIGITS]
        kind = f"{kind}-{source}" if source else kind
        return new_backup_id(begin, kind, self._is_taken, self._random_bytes)

    def _is_taken(self, backup: BackupId) -> bool:
        return self._catalog.has(backup) or _is_known(self.log.read(), backup)

    def _refuse_taken(self, backup: BackupId, entries: Sequence[Entry] | None = None) -> None:
        """Raise BackupExists if the log names the id already: then ours would count for nothing."""
        if is_off("repo.counted"):
            return
        if _is_known(self.log.read() if entries is None else entries, backup):
            raise BackupExists(f"a backup {backup} exists already")

    def _prove_counted(self, backup: BackupId, entry: Entry | None) -> None:
        """Make sure that the log counts what was committed; committed is not yet counted."""
        if is_off("repo.counted"):
            return
        found = read_history(self.log.read()).backups.get(backup)
        if entry is None or found is None or found[0] != entry.number:
            raise BackupExists(f"a backup {backup} exists already; this one counts for nothing")

    def load(self, backup: BackupId) -> Manifest:
        """Read a manifest by its whole id; raises UnknownBackup, IntegrityError."""
        self._ring.require_master()
        return self._catalog.load(backup)

    def find(self, word: str, narrow: Latest = Latest()) -> BackupId:  # noqa: B008 - frozen
        """Find the backup that a user means; see ``Catalog.find``.

        Args:
            word: an id, its beginning, ``latest`` or ``latest:TAG``.
            narrow: what ``latest`` chooses from.
        """
        self._ring.require_master()
        return self._catalog.find(word, narrow)

    def has(self, backup: BackupId) -> bool:
        """Say whether a backup of that id was committed; reads nothing of it."""
        return self._catalog.has(backup)

    def list(self) -> tuple[BackupSummary, ...]:
        """Give every complete backup, in the order of the log; see ``overview``.

        What sources wrote whose key was removed comes first. One damaged manifest does not
        hide the others; ``damaged`` names it. Whoever shows this list must show those as well.
        """
        self._ring.require_master()
        return self._catalog.scan().summaries

    def damaged(self) -> tuple[IntegrityError, ...]:
        """Give one error for each manifest and index object that cannot be read."""
        return self.overview().damaged

    def overview(self) -> Overview:
        """Read the catalog, and find what is damaged and what is ignored."""
        self._ring.require_master()
        history = self.history()
        return look_over(self.insides(), self._catalog.scan(), history)


def create_repository(
    storage: Storage,
    key: Path | Closer,
    *,
    label: str = "first",
    memory: HeadMemory | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Repository:
    """Create an empty repository and, unless it is there, its key file.

    The format object is written last: before it there is no repository, and the call can
    be repeated.

    Args:
        key: path of a key file, or what else closes the first slot.
        label: of that slot.
        memory: begins to remember the new repository.

    Raises:
        UsageError: a repository is there already, or the key file cannot be used.
        RepositoryLocked: another process is creating one.
    """
    with hold_writer_lock(storage, "init"):
        _refuse_remains(storage)
        closer = _obtain_file(key, random_bytes) if isinstance(key, Path) else key
        repository = random_bytes(REPOSITORY_ID_BYTES)
        ring = make_key_ring(repository, random_bytes(KEY_BYTES), storage=storage)
        stored = encode_format(ring)
        write_slot(storage, ring, closer, sha256(stored).digest(), random_bytes, label=label)
        begin_log(storage, ring, Created(repository.hex()), random_bytes)
        storage.put_new(FORMAT_NAME, [stored])
    created = Repository(storage, ring, random_bytes, memory=memory)
    with warn_only():
        if storage.features.owner_lock:
            cast("OwnedStorage", storage).make_reserve()
        created.log.accept()
    return created


def open_repository(
    storage: Storage,
    key: bytes | Opener,
    *,
    memory: HeadMemory | None = None,
    is_mirror: bool = False,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Repository:
    """Open a repository; nothing is written.

    Args:
        key: the 32 bytes of a key file, or what else opens a slot.
        memory: what this computer saw of the repository before.
        is_mirror: refuse every write but those of a mirror's own ``copy``.

    Raises:
        RepositoryMissing: there is none.
        TamperDetected: there is none where this computer saw one.
        WrongKey: the key does not open it.
        IntegrityError: its format object or key slot is damaged.
        UsageError: it is of a newer format.
    """
    stored = fetch_known(storage, memory)
    opener = FileSecret(key) if isinstance(key, bytes) else key
    ring = open_slots(storage, parse_id(stored), opener, sha256(stored).digest())
    ring = replace(ring, is_mirror=is_mirror)
    return Repository(storage, ring, random_bytes, memory=memory)


def open_for_source(
    storage: Storage,
    key: SourceKey,
    state: Path,
    *,
    memory: HeadMemory | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Repository:
    """Open a repository for adding backups and nothing else.

    Args:
        state: private folder in which sources remember what they stored.

    Raises:
        RepositoryMissing: there is none.
        WrongKey: the source file was made for another repository, or the key was removed.
        IntegrityError: the format object was altered.
    """
    stored = fetch_known(storage, memory)
    if parse_id(stored) != key.repository:
        raise WrongKey("the source file is of another repository", hint="name the one made for it")
    if sha256(stored).digest() != key.format_hash:
        raise altered_format()
    guard = guard_against_removal(lambda: key.find_tombstone(storage, stored))
    guard("what it adds counts for nothing")
    cache = SourceCache(state / "sources" / key.source.hex())
    ring = replace(key.open(storage), owner_key=parse_owner_key(stored))
    return Repository(storage, ring, random_bytes, memory=memory, cache=cache, guard=guard)


def open_with_paper(
    storage: Storage,
    paper: PaperKey,
    *,
    memory: HeadMemory | None = None,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Repository:
    """Open a repository with the master key that stood on paper; needs no slot.

    Raises:
        RepositoryMissing: there is none.
        WrongKey: the paper is of another repository.
        IntegrityError: the format object is not the one that follows from the key.
    """
    stored = fetch_format(storage)
    if parse_id(stored) != paper.repository:
        raise WrongKey(
            f"the paper is of another repository, {paper.repository.hex()}",
            hint="take the paper of this one, or correct the url",
        )
    for version in (FORMAT_VERSION, 1):
        ring = make_key_ring(paper.repository, paper.master, storage=storage, version=version)
        if encode_format(ring) == stored:
            return Repository(storage, ring, random_bytes, memory=memory)
    raise altered_format()


def fetch_known(storage: Storage, memory: HeadMemory | None) -> bytes:
    """Read the format object; one that was here before and is gone is no new place.

    Raises:
        RepositoryMissing: there is none.
        TamperDetected: there is none where this computer saw one.
    """
    try:
        return fetch_format(storage)
    except RepositoryMissing as error:
        seen = memory.recall() if memory else None
        if memory is None or seen is None:
            raise
        raise TamperDetected(
            f"the repository {seen.repository} that was here is gone",
            hint="bring its objects back from a copy; if it was given up on purpose, "
            f"delete {memory.path}",
        ) from error


def _obtain_file(path: Path, random_bytes: RandomBytes) -> FileSecret:
    is_there = path.exists()
    return FileSecret(read_key_file(path) if is_there else create_key_file(path, random_bytes))


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


def _is_known(entries: Sequence[Entry], backup: str) -> bool:
    history = read_history(entries)
    return backup in history.backups or backup in history.forgotten


def _prove_stored(writer: ChunkWriter, manifest: Manifest) -> Iterator[tuple[ChunkId, ChunkKind]]:
    """Give every chunk that a backup needs; raises IntegrityError at one that is not stored."""
    for shard in manifest.shards:
        for chunk in _stored(writer, shard.name, shard.part):
            yield chunk, ChunkKind.META
        for chunk in _stored(writer, shard.name, iterate_row_chunks(writer, shard.part)):
            yield chunk, ChunkKind.ROWS


def _stored(writer: ChunkWriter, shard: str, chunks: Iterable[ChunkId]) -> Iterator[ChunkId]:
    for chunk in chunks:
        if not writer.has(chunk):
            raise IntegrityError(f"chunk {chunk.hex()} of the backup is not stored", shard=shard)
        yield chunk


@dataclass(frozen=True)
class _Session:
    """Hold what a write session has open."""

    writer: ChunkWriter
    lease: Lease
    fleet: str
