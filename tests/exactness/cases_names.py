"""D53 to D57: names, empty databases, very many tables."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from tests.exactness.case import EVERYWHERE, MARIADB, MARIADB_118, MARIADB_1011, MYSQL, Case
from tests.integration.operations_support import quote

_EVIL = {
    "backtick": "a`b",
    "quote": "it's",
    "double_quote": 'say "x"',
    "backslash": "a\\b",
    "percent": "%s%d%",
    "star": "*",
    "question": "?",
    "dot": "a.b",
    "slash": "a/b",
    "semicolon": "a;DROP",
    "newline": "a\nb",
    "leading_space": " a",
    "dash": "-a",
    "parent": "..",
    "outside": "../escaped",
    "device": "CON",
    "git": ".git",
    "comment": "/*!x*/--#",
    "unicode": "é漢ñß",
    "digits": "123",
    "at": "@@x",
    "dollar": "$(x)",
    "braces": "{0}",
    "hash": "#x",
    "tab": "a\tb",
    "control": "a\x01\x1fb",
    "right_to_left": "\u202eabc",
    "brackets": "a(b),c",
}
_BACKTICK_KEYS = (
    "CREATE TABLE `p/..` (`i``d` INT PRIMARY KEY)",
    "CREATE TABLE `c'` (id INT PRIMARY KEY, `p;` INT, CONSTRAINT `f``k, (` FOREIGN KEY (`p;`) REFERENCES `p/..` (`i``d`))",
    "INSERT INTO `p/..` VALUES (1)",
    "INSERT INTO `c'` VALUES (1, 1)",
)
_RESERVED = ("select", "table", "order", "group", "key", "rows", "rank", "system", "lateral")


def _evil(name: str, text: str) -> Case:
    """Name everything there is in a schema by one evil name; the schema has it in its name."""
    place, own = quote(f"{{S}}{text}x"), quote(text)
    return Case(
        "D53",
        f"named_{name}",
        (
            f"CREATE DATABASE {place}",
            f"USE {place}",
            f"CREATE TABLE {own} ({own} INT PRIMARY KEY, v INT, KEY {quote(text + '_k')} (v),"
            f" CONSTRAINT {quote(text + '_c')} CHECK (v > 0))",
            f"INSERT INTO {own} VALUES (1, 2)",
            f"CREATE VIEW {quote(text + '_v')} AS SELECT {own} FROM {own}",
            f"CREATE TRIGGER {quote(text + '_t')} BEFORE INSERT ON {own} FOR EACH ROW SET NEW.v = 9",
            f"CREATE PROCEDURE {quote(text + '_p')}() SELECT 1",
            f"CREATE FUNCTION {quote(text + '_f')}() RETURNS INT DETERMINISTIC RETURN 1",
            f"CREATE EVENT {quote(text + '_e')} ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DISABLE DO SELECT 1",
        ),
        also=(f"{{S}}{text}x",),
        faults={EVERYWHERE: "SHOW CREATE VIEW trims names of columns; in silence"}
        if text == " a"
        else {},
    )


def _reserved(word: str) -> Case:
    return Case(
        "D54",
        f"reserved_{word}",
        (
            f"CREATE TABLE `{word}` (`{word}` INT PRIMARY KEY, `from` INT, KEY `{word}` (`from`))",
            f"INSERT INTO `{word}` VALUES (1, 2)",
            f"CREATE VIEW `{word}_v` AS SELECT `{word}` FROM `{word}`",
        ),
    )


CASES = (
    *(_evil(name, text) for name, text in _EVIL.items()),
    Case(
        "D53",
        "named_partitions_and_keys",
        (
            "CREATE TABLE t (id INT NOT NULL, `p``q` INT, CONSTRAINT `c'd\"` CHECK (id > 0), KEY `k;--` (`p``q`))"
            " PARTITION BY RANGE (id) (PARTITION `a``b` VALUES LESS THAN (5), PARTITION `é;'` VALUES LESS THAN MAXVALUE)",
            "INSERT INTO t VALUES (1, 1), (9, 9)",
        ),
    ),
    Case(
        "D53",
        "named_foreign_keys",
        (
            "CREATE TABLE `p/..` (`i'd` INT PRIMARY KEY)",
            "CREATE TABLE `c'` (id INT PRIMARY KEY, `p;` INT, CONSTRAINT `f'k, (` FOREIGN KEY (`p;`) REFERENCES `p/..` (`i'd`))",
            "INSERT INTO `p/..` VALUES (1)",
            "INSERT INTO `c'` VALUES (1, 1)",
        ),
    ),
    Case(
        "D53",
        "named_foreign_keys_with_backticks",
        _BACKTICK_KEYS,
        on=MARIADB_1011 | MYSQL,
    ),
    Case(
        "D53",
        "named_foreign_keys_that_the_server_misspells",
        _BACKTICK_KEYS,
        refused="misspells",
        on=MARIADB_118,
    ),
    Case(
        "D53",
        "named_sequences",
        ("CREATE SEQUENCE `s``'/..` START WITH 5", "DO NEXTVAL(`s``'/..`)"),
        probes=("SELECT * FROM `s``'/..`",),
        on=MARIADB,
    ),
    Case(
        "D53",
        "named_like_the_old_prefix",
        ("CREATE TABLE `mysql50#a-b` (id INT PRIMARY KEY)", "INSERT INTO `mysql50#a-b` VALUES (1)"),
    ),
    Case(
        "D53",
        "named_accounts",
        (
            "CREATE USER `d53 it's``\"%`@`10.%` IDENTIFIED BY 'x'",
            "GRANT SELECT ON `{S}`.* TO `d53 it's``\"%`@`10.%`",
        ),
        accounts=("`d53 it's``\"%`@`10.%`",),
    ),
    Case(
        "D53",
        "longest_schema",
        (
            f"CREATE DATABASE `{'s' * 64}`",
            f"CREATE TABLE `{'s' * 64}`.`{'t' * 64}` (`{'c' * 64}` INT PRIMARY KEY)",
        ),
        also=("s" * 64,),
    ),
    *(_reserved(word) for word in _RESERVED),
    Case(
        "D55",
        "tables_equal_but_for_case",
        (
            "CREATE TABLE orders (id INT PRIMARY KEY)",
            "CREATE TABLE Orders (id INT PRIMARY KEY)",
            "CREATE TABLE ORDERS (id INT)",
            "INSERT INTO orders VALUES (1)",
            "INSERT INTO Orders VALUES (2)",
            "INSERT INTO ORDERS VALUES (3), (3)",
        ),
        holds=(("SELECT id FROM Orders", "2"),),
    ),
    Case(
        "D55",
        "schemas_equal_but_for_case",
        (
            "CREATE DATABASE `{S}_Up`",
            "CREATE DATABASE `{S}_uP`",
            "CREATE TABLE `{S}_Up`.t (id INT PRIMARY KEY)",
            "CREATE TABLE `{S}_uP`.t (id INT, v INT)",
            "INSERT INTO `{S}_Up`.t VALUES (1)",
            "INSERT INTO `{S}_uP`.t VALUES (1, 1), (1, 1)",
            "CREATE VIEW `{S}_uP`.v AS SELECT * FROM `{S}_Up`.t",
        ),
        also=("{S}_Up", "{S}_uP"),
    ),
    Case("D56", "empty_database", ()),
    *(
        Case(
            "D56",
            f"database_of_{collation}",
            (
                f"CREATE DATABASE `{{S}}_x` COLLATE {collation}",
                "CREATE TABLE `{S}_x`.t (v VARCHAR(9))",
            ),
            also=("{S}_x",),
        )
        for collation in ("latin1_bin", "utf8mb4_bin", "ucs2_general_ci", "utf8mb3_unicode_ci")
    ),
    Case(
        "D56",
        "database_of_0900",
        ("CREATE DATABASE `{S}_x` COLLATE utf8mb4_zh_0900_as_cs",),
        also=("{S}_x",),
        on=MYSQL,
    ),
    Case(
        "D56",
        "database_of_uca1400",
        ("CREATE DATABASE `{S}_x` CHARACTER SET utf8mb4 COLLATE uca1400_german2_as_cs",),
        also=("{S}_x",),
        on=MARIADB,
    ),
    Case(
        "D56",
        "database_with_a_comment",
        ("CREATE DATABASE `{S}_x` COMMENT 'it''s; a */ comment'",),
        also=("{S}_x",),
        on=MARIADB,
    ),
    Case(
        "D56",
        "database_that_is_encrypted_or_read_only",
        (
            "CREATE DATABASE `{S}_x`",
            "CREATE TABLE `{S}_x`.t (id INT)",
            "ALTER DATABASE `{S}_x` READ ONLY = 1",
        ),
        also=("{S}_x",),
        on=MYSQL,
        faults={MYSQL: "READ ONLY is not set again; in silence"},
    ),
    Case(
        "D57",
        "very_many_tables",
        tuple(
            statement
            for number in range(120)
            for statement in (
                f"CREATE TABLE t{number} (id INT PRIMARY KEY)",
                f"INSERT INTO t{number} VALUES ({number})",
            )
        ),
    ),
)
