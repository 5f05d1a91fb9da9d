"""Mark the chunks that backups need, one byte each."""

from __future__ import annotations

import contextlib

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import ChunkSource
from shardvault.model.ids import ChunkId
from shardvault.model.manifest import Manifest, ShardRecord
from shardvault.repository.index import ChunkTable
from shardvault.repository.parts import iterate_row_chunks

_LOST = (IntegrityError, ObjectMissing)


class Marks:
    """Follow which chunks of a table are needed.

    Most of a backup is the same as in the one before: only chunks that its shard did not
    have there are looked up. No object is kept per chunk, but for the newest part of each
    shard.

    Attributes:
        backups: ids of those that were marked.
    """

    def __init__(self, table: ChunkTable, reader: ChunkSource) -> None:
        """Begin with nothing needed.

        Args:
            table: every chunk there is; must not grow meanwhile.
            reader: reads the parts of backups.
        """
        self._table = table
        self._reader = reader
        self._flags = bytearray(len(table))
        self._parts: set[tuple[ChunkId, ...]] = set()
        self._newest: dict[tuple[str, str], set[ChunkId]] = {}
        self.backups: set[str] = set()

    def add(self, manifest: Manifest, *, is_damaged: bool = False) -> None:
        """Mark all that a backup needs.

        Args:
            is_damaged: somebody knows that a part of it is lost; mark what is left.

        Raises:
            IntegrityError: a chunk of it is not stored.
        """
        for shard in manifest.shards:
            if shard.part not in self._parts:
                with contextlib.suppress(*_LOST if is_damaged else ()):
                    self._add_shard(manifest, shard, is_damaged=is_damaged)
        self.backups.add(manifest.id)

    def _add_shard(self, manifest: Manifest, shard: ShardRecord, *, is_damaged: bool) -> None:
        lost = self._mark(set(shard.part))
        place = manifest.fleet, shard.name
        chunks = set(iterate_row_chunks(self._reader, shard.part))
        lost += self._mark(chunks - self._newest.get(place, set()))
        if lost and not is_damaged:
            raise IntegrityError(
                f"backup {manifest.id} needs chunk {lost[0].hex()}, which is not stored",
                shard=shard.name,
            )
        if not lost:
            self._newest[place] = chunks
            self._parts.add(shard.part)

    def _mark(self, chunks: set[ChunkId]) -> list[bytes]:
        """Return those that are not stored."""
        return list(self._table.mark(chunks, self._flags))

    def needs(self, chunk: bytes) -> bool:
        """Say whether a marked backup needs the chunk."""
        return self._table.is_marked(chunk, self._flags)

    def sum_bytes(self) -> dict[bytes, int]:
        """Return the bytes that are needed of each pack, by its id [bytes]."""
        return self._table.sum_marked(self._flags)
