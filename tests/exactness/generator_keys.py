"""Draw keys, checks and partitions over columns."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.exactness.generator_columns import Column, odd_names
from tests.exactness.generator_types import WIDE, Draw, Kind, Server
from tests.exactness.names import Place
from tests.integration.operations_support import quote

_MOST_KEYS = 3
_PARTS, _COUNTER = "_part", "id"
_SPLIT_AT = st.sampled_from(("0", "1", "-1", "7", "50", "2147483647"))
SPLITTER = Column(_PARTS, Kind("INT", _SPLIT_AT), f"{quote(_PARTS)} INT NOT NULL", False)
"""The column by which tables with partitions are split; every unique key must hold it."""


@st.composite
def counters(draw: Draw) -> Column:
    """Draw a column that is the primary key and counts."""
    sign = draw(st.sampled_from(("", " UNSIGNED")))
    sql = f"{quote(_COUNTER)} BIGINT{sign} NOT NULL AUTO_INCREMENT PRIMARY KEY"
    return Column(
        _COUNTER, Kind("BIGINT", st.sampled_from(("NULL", "0", "-5", "1000"))), sql, False
    )


@st.composite
def primary_keys(draw: Draw, columns: Sequence[Column], *, is_split: bool) -> str:
    """Draw a primary key over columns that are never NULL; empty if there is none."""
    able = [
        one
        for one in columns
        if not one.is_nullable and not one.is_generated and one.name != _PARTS
    ]
    parts = [draw(_parts(able)), quote(_PARTS) if is_split else ""]
    return f"PRIMARY KEY ({', '.join(filter(None, parts))})" if any(parts) else ""


@st.composite
def keys(draw: Draw, server: Server, columns: Sequence[Column], *, is_split: bool) -> list[str]:
    """Draw the keys but the primary one."""
    names = draw(odd_names(server, Place.INDEX, draw(st.integers(0, _MOST_KEYS)), "k"))
    return [draw(_key(server, quote(name), columns, is_split=is_split)) for name in names]


def _key(
    server: Server, own: str, columns: Sequence[Column], *, is_split: bool
) -> SearchStrategy[str]:
    able = [_ordinary(server, f"KEY {own}", columns)]
    if server.is_mysql:
        able.append(_functional(own, columns))
    if not is_split:
        able.append(_ordinary(server, f"UNIQUE KEY {own}", columns))
        able.append(_named(f"SPATIAL KEY {own}", list(filter(_is_shape, columns))))
        able.append(_named(f"FULLTEXT KEY {own}", list(filter(_is_searched, columns))))
    if not is_split and not server.is_mysql:
        able.append(_named(f"UNIQUE KEY {own}", list(filter(_is_hashed, columns))))
    return st.one_of(able)


@st.composite
def _ordinary(draw: Draw, server: Server, head: str, columns: Sequence[Column]) -> str:
    can_ignore = server.quirks.has("ignored_index")
    hidden = " INVISIBLE" if server.is_mysql else " IGNORED" * can_ignore
    last = draw(st.sampled_from(("", "", hidden, " COMMENT 'it''s'", " USING BTREE")))
    parts = draw(_parts(columns))
    return f"{head} ({parts}){last}" if parts else ""


@st.composite
def _functional(draw: Draw, own: str, columns: Sequence[Column]) -> str:
    """Draw a key over an expression, which may not name a counter."""
    able = [one for one in columns if one.part and one.name != _COUNTER]
    if not able:
        return ""
    column = draw(st.sampled_from(able))
    return f"KEY {own} (({column.kind.derived[0].format(c=column.own)}))"


@st.composite
def _named(draw: Draw, head: str, columns: Sequence[Column]) -> str:
    """Draw a key over one whole column."""
    return f"{head} ({draw(st.sampled_from(columns)).own})" if columns else ""


def _is_shape(column: Column) -> bool:
    return column.kind.is_shape and not column.is_nullable


def _is_searched(column: Column) -> bool:
    charset = column.kind.charset
    return bool(charset) and charset not in WIDE | {"binary"} and not column.is_generated


def _is_hashed(column: Column) -> bool:
    """Say whether MariaDB makes a hash of a column that is too long for a unique key."""
    return "TEXT" in column.kind.sql or "BLOB" in column.kind.sql


@st.composite
def _parts(draw: Draw, columns: Sequence[Column]) -> str:
    """Draw the columns of a key; empty if none can be part of it."""
    able = [one.part for one in columns if one.part]
    if not able:
        return ""
    parts = draw(st.lists(st.sampled_from(able), min_size=1, max_size=2, unique=True))
    orders = st.sampled_from(("", "", " DESC", " ASC"))
    return ", ".join(part + draw(orders) for part in parts)


@st.composite
def checks(draw: Draw, server: Server, columns: Sequence[Column]) -> str:
    """Draw a check that some rows may not pass; most tables have none."""
    able = [one for one in columns if one.name != _COUNTER and one.kind.derived]
    if draw(st.integers(0, 4)) < 4 or not able:
        return ""
    column = draw(st.sampled_from(able))
    (name,) = draw(odd_names(server, Place.CHECK, 1, "check"))
    tests = ("{c} IS NOT NULL OR TRUE", "LENGTH({c}) <> 7 OR {c} IS NULL")
    test = draw(st.sampled_from(tests if column.part else tests[:1]))
    return f"CONSTRAINT {quote(name)} CHECK ({test.format(c=column.own)})"


@st.composite
def partitions(draw: Draw, server: Server) -> str:
    """Draw how a table is split by SPLITTER."""
    names = draw(odd_names(server, Place.PARTITION, 3, "p"))
    zero, one, rest = (f"PARTITION {quote(name)} VALUES" for name in names)
    ranges = (
        f"({zero} LESS THAN (0), {one} LESS THAN (50) COMMENT 'it''s', {rest} LESS THAN MAXVALUE)"
    )
    range_columns = ranges.replace("MAXVALUE", "(MAXVALUE)")
    lists = f"({zero} IN (0, 1, NULL), {one} IN (-1, 7))"
    forms = (
        "HASH ({p}) PARTITIONS 3",
        "LINEAR HASH ({p} MOD 7) PARTITIONS 2",
        "KEY ({p}) PARTITIONS 3",
        "LINEAR KEY ({p}) PARTITIONS 2",
        "RANGE ({p}) " + ranges,
        "RANGE COLUMNS ({p}) " + range_columns,
        "LIST ({p}) " + lists,
        "LIST COLUMNS ({p}) " + lists,
        "RANGE ({p}) SUBPARTITION BY HASH ({p}) SUBPARTITIONS 2 " + ranges,
        "LIST ({p}) SUBPARTITION BY KEY ({p}) SUBPARTITIONS 2 " + lists,
    )
    return " PARTITION BY " + draw(st.sampled_from(forms)).replace("{p}", _PARTS)
