"""Say how each column type takes back the text that the dump read.

The counterpart of the dump's read rules. A value travels either as *binary*, the bytes
of the column's own character set that no conversion may touch, or as *text*, an ASCII
literal that the server parses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from shardvault.fleet.inventory import ROW_END
from shardvault.model.column_types import TypeGroup, find_group
from shardvault.model.position import Family
from shardvault.model.schema import Column

TYPE_BLOB = 252
TYPE_TEXT = 253
_FRACTIONAL = re.compile(r"(?:float|double)\((\d+),(\d+)\)")


@dataclass(frozen=True)
class WriteRule:
    """Say by which expression values are stored, with the reason.

    Attributes:
        expression: SQL with ``{v}`` for the value.
        parameter: protocol type of the value in bulk execute.
    """

    expression: str
    parameter: int
    reason: str


_PLAIN = WriteRule("{v}", TYPE_TEXT, "the server parses its own text exactly")
_AS_NUMBER = WriteRule(
    "CAST({v} AS UNSIGNED)",
    TYPE_TEXT,
    "the number is the value; as text it would be taken for a member or for bits",
)
_AS_BYTES = WriteRule("{v}", TYPE_BLOB, "stored without conversion")
_MYSQL_JSON = WriteRule(
    "CONVERT({v} USING utf8mb4)", TYPE_TEXT, "MySQL makes no JSON of binary strings"
)

_SHARED: Mapping[TypeGroup, WriteRule] = {
    TypeGroup.INTEGER: _PLAIN,
    TypeGroup.DECIMAL: _PLAIN,
    TypeGroup.FLOAT: _PLAIN,
    TypeGroup.DOUBLE: _PLAIN,
    TypeGroup.BIT: _AS_NUMBER,
    TypeGroup.MEMBER: _AS_NUMBER,
    TypeGroup.TIME: _PLAIN,
    TypeGroup.INSTANT: _PLAIN,
    TypeGroup.TEXT: _AS_BYTES,
    TypeGroup.BYTES: _AS_BYTES,
    TypeGroup.JSON: _PLAIN,
    TypeGroup.SHAPE: _AS_BYTES,
    TypeGroup.VECTOR: _AS_BYTES,
    TypeGroup.ADDRESS: _PLAIN,
}
WRITE_RULES: Mapping[Family, Mapping[TypeGroup, WriteRule]] = {
    Family.MARIADB: _SHARED,
    Family.MYSQL: {**_SHARED, TypeGroup.JSON: _MYSQL_JSON},
}
WRITE_ROW_END = WriteRule(
    "COALESCE(NULLIF({v}, 'current'), FROM_UNIXTIME("
    "IF(VERSION() < '11.5', 2147483647.999999, 4294967295.999999)))",
    TYPE_TEXT,
    "a version that is current ends at the greatest TIMESTAMP that this server has",
)
WRITE_BOUNDED = WriteRule(
    "GREATEST(LEAST({v} + 0e0, {limit}), -{limit})",
    TYPE_TEXT,
    "the nearest FLOAT of the greatest value lies above it; it is kept within the type",
)
"""For ``FLOAT(M,D)`` and ``DOUBLE(M,D)``, whose ``limit`` is their greatest value."""


def write_rule(column: Column, family: Family) -> WriteRule:
    """Choose how a column takes its values back on servers of a family.

    Raises:
        UnsupportedObject: no rule covers its type.
    """
    if column.extra == ROW_END:
        return WRITE_ROW_END
    if match := _FRACTIONAL.match(column.column_type):
        return _bounded_rule(int(match[1]), int(match[2]))
    return WRITE_RULES[family][find_group(column.data_type)]


def _bounded_rule(digits: int, decimals: int) -> WriteRule:
    limit = f"{'9' * (digits - decimals)}.{'9' * decimals}e0"
    return replace(WRITE_BOUNDED, expression=WRITE_BOUNDED.expression.format(v="{v}", limit=limit))
