"""D11 to D19: date and time."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from tests.exactness.case import MARIADB, MYSQL, Case, Rendering, insert
from tests.support.servers import Flavour

_ZERO = "'0000-00-00'"
_FRACTIONS = tuple(range(7))


def _default_of_another_zone(name: str, *renderings: Rendering, on: frozenset[Flavour]) -> Case:
    """Lay a default whose text means another moment in the zone of whoever restores it."""
    return Case(
        "D13",
        f"default_of_another_zone_in_{name}",
        (
            "SET time_zone = '+05:30'",
            "CREATE TABLE t (id INT PRIMARY KEY, ts TIMESTAMP NOT NULL"
            " DEFAULT '2001-01-01 00:00:00')",
            "INSERT INTO t (id) VALUES (1)",
        ),
        probes=("INSERT INTO t (id) VALUES (2)", "SELECT ts FROM t ORDER BY id"),
        on=on,
        renderings=renderings,
    )


CASES = (
    Case(
        "D11",
        "zero_dates",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE, dt DATETIME(6), ts TIMESTAMP NULL)",
            insert("t", ["'0000-00-00', '0000-00-00', 0", "'2024-00-15', '2024-00-15 01:02:03', 0"])
            + ", (3, '2024-05-00', '0000-01-01 00:00:00.000001', NULL)"
            ", (4, '0000-00-01', '2024-00-00 23:59:59.999999', NULL)",
        ),
        holds=(("SELECT CONCAT(d) FROM t WHERE id < 3", "0000-00-00;2024-00-15"),),
    ),
    Case(
        "D11",
        "zero_defaults",
        (
            f"CREATE TABLE t (id INT PRIMARY KEY, d DATE NOT NULL DEFAULT {_ZERO},"
            f" dt DATETIME NOT NULL DEFAULT {_ZERO}, ts TIMESTAMP NOT NULL DEFAULT {_ZERO})",
            "INSERT INTO t (id) VALUES (1)",
        ),
    ),
    Case(
        "D11",
        "zero_date_keys",
        (
            "CREATE TABLE t (d DATE PRIMARY KEY, dt DATETIME NOT NULL UNIQUE)",
            f"INSERT INTO t VALUES ({_ZERO}, {_ZERO}), ('2024-00-15', '2024-00-15'),"
            " ('2024-00-16', '9999-12-31 23:59:59')",
        ),
    ),
    Case(
        "D11",
        "zero_partial_default",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE DEFAULT '2024-00-15')",
            "INSERT INTO t (id) VALUES (1)",
        ),
    ),
    Case(
        "D12",
        "days_that_no_month_has",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE, dt DATETIME(3))",
            insert("t", ["'2023-02-31', '2023-02-31 12:00:00.123'", "'2023-11-31', '2024-02-30'"]),
        ),
        mode="ALLOW_INVALID_DATES",
        holds=(("SELECT CONCAT(d) FROM t", "2023-02-31;2023-11-31"),),
    ),
    Case(
        "D12",
        "invalid_date_default",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DATE NOT NULL DEFAULT '2023-02-31')",
            "INSERT INTO t (id) VALUES (1)",
        ),
        mode="ALLOW_INVALID_DATES",
    ),
    Case(
        "D12",
        "invalid_date_as_key",
        (
            "CREATE TABLE t (d DATE PRIMARY KEY)",
            "INSERT INTO t VALUES ('2023-02-28'), ('2023-02-30'), ('2023-02-31'), ('2023-03-01')",
        ),
        mode="ALLOW_INVALID_DATES",
    ),
    Case(
        "D13",
        "autumn_hour",
        (
            "CREATE TABLE t (ts TIMESTAMP NOT NULL PRIMARY KEY)",
            "INSERT INTO t VALUES ('2023-10-29 00:30:00'), ('2023-10-29 01:30:00'),"
            " ('2023-10-29 02:30:00')",
        ),
        probes=("SELECT UNIX_TIMESTAMP(ts) FROM t ORDER BY ts",),
    ),
    Case(
        "D13",
        "spring_hour",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, ts TIMESTAMP NULL, dt DATETIME)",
            insert("t", ["'2023-03-26 01:30:00', '2023-03-26 02:30:00'", "NULL, NULL"]),
        ),
        probes=("SELECT UNIX_TIMESTAMP(ts) FROM t ORDER BY id",),
    ),
    _default_of_another_zone("mariadb", on=MARIADB),
    # MySQL's catalogue tells the default in the zone of its creator.
    _default_of_another_zone(
        "mysql", Rendering("t", "columns", b"2001-01-01 00:00:00", b"2000-12-31 18:30:00"), on=MYSQL
    ),
    Case(
        "D13",
        "partitions_by_timestamp",
        (
            "CREATE TABLE t (id INT, ts TIMESTAMP NOT NULL) PARTITION BY RANGE (UNIX_TIMESTAMP(ts))"
            " (PARTITION a VALUES LESS THAN (UNIX_TIMESTAMP('2023-10-29 01:00:00')),"
            " PARTITION b VALUES LESS THAN MAXVALUE)",
            insert("t", ["'2023-10-29 00:30:00'", "'2023-10-29 01:30:00'"]),
        ),
        probes=("SELECT id FROM t PARTITION (a)", "SELECT id FROM t PARTITION (b)"),
    ),
    Case(
        "D14",
        "timestamp_edges",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, ts TIMESTAMP(6) NULL)",
            insert("t", ["0", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'", "NULL"]),
        ),
        holds=(
            ("SELECT UNIX_TIMESTAMP(ts) FROM t WHERE id = 2", "1.000000"),
            ("SELECT CONCAT(ts) FROM t WHERE id = 3", "2038-01-19 03:14:07.999999"),
        ),
    ),
    Case(
        "D14",
        "timestamp_as_key",
        (
            "CREATE TABLE t (ts TIMESTAMP(3) NOT NULL DEFAULT 0, n INT, PRIMARY KEY (ts, n))",
            "INSERT INTO t VALUES (0, 1), ('1970-01-01 00:00:01', 1), ('2038-01-19 03:14:07.999', 2)",
        ),
    ),
    Case(
        "D15",
        "timestamp_after_2038",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, ts TIMESTAMP(6) NULL)",
            insert("t", ["'2038-01-19 03:14:08'", "'2106-02-07 06:28:15.999999'"]),
        ),
        holds=(("SELECT CONCAT(ts) FROM t WHERE id = 2", "2106-02-07 06:28:15.999999"),),
        on=MARIADB,
        needs=("timestamp_after_2038",),
    ),
    Case(
        "D15",
        "rows_that_are_current",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
            insert("t", ["1", "2"]),
        ),
        probes=(
            "SELECT id, row_start, row_end FROM t FOR SYSTEM_TIME ALL ORDER BY id",
            "SELECT id FROM t ORDER BY id",
            "UPDATE t SET v = 9 WHERE id = 1",
            "SELECT COUNT(*) FROM t FOR SYSTEM_TIME ALL",
        ),
        refused="its history cannot be written back",
        refused_without="history",
        on=MARIADB,
    ),
    Case(
        "D16",
        "time_edges",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a TIME(6), b TIME)",
            insert("t", ["'838:59:59.999999', '838:59:59'", "'-838:59:59', '-838:59:59'"])
            + ", (3, '25:00:00', '-00:00:01'), (4, '-00:00:00.000001', '00:00:00'), (5, NULL, NULL)",
        ),
    ),
    Case(
        "D16",
        "time_as_key",
        (
            "CREATE TABLE t (a TIME(3), PRIMARY KEY (a))",
            "INSERT INTO t VALUES ('-838:59:59'), ('-00:00:00.001'), ('0:0:0'), ('100:00:00.5')",
        ),
    ),
    Case(
        "D17",
        "year_edges",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, y YEAR, z YEAR NOT NULL DEFAULT 0)",
            insert("t", ["0000, 0", "1901, 1901", "2155, 2155", "2000, 2000", "NULL, 1970"]),
        ),
        holds=(("SELECT y + 0 FROM t WHERE id < 5", "0;1901;2155;2000"),),
    ),
    Case(
        "D17",
        "year_as_key",
        (
            "CREATE TABLE t (y YEAR PRIMARY KEY) PARTITION BY HASH (y) PARTITIONS 3",
            "INSERT INTO t VALUES (0), (1901), (2000), (2155)",
        ),
    ),
    *(
        Case(
            "D18",
            f"fraction_{digits}",
            (
                f"CREATE TABLE t (id INT PRIMARY KEY, a DATETIME({digits}), b TIME({digits}),"
                f" c TIMESTAMP({digits}) NULL DEFAULT CURRENT_TIMESTAMP({digits}))",
                insert(
                    "t",
                    [
                        f"'9999-12-31 23:59:59.{'9' * digits}', '23:59:59.{'9' * digits}',"
                        f" '2037-12-31 23:59:59.{'9' * digits}'",
                        "'0001-01-01 00:00:00', '00:00:00.5', '1970-01-02 00:00:00.123456'",
                    ],
                ),
            ),
        )
        for digits in _FRACTIONS
    ),
    Case(
        "D18",
        "early_years",
        (
            "CREATE TABLE t (d DATE PRIMARY KEY, dt DATETIME)",
            "INSERT INTO t VALUES ('0001-01-01', '0001-01-01 00:00:00'),"
            " ('0099-12-31', '0999-12-31 23:59:59'), ('1582-10-10', '1000-01-01')",
        ),
    ),
    Case(
        "D19",
        "on_update",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT,"
            " a TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,"
            " b DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))",
            "INSERT INTO t VALUES (1, 1, '2001-02-03 04:05:06', '2001-02-03 04:05:06.000007'),"
            " (2, 2, '1999-01-01 00:00:00', NULL)",
        ),
        holds=(("SELECT a FROM t WHERE id = 2", "1999-01-01 00:00:00"),),
    ),
    Case(
        "D19",
        "on_update_without_default",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT,"
            " a TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP, b TIMESTAMP NULL)",
            "INSERT INTO t VALUES (1, 1, NULL, NULL), (2, 1, '2000-01-01', '2000-01-01')",
        ),
    ),
    Case(
        "D19",
        "implicit_timestamp",
        (
            "SET SESSION explicit_defaults_for_timestamp = 0",
            "CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP)",
            "INSERT INTO t VALUES (1, '2000-01-01', 0)",
        ),
        on=MARIADB,
    ),
)
