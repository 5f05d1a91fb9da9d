"""Read every object of a backup back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shardvault.errors import IntegrityError, ObjectMissing, ShardvaultError
from shardvault.interfaces import ChunkKind, ChunkSource
from shardvault.model.ids import ChunkId, ShardName
from shardvault.model.manifest import Manifest, RangeRecord, ShardPart, ShardRecord, TableRecord
from shardvault.repository.parts import get_part


@dataclass(frozen=True)
class PartResult:
    """Report the reading of one shard's part; ``part`` is None if it is damaged."""

    shard: ShardName
    chunks: tuple[ChunkId, ...]
    part: ShardPart | None
    error: ShardvaultError | None = None


@dataclass(frozen=True)
class ChunkResult:
    """Report the reading of one row chunk; ``data`` is None if it is damaged."""

    shard: ShardName
    table: TableRecord = field(repr=False)
    range: RangeRecord = field(repr=False)
    chunk: ChunkId
    data: bytes | None = field(repr=False)
    error: ShardvaultError | None = None


def check_backup(reader: ChunkSource, manifest: Manifest) -> Iterator[PartResult | ChunkResult]:
    """Decrypt, decompress and re-identify every chunk of a backup, in stored order.

    Damage is a result, not an exception, and the reading goes on after it. Row chunks
    carry their contents, so the caller can count and hash rows range by range.
    """
    for shard in manifest.shards:
        result = _read_part(reader, shard)
        yield result
        if result.part is not None:
            yield from _read_rows(reader, result.part)


def _read_part(reader: ChunkSource, shard: ShardRecord) -> PartResult:
    try:
        return PartResult(shard.name, shard.part, get_part(reader, shard.part))
    except (IntegrityError, ObjectMissing) as error:
        return PartResult(shard.name, shard.part, None, error)


def _read_rows(reader: ChunkSource, part: ShardPart) -> Iterator[ChunkResult]:
    for table in part.tables:
        for found in table.ranges:
            for chunk in found.chunks:
                data, error = _read_chunk(reader, chunk)
                yield ChunkResult(part.name, table, found, chunk, data, error)


def _read_chunk(
    reader: ChunkSource, chunk: ChunkId
) -> tuple[bytes, None] | tuple[None, ShardvaultError]:
    try:
        return reader.get(chunk, ChunkKind.ROWS), None
    except (IntegrityError, ObjectMissing) as error:
        return None, error
