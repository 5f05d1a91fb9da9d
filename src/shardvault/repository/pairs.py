"""Match the chunks of a backup with those of its copy: same table, same range, same place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shardvault.model.ids import ChunkId
from shardvault.model.manifest import Manifest, RangeRecord, ShardPart


def describe_apart(manifest: Manifest, repository: str) -> Manifest:
    """Leave out what differs from copy to copy; equal for two manifests of one backup only.

    Args:
        repository: id of the one that the manifest was read from.
    """
    shards = tuple(replace(shard, part=(), bytes_stored=0) for shard in manifest.shards)
    totals = replace(manifest.totals, bytes_stored=0)
    origin = manifest.copied_from or repository
    return replace(manifest, shards=shards, totals=totals, copied_from=origin)


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


def _is_equal(one: RangeRecord, other: RangeRecord) -> bool:
    has_as_many = len(one.chunks) == len(other.chunks)
    return has_as_many and replace(one, chunks=()) == replace(other, chunks=())
