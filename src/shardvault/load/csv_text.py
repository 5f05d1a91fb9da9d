"""Write rows as CSV (RFC 4180), for a look or for another tool."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from shardvault.load.values import Values
from shardvault.model.column_types import TypeGroup, find_group
from shardvault.model.schema import Column
from shardvault.mysql.charsets import find_codec
from shardvault.mysql.session import encode

Write = Callable[[bytes], str]

_BINARY = frozenset({TypeGroup.BYTES, TypeGroup.SHAPE, TypeGroup.VECTOR})
_WIDE = {"ucs2": "utf-16-be", "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be"}
"""Character sets of columns that no client can use."""
_MEMBER = re.compile(r"'((?:[^']|'')*)'")


def write_header(columns: Sequence[Column]) -> bytes:
    """Give the names of the columns."""
    return encode(",".join(_quote(column.name) for column in columns) + "\r\n")


def write_csv_rows(columns: Sequence[Column], rows: Iterator[Values]) -> Iterator[bytes]:
    """Give a line per row in UTF-8.

    NULL is an empty field, an empty text is ``""``. Text is converted to UTF-8; bytes, and
    text in a character set that is not known here, are written as ``0x`` and hex digits.
    Members of ENUM and SET are written by name.
    """
    writers = [_writer(column) for column in columns]
    for values in rows:
        pairs = zip(writers, values, strict=True)
        fields = ("" if value is None else _quote(put(value)) for put, value in pairs)
        yield encode(",".join(fields) + "\r\n")


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _writer(column: Column) -> Write:
    group = find_group(column.data_type)
    if group in _BINARY:
        return _write_hex
    if group is TypeGroup.MEMBER:
        return _name_members(column)
    charset = (column.charset or "utf8mb4") if group is TypeGroup.TEXT else "utf8mb4"
    codec = _WIDE.get(charset) or find_codec(charset)
    return lambda value: _decode(value, codec)


def _write_hex(value: bytes) -> str:
    return "0x" + value.hex()


def _decode(value: bytes, codec: str | None) -> str:
    if codec is None:
        return _write_hex(value)
    try:
        return value.decode(codec)
    except UnicodeDecodeError:
        return _write_hex(value)


def _name_members(column: Column) -> Write:
    """Turn the index of a member, or the bits of a set, into names."""
    members = [found[1].replace("''", "'") for found in _MEMBER.finditer(column.column_type)]
    if column.data_type == "set":
        return lambda value: ",".join(
            name for bit, name in enumerate(members) if int(value) >> bit & 1
        )
    return lambda value: ["", *members][int(value)]
