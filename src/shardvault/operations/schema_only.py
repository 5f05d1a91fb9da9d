"""Restore definitions without rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shardvault.model.ids import ShardName
from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import TableKind

_NO_ROWS = f"{0:032x}"
"""Content hash of a table without rows."""


def without_rows(record: TableRecord) -> TableRecord:
    """Return the record of the same table with no row in it; its counter stays.

    The table is created, read back and compared as any other that is empty.
    """
    if record.table.kind is not TableKind.ROWS:
        return record
    generated_hash = _NO_ROWS if record.generated_hash else ""
    nothing = RangeRecord(None, None, 0, _NO_ROWS, 0, (), generated_hash)
    return replace(
        record,
        rows=0,
        content_hash=_NO_ROWS,
        raw_bytes=0,
        ranges=(nothing,),
        generated_hash=generated_hash,
    )


def note_missing_rows(shard: ShardName, tables: Sequence[TableRecord]) -> Finding:
    """Say in plan and report that rows were left out on purpose."""
    rows = sum(record.rows for record in tables)
    message = f"schema only: {len(tables):,} tables are restored without their {rows:,} rows"
    return Finding(Severity.INFO, shard, "rows", message)
