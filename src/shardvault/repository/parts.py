"""Store each shard's part of a backup as meta chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from shardvault.errors import IntegrityError, RefusedError
from shardvault.interfaces import ChunkKind, ChunkSource, ChunkStore
from shardvault.model.ids import ChunkId
from shardvault.model.manifest import Manifest, ShardPart
from shardvault.repository.format import MAX_PART_BYTES, PART_CHUNK_BYTES

_Decoded = TypeVar("_Decoded")


class _Range(msgspec.Struct):
    chunks: tuple[bytes, ...]


class _Table(msgspec.Struct):
    ranges: tuple[_Range, ...]


class _Part(msgspec.Struct):
    tables: tuple[_Table, ...]


def put_part(writer: ChunkStore, part: ShardPart) -> tuple[ChunkId, ...]:
    """Store a part and return its chunks, in order; raises RefusedError if it is too large."""
    view = memoryview(msgspec.json.encode(part))
    if len(view) > MAX_PART_BYTES:
        raise RefusedError(
            f"definitions and ranges of the shard take {len(view)} bytes, more than "
            f"{MAX_PART_BYTES}",
            shard=part.name,
            hint="back up its schemas one by one, by --tables",
        )
    return tuple(
        writer.put(view[at : at + PART_CHUNK_BYTES], ChunkKind.META).chunk
        for at in range(0, len(view), PART_CHUNK_BYTES)
    )


def get_part(reader: ChunkSource, chunks: tuple[ChunkId, ...]) -> ShardPart:
    """Read a part; raises IntegrityError, ObjectMissing."""
    return _decode(reader, chunks, ShardPart)


def iterate_row_chunks(reader: ChunkSource, chunks: tuple[ChunkId, ...]) -> Iterator[ChunkId]:
    """Give the id of every row chunk of a part, without building the rest of it."""
    for table in _decode(reader, chunks, _Part).tables:
        for found in table.ranges:
            yield from map(ChunkId, found.chunks)


def iterate_chunks(reader: ChunkSource, manifest: Manifest) -> Iterator[tuple[ChunkId, ChunkKind]]:
    """Give every chunk that a backup needs; raises IntegrityError, ObjectMissing."""
    for shard in manifest.shards:
        for chunk in shard.part:
            yield chunk, ChunkKind.META
        for chunk in iterate_row_chunks(reader, shard.part):
            yield chunk, ChunkKind.ROWS


def _decode(reader: ChunkSource, chunks: tuple[ChunkId, ...], kind: type[_Decoded]) -> _Decoded:
    data = bytearray()
    for chunk in chunks:
        data += reader.get(chunk, ChunkKind.META)
        if len(data) > MAX_PART_BYTES:
            raise IntegrityError("a shard's part is larger than any that is written")
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"a shard's part cannot be read: {error}") from error
