"""Draw whole tables: columns, keys, checks, partitions, options, rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.exactness.generator_types import WIDE, Draw, Kind, Server, kinds
from tests.exactness.names import Place, names_of
from tests.integration.operations_support import quote

_MOST_COLUMNS, _MOST_KEYS, _MOST_ROWS = 6, 3, 7
_ODD_TEXTS = ("it''s", "*/ -- ;", "VIEW", "é漢", "a\\\\b", "COLLATE=x", " AUTO_INCREMENT=7 ", "`)")
_PARTS, _COUNTER = "_part", "id"


@dataclass(frozen=True)
class Column:
    """Hold a column as it was drawn; a generated one has no literals to insert."""

    name: str
    kind: Kind
    sql: str
    is_nullable: bool = True
    is_generated: bool = False

    @property
    def own(self) -> str:
        """Write the name."""
        return quote(self.name)

    @property
    def part(self) -> str:
        """Write the column as part of a key; empty if it can be none."""
        return self.kind.key.format(c=self.own)


@dataclass(frozen=True)
class RandomTable:
    """Hold the statements that make one table, in a schema of its own."""

    statements: tuple[str, ...]

    def __str__(self) -> str:
        return ";\n".join(self.statements) + ";"


@st.composite
def _names(draw: Draw, server: Server, place: Place, count: int, plain: str) -> list[str]:
    """Draw different names; every second table has only plain ones."""
    usual = [f"{plain}{number}" for number in range(count)]
    if draw(st.booleans()):
        return usual
    odd = st.sampled_from((*names_of(place, server.flavour), *usual))
    return draw(st.lists(odd, min_size=count, max_size=count, unique_by=str.casefold))


@st.composite
def _column(draw: Draw, server: Server, name: str, *, can_hide: bool) -> Column:
    kind = draw(kinds(server))
    is_nullable = draw(st.booleans())
    words = [quote(name), kind.sql]
    # MySQL wants the attribute of a shape behind NOT NULL, MariaDB before it; both take this.
    words.append("NULL" if is_nullable else "NOT NULL")
    default = draw(st.sampled_from(("", kind.default, "NULL" if is_nullable else "")))
    if default:
        words.append(f"DEFAULT {default}")
    words.append(draw(_column_words(can_hide=can_hide and bool(default))))
    return Column(name, kind, " ".join(filter(None, words)), is_nullable)


@st.composite
def _column_words(draw: Draw, *, can_hide: bool) -> str:
    is_hidden = can_hide and draw(st.integers(0, 4)) == 4
    comment = draw(st.sampled_from(("", "", *_ODD_TEXTS)))
    words = ["INVISIBLE"] if is_hidden else []
    return " ".join(words + ([f"COMMENT '{comment}'"] if comment else []))


@st.composite
def _generated(draw: Draw, server: Server, name: str, base: Column) -> Column:
    expression = draw(st.sampled_from(base.kind.derived)).format(c=base.own)
    form = draw(st.sampled_from(("VIRTUAL", "STORED")))
    type_sql = draw(st.sampled_from(("VARCHAR(200)", "TEXT")))
    sql = f"{quote(name)} {type_sql} GENERATED ALWAYS AS ({expression}) {form}"
    kind = Kind(type_sql, st.nothing(), key="{c}(20)", charset="inherited")
    return Column(name, kind, sql, is_generated=True)


@st.composite
def _columns(draw: Draw, server: Server) -> list[Column]:
    count = draw(st.integers(1, _MOST_COLUMNS))
    names = draw(_names(server, Place.COLUMN, count + 1, "c"))
    columns = [
        draw(_column(server, name, can_hide=number > 0))
        for number, name in enumerate(names[:count])
    ]
    if draw(st.integers(0, 3)) == 3:
        columns.append(draw(_generated(server, names[count], draw(st.sampled_from(columns)))))
    return columns


@st.composite
def _parts_of_key(draw: Draw, columns: Sequence[Column], *, is_primary: bool = False) -> str:
    """Draw the columns of a key; empty if none can be part of it."""
    able = [
        one.part
        for one in columns
        if one.part and not (is_primary and (one.is_nullable or one.is_generated))
    ]
    if not able:
        return ""
    parts = draw(st.lists(st.sampled_from(able), min_size=1, max_size=2, unique=True))
    orders = st.sampled_from(("", "", " DESC", " ASC"))
    return ", ".join(part + draw(orders) for part in parts)


@st.composite
def _key(
    draw: Draw, server: Server, name: str, columns: Sequence[Column], *, is_split: bool
) -> str:
    own = quote(name)
    shapes = [one.own for one in columns if one.kind.is_shape and not one.is_nullable]
    if shapes and not is_split and draw(st.booleans()):
        return f"SPATIAL KEY {own} ({draw(st.sampled_from(shapes))})"
    searched = [
        one.own
        for one in columns
        if one.kind.charset and one.kind.charset not in WIDE | {"binary"} and not one.is_generated
    ]
    if searched and not is_split and draw(st.integers(0, 4)) == 4:
        return f"FULLTEXT KEY {own} ({draw(st.sampled_from(searched))})"
    parts = draw(_parts_of_key(columns))
    if not parts:
        return ""
    first = draw(st.sampled_from(("KEY", "KEY", "KEY" if is_split else "UNIQUE KEY")))
    hidden = " INVISIBLE" if server.is_mysql else " IGNORED"
    last = draw(st.sampled_from(("", "", hidden, f" COMMENT '{_ODD_TEXTS[0]}'", " USING BTREE")))
    able = [one for one in columns if one.part and one.name != _COUNTER]
    if server.is_mysql and able and draw(st.integers(0, 4)) == 4:
        column = draw(st.sampled_from(able))
        parts = f"({column.kind.derived[0].format(c=column.own)})"
    return f"{first} {own} ({parts}){last}"


@st.composite
def _partitions(draw: Draw, server: Server) -> str:
    """Draw how a table is split by its column ``_part``."""
    names = [quote(name) for name in draw(_names(server, Place.PARTITION, 3, "p"))]
    ranges = (
        f" (PARTITION {names[0]} VALUES LESS THAN (0), PARTITION {names[1]} VALUES LESS THAN (50)"
        f" COMMENT 'it''s', PARTITION {names[2]} VALUES LESS THAN (MAXVALUE))"
    )
    lists = (
        f" (PARTITION {names[0]} VALUES IN (0, 1, NULL), PARTITION {names[1]} VALUES IN (-1, 7))"
    )
    columns = f"COLUMNS ({_PARTS})"
    return draw(
        st.sampled_from(
            (
                f" PARTITION BY HASH ({_PARTS}) PARTITIONS 3",
                f" PARTITION BY LINEAR HASH ({_PARTS} MOD 7) PARTITIONS 2",
                f" PARTITION BY KEY ({_PARTS}) PARTITIONS 3",
                f" PARTITION BY LINEAR KEY ({_PARTS}) PARTITIONS 2",
                f" PARTITION BY RANGE ({_PARTS}){ranges}",
                f" PARTITION BY RANGE {columns}{ranges}",
                f" PARTITION BY LIST ({_PARTS}){lists}",
                f" PARTITION BY LIST {columns}{lists}",
                f" PARTITION BY RANGE ({_PARTS}) SUBPARTITION BY HASH ({_PARTS}) SUBPARTITIONS 2"
                f"{ranges}",
                f" PARTITION BY LIST ({_PARTS}) SUBPARTITION BY KEY ({_PARTS}) SUBPARTITIONS 2"
                f"{lists}",
            )
        )
    )


@st.composite
def _options(draw: Draw, server: Server) -> str:
    charset, collation = draw(st.sampled_from((("", ""), *server.collations)))
    words = f" CHARACTER SET {charset} COLLATE {collation}" if charset else ""
    rows = ("", "", " ROW_FORMAT=REDUNDANT", " ROW_FORMAT=COMPACT", " ROW_FORMAT=COMPRESSED")
    others = ("", "", " AUTO_INCREMENT=4711", " MIN_ROWS=3 MAX_ROWS=99", " STATS_PERSISTENT=0")
    comment = draw(st.sampled_from(("", *_ODD_TEXTS)))
    return (
        words
        + draw(st.sampled_from(rows))
        + draw(st.sampled_from(others))
        + (f" COMMENT='{comment}'" if comment else "")
    )


@st.composite
def _row(draw: Draw, columns: Iterable[Column]) -> str:
    return ", ".join(draw(_value(column)) for column in columns)


@st.composite
def _value(draw: Draw, column: Column) -> str:
    if column.is_nullable and draw(st.integers(0, 4)) == 4:
        return "NULL"
    return draw(column.kind.literals)


_SPLITTER = Column(
    _PARTS,
    Kind("INT", st.sampled_from(("0", "1", "-1", "7", "50", "2147483647"))),
    f"{quote(_PARTS)} INT NOT NULL",
    is_nullable=False,
)


@st.composite
def _primary(draw: Draw, columns: list[Column], *, is_split: bool) -> tuple[str, list[Column]]:
    """Draw the primary key: a counter, some columns, or none; with the columns it adds."""
    kind = draw(st.sampled_from(("counter", "columns", "none")))
    if is_split:
        others = [one for one in columns if one.name != _PARTS]
        parts = draw(_parts_of_key(others, is_primary=True)) if kind == "columns" else ""
        parts = ", ".join(filter(None, (parts, quote(_PARTS))))
        return ("" if kind == "none" else f"PRIMARY KEY ({parts})"), []
    if kind == "counter":
        sign = draw(st.sampled_from(("", " UNSIGNED")))
        sql = f"{quote(_COUNTER)} BIGINT{sign} NOT NULL AUTO_INCREMENT PRIMARY KEY"
        values = st.sampled_from(("NULL", "0", "-5", "1000"))
        return "", [Column(_COUNTER, Kind("BIGINT", values), sql, is_nullable=False)]
    parts = draw(_parts_of_key(columns, is_primary=True)) if kind == "columns" else ""
    return (f"PRIMARY KEY ({parts})" if parts else ""), []


@st.composite
def tables(draw: Draw, server: Server) -> RandomTable:
    """Draw one table with its rows for a server."""
    columns = draw(_columns(server))
    is_split = draw(st.integers(0, 5)) == 5
    if is_split:
        columns = [_SPLITTER, *(one for one in columns if not one.kind.is_shape)]
        sources = {one.own for one in columns}
        columns = [one for one in columns if not one.is_generated or _has_source(one, sources)]
    primary, more = draw(_primary(columns, is_split=is_split))
    columns = [*more, *columns]
    keys = draw(_keys(server, columns, is_split=is_split))
    checks = draw(_checks(server, columns))
    parts = [*(one.sql for one in columns), primary, *keys, *checks]
    (name,) = draw(_names(server, Place.TABLE, 1, "t"))
    create = f"CREATE TABLE {quote(name)} (" + ", ".join(filter(None, parts)) + ")"
    create += draw(_options(server)) + (draw(_partitions(server)) if is_split else "")
    return RandomTable((draw(_database(server)), create, *draw(_inserts(name, columns))))


def _has_source(column: Column, sources: set[str]) -> bool:
    return any(own in column.sql.partition(" ")[2] for own in sources - {column.own})


@st.composite
def _database(draw: Draw, server: Server) -> str:
    charset, collation = draw(st.sampled_from((("utf8mb4", "utf8mb4_bin"), *server.collations)))
    return f"ALTER DATABASE `{{S}}` CHARACTER SET {charset} COLLATE {collation}"


@st.composite
def _keys(draw: Draw, server: Server, columns: Sequence[Column], *, is_split: bool) -> list[str]:
    count = draw(st.integers(0, _MOST_KEYS))
    names = draw(_names(server, Place.INDEX, count, "k"))
    return [draw(_key(server, name, columns, is_split=is_split)) for name in names]


@st.composite
def _checks(draw: Draw, server: Server, columns: Sequence[Column]) -> list[str]:
    if draw(st.integers(0, 4)) < 4:
        return []
    column = draw(st.sampled_from([one for one in columns if one.name != _COUNTER]))
    (name,) = draw(_names(server, Place.CHECK, 1, "check"))
    tests = ("{c} IS NOT NULL OR TRUE", "LENGTH({c}) <> 7 OR {c} IS NULL")
    test = tests[0] if column.kind.is_shape else draw(st.sampled_from(tests))
    return [f"CONSTRAINT {quote(name)} CHECK ({test.format(c=column.own)})"]


@st.composite
def _inserts(draw: Draw, name: str, columns: Sequence[Column]) -> list[str]:
    """Draw rows, some of them twice; the server skips those that a key or a check refuses."""
    own = [column for column in columns if not column.is_generated]
    listed = ", ".join(column.own for column in own)
    count = draw(st.integers(0, _MOST_ROWS))
    rows = draw(st.lists(_row(own), min_size=count, max_size=count))
    rows += rows[: draw(st.integers(0, 1))]
    return [f"INSERT IGNORE INTO {quote(name)} ({listed}) VALUES ({row})" for row in rows]
