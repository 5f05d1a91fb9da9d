"""Keep a restore away from what of a backup is damaged: refuse it, or leave it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import ChunkKind, ChunkSource
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ShardPart, ShardRecord, TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.repository.parts import get_part
from shardvault.workers.local import map_parallel

Notes = Mapping[ShardName, tuple[Finding, ...]]
_REMEDY = "look for it in another backup; `shardvault repo check` says what is damaged"


def read_parts(
    records: Iterable[ShardRecord], store: ChunkSource, *, skip_damaged: bool, threads: int
) -> tuple[dict[ShardName, ShardPart], tuple[Finding, ...]]:
    """Read the part of each shard.

    Args:
        records: shards that are restored.
        store: gives the chunks.
        skip_damaged: read every row too, and leave out each table of which any cannot be
            read, and each shard whose part cannot.
        threads: chunks read at the same time.

    Returns:
        the parts, and what was left out.

    Raises:
        IntegrityError: a part is damaged, and nothing is to be left out.
    """
    if not skip_damaged:
        return {shard.name: _read_part(shard, store) for shard in records}, ()
    parts: dict[ShardName, ShardPart] = {}
    notes: list[Finding] = []
    for shard in records:
        try:
            part = get_part(store, shard.part)
        except (IntegrityError, ObjectMissing) as error:
            notes.append(_note(shard.name, "", error.message))
        else:
            parts[shard.name], left_out = _leave_out(part, store, threads)
            notes += left_out
    return parts, tuple(notes)


def _read_part(shard: ShardRecord, store: ChunkSource) -> ShardPart:
    try:
        part = get_part(store, shard.part)
        if part.name != shard.name:
            raise IntegrityError(f"they are those of shard {part.name}")
    except (IntegrityError, ObjectMissing) as error:
        raise IntegrityError(
            f"its definitions cannot be read: {error.message}",
            shard=shard.name,
            hint=f"--skip-damaged restores the other shards; {_REMEDY}",
        ) from error
    return part


def refuse_empty(parts: Mapping[ShardName, ShardPart], left_out: Sequence[Finding]) -> None:
    """Raise IntegrityError if damage leaves nothing to restore."""
    if left_out and not any(part.tables for part in parts.values()):
        raise IntegrityError(
            f"nothing of this backup can be restored: {left_out[0].message}", hint=_REMEDY
        )


def refuse_damaged(shard: ShardName, tables: Iterable[TableRecord], store: ChunkSource) -> None:
    """Raise IntegrityError, before any target is touched, if a chunk is known to be lost."""
    for record in tables:
        for found in record.ranges:
            if not all(map(store.has, found.chunks)):
                raise IntegrityError(
                    "rows of it are lost in the repository",
                    shard=shard,
                    table=record.table.qualified,
                    hint="`shardvault repo check` lists all that is damaged; --skip-damaged "
                    "restores the rest, or restore another backup",
                )


def _leave_out(
    part: ShardPart, store: ChunkSource, threads: int
) -> tuple[ShardPart, tuple[Finding, ...]]:
    faults = map_parallel(lambda record: _find_fault(record, store), part.tables, limit=threads)
    pairs = list(zip(part.tables, faults, strict=True))
    notes = tuple(_note(part.name, one.table.qualified, fault) for one, fault in pairs if fault)
    return replace(part, tables=tuple(one for one, fault in pairs if not fault)), notes


def _find_fault(record: TableRecord, store: ChunkSource) -> str:
    """Read every chunk of a table; say what is wrong with the first that cannot be read."""
    try:
        for found in record.ranges:
            for chunk in found.chunks:
                store.get(chunk, ChunkKind.ROWS)
    except (IntegrityError, ObjectMissing) as error:
        return error.message
    return ""


def _note(shard: ShardName, table: str, message: str) -> Finding:
    what = "table" if table else "shard"
    where = f"{shard}: {table}" if table else shard
    return Finding(Severity.WARNING, where, what, f"left out, damaged: {message}", _REMEDY, table)
