"""Create databases, tables and sequences; keys and foreign keys come after the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shardvault.fleet.foreign import strip_quoted
from shardvault.fleet.inventory import read_counter, strip_counter
from shardvault.fleet.table_options import has_unknown_options, revive_unknown_options
from shardvault.load.ddl import (
    first_column,
    first_name,
    inherit_collation,
    is_deferrable,
    is_foreign_key,
    is_ordered_key,
    parse_table,
)
from shardvault.load.warnings import run_clean
from shardvault.model.position import Family
from shardvault.model.schema import ForeignKey, Schema, Table, TableKind
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session
from shardvault.mysql.state import LOAD_MODE, sql_mode

# Below this size building keys afterwards costs more statements than it saves.
_DEFER_ROWS = 20_000
_AUTO_INCREMENT = re.compile(rb"\bAUTO_INCREMENT\b")


@dataclass(frozen=True)
class TableSteps:
    """Say with which statements a table comes into being.

    Attributes:
        create: before the rows.
        keys: after the rows; empty if every key is in ``create``.
        foreign_keys: after the keys of all tables.
    """

    create: bytes
    keys: bytes
    foreign_keys: bytes


def plan_steps(table: Table, rows: int) -> TableSteps:
    """Split a table's definition into what comes before and after its rows.

    Args:
        table: the definition.
        rows: how many rows will be loaded [rows].
    """
    if table.kind is TableKind.SEQUENCE:
        return TableSteps(table.create_sql, b"", b"")
    ddl = parse_table(table.create_sql)
    foreign = tuple(part for part in ddl.parts if is_foreign_key(part))
    later = _deferred(table, ddl.parts) if rows >= _DEFER_ROWS else ()
    now = tuple(part for part in ddl.parts if part not in foreign and part not in later)
    place = quote_table(table.schema, table.name).encode("utf-8", "surrogateescape")
    columns = b",".join(inherit_collation(part, ddl.tail) for part in now)
    create = ddl.head + columns + b"\n" + _count_on(table, ddl.tail)
    return TableSteps(create, _add(place, later), _add(place, foreign))


def _deferred(table: Table, parts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Pick the keys to build later; the key that orders the rows and the counter's stay.

    The server adds a key behind those it has, so the keys before one that stays do so too.
    """
    counters = {first_name(part) for part in parts if _AUTO_INCREMENT.search(strip_quoted(part))}
    if table.auto_increment is not None and not counters:
        return ()  # altered, a table of MySQL that counts nothing may forget its counter
    own = table.key_name.encode("utf-8", "surrogateescape")
    later: list[bytes] = []
    for part in filter(is_ordered_key, parts):
        is_free = first_name(part) != own and first_column(part) not in counters
        if is_deferrable(part) and is_free:
            later.append(part)
        else:
            later.clear()
    return tuple(later)


def _add(place: bytes, parts: tuple[bytes, ...]) -> bytes:
    if not parts:
        return b""
    return b"ALTER TABLE " + place + b" ADD " + b", ADD ".join(part.strip() for part in parts)


def create_schema(session: Session, schema: Schema) -> None:
    """Create a database unless it is there; it can be written to in any case."""
    rest = schema.create_sql.removeprefix(b"CREATE DATABASE")
    run_clean(session, b"CREATE DATABASE IF NOT EXISTS" + rest)


def close_schema(session: Session, schema: str) -> None:
    """Make a database of MySQL read only, the last that is done to it."""
    run_clean(session, f"ALTER DATABASE {quote_name(schema)} READ ONLY = 1")


def create_table(session: Session, table: Table, steps: TableSteps) -> None:
    """Create a table or sequence, without the keys that come later."""
    session.execute(f"USE {quote_name(table.schema)}")
    run_definition(session, steps.create)
    if table.sequence_next is not None:
        place = quote_table(table.schema, table.name)
        next_value, cycles = int(table.sequence_next), table.sequence_cycles
        run_clean(session, f"SELECT SETVAL({place}, {next_value}, 0, {cycles})")


def run_definition(session: Session, statement: bytes) -> None:
    """Run a table's definition or a part of it; options that no engine knows are taken too."""
    if session.family is Family.MARIADB and has_unknown_options(statement):
        with sql_mode(session, f"{LOAD_MODE},IGNORE_BAD_TABLE_OPTIONS"):
            run_clean(session, revive_unknown_options(statement))
    else:
        run_clean(session, statement)


def _count_on(table: Table, tail: bytes) -> bytes:
    """Let a table be created with its counter; MySQL does not show that of one without a column."""
    if table.auto_increment is None:
        return tail
    return b") AUTO_INCREMENT=%d" % table.auto_increment + strip_counter(tail).removeprefix(b")")


def set_counter(session: Session, table: Table) -> None:
    """Set the next AUTO_INCREMENT value to the recorded one, unless it is that already."""
    if table.auto_increment not in (None, read_counter(session, table.schema, table.name)):
        place = quote_table(table.schema, table.name)
        run_clean(session, f"ALTER TABLE {place} AUTO_INCREMENT = {table.auto_increment}")


def count_orphans(session: Session, table: Table, key: ForeignKey) -> int:
    """Count rows whose foreign key points nowhere, at most one is looked for."""
    child, parent = (
        quote_table(table.schema, table.name),
        quote_table(key.ref_schema, key.ref_table),
    )
    joined = " AND ".join(
        f"c.{quote_name(own)} = p.{quote_name(other)}"
        for own, other in zip(key.columns, key.ref_columns, strict=True)
    )
    filled = " AND ".join(f"c.{quote_name(own)} IS NOT NULL" for own in key.columns)
    return len(
        session.rows(
            f"SELECT 1 FROM {child} c LEFT JOIN {parent} p ON {joined} "
            f"WHERE {filled} AND p.{quote_name(key.ref_columns[0])} IS NULL LIMIT 1"
        )
    )
