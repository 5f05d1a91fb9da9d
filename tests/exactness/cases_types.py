"""D32 to D41: JSON, geometry, types of one family, computed values, sequences, history."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from tests.exactness.case import MARIADB, MYSQL, Case, insert

_JSON = (
    "1.0", "1", "1e0", '"x"', "null", "true", "[]", "{}", "18446744073709551615", "-0.0", "1e300",
    "0.1", "3.14159265358979323846", '{"b": 1, "a": 2, "aa": 3}', '"\\\\u0000"', '"é😀"',
    '"\\\\ud83d\\\\ude00"', '[1, [2, [3, [4]]]]', '"quote \\\\" and \\\\\\\\"', '{"": 1}', '"/"',
)  # fmt: skip
_SHAPES = (
    "ST_GeomFromText('POINT(1e300 -1e-300)')",
    "ST_GeomFromText('POINT(0.1 0.30000000000000004)', 4326)",
    "ST_GeomFromText('LINESTRING(0 0, 1 1.5, 2 2)', 3857)",
    "ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0),(1 1,2 1,2 2,1 1))')",
    "ST_GeomFromText('MULTIPOINT(1 1,2 2)')",
    "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))')",
    "ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))')",
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')",
    "ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')",
    "NULL",
)
_VERSIONED = "CREATE TABLE t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING"
_CHANGES = (
    "SET timestamp = 1600000000.123456",
    "INSERT INTO t VALUES (1, 10), (2, 20)",
    "SET timestamp = 1600000100",
    "UPDATE t SET v = 11 WHERE id = 1",
    "SET timestamp = 1600000200",
    "DELETE FROM t WHERE id = 2",
    "SET timestamp = 1600000300",
    "UPDATE t SET v = 12",
)
_HISTORY = (
    "SELECT id, v, row_start, row_end FROM t FOR SYSTEM_TIME ALL ORDER BY row_start, row_end, id",
    "SELECT id, v FROM t FOR SYSTEM_TIME AS OF TIMESTAMP '2020-09-13 12:27:30'",
    "SELECT id, v FROM t",
)


def _sequence(name: str, options: str, *more: str, **rest: object) -> Case:
    """Lay a sequence; ask for its next values."""
    return Case(
        "D39",
        name,
        (f"CREATE SEQUENCE s {options}", *more),
        probes=("SELECT * FROM s", "SELECT NEXTVAL(s)", "SELECT NEXTVAL(s)", "SELECT * FROM s"),
        on=MARIADB,
        **rest,  # type: ignore[arg-type]
    )


def _history(name: str, *statements: str, probes: tuple[str, ...] = _HISTORY) -> Case:
    return Case(
        "D40",
        name,
        statements,
        probes,
        refused="its history cannot be written back",
        refused_without="history",
        on=MARIADB,
    )


CASES = (
    Case(
        "D32",
        "json_values",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert("t", [*(f"'{one}'" for one in _JSON), "NULL"]),
        ),
        probes=("SELECT JSON_TYPE(j), JSON_VALID(j), JSON_EXTRACT(j, '$') FROM t ORDER BY id",),
    ),
    Case(
        "D32",
        "json_as_text",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert("t", ['\'{"a": 1,   "a": 2}\'', "'  [1 ,2]  '", "'1.0'", "'1.50e+01'"]),
        ),
        holds=(("SELECT j FROM t WHERE id = 1", '{"a": 1,   "a": 2}'),),
        on=MARIADB,
    ),
    Case(
        "D32",
        "json_that_is_not_valid",
        (
            "SET check_constraint_checks = 0",
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert("t", ["'nonsense'", "''"]),
        ),
        on=MARIADB,
    ),
    Case(
        "D32",
        "json_binary_types",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert(
                "t",
                [
                    "CAST(1.0 AS JSON)",
                    "CAST(1 AS JSON)",
                    "CAST(1e0 AS JSON)",
                    "CAST(CAST(1.50 AS DECIMAL(10,2)) AS JSON)",
                    "CAST(-0e0 AS JSON)",
                    "JSON_OBJECT('d', CAST(18446744073709551615 AS UNSIGNED))",
                    "JSON_ARRAY(1, 1.0, '1')",
                ],
            ),
        ),
        probes=(
            "SELECT JSON_TYPE(j), JSON_TYPE(j->'$[1]'), JSON_TYPE(j->'$.d') FROM t ORDER BY id",
        ),
        on=MYSQL,
        refused="JSON column 'j' holds a DECIMAL, DATE",
    ),
    Case(
        "D32",
        "json_decimals",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert(
                "t",
                [
                    "JSON_OBJECT('a', CAST(1.50 AS DECIMAL(10,2)))",
                    "CAST(CAST(7 AS DECIMAL(5,0)) AS JSON)",
                ],
            ),
        ),
        probes=("SELECT j, JSON_TYPE(j), JSON_TYPE(j->'$.a') FROM t ORDER BY id",),
        on=MYSQL,
        refused="JSON column 'j' holds a DECIMAL, DATE",
    ),
    Case(
        "D32",
        "json_small_unsigned",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert("t", ["JSON_ARRAY(CAST(7 AS UNSIGNED))", "CAST(CAST(7 AS UNSIGNED) AS JSON)"]),
        ),
        probes=("SELECT JSON_TYPE(j), JSON_TYPE(j->'$[0]') FROM t ORDER BY id",),
        on=MYSQL,
        refused="JSON column 'j' holds a DECIMAL, DATE",
    ),
    Case(
        "D32",
        "json_decimal_that_reads_like_a_double",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert("t", ["JSON_ARRAY(CAST(1.5 AS DECIMAL(3,1)))"]),
        ),
        probes=("SELECT JSON_TYPE(j->'$[0]') FROM t",),
        on=MYSQL,
        refused="JSON column 'j' holds a DECIMAL, DATE",
    ),
    Case(
        "D32",
        "json_opaque_values",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON)",
            insert(
                "t",
                [
                    "CAST(CAST('2024-02-03' AS DATE) AS JSON)",
                    "CAST(CAST('12:13:14.5' AS TIME(1)) AS JSON)",
                    "CAST(CAST('2024-02-03 01:02:03' AS DATETIME) AS JSON)",
                    "JSON_OBJECT('b', X'00FF')",
                ],
            ),
        ),
        probes=("SELECT j, JSON_TYPE(j), JSON_TYPE(j->'$.b') FROM t ORDER BY id",),
        on=MYSQL,
        refused="JSON column 'j' holds a DECIMAL, DATE",
    ),
    Case(
        "D32",
        "json_order_of_keys",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, j JSON, KEY ((CAST(j->'$.n' AS SIGNED))))",
            insert("t", ['\'{"zz": 1, "a": 2, "b": {"y": 1, "x": 2}}\'', "'{\"n\": 7}'"]),
        ),
        on=MYSQL,
    ),
    Case(
        "D33",
        "shapes",
        ("CREATE TABLE t (id INT PRIMARY KEY, g GEOMETRY)", insert("t", _SHAPES)),
        probes=("SELECT id, ST_AsText(g), ST_SRID(g) FROM t ORDER BY id",),
        holds=(("SELECT ST_SRID(g) FROM t WHERE id = 2", "4326"),),
    ),
    Case(
        "D33",
        "column_of_each_shape",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a POINT, b LINESTRING, c POLYGON, d MULTIPOINT,"
            " e MULTILINESTRING, f MULTIPOLYGON, g GEOMETRYCOLLECTION)",
            f"INSERT INTO t VALUES (1, {_SHAPES[0]}, {', '.join(_SHAPES[2:8])})",
        ),
    ),
    Case(
        "D33",
        "axis_order",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, p POINT NOT NULL SRID 4326, q POINT NOT NULL SRID 0,"
            " SPATIAL KEY (p))",
            "INSERT INTO t VALUES (1, ST_GeomFromText('POINT(52 13)', 4326), POINT(1, 2)),"
            " (2, ST_GeomFromText('POINT(13 52)', 4326, 'axis-order=long-lat'), POINT(2, 1))",
        ),
        probes=("SELECT ST_Latitude(p), ST_Longitude(p) FROM t ORDER BY id",),
        on=MYSQL,
    ),
    Case(
        "D33",
        "spatial_reference_of_a_column",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, p POINT REF_SYSTEM_ID=4326 NOT NULL, SPATIAL KEY (p))",
            insert(
                "t",
                ["ST_GeomFromText('POINT(1 2)', 4326)", "ST_GeomFromText('POINT(1e-300 2)', 4326)"],
            ),
        ),
        on=MARIADB,
    ),
    Case(
        "D34",
        "uuid",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, u UUID, KEY (u))",
            insert(
                "t",
                [
                    "'123e4567-e89b-12d3-a456-426655440000'",
                    "'00000000-0000-0000-0000-000000000000'",
                    "NULL",
                ],
            )
            + ", (4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), (5, '00000000-0000-7000-8000-00000000005c')",
        ),
        on=MARIADB,
    ),
    Case(
        "D34",
        "uuid_as_key",
        (
            "CREATE TABLE t (u UUID PRIMARY KEY DEFAULT UUID())",
            "INSERT INTO t VALUES ('123e4567-e89b-12d3-a456-426655440000'),"
            " ('223e4567-e89b-12d3-a456-426655440000'), ('223e4567-e89b-42d3-a456-4266554400ff')",
        ),
        on=MARIADB,
    ),
    Case(
        "D34",
        "inet6",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INET6)",
            insert("t", ["'::'", "'::ffff:192.0.2.1'", "'2001:db8::5c27'", "NULL", "'ffff::ffff'"]),
        ),
        on=MARIADB,
    ),
    Case(
        "D34",
        "inet4",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INET4 DEFAULT '192.0.2.39')",
            insert("t", ["'0.0.0.0'", "'255.255.255.255'", "'92.39.92.0'", "NULL"]),
        ),
        on=MARIADB,
    ),
    Case(
        "D34",
        "inet_as_keys",
        (
            "CREATE TABLE t (a INET6, b INET4, PRIMARY KEY (a, b))",
            "INSERT INTO t VALUES ('::', '0.0.0.0'), ('::1', '10.0.0.1'), ('ff::', '10.0.0.2')",
        ),
        on=MARIADB,
    ),
    Case(
        "D35",
        "vector_of_mariadb",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VECTOR(3) NOT NULL, VECTOR INDEX (v))",
            insert("t", ["VEC_FromText('[1, 0.1, -2.5]')", "X'0000803F0000C0FF5C27FB00'"]),
        ),
        on=MARIADB,
    ),
    Case(
        "D35",
        "vector_without_index",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VECTOR(2))",
            insert("t", ["VEC_FromText('[3.4e38, 1.4e-45]')", "NULL"]),
        ),
        on=MARIADB,
    ),
    Case(
        "D35",
        "vector_of_mysql",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VECTOR(4), w VECTOR)",
            insert(
                "t",
                ["STRING_TO_VECTOR('[1, 0.1, -2.5]'), STRING_TO_VECTOR('[3.4e38]')", "NULL, NULL"],
            ),
        ),
        on=MYSQL,
    ),
    Case(
        "D36",
        "generated_columns",
        (
            "CREATE TABLE t (v INT AS (a + 1) VIRTUAL, a INT, s VARCHAR(20) AS (CONCAT(a, '!')) STORED,"
            " id INT PRIMARY KEY, j VARCHAR(20) AS (LOWER(x)) VIRTUAL, x VARCHAR(20), KEY (v), KEY (j))",
            "INSERT INTO t (a, id, x) VALUES (5, 1, 'ABC'), (NULL, 2, NULL), (-7, 3, '')",
        ),
    ),
    Case(
        "D36",
        "generated_primary_key",
        (
            "CREATE TABLE t (a INT, k INT AS (a * 2) STORED, PRIMARY KEY (k))",
            "INSERT INTO t (a) VALUES (1), (7), (-3)",
        ),
        on=MYSQL,
    ),
    Case(
        "D36",
        "generated_unique_key",
        (
            "CREATE TABLE t (a VARCHAR(20), k VARCHAR(20) AS (UPPER(a)) VIRTUAL, UNIQUE (k))",
            "INSERT INTO t (a) VALUES ('x'), ('y'), (NULL), (NULL)",
        ),
    ),
    Case(
        "D36",
        "generated_foreign_key",
        (
            "CREATE TABLE p (id INT PRIMARY KEY)",
            "CREATE TABLE t (a INT, k INT AS (a + 1) STORED, FOREIGN KEY (k) REFERENCES p (id))",
            "INSERT INTO p VALUES (2), (3)",
            "INSERT INTO t (a) VALUES (1), (2), (NULL)",
        ),
    ),
    Case(
        "D36",
        "generated_only",
        (
            "CREATE TABLE t (a INT AS (1 + 1) STORED, b INT AS (3) VIRTUAL)",
            "INSERT INTO t () VALUES (), ()",
        ),
        refused="only generated columns",
    ),
    Case(
        "D36",
        "generated_under_another_mode",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a CHAR(5), g VARCHAR(20) AS (CONCAT(a, '|')) STORED)",
            "INSERT INTO t (id, a) VALUES (1, 'x'), (2, '')",
        ),
        mode="PAD_CHAR_TO_FULL_LENGTH",
        on=MYSQL,
        reported=("t",),
        findings=("the target computes other values in g",),
    ),
    Case(
        "D36",
        "generated_partition_key",
        (
            "CREATE TABLE t (a INT, k INT AS (a % 3) STORED) PARTITION BY HASH (k) PARTITIONS 3",
            "INSERT INTO t (a) VALUES (1), (2), (3), (4)",
        ),
        probes=("SELECT a FROM t PARTITION (p1) ORDER BY a",),
    ),
    Case(
        "D37",
        "invisible_columns",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INT INVISIBLE DEFAULT 4, b INT)",
            "INSERT INTO t (id, a, b) VALUES (1, 99, 1), (2, NULL, 2)",
        ),
        holds=(("SELECT a FROM t WHERE id = 1", "99"),),
    ),
    Case(
        "D37",
        "invisible_key",
        (
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY INVISIBLE, b INT)",
            "INSERT INTO t (b) VALUES (1), (2)",
            "INSERT INTO t (id, b) VALUES (90, 3)",
        ),
        probes=("INSERT INTO t (b) VALUES (7)", "SELECT id, b FROM t ORDER BY id"),
    ),
    Case(
        "D37",
        "generated_invisible_primary_key",
        (
            "SET SESSION sql_generate_invisible_primary_key = 1",
            "CREATE TABLE t (a INT)",
            "INSERT INTO t VALUES (1), (2), (2)",
            "DELETE FROM t WHERE a = 1",
        ),
        holds=(("SELECT my_row_id FROM t", "2;3"),),
        on=MYSQL,
    ),
    Case(
        "D37",
        "invisible_generated_column",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a INT, g INT AS (a + 1) STORED INVISIBLE)",
            "INSERT INTO t (id, a) VALUES (1, 5)",
        ),
        holds=(("SELECT g FROM t", "6"),),
        on=MYSQL,
    ),
    Case(
        "D38",
        "default_expressions",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(40) DEFAULT (CONCAT('a', ',', id)),"
            " b INT DEFAULT (1 + 2 * 3), c DATETIME DEFAULT (NOW() + INTERVAL 1 DAY), d CHAR(36) DEFAULT (UUID()))",
            "INSERT INTO t (id) VALUES (1)",
            "INSERT INTO t VALUES (2, 'b', NULL, NULL, 'x')",
        ),
        probes=("INSERT INTO t (id, c, d) VALUES (3, 0, '')", "SELECT a, b FROM t ORDER BY id"),
    ),
    Case(
        "D38",
        "default_of_text_and_json",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a TEXT DEFAULT ('it''s'), b JSON DEFAULT ('{}'), c BLOB DEFAULT ('x'))",
            "INSERT INTO t (id) VALUES (1)",
        ),
    ),
    Case(
        "D38",
        "default_nextval",
        (
            "CREATE SEQUENCE s START WITH 7",
            "CREATE TABLE t (id INT PRIMARY KEY DEFAULT NEXTVAL(s), v INT)",
            "INSERT INTO t (v) VALUES (1), (2)",
        ),
        probes=("INSERT INTO t (v) VALUES (3)", "SELECT * FROM t ORDER BY id"),
        on=MARIADB,
    ),
    Case(
        "D38",
        "default_nextval_of_another_schema",
        (
            "CREATE DATABASE `zz_{S}`",
            "CREATE SEQUENCE `zz_{S}`.s START WITH 70",
            "CREATE TABLE t (id INT PRIMARY KEY DEFAULT NEXTVAL(`zz_{S}`.s), v INT)",
            "INSERT INTO t (v) VALUES (1)",
        ),
        probes=("INSERT INTO t (v) VALUES (3)", "SELECT * FROM t ORDER BY id"),
        on=MARIADB,
        also=("zz_{S}",),
    ),
    Case(
        "D38",
        "default_nextval_behind_its_table",
        (
            "CREATE SEQUENCE zz START WITH 3",
            "CREATE TABLE a (id INT PRIMARY KEY DEFAULT (NEXTVAL(zz)), v INT)",
            "INSERT INTO a (v) VALUES (1)",
        ),
        probes=("INSERT INTO a (v) VALUES (3)", "SELECT * FROM a ORDER BY id"),
        on=MARIADB,
    ),
    _sequence("plain", ""),
    _sequence("used", "START WITH 100 INCREMENT BY 7 CACHE 10", "DO NEXTVAL(s)", "DO NEXTVAL(s)"),
    _sequence("without_cache", "START WITH 5 NOCACHE", "DO NEXTVAL(s)"),
    _sequence(
        "negative",
        "START WITH -1 INCREMENT BY -3 MINVALUE -100 MAXVALUE -1 CACHE 4",
        "DO NEXTVAL(s)",
    ),
    _sequence("cycle", "START WITH 9 MINVALUE 1 MAXVALUE 10 CACHE 2 CYCLE", "DO NEXTVAL(s)"),
    _sequence(
        "cycled",
        "START WITH 9 MINVALUE 1 MAXVALUE 10 NOCACHE CYCLE",
        *["DO NEXTVAL(s)"] * 5,
    ),
    _sequence("set", "START WITH 1", "SELECT SETVAL(s, 5000)"),
    _sequence("increment_of_the_server", "START WITH 1 INCREMENT BY 0 CACHE 5", "DO NEXTVAL(s)"),
    _sequence("of_another_engine", "START WITH 3 ENGINE=Aria", "DO NEXTVAL(s)"),
    _sequence("commented", "START WITH 3 COMMENT='a; sequence''s'"),
    Case(
        "D39",
        "used_up",
        ("CREATE SEQUENCE s MINVALUE 1 MAXVALUE 2 NOCACHE", "DO NEXTVAL(s)", "DO NEXTVAL(s)"),
        probes=("SELECT * FROM s",),
        on=MARIADB,
    ),
    Case(
        "D39",
        "of_unsigned_bigint",
        (
            "CREATE SEQUENCE s AS BIGINT UNSIGNED START WITH 18446744073709551000 NOCACHE",
            "DO NEXTVAL(s)",
        ),
        probes=("SELECT * FROM s", "SELECT NEXTVAL(s)"),
        on=MARIADB,
    ),
    Case(
        "D39",
        "of_tinyint",
        ("CREATE SEQUENCE s AS TINYINT START WITH 100 INCREMENT BY 5", "DO NEXTVAL(s)"),
        probes=("SELECT * FROM s",),
        on=MARIADB,
    ),
    _history("versioned_rows", _VERSIONED, *_CHANGES),
    _history("versioned_empty", _VERSIONED),
    _history("versioned_only_history", _VERSIONED, *_CHANGES, "DELETE FROM t"),
    _history(
        "versioned_without_key",
        _VERSIONED.replace(" PRIMARY KEY", ""),
        *_CHANGES,
        "INSERT INTO t VALUES (3, 3), (3, 3)",
    ),
    _history(
        "versioned_named_columns",
        "CREATE TABLE t (id INT PRIMARY KEY, v INT, a TIMESTAMP(6) GENERATED ALWAYS AS ROW START,"
        " b TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(a, b)) WITH SYSTEM VERSIONING",
        *(text.replace("INTO t VALUES", "INTO t (id, v) VALUES") for text in _CHANGES),
        probes=("SELECT id, v, a, b FROM t FOR SYSTEM_TIME ALL ORDER BY a, b, id",),
    ),
    _history(
        "versioned_some_columns",
        "CREATE TABLE t (id INT PRIMARY KEY, v INT WITHOUT SYSTEM VERSIONING, w INT DEFAULT 0) WITH SYSTEM VERSIONING",
        *(text.replace("INTO t VALUES", "INTO t (id, v) VALUES") for text in _CHANGES),
        "SET timestamp = 1600000400",
        "UPDATE t SET w = 5",
    ),
    _history(
        "versioned_partitions",
        _VERSIONED + " PARTITION BY SYSTEM_TIME (PARTITION h HISTORY, PARTITION c CURRENT)",
        *_CHANGES,
    ),
    _history(
        "versioned_counter",
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, UNIQUE (v)) WITH SYSTEM VERSIONING",
        "INSERT INTO t (v) VALUES (1), (2)",
        "DELETE FROM t WHERE v = 2",
        "INSERT INTO t (v) VALUES (2)",
        probes=(*_HISTORY, "INSERT INTO t (v) VALUES (9)", "SELECT id FROM t WHERE v = 9"),
    ),
    Case(
        "D40",
        "versioned_by_transaction",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, a BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,"
            " b BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(a, b)) WITH SYSTEM VERSIONING",
            "INSERT INTO t (id) VALUES (1)",
        ),
        refused="system-versioned",
        on=MARIADB,
    ),
    Case(
        "D41",
        "application_period",
        (
            "CREATE TABLE t (id INT, a DATE, b DATE, PERIOD FOR p(a, b), UNIQUE (id, p WITHOUT OVERLAPS))",
            "INSERT INTO t VALUES (1, '2020-01-01', '2020-02-01'), (1, '2020-02-01', '2020-03-01'), (2, '2020-01-01', '9999-12-31')",
        ),
        probes=(
            "DELETE FROM t FOR PORTION OF p FROM '2020-01-10' TO '2020-01-20' WHERE id = 1",
            "SELECT * FROM t ORDER BY id, a",
        ),
        on=MARIADB,
    ),
    Case(
        "D41",
        "application_period_as_key",
        (
            "CREATE TABLE t (id INT, a DATETIME(6), b DATETIME(6), v INT, PERIOD FOR `the p`(a, b),"
            " PRIMARY KEY (id, `the p` WITHOUT OVERLAPS))",
            "INSERT INTO t VALUES (1, '2020-01-01', '2020-02-01', 5), (1, '2020-02-01', '2020-02-01 00:00:00.000001', 6)",
        ),
        on=MARIADB,
    ),
)
