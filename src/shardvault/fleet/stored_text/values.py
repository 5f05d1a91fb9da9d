"""Judge values beside the texts of a backup that become part of statements; no I/O."""

from __future__ import annotations

import re

from shardvault.fleet.stored_text.cursor import Forged
from shardvault.model.manifest import TableRecord
from shardvault.model.schema import CodeObject, InstanceKind, InstanceObject, TableKind
from shardvault.mysql.charsets import find_codec

_MODE = re.compile(r"(?:[A-Z][A-Z0-9_]*(?:,[A-Z][A-Z0-9_]*)*)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_ZONE = re.compile(r"(?:[+-]\d\d?:\d\d|[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)?", re.ASCII)
# One byte for a character, and ASCII is ASCII; what follows decides no quote.
_OF_ONE_BYTE = frozenset(
    {"armscii8", "cp850", "cp852", "cp866", "dec8", "geostd8", "hp8"}
    | {"keybcs2", "macce", "macroman", "tis620"}
)
_BORDER = re.compile(
    r"""-?\d+(?:\.\d+)?
    |DATE'\d{1,4}-\d\d-\d\d'
    |X'(?:[0-9a-f]{2})*'
    |CONVERT\(_utf8mb4\ X'(?:[0-9a-f]{2})*'\ USING\ \w+\)\ COLLATE\ \w+""",
    re.VERBOSE | re.ASCII,
)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)


def read_charset(charset: str) -> str:
    """Name the character set by which a text in ``charset`` is split into tokens.

    Raises:
        Forged: not one that a client can use, or one in which no byte is certain.
    """
    if find_codec(charset) is not None:
        return charset
    if charset.lower() in _OF_ONE_BYTE:
        return "latin1"
    raise Forged(f"was made under {charset[:40]!r}, no character set of a client")


def judge_state(item: CodeObject) -> None:
    """Judge the session state that a code object is created in.

    Raises:
        Forged: a value is not of the form that the variable has.
    """
    read_charset(item.charset)
    for what, value, form in (
        ("sql_mode", item.sql_mode, _MODE),
        ("collation", item.collation, _WORD),
        ("time zone", item.time_zone, _ZONE),
    ):
        if form.fullmatch(value) is None:
            raise Forged(f"was made under {what} {value[:40]!r}, which is none")
    if item.database_collation and _WORD.fullmatch(item.database_collation) is None:
        raise Forged(f"was made under database collation {item.database_collation[:40]!r}")


def judge_instance_object(item: InstanceObject) -> None:
    """Judge that what belongs to an instance has what its statement is written of.

    Names and texts of it are quoted; only numbers are not.

    Raises:
        Forged: something is missing, or a number is none.
    """
    options = dict(item.options)
    wanted: tuple[str, ...] = ("wrapper",)
    numbers: list[str] = []
    if item.kind is InstanceKind.SPATIAL_SYSTEM:
        wanted, numbers = ("name", "definition"), [item.name]
        if "organization" in options:
            numbers.append(options.get("organization id", ""))
    if missing := [name for name in wanted if name not in options]:
        raise Forged(f"has no {missing[0]}")
    for number in numbers:
        if _NUMBER.fullmatch(number) is None:
            raise Forged(f"has {number[:40]!r} where a number belongs")


def judge_record(record: TableRecord) -> None:
    """Judge what a table's record adds to statements besides its definition.

    Raises:
        Forged: a border of a range is no literal, or names do not fit together.
    """
    table = record.table
    names = {column.name for column in table.columns}
    if not set(record.select_columns) <= names:
        raise Forged("has rows with a column that the table does not have")
    known = {name.casefold() for name in names}
    if not {name.casefold() for name in table.key} <= known:
        raise Forged("has a key over a column that the table does not have")
    for key in table.foreign_keys:
        if not key.columns or len(key.columns) != len(key.ref_columns):
            raise Forged(f"has a foreign key {key.name!r} that pairs no columns")
    for found in record.ranges:
        for border in (found.lower, found.upper):
            _judge_border(border, len(table.key))
    _judge_counters(record)


def _judge_border(border: tuple[str, ...] | None, columns: int) -> None:
    if border is None:
        return
    if not 1 <= len(border) <= columns:
        raise Forged(f"has a range with a border of {len(border)} values, its key has {columns}")
    for literal in border:
        if _BORDER.fullmatch(literal) is None:
            raise Forged(f"has a range whose border is no literal: {literal[:40]}")


def _judge_counters(record: TableRecord) -> None:
    table = record.table
    if table.auto_increment is not None and table.auto_increment < 0:
        raise Forged(f"counts on from {table.auto_increment}")
    if table.sequence_next is None:
        return
    if table.kind is not TableKind.SEQUENCE or _INTEGER.fullmatch(table.sequence_next) is None:
        raise Forged(f"goes on at {table.sequence_next[:40]!r}, which is no value of a sequence")
