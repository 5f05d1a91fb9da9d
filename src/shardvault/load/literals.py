"""Write stored values as SQL literals that give the same value on a server of the same family.

The counterpart of ``columns.WRITE_RULES`` for statements as text: what a loader sends as
binary is a hex literal, what it sends as text is a quoted one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from shardvault.errors import IntegrityError
from shardvault.load.columns import write_rule
from shardvault.load.values import Values
from shardvault.model.column_types import TypeGroup, find_group
from shardvault.model.position import Family
from shardvault.model.schema import Column

Write = Callable[[bytes], str]

_NUMBER = re.compile(rb"-?\d+(?:\.\d*)?")
_READABLE = frozenset({"utf8mb4", "utf8mb3", "utf8", "ascii"})
_NUMBERS = frozenset({TypeGroup.INTEGER, TypeGroup.DECIMAL, TypeGroup.BIT, TypeGroup.MEMBER})
_BINARY = frozenset({TypeGroup.BYTES, TypeGroup.SHAPE, TypeGroup.VECTOR})
_UNSAFE = re.compile(r"['\\\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ufeff]")
"""A quote and a backslash end a literal, the others do not survive every editor or pipe."""


def write_literals(columns: Sequence[Column], family: Family) -> Callable[[Values], str]:
    """Return what writes the values of a row as ``(1, 'two', NULL)``.

    Args:
        columns: the columns that each row carries, in order.
        family: of the server that will run the statement.
    """
    writers = [_writer(column, family) for column in columns]

    def write(values: Values) -> str:
        pairs = zip(writers, values, strict=True)
        return "(" + ", ".join("NULL" if v is None else put(v) for put, v in pairs) + ")"

    return write


def _writer(column: Column, family: Family) -> Write:
    group = find_group(column.data_type)
    if group in _NUMBERS:
        return _write_number
    if group in _BINARY:
        return _write_hex
    if group is TypeGroup.TEXT:
        return _write_text if column.charset in _READABLE else _write_hex
    expression = write_rule(column, family).expression
    if expression == "{v}" or group is TypeGroup.JSON:
        return _write_text
    return lambda value: expression.format(v=_write_text(value))


def _write_number(value: bytes) -> str:
    """Write digits as they are; anything else was never read from such a column."""
    if not _NUMBER.fullmatch(value):
        raise IntegrityError(f"{value[:40]!r} is stored where a number must be")
    return value.decode("ascii")


def _write_text(value: bytes) -> str:
    """Quote text if every reader takes it as it is, else write its bytes."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return _write_hex(value)
    if not _UNSAFE.search(text):
        return f"'{text}'"
    if _UNSAFE.search(text.replace("'", "")) is None:
        return "'" + text.replace("'", "''") + "'"
    return _write_hex(value)


def _write_hex(value: bytes) -> str:
    return f"X'{value.hex()}'" if value else "''"
