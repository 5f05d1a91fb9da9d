"""Tell tables that a snapshot keeps exact from those that need care; no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shardvault.fleet.inventory import Inventory, has_history
from shardvault.fleet.table_options import find_places, keeps_rows_in_own_file
from shardvault.model.column_types import COLUMN_TYPES
from shardvault.model.ids import ShardName
from shardvault.model.loss import LossKind
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import ForeignKey, Table, TableKind
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import encode
from shardvault.units import format_size

_WHAT = "tables"
_OLD_PREFIX = "#mysql50#"  # MariaDB 11.8 takes it off names of parents when it shows them


def examine_tables(shard: ShardName, inventory: Inventory, limit_bytes: int) -> tuple[Finding, ...]:
    """Report every table that is not simply copied inside the snapshot.

    Args:
        shard: where the tables are.
        inventory: what is in scope.
        limit_bytes: most that may be copied while the barrier is held [bytes].
    """
    special = [
        *_versioned(shard, inventory),
        *_of_unknown_type(shard, inventory),
        *_without_own_values(shard, inventory),
        *_misspelt(shard, inventory),
        *_placed_elsewhere(shard, inventory),
        *_outside_snapshot(shard, inventory, limit_bytes),
        *_definition_only(shard, inventory),
    ]
    schemas = len(inventory.schemas)
    count = f"{len(inventory.tables)} in {schemas} {'schema' if schemas == 1 else 'schemas'}"
    rest = f", {len(special)} of them named below" if special else ", all transactional"
    return (Finding(Severity.OK, shard, _WHAT, count + rest), *special)


def _versioned(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    for table in inventory.tables:
        if table.is_versioned and not has_history(table):
            yield _refuse_loss(
                shard,
                table,
                "system-versioned, its history cannot be written back: "
                "it is told by transaction ids, or the server is older than MariaDB 10.11",
                LossKind.HISTORY,
            )


def _of_unknown_type(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    """Refuse columns that no rule says how to read; a later server may have new types."""
    for table in inventory.tables:
        for column in table.columns:
            if column.data_type not in COLUMN_TYPES:
                yield _refuse(
                    shard,
                    table,
                    f"column {column.name!r} is of type {column.data_type}, "
                    "which is not known to come back exactly",
                    "leave the table out with --exclude",
                )


def _without_own_values(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    """Refuse tables of which nothing but the number of rows would be stored."""
    for table in inventory.tables:
        if table.kind is TableKind.ROWS and all(one.is_generated for one in table.columns):
            yield _refuse(
                shard,
                table,
                "has only generated columns, no value of its own to store",
                "add a column, or leave the table out with --exclude",
            )


def _misspelt(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    """Refuse foreign keys that SHOW CREATE TABLE writes wrongly, as MariaDB 11.8 does."""
    for table in inventory.tables:
        for key in table.foreign_keys:
            if _has_odd_name(key) and _spell(key, table.schema) not in table.create_sql:
                yield _refuse(
                    shard,
                    table,
                    f"the server's own definition misspells a name in the foreign key {key.name!r}",
                    f"rename it without backticks or {_OLD_PREFIX}, "
                    "or leave the table out with --exclude",
                )


def _has_odd_name(key: ForeignKey) -> bool:
    names = (key.name, key.ref_schema, key.ref_table, *key.columns, *key.ref_columns)
    return any("`" in name or name.startswith(_OLD_PREFIX) for name in names)


def _spell(key: ForeignKey, schema: str) -> bytes:
    """Write a foreign key as a server must that spells all names right."""
    columns, others = (
        ", ".join(map(quote_name, names)) for names in (key.columns, key.ref_columns)
    )
    place = quote_name(key.ref_table)
    if key.ref_schema != schema:
        place = quote_table(key.ref_schema, key.ref_table)
    text = f"{quote_name(key.name)} FOREIGN KEY ({columns}) REFERENCES {place} ({others})"
    return encode(text)


def _outside_snapshot(
    shard: ShardName, inventory: Inventory, limit_bytes: int
) -> Iterator[Finding]:
    """Judge tables whose engine knows no snapshot: they must be copied under the barrier."""
    tables = [table for table in inventory.tables if _is_outside_snapshot(table)]
    total_bytes = sum(table.data_bytes for table in tables)
    for table in tables:
        size = f"{table.engine}, {format_size(table.data_bytes)}"
        if total_bytes <= limit_bytes:
            yield _inform(shard, table, f"{size}, copied while the barrier is held")
            continue
        yield _refuse(
            shard,
            table,
            f"{size}, in no snapshot; such tables have {format_size(total_bytes)} in all, "
            f"over the {format_size(limit_bytes)} that may be copied under the barrier",
            "ALTER TABLE … ENGINE=InnoDB, or leave such tables out with --exclude",
        )


def _is_outside_snapshot(table: Table) -> bool:
    return table.kind is TableKind.ROWS and not table.is_transactional


def _placed_elsewhere(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    """Refuse tables whose files lie in folders that a target need not have."""
    for table in inventory.tables:
        if names := find_places(table.create_sql):
            message = f"has {' and '.join(names)}, a place that a target need not have"
            yield _refuse_loss(shard, table, message, LossKind.DATA_DIRECTORY)


def _definition_only(shard: ShardName, inventory: Inventory) -> Iterator[Finding]:
    """Name tables without rows of their own, and refuse those that have some all the same."""
    for table in inventory.tables:
        if table.kind is not TableKind.DEFINITION:
            continue
        if table.engine.upper() == "CONNECT" and keeps_rows_in_own_file(table.create_sql):
            message = "CONNECT keeps its rows in a file of its own, which is not read"
            yield _refuse_loss(shard, table, message, LossKind.CONNECT_ROWS)
        else:
            yield _inform(shard, table, f"{table.engine}, definition only")


def _refuse_loss(shard: ShardName, table: Table, message: str, loss: LossKind) -> Finding:
    return replace(_refuse(shard, table, message, loss.remedies), loss=loss)


def _refuse(shard: ShardName, table: Table, message: str, remedy: str) -> Finding:
    name = table.qualified
    return Finding(Severity.BLOCKER, shard, _WHAT, f"{name}: {message}", remedy, name)


def _inform(shard: ShardName, table: Table, message: str) -> Finding:
    name = table.qualified
    return Finding(Severity.INFO, shard, _WHAT, f"{name}: {message}", table=name)
