"""D53 to D57: names, empty databases, very many tables."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise

from tests.exactness.case import EVERYWHERE, MARIADB, MYSQL, Case, Rendering
from tests.exactness.names import NAMES, Place
from tests.exactness.quirks import Quirks
from tests.integration.operations_support import quote
from tests.support.servers import Flavour

_BACKTICK_KEYS = (
    "CREATE TABLE `p/..` (`i``d` INT PRIMARY KEY)",
    "CREATE TABLE `c'` (id INT PRIMARY KEY, `p;` INT, CONSTRAINT `f``k, (` FOREIGN KEY (`p;`) REFERENCES `p/..` (`i``d`))",
    "INSERT INTO `p/..` VALUES (1)",
    "INSERT INTO `c'` VALUES (1, 1)",
)
_RESERVED = ("select", "table", "order", "group", "key", "rows", "rank", "system", "lateral")


def _named(name: str) -> Case:
    """Name all there is in a schema by one evil name, where the server takes it."""
    return Case("D53", f"named_{name}", (), also=("{S}_views",), adapt=partial(_write_named, name))


def _write_named(key: str, quirks: Quirks) -> Case:
    """Write the case; what the server does not take by this name has a plain one."""

    def own(place: Place) -> str:
        return quote(NAMES[key] if quirks.takes(key, place) else "plain")

    alias, label = own(Place.ALIAS), own(Place.LABEL)
    column, view_column, parameter = own(Place.COLUMN), own(Place.VIEW_COLUMN), own(Place.PARAMETER)
    statements = (
        f"CREATE TABLE {own(Place.TABLE)} ({column} INT PRIMARY KEY, v INT,"
        f" KEY {own(Place.INDEX)} (v))",
        f"INSERT INTO {own(Place.TABLE)} VALUES (1, 2)",
        f"CREATE TABLE _parts (i INT, CONSTRAINT {own(Place.CHECK)} CHECK (i > 0))"
        " PARTITION BY RANGE (i)"
        f" (PARTITION {own(Place.PARTITION)} VALUES LESS THAN (5))",
        "CREATE TABLE _subparts (i INT) PARTITION BY RANGE (i) SUBPARTITION BY HASH (i)"
        f" (PARTITION _p VALUES LESS THAN (5) (SUBPARTITION {own(Place.SUBPARTITION)}))",
        f"CREATE TRIGGER {own(Place.TRIGGER)} BEFORE INSERT ON {own(Place.TABLE)}"
        " FOR EACH ROW SET NEW.v = 9",
        f"CREATE PROCEDURE {own(Place.PROCEDURE)}({parameter} INT) {label}: BEGIN"
        f" SELECT {parameter} AS {own(Place.ALIAS)}; LEAVE {label}; END",
        f"CREATE FUNCTION {own(Place.FUNCTION)}({parameter} INT) RETURNS INT DETERMINISTIC"
        f" RETURN {parameter}",
        f"CREATE EVENT {own(Place.EVENT)} ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DISABLE"
        " DO SELECT 1",
        "CREATE DATABASE `{S}_views`",
        f"CREATE VIEW `{{S}}_views`.{own(Place.VIEW)} AS"
        f" SELECT {alias}.{column} AS {view_column} FROM {own(Place.TABLE)} AS {alias}",
    )
    return Case("D53", f"named_{key}", statements, also=("{S}_views",))


def _evil(name: str, write: Callable[[Quirks], Case], on: frozenset[Flavour] = EVERYWHERE) -> Case:
    """Describe a case of all evil names that a server takes."""
    return Case("D53", f"evil_{name}", (), adapt=write, is_local=True, on=on)


def _schemas(quirks: Quirks) -> Case:
    """Name schemas by all evil names; each holds a table and a view on another's."""
    names = quirks.names_of(Place.SCHEMA)
    statements = [f"CREATE DATABASE {quote(name)}" for name in names]
    statements += [f"CREATE TABLE {quote(name)}.t (i INT PRIMARY KEY)" for name in names]
    statements += [f"INSERT INTO {quote(name)}.t VALUES ({at})" for at, name in enumerate(names)]
    statements += [
        f"CREATE VIEW {quote(name)}.v AS SELECT i FROM {quote(other)}.t"
        for name, other in pairwise(names)
    ]
    return Case("D53", "evil_schemas", tuple(statements), also=names, is_local=True)


def _foreign_keys(quirks: Quirks) -> Case:
    """Name foreign keys, their columns and their parents by all evil names."""
    statements = []
    # MySQL takes names of foreign keys for equal that differ in case only.
    names = {name.lower(): name for name in quirks.names_of(Place.FOREIGN_KEY)}
    for at, name in enumerate(names.values()):
        if "`" in name and not quirks.has("foreign_key_with_backticks"):
            continue  # the server misspells it
        own = quote(name)
        is_parent = name in quirks.names_of(Place.TABLE) and name != NAMES["device"]
        if name == NAMES["old_prefix"]:
            is_parent &= quirks.has("foreign_key_to_the_old_prefix")
        parent = own if is_parent else f"p{at}"  # MariaDB does not find CON as a parent
        statements += [
            f"CREATE TABLE {parent} ({own} INT PRIMARY KEY)",
            f"INSERT INTO {parent} VALUES ({at})",
            f"CREATE TABLE _child{at} ({own} INT, CONSTRAINT {own} FOREIGN KEY ({own})"
            f" REFERENCES {parent} ({own}) ON DELETE CASCADE)",
            f"INSERT INTO _child{at} VALUES ({at}), (NULL)",
        ]
    return Case("D53", "evil_foreign_keys", tuple(statements), is_local=True)


