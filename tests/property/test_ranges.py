"""Cut real tables into many ranges and prove that they cover it once, on every server."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from shardvault.dump import ranges
from shardvault.dump.ranges import Border, plan_borders
from shardvault.model.schema import Table
from shardvault.mysql.session import Session
from tests.integration.copying import fresh_schema, loading, read_contents, read_table, reading
from tests.support.servers import Instance

ROWS = 800
SCHEMA = "ranges"
Literal = Callable[[random.Random, int], str]


def integers(low: int, high: int) -> Literal:
    return lambda source, _: str(source.choice((low, high, source.randint(low, high))))


def words(alphabet: str, prefix: str = "") -> Literal:
    def write(source: random.Random, number: int) -> str:
        text = prefix + "".join(source.choices(alphabet, k=source.randrange(0, 9))) + str(number)
        return f"_utf8mb4 X'{text.encode().hex()}'"

    return write


def raw_bytes(source: random.Random, number: int) -> str:
    return f"X'{source.randbytes(source.randrange(1, 7)).hex()}{number:06x}'"


ASCII_WORDS = words("abcxyzABCXYZ019 _-~![`{")
ACCENTED = words("aàäbcçdDßoöüzøžñ€あ漢😀Z9 ")
LATIN1 = words("aàäbcçdDßoöüzøñ Z9~")
KEYS: dict[str, tuple[str, Literal]] = {
    "tinyint": ("TINYINT", integers(-128, 127)),
    "smallint_unsigned": ("SMALLINT UNSIGNED", integers(0, 65535)),
    "mediumint": ("MEDIUMINT", integers(-8388608, 8388607)),
    "int": ("INT", integers(-(2**31), 2**31 - 1)),
    "int_dense": ("INT UNSIGNED", lambda _, number: str(number)),
    "bigint": ("BIGINT", integers(-(2**63), 2**63 - 1)),
    "bigint_unsigned": ("BIGINT UNSIGNED", integers(0, 2**64 - 1)),
    "decimal": ("DECIMAL(30,10)", lambda source, _: f"{source.randint(-(10**19), 10**19)}e-10"),
    "decimal_between_zero_and_one": (
        "DECIMAL(12,10)",
        lambda source, _: f"{source.randint(-(10**10), 10**10)}e-10",
    ),
    "date": ("DATE", lambda source, _: f"FROM_DAYS({source.randint(366, 3652424)})"),
    "year": ("YEAR", integers(1901, 2155)),
    "year_or_none": ("YEAR", lambda source, _: str(source.choice((0, source.randint(1901, 2155))))),
    "binary": ("BINARY(10)", raw_bytes),
    "varbinary": ("VARBINARY(10)", raw_bytes),
    "general_ci": ("VARCHAR(40) COLLATE utf8mb4_general_ci", ACCENTED),
    "general_ci_char": ("CHAR(40) COLLATE utf8mb4_general_ci", ASCII_WORDS),
    "unicode_ci": ("VARCHAR(40) COLLATE utf8mb4_unicode_ci", ACCENTED),
    "utf8mb4_bin": ("VARCHAR(40) COLLATE utf8mb4_bin", ACCENTED),
    "swedish_ci": ("VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci", LATIN1),
    "latin1_bin": ("VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_bin", LATIN1),
    "czech_ci": ("VARCHAR(40) COLLATE utf8mb4_czech_ci", words("abchCHčzž19 ")),
    "utf16": ("VARCHAR(40) CHARACTER SET utf16 COLLATE utf16_general_ci", ACCENTED),
    "common_prefix_cut_in_a_character": (
        "VARCHAR(60) COLLATE utf8mb4_general_ci",
        words("àäéê", prefix="Straße "),
    ),
    "hex_digits": (
        "CHAR(36) COLLATE utf8mb4_general_ci",
        lambda source, _: f"'{source.randbytes(16).hex()}'",
    ),
}
MARIADB_118_KEYS = {"uca1400": ("VARCHAR(40) COLLATE utf8mb4_uca1400_ai_ci", ACCENTED)}
MYSQL_KEYS = {
    "0900_ai_ci": ("VARCHAR(40) COLLATE utf8mb4_0900_ai_ci", ACCENTED),
    "0900_as_cs": ("VARCHAR(40) COLLATE utf8mb4_0900_as_cs", ACCENTED),
}
MANY_RANGES = frozenset(KEYS | MARIADB_118_KEYS | MYSQL_KEYS) - {
    *("tinyint", "year", "year_or_none", "czech_ci"),
}


def fill(instance: Instance, definition: str, rows: list[str]) -> None:
    fresh_schema(instance, SCHEMA, f"CREATE TABLE t ({definition}) DEFAULT CHARSET utf8mb4")
    add_rows(instance, rows)


def add_rows(instance: Instance, rows: list[str]) -> None:
    with loading(instance) as session:
        session.execute(f"USE {SCHEMA}")
        session.execute("INSERT IGNORE INTO t VALUES " + ",".join(f"({row})" for row in rows))
        session.rows("ANALYZE TABLE t")


@contextmanager
def open_table(instance: Instance) -> Iterator[tuple[Session, Table]]:
    """Open a session and read the table; its size is made up so that it is worth cutting."""
    with reading(instance) as session:
        table = read_table(session, SCHEMA, "t")
        rows = int(session.value(f"SELECT COUNT(*) FROM {SCHEMA}.t") or 0)
        yield session, replace(table, data_bytes=100 * rows, row_estimate=rows)


def cut(session: Session, table: Table, previous: tuple[Border, ...] = ()) -> tuple[Border, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "RANGE_BYTES", 2000)
        return plan_borders(session, table, previous)


def assert_covered(session: Session, table: Table, borders: tuple[Border, ...]) -> list[int]:
    """Read whole and by ranges; a row missed, or read twice, changes rows and hash."""
    whole = read_contents(session, table)
    parts = read_contents(session, table, borders)
    assert len(parts.per_range) == len(borders) + 1
    assert whole.rows > 100
    assert (parts.rows, parts.content_hash) == (whole.rows, whole.content_hash)
    return list(parts.per_range)


def check_key(instance: Instance, name: str, key: tuple[str, Literal]) -> None:
    column_type, literal = key
    source = random.Random(name)
    rows = [f"{literal(source, number)}, {number}" for number in range(ROWS)]
    fill(instance, f"k {column_type} NOT NULL PRIMARY KEY, v INT", rows)
    with open_table(instance) as (session, table):
        per_range = assert_covered(session, table, cut(session, table))
    if name in MANY_RANGES:
        assert len(per_range) > 8
        assert max(per_range) < ROWS * 0.6  # characters that are not ASCII lie in the last


@pytest.mark.parametrize("name", KEYS)
def test_ranges_cover_a_table_once_on_mariadb_1011(mariadb: Instance, name: str) -> None:
    check_key(mariadb, name, KEYS[name])


@pytest.mark.parametrize("name", KEYS | MARIADB_118_KEYS)
def test_ranges_cover_a_table_once_on_mariadb_118(mariadb118: Instance, name: str) -> None:
    check_key(mariadb118, name, (KEYS | MARIADB_118_KEYS)[name])


@pytest.mark.parametrize("name", KEYS | MYSQL_KEYS)
def test_ranges_cover_a_table_once_on_mysql(mysql: Instance, name: str) -> None:
    check_key(mysql, name, (KEYS | MYSQL_KEYS)[name])


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


def test_a_composite_key_is_cut_within_its_first_column(instance: Instance) -> None:
    rows = [f"{number % 2}, 'w{number % 3}', {number}" for number in range(ROWS)]
    key = "a INT, b VARCHAR(10) COLLATE utf8mb4_general_ci, c BIGINT"
    fill(instance, f"{key}, PRIMARY KEY (a, b, c)", rows)
    with open_table(instance) as (session, table):
        borders = cut(session, table)
        per_range = assert_covered(session, table, borders)
    assert {len(border) for border in borders} >= {1, 2}
    assert max(per_range) <= ROWS / 2


def test_a_unique_key_without_nulls_serves_where_there_is_no_primary_key(
    instance: Instance,
) -> None:
    rows = [f"{number * 7}, {number}" for number in range(ROWS)]
    fill(instance, "k INT NOT NULL, v INT, UNIQUE KEY by_k (k), KEY (v)", rows)
    with open_table(instance) as (session, table):
        assert (table.key_name, table.key) == ("by_k", ("k",))
        assert len(assert_covered(session, table, cut(session, table))) > 8


def test_a_unique_key_that_allows_null_is_not_cut_by(instance: Instance) -> None:
    rows = [f"{number if number % 2 else 'NULL'}, 1" for number in range(ROWS)]
    fill(instance, "k INT, v INT, UNIQUE KEY (k)", rows)
    with open_table(instance) as (session, table):
        assert cut(session, table) == ()
        assert_covered(session, table, ())


def test_a_unique_key_over_a_prefix_is_not_cut_by(instance: Instance) -> None:
    rows = [f"'{number:06}', 1" for number in range(ROWS)]
    fill(instance, "k VARCHAR(20) NOT NULL, v INT, UNIQUE KEY (k(8))", rows)
    with open_table(instance) as (session, table):
        assert cut(session, table) == ()


def test_a_hidden_unique_key_is_not_cut_by(instance: Instance) -> None:
    hidden = "INVISIBLE" if "mysql" in instance.flavour.value else "IGNORED"
    rows = [f"{number}, {number}" for number in range(ROWS)]
    fill(
        instance,
        f"k INT NOT NULL, j INT NOT NULL, UNIQUE KEY z (k), UNIQUE KEY a (j) {hidden}",
        rows,
    )
    with open_table(instance) as (session, table):
        assert table.key_name == "z"
        assert_covered(session, table, cut(session, table))


def test_a_table_without_a_key_is_one_range_and_keeps_equal_rows(instance: Instance) -> None:
    fill(instance, "v INT", ["1"] * 300 + ["NULL"] * 10)
    with open_table(instance) as (session, table):
        assert cut(session, table) == ()
        assert assert_covered(session, table, ()) == [310]


def test_an_empty_table_is_one_range(instance: Instance) -> None:
    fresh_schema(instance, SCHEMA, "CREATE TABLE t (k INT PRIMARY KEY)")
    with open_table(instance) as (session, table):
        big = replace(table, data_bytes=1 << 40, row_estimate=1 << 30)
        assert cut(session, big) == ()
        assert read_contents(session, big).rows == 0


def test_a_small_table_is_one_range(instance: Instance) -> None:
    fill(instance, "k INT PRIMARY KEY", [str(number) for number in range(ROWS)])
    with open_table(instance) as (session, table):
        assert plan_borders(session, table, None) == ()


def test_borders_of_an_earlier_plan_stay_and_a_grown_table_gets_more_at_its_end(
    instance: Instance,
) -> None:
    fill(instance, "k INT PRIMARY KEY, v INT", [f"{number}, 1" for number in range(ROWS)])
    with open_table(instance) as (session, table):
        first = cut(session, table)
    add_rows(instance, [f"{number}, 1" for number in range(ROWS, 2 * ROWS)])
    with open_table(instance) as (session, table):
        second = cut(session, table, first)
        assert second[: len(first)] == first
        assert len(second) >= len(first) + 8
        assert_covered(session, table, second)


def test_borders_of_an_earlier_composite_plan_stay(instance: Instance) -> None:
    rows = [f"{number // 400}, {number}" for number in range(ROWS)]
    fill(instance, "a INT, b INT, PRIMARY KEY (a, b)", rows)
    with open_table(instance) as (session, table):
        first = cut(session, table)
    add_rows(instance, [f"{number // 400}, {number}" for number in range(ROWS, 2 * ROWS)])
    with open_table(instance) as (session, table):
        second = cut(session, table, first)
        assert second[: len(first)] == first
        assert len(second) > len(first)
        assert_covered(session, table, second)


def test_borders_that_do_not_ascend_are_left_out(instance: Instance) -> None:
    fill(instance, "k INT PRIMARY KEY", [str(number) for number in range(ROWS)])
    with open_table(instance) as (session, table):
        small = replace(table, data_bytes=1)
        borders = plan_borders(session, small, [("5",), ("5",), ("4",), ("9",), ("7",)])
        assert borders == (("5",), ("9",))
        assert_covered(session, small, borders)
    # The negative control: without the proof rows would be read twice.
    with open_table(instance) as (session, table):
        whole = read_contents(session, table)
        assert read_contents(session, table, [("9",), ("4",)]).rows != whole.rows
