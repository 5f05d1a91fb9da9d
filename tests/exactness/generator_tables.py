"""Draw whole tables: columns, keys, options, rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.exactness.generator_columns import ODD_TEXTS, Column, columns_of_a_table, odd_names
from tests.exactness.generator_keys import (
    SPLITTER,
    checks,
    counters,
    keys,
    partitions,
    primary_keys,
)
from tests.exactness.generator_types import Draw, Server
from tests.exactness.names import Place
from tests.integration.operations_support import quote

_MOST_ROWS = 7


@dataclass(frozen=True)
class RandomTable:
    """Hold the statements that make one table, in a schema of its own, and fill it."""

    statements: tuple[str, ...]

    def __str__(self) -> str:
        return ";\n".join(self.statements) + ";"


@st.composite
def tables(draw: Draw, server: Server) -> RandomTable:
    """Draw one table with its rows for a server."""
    columns = draw(columns_of_a_table(server))
    if draw(st.integers(0, 5)) == 5 and not any(one.kind.is_shape for one in columns):
        return draw(_split_table(server, [SPLITTER, *columns]))
    return draw(_whole_table(server, columns))


@st.composite
def _split_table(draw: Draw, server: Server, columns: Sequence[Column]) -> RandomTable:
    has_key = draw(st.booleans())
    primary = draw(primary_keys(columns, is_split=True)) if has_key else ""
    others = draw(keys(server, columns, is_split=True))
    tail = draw(_options(server)) + draw(partitions(server))
    return draw(_table(server, columns, [primary, *others], tail))


@st.composite
def _whole_table(draw: Draw, server: Server, columns: Sequence[Column]) -> RandomTable:
    kind = draw(st.sampled_from(("counter", "columns", "none")))
    if kind == "counter":
        columns = [draw(counters()), *columns]
    primary = draw(primary_keys(columns, is_split=False)) if kind == "columns" else ""
    others = draw(keys(server, columns, is_split=False))
    tail = draw(_options(server)) + draw(_whole_options(server))
    return draw(_table(server, columns, [primary, *others], tail))


@st.composite
def _table(
    draw: Draw, server: Server, columns: Sequence[Column], keys: Sequence[str], tail: str
) -> RandomTable:
    (name,) = draw(odd_names(server, Place.TABLE, 1, "t"))
    own = quote(name)
    parts = [*(one.sql for one in columns), *keys, draw(checks(server, columns))]
    create = f"CREATE TABLE {own} ({', '.join(filter(None, parts))}){tail}"
    past = [f"DELETE FROM {own} LIMIT 1"] if "VERSIONING" in tail else []
    charset, collation = draw(st.sampled_from((("utf8mb4", "utf8mb4_bin"), *server.collations)))
    database = f"ALTER DATABASE `{{S}}` CHARACTER SET {charset} COLLATE {collation}"
    return RandomTable((database, create, *draw(_inserts(own, columns)), *past))


@st.composite
def _options(draw: Draw, server: Server) -> str:
    charset, collation = draw(st.sampled_from((("", ""), *server.collations)))
    comment = draw(st.sampled_from(("", *ODD_TEXTS)))
    more = ("", "", " AUTO_INCREMENT=4711", " MIN_ROWS=3 MAX_ROWS=99", " STATS_PERSISTENT=0")
    return (
        (f" CHARACTER SET {charset} COLLATE {collation}" if charset else "")
        + draw(st.sampled_from(more))
        + (f" COMMENT='{comment}'" if comment else "")
    )


def _whole_options(server: Server) -> st.SearchStrategy[str]:
    """Draw an engine, a row format or the keeping of history; none of it goes with partitions."""
    engines = (" ENGINE=MyISAM", " ENGINE=Aria PAGE_CHECKSUM=1")
    versioned = (" WITH SYSTEM VERSIONING",) if server.quirks.has("history") else ()
    own = () if server.is_mysql else (*engines, *versioned)
    formats = (" ROW_FORMAT=REDUNDANT", " ROW_FORMAT=COMPACT", " ROW_FORMAT=COMPRESSED")
    return st.sampled_from(("", "", "", *formats, *own))


@st.composite
def _inserts(draw: Draw, own: str, columns: Sequence[Column]) -> list[str]:
    """Draw rows, the first perhaps twice; the server skips those that a key or check refuses."""
    filled = [column for column in columns if not column.is_generated]
    listed = ", ".join(column.own for column in filled)
    count = draw(st.integers(0, _MOST_ROWS))
    rows = [", ".join(draw(_value(column)) for column in filled) for _ in range(count)]
    rows += rows[: draw(st.integers(0, 1))]
    return [f"INSERT IGNORE INTO {own} ({listed}) VALUES ({row})" for row in rows]


@st.composite
def _value(draw: Draw, column: Column) -> str:
    if column.is_nullable and draw(st.integers(0, 4)) == 4:
        return "NULL"
    return draw(column.kind.literals)
