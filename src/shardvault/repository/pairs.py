"""Match the chunks of a backup with those of its copy: same table, same range, same place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shardvault.model.ids import ChunkId
from shardvault.model.manifest import Manifest, RangeRecord, ShardPart


def is_same_backup(one: Manifest, other: Manifest) -> bool:
    """Say whether two manifests are of one backup, wherever its chunks lie."""
    return _bare(one) == _bare(other)


def pair_chunks(one: ShardPart, other: ShardPart) -> Iterator[tuple[ChunkId, ChunkId]]:
    """Give each chunk of rows in a shard's part with the one that holds the same bytes.

    Both parts were authenticated, and a copy takes chunks over one by one; so those at the
    same place of two ranges with the same bounds and contents are equal.

    Args:
        other: the part of a copy of the same backup.
    """
    twins = {(record.table.schema, record.table.name): record for record in other.tables}
    for record in one.tables:
        twin = twins.get((record.table.schema, record.table.name))
        for mine, theirs in zip(record.ranges, twin.ranges if twin else (), strict=False):
            if _is_equal(mine, theirs):
                yield from zip(mine.chunks, theirs.chunks, strict=True)


def _bare(manifest: Manifest) -> Manifest:
    """Leave out what differs from copy to copy."""
    shards = tuple(replace(shard, part=(), bytes_stored=0) for shard in manifest.shards)
    totals = replace(manifest.totals, bytes_stored=0)
    return replace(manifest, shards=shards, totals=totals, copied_from="")


def _is_equal(one: RangeRecord, other: RangeRecord) -> bool:
    has_as_many = len(one.chunks) == len(other.chunks)
    return has_as_many and replace(one, chunks=()) == replace(other, chunks=())
