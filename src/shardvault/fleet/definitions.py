"""Find out what definitions ask of the server that is to take them; no I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shardvault.fleet.foreign import strip_quoted
from shardvault.model.column_types import COLUMN_TYPES, Version
from shardvault.model.manifest import TableRecord
from shardvault.model.position import Family
from shardvault.model.schema import (
    Account,
    CodeObject,
    InstanceObject,
    ObjectKind,
    Schema,
    Table,
    TableKind,
)
from shardvault.mysql.session import decode

Users = dict[str, list[str]]
"""A name that a server must know, and the places that use it."""

_MOST_SHOWN = 5
_CHARSET = re.compile(rb"(?:CHARACTER SET|CHARSET)[ =](\w+)")
_COLLATION = re.compile(rb"\bCOLLATE[ =](\w+)")
_HISTORY_SINCE: Version = (10, 11, 0)
"""MariaDB that takes rows with the period in which they were valid."""

LIBRARIES_SINCE: Version = (9, 2, 0)
"""MySQL that has libraries. Source: its manual, "CREATE LIBRARY Statement"."""

_TYPED_SEQUENCE = re.compile(rb"CREATE SEQUENCE `(?:[^`]|``)*` as \w", re.IGNORECASE)
_TYPED_SINCE: Version = (11, 5, 0)
"""MariaDB that has sequences of other types than BIGINT. Source: its manual, "CREATE SEQUENCE"."""

_OTHER_WORDS = {"geomcollection": "geometrycollection"}
"""Types that a family has under another name; the restore translates it."""

_SAFE_FUNCTION = re.compile(
    rb"(?<!NOT )\bDETERMINISTIC\b|\bNO SQL\b|\bREADS SQL DATA\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Contents:
    """List what one target shall get.

    Attributes:
        whole: names of schemas that are restored with everything in them.
    """

    schemas: tuple[Schema, ...] = ()
    whole: frozenset[str] = frozenset()
    tables: tuple[TableRecord, ...] = ()
    objects: tuple[CodeObject, ...] = ()
    accounts: tuple[Account, ...] = field(default=(), repr=False)
    instance_objects: tuple[InstanceObject, ...] = ()


def used_charsets(contents: Contents) -> Users:
    """Name every character set and collation in use, and where."""
    users: Users = defaultdict(list)
    for schema in contents.schemas:
        _note(users, _charsets(schema.create_sql), f"schema {schema.name}")
    for table in _tables(contents):
        options = table.create_sql[table.create_sql.rfind(b"\n)") :]
        _note(users, _charsets(options), f"table {table.qualified}")
        for column in table.columns:
            where = f"{table.qualified} column {column.name}"
            _note(users, (column.charset, column.collation), where)
    for item in contents.objects:
        where = f"{item.kind} {item.schema}.{item.name}"
        _note(users, (item.charset, item.collation, item.database_collation), where)
    normal: Users = defaultdict(list)
    for name, places in users.items():
        normal[normal_charset(name)] += places
    return normal


def used_engines(contents: Contents) -> Users:
    """Name every engine in use in upper case, and the tables."""
    users: Users = defaultdict(list)
    for table in _tables(contents):
        _note(users, (table.engine.upper(),), table.qualified)
    return users


def unknown_types(contents: Contents, family: Family, version: Version) -> Users:
    """Name the types, and sequences, that a flavour does not have, and the columns."""
    users: Users = defaultdict(list)
    for table in _tables(contents):
        if table.kind is TableKind.SEQUENCE and family is Family.MYSQL:
            users["sequences"].append(table.qualified)
        if _is_typed_sequence(table) and family is Family.MARIADB and version < _TYPED_SINCE:
            users["sequences of a type"].append(table.qualified)
        if table.is_versioned and (family is Family.MYSQL or version < _HISTORY_SINCE):
            users["history of system-versioned tables"].append(table.qualified)
        for column in table.columns:
            known = COLUMN_TYPES.get(_OTHER_WORDS.get(column.data_type, column.data_type))
            if known is None or not known.is_known(family, version):
                where = f"{table.qualified} column {column.name}"
                users[f"type {column.data_type}"].append(where)
    if family is Family.MYSQL and version < LIBRARIES_SINCE:
        libraries = (one for one in contents.objects if one.kind is ObjectKind.LIBRARY)
        for item in libraries:
            users["libraries"].append(f"{item.schema}.{item.name}")
    return users


def _is_typed_sequence(table: Table) -> bool:
    is_sequence = table.kind is TableKind.SEQUENCE
    return is_sequence and _TYPED_SEQUENCE.match(table.create_sql) is not None


def unsafe_functions(contents: Contents) -> list[str]:
    """Name functions that a server with a binlog takes only when told to trust them."""
    return [
        f"{item.schema}.{item.name}"
        for item in contents.objects
        if item.kind is ObjectKind.FUNCTION and not _SAFE_FUNCTION.search(item.create_sql)
    ]


def shorten(places: Sequence[str], most: int = _MOST_SHOWN) -> str:
    """Write the first few places, and how many more there are."""
    shown = ", ".join(places[:most])
    more = len(places) - most
    return f"{shown} and {more} more" if more > 0 else shown


def normal_charset(name: str) -> str:
    """Write ``utf8`` as newer servers do, ``utf8mb3``, in character set and collation."""
    return re.sub(r"^utf8(?=_|$)", "utf8mb3", name.lower())


def _tables(contents: Contents) -> Iterator[Table]:
    return (record.table for record in contents.tables)


def _charsets(sql: bytes) -> list[str]:
    words = strip_quoted(sql)  # a comment may look like them
    return [decode(name) for name in (*_CHARSET.findall(words), *_COLLATION.findall(words))]


def _note(users: Users, names: Iterable[str | None], where: str) -> None:
    for name in dict.fromkeys(names):
        if name:
            users[name].append(where)
