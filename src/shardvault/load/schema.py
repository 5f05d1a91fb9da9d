"""Create databases, tables and sequences; keys and foreign keys come after the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shardvault.errors import ServerError
from shardvault.fleet.inventory import strip_counter
from shardvault.load.ddl import (
    first_column,
    first_name,
    inherit_collation,
    is_deferrable,
    is_foreign_key,
    is_ordered_key,
    parse_table,
)
from shardvault.model.schema import ForeignKey, Schema, Table, TableKind
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session, decode

# Below this size building keys afterwards costs more statements than it saves.
_DEFER_ROWS = 20_000
_AUTO_INCREMENT = re.compile(rb"\bAUTO_INCREMENT\b")
# MySQL's warnings that a type or character set is old, or a spatial index of little use;
# the source has the same, and nothing is changed by them.
_HARMLESS = frozenset({b"1287", b"1681", b"3674", b"3719", b"3720", b"3778", b"4079"})


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
    create = ddl.head + columns + b"\n" + strip_counter(ddl.tail)
    return TableSteps(create, _add(place, later), _add(place, foreign))


def _deferred(table: Table, parts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Pick the keys to build later; the key that orders the rows and the counter's stay.

    The server adds a key behind those it has, so the keys before one that stays do so too.
    """
    counters = {first_name(part) for part in parts if _AUTO_INCREMENT.search(part)}
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
    """Create a database unless it is there."""
    rest = schema.create_sql.removeprefix(b"CREATE DATABASE")
    session.execute(b"CREATE DATABASE IF NOT EXISTS" + rest)


def create_table(session: Session, table: Table, steps: TableSteps) -> None:
    """Create a table or sequence, without the keys that come later."""
    session.execute(f"USE {quote_name(table.schema)}")
    run_clean(session, steps.create)
    if table.sequence_next is not None:
        place = quote_table(table.schema, table.name)
        value, _, cycles = table.sequence_next.partition("/")
        session.rows(f"SELECT SETVAL({place}, {int(value)}, 0, {int(cycles or 0)})")


def set_counter(session: Session, table: Table) -> None:
    """Set the next AUTO_INCREMENT value to the recorded one."""
    if table.auto_increment is not None:
        place = quote_table(table.schema, table.name)
        session.execute(f"ALTER TABLE {place} AUTO_INCREMENT = {table.auto_increment}")


def run_clean(session: Session, statement: bytes) -> None:
    """Run a statement; a warning of the server is a failure."""
    session.rows(statement)
    if session.warning_count:
        rows = session.rows("SHOW WARNINGS")
        serious = [row for row in rows if row[0] != b"Note" and row[1] not in _HARMLESS]
        if serious:
            raise ServerError(
                f"warning while creating: {decode(serious[0][2] or b'')}", shard=session.shard
            )


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
