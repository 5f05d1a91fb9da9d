"""Say what a repository takes, and what deduplication and compression save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import ChunkSource
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.manifest import Manifest, ShardPart
from shardvault.model.upkeep import BackupStats, RepoStatsReport, StoredShare
from shardvault.repository.format import ENTRY
from shardvault.repository.index import ChunkTable
from shardvault.repository.inspection import Inspection, inspect_repository
from shardvault.repository.packs import Place
from shardvault.repository.parts import get_part
from shardvault.repository.store import Repository

_DEFINITIONS = "definitions"
_SHARED = -1


@dataclass
class _Share:
    """Add up what one thing takes [bytes]."""

    raw_bytes: int = 0
    stored_bytes: int = 0


@dataclass(frozen=True)
class _Found:
    """Hold a chunk that a backup needs, where it lies, and whose it is."""

    chunk: ChunkId
    place: Place
    table: str
    shard: str


@dataclass
class _Tally:
    """Add up chunks over all backups.

    Attributes:
        owners: number of the only backup that needs a chunk; ``_SHARED`` if several do.
        stored: bytes of a chunk.
    """

    owners: dict[ChunkId, int] = field(default_factory=dict)
    stored: dict[ChunkId, int] = field(default_factory=dict)
    plain_bytes: int = 0
    raw: list[int] = field(default_factory=list)
    new: list[int] = field(default_factory=list)
    total: list[int] = field(default_factory=list)
    tables: dict[str, _Share] = field(default_factory=dict)
    shards: dict[str, _Share] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin the next backup."""
        for sums in (self.raw, self.new, self.total):
            sums.append(0)

    def add(self, found: _Found, seen: set[ChunkId]) -> None:
        """Count a chunk of the present backup, in which some were seen before."""
        chunk, place, table, shard = found.chunk, found.place, found.table, found.shard
        shares = self.tables.setdefault(table, _Share()), self.shards.setdefault(shard, _Share())
        self.raw[-1] += place.plain_bytes
        is_new = chunk not in self.owners
        for share in shares:
            share.raw_bytes += place.plain_bytes
            share.stored_bytes += place.stored_bytes if is_new else 0
        if is_new:
            self.stored[chunk] = place.stored_bytes
            self.plain_bytes += place.plain_bytes
            self.new[-1] += place.stored_bytes
        if chunk not in seen:
            seen.add(chunk)
            self.total[-1] += place.stored_bytes
            self.owners[chunk] = len(self.raw) - 1 if is_new else _SHARED


def run_repo_stats(repository: Repository) -> RepoStatsReport:
    """Add up everything in a repository; reads the parts of each backup, and no rows."""
    insides = repository.insides()
    found = inspect_repository(insides)
    reader = repository.reader()
    tally = _Tally()
    counted, unreadable = _count(found, reader, tally)
    objects = Counter[str]()
    for one in insides.storage.list(""):
        objects[one.name.partition("/")[0]] += one.size_bytes
    needed, raw = sum(tally.stored.values()), sum(tally.raw)
    chunks = sum(_sum_blobs(found))
    return RepoStatsReport(
        repository_id=repository.id,
        raw_bytes=raw,
        saved_by_dedup_bytes=raw - tally.plain_bytes,
        saved_by_compression_bytes=tally.plain_bytes - needed,
        needed_bytes=needed,
        unneeded_bytes=chunks - needed,
        overhead_bytes=objects["packs"] - chunks,
        stored_bytes=objects.total(),
        objects=dict(objects),
        backups=tuple(_describe_backups(counted, tally)),
        tables=_describe(tally.tables),
        shards=_describe(tally.shards),
        unreadable=unreadable,
    )


def _sum_blobs(found: Inspection) -> Iterator[int]:
    """Give the bytes of all blobs of each pack that is there and in an index."""
    for pack, record in found.packs.items():
        if pack in found.index.present:
            yield sum(entry[2] for entry in ENTRY.iter_unpack(record.directory))


def _count(
    found: Inspection, reader: ChunkSource, tally: _Tally
) -> tuple[list[BackupId], tuple[str, ...]]:
    """Count every backup that can be read, oldest first."""
    counted: list[BackupId] = []
    unreadable = sorted(found.lost)
    manifests = sorted((one.manifest for one in found.records.values()), key=_age)
    for manifest in manifests:
        try:
            chunks = list(_list_chunks(manifest, reader, found.index.table))
        except (IntegrityError, ObjectMissing):
            unreadable.append(manifest.id)
            continue
        tally.begin()
        seen: set[ChunkId] = set()
        for chunk in chunks:
            tally.add(chunk, seen)
        counted.append(manifest.id)
    return counted, tuple(unreadable)


def _age(manifest: Manifest) -> tuple[str, str]:
    return manifest.begin, manifest.id


def _list_chunks(manifest: Manifest, reader: ChunkSource, index: ChunkTable) -> Iterator[_Found]:
    """Give each chunk of a backup, as often as it is named; raises if one cannot be found."""
    names = {node: found.name for found in manifest.logical_tables for node in found.nodes}
    for shard in manifest.shards:
        for chunk in shard.part:
            yield _Found(chunk, _find(index, chunk), _DEFINITIONS, shard.name)
        for chunk, table in _list_rows(get_part(reader, shard.part), names):
            yield _Found(chunk, _find(index, chunk), table, shard.name)


def _find(index: ChunkTable, chunk: ChunkId) -> Place:
    place = index.find(chunk)
    if place is None:
        raise ObjectMissing(f"chunk {chunk.hex()} is in no index")
    return place


def _list_rows(part: ShardPart, names: dict[str, str]) -> Iterator[tuple[ChunkId, str]]:
    for record in part.tables:
        qualified = record.table.qualified
        name = names.get(f"{part.name}.{qualified}", qualified)
        for found in record.ranges:
            yield from ((chunk, name) for chunk in found.chunks)


def _describe_backups(counted: list[BackupId], tally: _Tally) -> Iterator[BackupStats]:
    own = Counter[int]()
    for chunk, owner in tally.owners.items():
        own[owner] += tally.stored[chunk]
    for number, backup in enumerate(counted):
        yield BackupStats(
            id=backup,
            raw_bytes=tally.raw[number],
            own_bytes=own[number],
            shared_bytes=tally.total[number] - own[number],
            new_bytes=tally.new[number],
        )


def _describe(shares: dict[str, _Share]) -> tuple[StoredShare, ...]:
    return tuple(
        StoredShare(name, share.raw_bytes, share.stored_bytes)
        for name, share in sorted(shares.items(), key=lambda pair: (-pair[1].stored_bytes, pair[0]))
    )
