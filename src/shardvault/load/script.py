"""Write tables as SQL statements, for a look or for another tool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shardvault.fleet.inventory import has_history
from shardvault.load.literals import write_literals
from shardvault.load.values import Values
from shardvault.model.position import Family
from shardvault.model.schema import Column, Schema, Table
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import encode
from shardvault.mysql.state import LOAD_MODE

_STATEMENT_BYTES = 512 * 1024
"""Size after which an INSERT ends; far below the smallest usual max_allowed_packet (16 MiB)."""

_STATE = (
    "SET NAMES utf8mb4",
    f"SET SESSION sql_mode = '{LOAD_MODE}', SESSION time_zone = '+00:00'",
    "SET SESSION foreign_key_checks = 0, SESSION unique_checks = 0",
)
_WITH_HISTORY = "SET SESSION system_versioning_insert_history = 1"


def write_head(comment: Sequence[str]) -> Iterator[bytes]:
    """Give the beginning of a script: what it is, and the state that its literals need.

    Args:
        comment: lines; a line break in one of them becomes a blank.
    """
    for line in comment:
        yield encode("-- " + " ".join(line.split()) + "\n")
    for statement in _STATE:
        yield encode(statement + ";\n")


def write_schema(schema: Schema) -> bytes:
    """Create a database unless it is there."""
    rest = schema.create_sql.removeprefix(b"CREATE DATABASE")
    return b"\nCREATE DATABASE IF NOT EXISTS" + rest + b";\n"


def write_table(table: Table) -> Iterator[bytes]:
    """Create a table or sequence."""
    yield encode(f"\nUSE {quote_name(table.schema)};\n")
    yield table.create_sql + b";\n"
    if table.sequence_next is not None:
        place = quote_table(table.schema, table.name)
        next_value, cycles = int(table.sequence_next), table.sequence_cycles
        yield encode(f"SELECT SETVAL({place}, {next_value}, 0, {cycles});\n")
    if has_history(table):
        yield encode(_WITH_HISTORY + ";\n")


def write_rows(
    table: Table, columns: Sequence[Column], rows: Iterator[Values], family: Family
) -> Iterator[bytes]:
    """Give INSERT statements for rows, several rows in each.

    Args:
        table: where the rows go.
        columns: the columns that each row carries, in order.
        rows: their values.
        family: of the server that will run the script.
    """
    names = ", ".join(quote_name(column.name) for column in columns)
    head = encode(f"INSERT INTO {quote_table(table.schema, table.name)} ({names}) VALUES\n")
    write = write_literals(columns, family)
    size = 0
    for values in rows:
        row = encode(write(values))
        yield (head if not size else b",\n") + row
        size += len(row)
        if size >= _STATEMENT_BYTES:
            yield b";\n"
            size = 0
    if size:
        yield b";\n"
