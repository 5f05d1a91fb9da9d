"""Find what definitions of one family mean nothing, or something else, to the other; no I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from shardvault.model.position import Family
from shardvault.model.schema import Account, CodeObject, ObjectKind, Schema, Table

_QUOTED = re.compile(rb"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)
_EXCLUDE = "leave the tables out with --exclude"

EMPTY_MODES: Mapping[Family, frozenset[str]] = {
    Family.MYSQL: frozenset(
        {"NO_AUTO_CREATE_USER", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "NO_FIELD_OPTIONS"}
    ),
    Family.MARIADB: frozenset(),
}
"""Modes that a family does not have, and that change nothing that code does.

Source: MySQL 8.0 release notes, "Changes in MySQL 8.0.11": removed SQL modes.
"""
ROUNDING: Mapping[Family, tuple[str, str]] = {
    Family.MYSQL: ("", "TIME_TRUNCATE_FRACTIONAL"),
    Family.MARIADB: ("TIME_ROUND_FRACTIONAL", ""),
}
"""The mode under which a family rounds fractions of seconds, and under which it cuts them."""
_FOREIGN_MODES: Mapping[Family, frozenset[str]] = {
    Family.MYSQL: frozenset(
        {"ORACLE", "MSSQL", "DB2", "POSTGRESQL", "MAXDB", "MYSQL323", "MYSQL40"}
        | {"EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "IGNORE_BAD_TABLE_OPTIONS"}
    ),
    Family.MARIADB: frozenset(),
}


@dataclass(frozen=True)
class Foreign:
    """Say what a server cannot hold, where it is used, and what a user may do.

    Attributes:
        what: in the plural, as ``keys over expressions``.
        places: tables, columns or objects.
        is_left_out: the restore goes on without it, since no value depends on it.
    """

    what: str
    places: tuple[str, ...]
    remedy: str
    is_left_out: bool = False


@dataclass(frozen=True)
class _Limit:
    """Tie what a family cannot hold to how a definition shows it.

    Attributes:
        shows: looks at a table and at its definition without quoted names and text.
    """

    what: str
    shows: Callable[[Table, bytes], bool]
    remedy: str = f"change the tables at the source before the backup, or {_EXCLUDE}"
    is_left_out: bool = False


def _says(pattern: bytes) -> Callable[[Table, bytes], bool]:
    found = re.compile(pattern)
    return lambda _, definition: found.search(definition) is not None


def _has_type(name: str) -> Callable[[Table, bytes], bool]:
    return lambda table, _: any(column.data_type == name for column in table.columns)


def _has_whole_text_key(table: Table, definition: bytes) -> bool:
    """MariaDB keeps such keys by a hidden hash, and prints it."""
    is_hashed = re.search(rb"\n +UNIQUE KEY [^\n]*\) USING HASH", definition) is not None
    return is_hashed and table.engine.upper() != "MEMORY"


def _has_foreign_partitions(table: Table, _: bytes) -> bool:
    return table.is_partitioned and table.engine.upper() not in ("INNODB", "NDBCLUSTER")


def _has_engine_options(table: Table, _: bytes) -> bool:
    tail = table.create_sql[table.create_sql.rfind(b"\n)") :]
    names = re.findall(rb" `(\w+)`=", tail.partition(b" COMMENT=")[0])
    return any(not name.upper().startswith(b"PAGE_COMPRESS") for name in names)


def _is_page_compressed(table: Table, _: bytes) -> bool:
    return b" `PAGE_COMPRESSED`=" in table.create_sql[table.create_sql.rfind(b"\n)") :]


def _is_encrypted(table: Table, _: bytes) -> bool:
    tail = table.create_sql[table.create_sql.rfind(b"\n)") :]
    return b" ENCRYPTION='Y'" in tail.partition(b" COMMENT=")[0]


def _has_primary_check(table: Table, _: bytes) -> bool:
    return b"CONSTRAINT `PRIMARY` CHECK" in table.create_sql


_MARK = rb"/\*!(?:5[7-9]|[6-9]\d)\d{3} "  # MariaDB skips these. Source: its manual, "Comments"
_LIMITS: Mapping[Family, tuple[_Limit, ...]] = {
    Family.MYSQL: (
        _Limit("periods", _says(rb"\n +PERIOD FOR (?!SYSTEM_TIME)|WITHOUT OVERLAPS")),
        _Limit("more than 30 decimals", _says(rb" decimal\(\d+,3[1-9]\)")),
        _Limit(
            "counters that are no integers", _says(rb"\n +`` (?:float|double)[^\n]* AUTO_INCREMENT")
        ),
        _Limit("defaults from sequences", _says(rb"(?i)\bnextval\(")),
        _Limit("functions of Oracle's mode", _says(rb"\b\w+_oracle\(")),
        _Limit("partitions of all other values", _says(rb"\bPARTITION `` DEFAULT\b")),
        _Limit("partitions of other engines than InnoDB", _has_foreign_partitions),
        _Limit("unique keys over whole texts", _has_whole_text_key),
        _Limit("keys over vectors", _says(rb"\n +VECTOR KEY ")),
        _Limit("options of an engine", _has_engine_options),
        _Limit("page compression", _is_page_compressed, "", True),
        _Limit("compressed columns", _says(rb"/\*M!\d+ COMPRESSED"), "", True),
    ),
    Family.MARIADB: (
        _Limit(
            "binary JSON",
            _has_type("json"),
            "change the columns to LONGTEXT at the source before the backup; their text is kept. "
            f"Or {_EXCLUDE}",
        ),
        _Limit(
            "vectors of any length",
            _has_type("vector"),
            f"change the columns to VARBINARY at the source before the backup, or {_EXCLUDE}",
        ),
        _Limit("keys over expressions", _says(rb"\n +(?:UNIQUE )?KEY ``[^\n]*\(\(")),
        _Limit(
            "generated columns that are NOT NULL",
            _says(rb"\n +`` [^\n]* GENERATED ALWAYS AS [^\n]* NOT NULL"),
        ),
        _Limit("checks named PRIMARY", _has_primary_check),
        _Limit("encryption of tables", _is_encrypted),
        _Limit("columns of one spatial reference system", _says(rb"/\*!80003 SRID ")),
        _Limit("checks that are not enforced", _says(rb"\*!80016 NOT ENFORCED")),
        _Limit(
            "marks for MySQL only",
            _says(_MARK + rb"(?!INVISIBLE |SRID |NOT ENFORCED |ENCRYPTION)"),
        ),
    ),
}  # fmt: skip


def find_foreign_tables(tables: Iterable[Table], target: Family) -> Iterator[Foreign]:
    """Give what the target's family cannot hold of the other's tables, with the tables."""
    places: dict[_Limit, list[str]] = defaultdict(list)
    for table in tables:
        definition = strip_quoted(table.create_sql)
        for limit in _LIMITS[target]:
            if limit.shows(table, definition):
                places[limit].append(table.qualified)
    for limit, names in places.items():
        yield Foreign(limit.what, tuple(names), limit.remedy, limit.is_left_out)


_FLAG = re.compile(rb"'[YN]'")
_SCHEMA_OPTIONS: Mapping[Family, tuple[bytes, str]] = {
    Family.MYSQL: (b" COMMENT '", "comments of databases"),
    Family.MARIADB: (b" DEFAULT ENCRYPTION='Y'", "defaults of encryption of databases"),
}


def find_foreign_schemas(schemas: Iterable[Schema], target: Family) -> Iterator[Foreign]:
    """Give the schemas with a comment, or a default of encryption, that is left out."""
    words, what = _SCHEMA_OPTIONS[target]
    names = tuple(one.name for one in schemas if words in _keep_flags(one.create_sql))
    if names:
        yield Foreign(what, names, "", is_left_out=True)


def _keep_flags(sql: bytes) -> bytes:
    """Empty names and text, but for those of one letter."""
    return _QUOTED.sub(lambda match: match[0] if _FLAG.fullmatch(match[0]) else b"''", sql)


def find_foreign_code(objects: Iterable[CodeObject], target: Family) -> Iterator[Foreign]:
    """Give the code objects that the target's family has no such kind of."""
    places: dict[str, list[str]] = defaultdict(list)
    for item in objects:
        for what in _judge_code(item, target):
            places[what].append(f"{item.kind} {item.schema}.{item.name}")
    for what, names in places.items():
        yield Foreign(what, tuple(names), "leave the schema's code out: choose its tables alone")


def find_foreign_accounts(accounts: Iterable[Account]) -> Iterator[Foreign]:
    """Give all accounts: the families have other statements, privileges and password hashes."""
    if names := tuple(account.name for account in accounts):
        yield Foreign(
            "accounts of another family",
            names,
            "restore without accounts and create them by hand; "
            "`shardvault show ID --sql` prints their statements",
        )


def _judge_code(item: CodeObject, target: Family) -> Iterator[str]:
    if target is Family.MYSQL and item.kind in (ObjectKind.PACKAGE, ObjectKind.PACKAGE_BODY):
        yield "packages"
    if target is Family.MARIADB and item.kind is ObjectKind.LIBRARY:
        yield "libraries"
    if target is Family.MYSQL and b" AGGREGATE FUNCTION " in item.create_sql:
        yield "aggregate functions"
    for mode in sorted(_FOREIGN_MODES[target] & set(item.sql_mode.split(","))):
        yield f"sql_mode {mode}"


def strip_quoted(sql: bytes) -> bytes:
    """Empty all names and text of a definition, so that what is left are its own words."""
    return _QUOTED.sub(lambda match: match[0][:1] * 2, sql)
