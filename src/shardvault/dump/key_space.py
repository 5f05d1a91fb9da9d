"""Turn the values of a key column into numbers and numbers into SQL literals.

A border between two ranges need not be a value that occurs: any literal will do, as long
as the server orders the literals strictly (``ranges`` lets it prove that). So a mapping
only has to be roughly monotonic; how well it fits decides balance, never correctness.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from shardvault.model.schema import Column
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import decode

_TAKEN = 8  # characters behind the common prefix that borders are made of
_PRINTABLE = bytes(range(0x20, 0x7F))
# What every collation orders alike, whatever it thinks of case and punctuation.
_ANY_CASE = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BYTES = bytes(range(256))

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
# 0000 lies below. MySQL finds no row on either side of a number that is no year.
_FIRST_YEAR = 1901
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
    if column.data_type in _INTEGERS | _BINARIES | {"year", "date", "decimal"}:
        return f"MIN({name}), MAX({name})"
    return None


def build_space(column: Column, low: bytes, high: bytes) -> KeySpace | None:
    """Build the space between the least and the greatest value; None if it can't be cut."""
    if column.data_type in _INTEGERS:
        return KeySpace(int(low), int(high), str)
    if column.data_type == "year":
        return KeySpace(max(int(low), _FIRST_YEAR), max(int(high), _FIRST_YEAR), str)
    if column.data_type == "decimal":
        return _decimal_space(low, high)
    if column.data_type == "date":
        return _date_space(low, high)
    if column.data_type in _BINARIES:
        return _text_space(low, high, _BYTES, lambda text: f"X'{text.hex()}'")
    is_binary = (column.collation or "").endswith("_bin")
    alphabet = _PRINTABLE if is_binary else _ANY_CASE
    return _text_space(low, high, alphabet, _text_literal(column))


def _decimal_space(low: bytes, high: bytes) -> KeySpace:
    """Count in units of the last decimal; a server prints all of them."""
    decimals = len(low.partition(b".")[2])

    def write(value: int) -> str:
        digits = str(abs(value)).zfill(decimals + 1)
        point = len(digits) - decimals
        return f"{'-' if value < 0 else ''}{digits[:point]}.{digits[point:]}"

    return KeySpace(int(low.replace(b".", b"")), int(high.replace(b".", b"")), write)


def _date_space(low: bytes, high: bytes) -> KeySpace | None:
    try:
        first, last = date.fromisoformat(decode(low)), date.fromisoformat(decode(high))
    except ValueError:
        return None  # a zero or impossible date
    return KeySpace(
        first.toordinal(), last.toordinal(), lambda day: f"DATE'{date.fromordinal(day)}'"
    )


def _text_space(
    low: bytes, high: bytes, alphabet: bytes, literal: Callable[[bytes], str]
) -> KeySpace:
    prefix = _shared_prefix(low, high)

    def number(text: bytes) -> int:
        taken = text[len(prefix) : len(prefix) + _TAKEN]
        digits = [max(0, bisect_right(alphabet, byte) - 1) for byte in taken]
        total = 0
        for digit in digits + [0] * (_TAKEN - len(digits)):
            total = total * len(alphabet) + digit
        return total

    def write(value: int) -> str:
        digits = bytearray()
        for _ in range(_TAKEN):
            value, digit = divmod(value, len(alphabet))
            digits.append(alphabet[digit])
        return literal(prefix + bytes(reversed(digits)))

    def fold(text: bytes) -> bytes:
        return text.upper() if alphabet == _ANY_CASE else text

    return KeySpace(number(fold(low)), number(fold(high)), write)


def _shared_prefix(low: bytes, high: bytes) -> bytes:
    shared = 0
    while shared < min(len(low), len(high)) and low[shared] == high[shared]:
        shared += 1
    return low[:shared]


def _text_literal(column: Column) -> Callable[[bytes], str]:
    def write(text: bytes) -> str:
        whole = text.decode("utf-8", "ignore").encode()  # a prefix may end within a character
        converted = f"CONVERT(_utf8mb4 X'{whole.hex()}' USING {column.charset})"
        return f"{converted} COLLATE {column.collation}"

    return write
