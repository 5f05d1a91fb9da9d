"""Describe databases, tables and code objects exactly as a server gave them.

Names are text (identifiers are Unicode in every supported server); definitions
are opaque bytes as ``SHOW CREATE`` returned them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class TableKind(StrEnum):
    """Say what a name in a schema is, and with it what is stored of it."""

    ROWS = "rows"
    """A base table whose rows are copied."""
    SEQUENCE = "sequence"
    """A MariaDB sequence: definition and state."""
    DEFINITION = "definition"
    """A table that holds no data of its own (MERGE, FEDERATED, SPIDER …)."""


@dataclass(frozen=True)
class Column:
    """Describe one column.

    Attributes:
        data_type: the type's bare name in lower case, as ``int``.
        column_type: the type in full, as ``decimal(10,2) unsigned``.
        extra: the server's notes, as ``auto_increment`` or ``VIRTUAL GENERATED``.
        is_generated: the server computes it; it is not stored but compared.
    """

    name: str
    data_type: str
    column_type: str
    charset: str | None
    collation: str | None
    is_nullable: bool
    is_generated: bool
    extra: str = ""


@dataclass(frozen=True)
class ForeignKey:
    """Describe one foreign key, for ordering and for validating it after a load."""

    name: str
    columns: tuple[str, ...]
    ref_schema: str
    ref_table: str
    ref_columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Describe one physical table or sequence.

    Attributes:
        create_sql: ``SHOW CREATE TABLE`` byte for byte.
        key: columns of the primary key, or of a unique key without NULLs, in key order;
            empty if there is none.
        key_name: that key's index name.
        has_unique_key: whether rows can be told apart by ``key``.
        row_estimate: the server's own estimate [rows].
        data_bytes: the server's own estimate of stored data [bytes].
        auto_increment: next value, None if the table has none.
        sequence_next: next value that was not cached, for sequences.
        sequence_cycles: how often a sequence began anew; 0 for a backup without this field.
        row_format: how InnoDB stores rows, as ``Dynamic``; empty if not recorded.
        histograms: of MySQL: columns with statistics of their values, each with the JSON of
            ``information_schema.column_statistics``.
    """

    schema: str
    name: str
    kind: TableKind
    engine: str
    is_transactional: bool
    create_sql: bytes
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    key_name: str = ""
    foreign_keys: tuple[ForeignKey, ...] = ()
    row_estimate: int = 0
    data_bytes: int = 0
    auto_increment: int | None = None
    sequence_next: str | None = None
    sequence_cycles: int = 0
    is_versioned: bool = False
    is_partitioned: bool = False
    row_format: str = ""
    histograms: tuple[tuple[str, str], ...] = ()

    @property
    def qualified(self) -> str:
        """Name the table for people, as ``schema.table``."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Schema:
    """Describe one database: its name and ``SHOW CREATE DATABASE`` byte for byte."""

    name: str
    create_sql: bytes


class ObjectKind(StrEnum):
    """Name the kinds of code objects, in the order in which they are created."""

    LIBRARY = "library"
    """MySQL's code that routines in JavaScript import."""
    FUNCTION = "function"
    PROCEDURE = "procedure"
    PACKAGE = "package"
    PACKAGE_BODY = "package body"
    VIEW = "view"
    TRIGGER = "trigger"
    EVENT = "event"


@dataclass(frozen=True)
class CodeObject:
    """Describe a view, routine, trigger or event with the session state it was made under.

    Attributes:
        create_sql: ``SHOW CREATE`` byte for byte, in the character set ``charset``.
        table: the table a trigger belongs to.
        columns: names of a view's columns; the text can name them otherwise. Empty if not
            recorded.
        time_zone: an event's time zone.
        is_enabled: False for an event that was disabled.
        fault: why the server could not read it back at the source, else None.
    """

    kind: ObjectKind
    schema: str
    name: str
    create_sql: bytes
    sql_mode: str
    charset: str
    collation: str
    database_collation: str = ""
    table: str = ""
    time_zone: str = ""
    is_enabled: bool = True
    fault: str | None = None
    columns: tuple[str, ...] = ()


class InstanceKind(StrEnum):
    """Name what belongs to an instance, in the order in which it is created."""

    SPATIAL_SYSTEM = "spatial reference system"
    SERVER = "foreign server"


@dataclass(frozen=True)
class InstanceObject:
    """Describe a foreign server, or a spatial reference system that a user made.

    Attributes:
        name: a server's name, or the number of a spatial reference system.
        options: by their names; one of a server can be a password.
    """

    kind: InstanceKind
    name: str
    options: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True)
class Account:
    """Describe a user or role: the statements that recreate it, in order.

    Attributes:
        create_sql: empty for an account that every server has, as MariaDB's ``PUBLIC``.
        grants: what the account has; of a role of MariaDB also who has it among the accounts
            that every server has, which are not recorded themselves.
        second_password: hash of the password that MySQL takes besides the first one, which
            ``create_sql`` tells (RETAIN CURRENT PASSWORD); empty if there is none.
    """

    name: str
    is_role: bool
    create_sql: bytes
    grants: tuple[bytes, ...]
    second_password: str = ""
