"""Write and compare names of databases and tables as the server does that shall hold them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from shardvault.fleet.definitions import Contents
from shardvault.fleet.inventory import list_schemas
from shardvault.model.manifest import TableRecord
from shardvault.model.schema import CodeObject, ForeignKey, ObjectKind, Schema
from shardvault.mysql.quoting import quote_name, quote_text
from shardvault.mysql.session import Session, decode, encode

_IN_LOWER_CASE = 1
_LAST_IN_NAMES = 0xFFFF
"""Names hold characters up to U+FFFF. Source: MySQL manual, "Schema Object Names"."""


@dataclass(frozen=True)
class NameRule:
    """Hold how a server writes and compares names of databases and tables.

    Source: MySQL manual, "Identifier Case Sensitivity".

    Attributes:
        case_rule: its ``lower_case_table_names``: 0 = case counts, 1 = it writes lower case,
            2 = it writes names as given and compares them without case.
        letters: the server's own lower case of letters beyond ASCII.
        schemas: databases that it has.
    """

    case_rule: int = 0
    letters: Mapping[str, str] = field(default_factory=dict)
    schemas: tuple[str, ...] = ()

    @property
    def is_case_blind(self) -> bool:
        """Say whether names that differ only in case are one."""
        return self.case_rule != 0

    def fold(self, name: str) -> str:
        """Write a name so that names are equal if they are one to the server."""
        return name.translate(self._lower) if self.is_case_blind else name

    def write_schema(self, name: str) -> str:
        """Give a database's name as the server shows it; one that is there keeps its own."""
        folded = self.fold(name)
        if self.case_rule == _IN_LOWER_CASE:
            return folded
        return next((known for known in self.schemas if self.fold(known) == folded), name)

    def write_table(self, name: str) -> str:
        """Give a table's name as the server shows it."""
        return self.fold(name) if self.case_rule == _IN_LOWER_CASE else name

    @cached_property
    def _lower(self) -> dict[int, str]:
        ascii_letters = {code: chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
        return ascii_letters | {ord(letter): lower for letter, lower in self.letters.items()}


def read_name_rule(session: Session, contents: Contents) -> NameRule:
    """Ask a server for its rule.

    Args:
        session: in any state.
        contents: whose letters are looked up: servers know fewer of them than Python.
    """
    case_rule = int(session.text("SELECT @@lower_case_table_names"))
    if case_rule == 0:
        return NameRule()
    return NameRule(case_rule, _read_letters(session, contents), list_schemas(session))


def _read_letters(session: Session, contents: Contents) -> dict[str, str]:
    """Ask for the lower case of all letters at once; each of them becomes one other.

    Source: measured on MariaDB 10.11, 11.8 and MySQL 9.7: names of tables become what LOWER
    makes of them under utf8mb4_general_ci.
    """
    letters = sorted({letter for text in _texts(contents) for letter in text if _has_case(letter)})
    if not letters:
        return {}
    lowered = session.text(
        f"SELECT LOWER({quote_text(''.join(letters))} COLLATE utf8mb4_general_ci)"
    )
    return dict(zip(letters, lowered, strict=True))


def _has_case(letter: str) -> bool:
    return not letter.isascii() and ord(letter) <= _LAST_IN_NAMES and letter.lower() != letter


def _texts(contents: Contents) -> Iterator[str]:
    """Give all texts that hold names: definitions repeat those of what they refer to."""
    for schema in contents.schemas:
        yield schema.name
    for record in contents.tables:
        yield decode(record.table.create_sql)
    for item in contents.objects:
        yield from (item.schema, item.name, item.table, decode(item.create_sql))
    for account in contents.accounts:
        yield from map(decode, account.grants)


def find_collisions(contents: Contents, rule: NameRule) -> list[str]:
    """Name databases, tables, views and triggers that would become one."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, name in _names(contents):
        groups[kind, rule.fold(name)].append(name)
    return [" and ".join(sorted(names)) for names in groups.values() if len(names) > 1]


def _names(contents: Contents) -> Iterator[tuple[str, str]]:
    """Give every name with the kind of things among which it must be the only one."""
    yield from (("database", schema.name) for schema in contents.schemas)
    yield from (("table", record.table.qualified) for record in contents.tables)
    for item in contents.objects:
        if item.kind in (ObjectKind.VIEW, ObjectKind.TRIGGER):
            kind = "table" if item.kind is ObjectKind.VIEW else "trigger"
            yield kind, f"{item.schema}.{item.name}"


def write_contents(contents: Contents, rule: NameRule) -> Contents:
    """Give everything the name that it has on the server, so that it is found there again.

    Names inside definitions stay: the server reads them by its own rule.
    """
    if not rule.is_case_blind:
        return contents
    return replace(
        contents,
        schemas=tuple(_write_schema(schema, rule) for schema in contents.schemas),
        whole=frozenset(map(rule.write_schema, contents.whole)),
        tables=tuple(_write_table(record, rule) for record in contents.tables),
        objects=tuple(_write_object(item, rule) for item in contents.objects),
    )


def _write_schema(schema: Schema, rule: NameRule) -> Schema:
    name = rule.write_schema(schema.name)
    old, new = (encode(f"CREATE DATABASE {quote_name(one)}") for one in (schema.name, name))
    return Schema(name, new + schema.create_sql.removeprefix(old))


def _write_table(record: TableRecord, rule: NameRule) -> TableRecord:
    table = record.table
    written = replace(
        table,
        schema=rule.write_schema(table.schema),
        name=rule.write_table(table.name),
        foreign_keys=tuple(_write_keys(table.foreign_keys, rule)),
    )
    return replace(record, table=written)


def _write_keys(keys: Iterable[ForeignKey], rule: NameRule) -> Iterator[ForeignKey]:
    for key in keys:
        schema, table = rule.write_schema(key.ref_schema), rule.write_table(key.ref_table)
        yield replace(key, ref_schema=schema, ref_table=table)


def _write_object(item: CodeObject, rule: NameRule) -> CodeObject:
    """Routines, triggers and events keep their own name's case under every rule."""
    is_view = item.kind is ObjectKind.VIEW
    return replace(
        item,
        schema=rule.write_schema(item.schema),
        name=rule.write_table(item.name) if is_view else item.name,
        table=rule.write_table(item.table),
    )
