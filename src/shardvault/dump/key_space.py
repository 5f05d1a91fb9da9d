"""Turn the values of a key column into numbers and numbers into SQL literals.

A border between two ranges need not be a value that occurs: any literal will do, as long
as the server orders the literals strictly (``ranges`` lets it prove that). So a mapping
only has to be roughly monotonic; how well it fits decides balance, never correctness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from shardvault.model.schema import Column
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import decode

_TAKEN = 8  # characters behind the common prefix that borders are made of
_FIRST, _COUNT = 0x20, 0x5F  # printable ASCII

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
_TEXTS = frozenset({"char", "varchar"})
_BINARIES = frozenset({"binary", "varbinary"})


@dataclass(frozen=True)
class KeySpace:
    """Map one key column to numbers between ``low`` and ``high``, both inclusive."""

    low: int
    high: int
    literal: Callable[[int], str]


def extent_expression(column: Column) -> str | None:
    """Write what to select for the least and greatest value; None if it can't be cut."""
    name = quote_name(column.name)
    if column.data_type in _TEXTS:
        return f"CONVERT(MIN({name}) USING utf8mb4), CONVERT(MAX({name}) USING utf8mb4)"
    if column.data_type in _INTEGERS | _BINARIES | {"date", "decimal"}:
        return f"MIN({name}), MAX({name})"
    return None


def build_space(column: Column, low: bytes, high: bytes) -> KeySpace | None:
    """Build the space between the least and the greatest value; None if it can't be cut."""
    if column.data_type in _INTEGERS | {"decimal"}:
        return KeySpace(_whole(low), _whole(high), str)
    if column.data_type == "date":
        return _date_space(low, high)
    if column.data_type in _BINARIES:
        return _text_space(low, high, 0, 256, lambda text: f"X'{text.hex()}'")
    return _text_space(low, high, _FIRST, _COUNT, _text_literal(column))


def _whole(text: bytes) -> int:
    return int(text.split(b".")[0] or b"0")


def _date_space(low: bytes, high: bytes) -> KeySpace | None:
    try:
        first, last = date.fromisoformat(decode(low)), date.fromisoformat(decode(high))
    except ValueError:
        return None  # a zero or impossible date
    return KeySpace(
        first.toordinal(), last.toordinal(), lambda day: f"DATE'{date.fromordinal(day)}'"
    )


def _text_space(
    low: bytes, high: bytes, first: int, count: int, literal: Callable[[bytes], str]
) -> KeySpace:
    shared = 0
    while shared < min(len(low), len(high)) and low[shared] == high[shared]:
        shared += 1
    prefix = low[:shared]

    def number(text: bytes) -> int:
        total = 0
        for at in range(shared, shared + _TAKEN):
            digit = text[at] - first if at < len(text) else 0
            total = total * count + min(max(digit, 0), count - 1)
        return total

    def write(value: int) -> str:
        digits = bytearray()
        for _ in range(_TAKEN):
            value, digit = divmod(value, count)
            digits.append(first + digit)
        return literal(prefix + bytes(reversed(digits)))

    return KeySpace(number(low), number(high), write)


def _text_literal(column: Column) -> Callable[[bytes], str]:
    def write(text: bytes) -> str:
        converted = f"CONVERT(_utf8mb4 X'{text.hex()}' USING {column.charset})"
        return f"{converted} COLLATE {column.collation}"

    return write
