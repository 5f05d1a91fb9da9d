"""Tell tables that a snapshot keeps exact from those that need care; no I/O."""

from __future__ import annotations

from collections.abc import Iterator

from shardvault.fleet.inventory import ROW_END, Inventory
from shardvault.model.ids import ShardName
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Table, TableKind
from shardvault.mysql.quoting import quote_name
from shardvault.units import format_size

_WHAT = "tables"


def examine_tables(shard: ShardName, inventory: Inventory, limit_bytes: int) -> tuple[Finding, ...]:
    """Report every table that is not simply copied inside the snapshot.

    Args:
        shard: where the tables are.
        inventory: what is in scope.
        limit_bytes: most that may be copied while the barrier is held [bytes].
    """
    special = [
        *_versioned(shard, inventory),
        *_without_own_values(shard, inventory),
        *_misspelt(shard, inventory),
        *_outside_snapshot(shard, inventory, limit_bytes),
        *_definition_only(shard, inventory),
    ]
    count = f"{len(inventory.tables)} in {len(inventory.schemas)} schemas"
    rest = f", {len(special)} of them named below" if special else ", all transactional"
    return (Finding(Severity.OK, shard, _WHAT, count + rest), *special)


def _versioned(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    for table in inventory.tables:
        if table.is_versioned and not _has_history(table):
            yield _refuse(
                shard,
                f"{table.qualified}: system-versioned, its history cannot be written back: "
                "it is told by transaction ids, or the server is older than MariaDB 10.11",
                "leave the table out with --exclude",
            )


def _has_history(table: Table) -> bool:
    """Say whether the periods of its versions are among the columns that are stored."""
    return any(column.extra == ROW_END and not column.is_generated for column in table.columns)


def _without_own_values(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    """Refuse tables of which nothing but the number of rows would be stored."""
    for table in inventory.tables:
        if table.kind is TableKind.ROWS and all(one.is_generated for one in table.columns):
            yield _refuse(
                shard,
                f"{table.qualified}: has only generated columns, no value of its own to store",
                "add a column, or leave the table out with --exclude",
            )


def _misspelt(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    """Refuse foreign keys that SHOW CREATE TABLE writes wrongly, as MariaDB 11.8 does."""
    for table in inventory.tables:
        for key in table.foreign_keys:
            names = (key.name, key.ref_schema, key.ref_table, *key.columns, *key.ref_columns)
            if wrong := [name for name in names if not _is_written(name, table)]:
                yield _refuse(
                    shard,
                    f"{table.qualified}: the server's own definition misspells {wrong[0]!r}, "
                    f"a name in the foreign key {key.name!r}",
                    "rename it without backticks, or leave the table out with --exclude",
                )


def _is_written(name: str, table: Table) -> bool:
    """Say whether a name with a backtick stands in the definition, with both its backticks."""
    written = quote_name(name).encode("utf-8", "surrogateescape")
    return "`" not in name or name == table.schema or written in table.create_sql


def _outside_snapshot(
    shard: ShardName, inventory: Inventory, limit_bytes: int
) -> Iterator[Finding]:
    """Judge tables whose engine knows no snapshot: they must be copied under the barrier."""
    tables = [table for table in inventory.tables if _is_outside_snapshot(table)]
    total_bytes = sum(table.data_bytes for table in tables)
    for table in tables:
        size = f"{table.qualified}: {table.engine}, {format_size(table.data_bytes)}"
        if total_bytes <= limit_bytes:
            message = f"{size}, copied while the barrier is held"
            yield Finding(Severity.INFO, shard, _WHAT, message)
            continue
        yield _refuse(
            shard,
            f"{size}, in no snapshot; such tables have {format_size(total_bytes)} in all, "
            f"over the {format_size(limit_bytes)} that may be copied under the barrier",
            "ALTER TABLE … ENGINE=InnoDB, or leave such tables out with --exclude",
        )


def _is_outside_snapshot(table: Table) -> bool:
    return table.kind is TableKind.ROWS and not table.is_transactional


def _definition_only(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    for table in inventory.tables:
        if table.kind is TableKind.DEFINITION:
            message = f"{table.qualified}: {table.engine}, definition only"
            yield Finding(Severity.INFO, shard, _WHAT, message)


def _refuse(shard: ShardName, message: str, remedy: str) -> Finding:
    return Finding(Severity.BLOCKER, shard, _WHAT, message, remedy)
