"""What random tables found: each was lost, or could not be restored, until this case was here."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from tests.exactness.case import MARIADB, MYSQL, Case, insert

CASES = (
    Case(
        "D03",
        "zeros_before_the_sign_of_zero",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, d DOUBLE ZEROFILL, m DOUBLE(30,10) ZEROFILL, f FLOAT ZEROFILL)",
            insert("t", ["-0e0, -0e0, -0e0", "1.5, 1.5, 1.5", "2.3e16, 2.3e16, 2.3e16"]),
        ),
    ),
    Case(
        "D09",
        "counter_of_nothing_on_mysql",
        ("CREATE TABLE t (i INT, j INT) AUTO_INCREMENT=4711", "INSERT INTO t VALUES (1, 1)"),
        holds=(
            (
                "SELECT auto_increment FROM information_schema.tables WHERE table_schema = '{S}'",
                "4711",
            ),
        ),
        on=MYSQL,
    ),
    Case(
        "D09",
        "counter_of_nothing_in_aria",
        (
            "CREATE TABLE t (i INT COMMENT ' AUTO_INCREMENT=7 ') ENGINE=Aria PAGE_CHECKSUM=1 AUTO_INCREMENT=4711",
            "INSERT INTO t VALUES (1)",
        ),
        on=MARIADB,
    ),
    Case(
        "D09",
        "counter_of_a_table_that_the_server_cannot_alter",
        (
            "CREATE TABLE t (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT, CHECK (HEX(v) <> '7'))"
            " AUTO_INCREMENT=4711 CHARACTER SET utf32 COLLATE utf32_croatian_ci",
            "INSERT INTO t VALUES (NULL, 1), (NULL, 2)",
        ),
        on=MYSQL,
    ),
    Case(
        "D26",
        "error_value_of_an_enum_with_an_odd_name",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, `a\x1ab\x01` ENUM('', 'x'), `a\\b` ENUM('x'))",
            "INSERT IGNORE INTO t VALUES (1, 0, 0), (2, 1, 1), (3, 2, 0)",
        ),
        holds=(("SELECT `a\x1ab\x01` + 0, `a\\b` + 0 FROM t", "0,0;1,1;2,0"),),
    ),
    Case(
        "D36",
        "generated_columns_that_warn",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20),"
            " n INT GENERATED ALWAYS AS (CAST(v AS SIGNED)) STORED, KEY (n))",
            "INSERT IGNORE INTO t (id, v) VALUES (1, '12abc'), (2, ''), (3, '7')",
        ),
        holds=(("SELECT n FROM t ORDER BY id", "12;0;7"),),
    ),
    Case(
        "D51",
        "keys_over_expressions_that_warn",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), KEY ((CAST(v AS SIGNED))))",
            "INSERT IGNORE INTO t (id, v) VALUES (1, '12abc'), (2, ''), (3, '7')",
        ),
        on=MYSQL,
    ),
    Case(
        "D52",
        "comment_like_a_collation",
        (
            "CREATE TABLE t (id INT PRIMARY KEY COMMENT 'COLLATE no') COMMENT='COLLATE=none CHARSET=gone'",
            "INSERT INTO t VALUES (1)",
        ),
    ),
    Case(
        "D56",
        "database_with_a_comment_like_a_collation",
        ("CREATE DATABASE `{S}_x` COMMENT 'COLLATE none CHARACTER SET gone'",),
        also=("{S}_x",),
        on=MARIADB,
    ),
)