def _sequences(quirks: Quirks) -> Case:
    names = [quote(name) for name in quirks.names_of(Place.SEQUENCE)]
    return Case(
        "D53",
        "evil_sequences",
        tuple(
            statement
            for name in names
            for statement in (f"CREATE SEQUENCE {name} START WITH 5", f"DO NEXTVAL({name})")
        ),
        probes=tuple(f"SELECT * FROM {name}" for name in names),
        is_local=True,
    )


def _trimmed(names: Iterable[str]) -> list[str]:
    """Leave out what is no other name: servers take white space off names of accounts."""
    return [name for name in dict.fromkeys(name.strip(" \r\n") for name in names) if name]


def _is_host(name: str) -> bool:
    """Leave out what servers change: letters of both cases; MySQL misspells backslashes."""
    return name.isascii() and name == name.lower() and "\\" not in name


def _accounts(quirks: Quirks) -> Case:
    """Name users, roles and hosts by all evil names, and give each user a role."""
    users = _trimmed(quirks.names_of(Place.USER))
    hosts = _trimmed(filter(_is_host, quirks.names_of(Place.HOST)))
    roles = [quote(f"r{name}"[:32]) for name in _trimmed(quirks.names_of(Place.ROLE))]
    accounts = [
        *(f"{quote(user)}@`localhost`" for user in users),
        *(f"`d53_host`@{quote(host)}" for host in hosts),
    ]
    return Case(
        "D53",
        "evil_accounts",
        (
            *(f"CREATE USER {account} IDENTIFIED BY 'x'" for account in accounts),
            *(f"CREATE ROLE {role}" for role in roles),
            *(f"GRANT SELECT ON `{{S}}`.* TO {role}" for role in roles),
            *(f"GRANT {role} TO {account}" for role, account in zip(roles, accounts, strict=False)),
        ),
        accounts=tuple(accounts),
        probes=tuple(f"SHOW GRANTS FOR {role}" for role in roles),
        is_local=True,
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
    *(_named(name) for name in NAMES),
    _evil("schemas", _schemas),
    _evil("foreign_keys", _foreign_keys),
    _evil("sequences", _sequences, on=MARIADB),
    _evil("accounts", _accounts),
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
        "view_of_a_column_with_a_leading_space",
        ("CREATE TABLE t (` a` INT PRIMARY KEY)", "CREATE VIEW v AS SELECT ` a` FROM t"),
        on=MARIADB,
        probes=("SELECT a FROM v",),
        renderings=(
            # The column is `a` on both sides, and SHOW CREATE VIEW says so.
            Rendering(
                "v",
                "views",
                b"select `{S}`.`t`.` a` AS ` a` from `{S}`.`t`",
                b"select `{S}`.`t`.` a` AS `a` from `{S}`.`t`",
            ),
        ),
    ),
    Case(
        "D53",
        "view_whose_column_has_a_leading_space",
        ("CREATE TABLE t (` a` INT PRIMARY KEY)", "CREATE VIEW v AS SELECT ` a` FROM t"),
        on=MYSQL,
        reported=("v",),  # SHOW CREATE VIEW trims the name
    ),
    Case(
        "D53",
        "named_foreign_keys_with_backticks",
        _BACKTICK_KEYS,
        refused="misspells",
        refused_without="foreign_key_with_backticks",
    ),
    Case(
        "D53",
        "parent_of_the_old_prefix",
        (
            "CREATE TABLE `#mysql50#a-b` (id INT PRIMARY KEY)",
            "CREATE TABLE c (id INT, CONSTRAINT f FOREIGN KEY (id) REFERENCES `#mysql50#a-b` (id))",
        ),
        refused="misspells",
        refused_without="foreign_key_to_the_old_prefix",
        on=MARIADB,
    ),
    Case(
        "D53",
        "named_like_the_old_prefix",
        ("CREATE TABLE `mysql50#a-b` (id INT PRIMARY KEY)", "INSERT INTO `mysql50#a-b` VALUES (1)"),
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
        "database_that_is_read_only",
        (
            "CREATE DATABASE `{S}_x`",
            "CREATE TABLE `{S}_x`.t (id INT)",
            "ALTER DATABASE `{S}_x` READ ONLY = 1",
        ),
        also=("{S}_x",),
        on=MYSQL,
    ),
    Case(
        "D56",
        "database_that_is_read_only_with_an_event",
        (
            "CREATE DATABASE `{S}_x`",
            "CREATE EVENT `{S}_x`.e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO SELECT 1",
            "ALTER DATABASE `{S}_x` READ ONLY = 1",
        ),
        also=("{S}_x",),
        on=MYSQL,
        reported=("e",),
    ),
    Case(
        "D56",
        "database_that_is_encrypted",
        (
            "CREATE DATABASE `{S}_x` ENCRYPTION='Y'",
            "CREATE TABLE `{S}_x`.t (id INT PRIMARY KEY) ENCRYPTION='N'",
        ),
        also=("{S}_x",),
        on=MYSQL,
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
