"""Say what of each backup damage hits: shards, tables and ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import ChunkSource
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.manifest import Manifest, RangeRecord, ShardPart, ShardRecord, TableRecord
from shardvault.model.upkeep import DamagedRange, DamagedTable
from shardvault.repository.format import pack_name
from shardvault.repository.index import ChunkTable
from shardvault.repository.parts import get_part

_UNLISTED = "index/"
"""Stands for the object in which a chunk would be found, when no index names it."""


@dataclass(frozen=True)
class LostChunks:
    """Tell which chunks cannot be read.

    Attributes:
        table: says where each chunk lies.
        packs: none of whose chunks can be read.
        blobs: single chunks that cannot be read, by pack and number.
    """

    table: ChunkTable
    packs: Collection[bytes]
    blobs: Mapping[bytes, Collection[int]]

    def blame(self, chunk: ChunkId) -> str:
        """Name the object for whose damage a chunk cannot be read; empty if it can."""
        place = self.table.find(chunk)
        if place is None:
            return _UNLISTED
        is_lost = place.pack in self.packs or place.number in self.blobs.get(place.pack, ())
        return pack_name(place.pack) if is_lost else ""


def find_damage(manifest: Manifest, store: ChunkSource, lost: LostChunks) -> list[DamagedTable]:
    """List what of a backup cannot be restored."""
    return [
        item for shard in manifest.shards for item in _judge_shard(manifest, shard, store, lost)
    ]


def lose_backup(backup: str, manifest_name: str) -> DamagedTable:
    """Report a backup whose manifest cannot be read."""
    return DamagedTable(BackupId(backup), "", "", (), (manifest_name,))


def _judge_shard(
    manifest: Manifest, shard: ShardRecord, store: ChunkSource, lost: LostChunks
) -> Iterator[DamagedTable]:
    objects = _blame(shard.part, lost)
    if not objects:
        try:
            part = get_part(store, shard.part)
        except (IntegrityError, ObjectMissing) as error:  # damaged meanwhile, or never sound
            objects = (error.message,)
        else:
            yield from _judge_part(manifest.id, part, lost)
            return
    yield DamagedTable(manifest.id, shard.name, "", (), objects)


def _judge_part(backup: BackupId, part: ShardPart, lost: LostChunks) -> Iterator[DamagedTable]:
    for record in part.tables:
        found = [(one, _blame(one.chunks, lost)) for one in record.ranges]
        hit = [(one, objects) for one, objects in found if objects]
        if hit:
            objects = tuple(sorted({name for _, names in hit for name in names}))
            ranges = tuple(_describe(one) for one, _ in hit)
            yield DamagedTable(backup, part.name, _name(record), ranges, objects)


def _blame(chunks: tuple[ChunkId, ...], lost: LostChunks) -> tuple[str, ...]:
    return tuple(sorted({lost.blame(chunk) for chunk in chunks} - {""}))


def _describe(found: RangeRecord) -> DamagedRange:
    return DamagedRange(found.lower, found.upper, found.rows)


def _name(record: TableRecord) -> str:
    return record.table.qualified
