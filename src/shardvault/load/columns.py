"""Say how each column type takes back the text that the dump read.

The counterpart of the dump's read rules. A value travels either as *binary*, the bytes
of the column's own character set that no conversion may touch, or as *text*, an ASCII
literal that the server parses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from shardvault.fleet.inventory import ROW_END
from shardvault.model.position import Family
from shardvault.model.schema import Column

TYPE_BLOB = 252
TYPE_TEXT = 253
_FRACTIONAL = re.compile(r"(?:float|double)\((\d+),(\d+)\)")


@dataclass(frozen=True)
class WriteRule:
    """Tie column types to the expression that stores them, with the reason.

    Attributes:
        expression: SQL with ``{v}`` for the value.
        parameter: protocol type of the value in bulk execute.
    """

    types: frozenset[str]
    expression: str
    parameter: int
    reason: str


_AS_NUMBER = WriteRule(
    frozenset({"enum", "set", "bit"}),
    "CAST({v} AS UNSIGNED)",
    TYPE_TEXT,
    "the number is the value; as text it would be taken for a member or for bits",
)
_AS_BYTES = WriteRule(
    frozenset(
        {
            *("char", "varchar", "tinytext", "text", "mediumtext", "longtext"),
            *("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
            *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
            *("multipolygon", "geometrycollection", "geomcollection", "vector"),
        }
    ),
    "{v}",
    TYPE_BLOB,
    "bytes of the column's character set, stored without conversion",
)
_MYSQL_JSON = WriteRule(
    frozenset({"json"}),
    "CONVERT({v} USING utf8mb4)",
    TYPE_TEXT,
    "MySQL makes no JSON of binary strings",
)
_ROW_END = WriteRule(
    frozenset({"timestamp"}),
    "COALESCE(NULLIF({v}, 'current'), FROM_UNIXTIME("
    "IF(VERSION() < '11.5', 2147483647.999999, 4294967295.999999)))",
    TYPE_TEXT,
    "a version that is current ends at the greatest TIMESTAMP that this server has",
)
_PLAIN = WriteRule(frozenset(), "{v}", TYPE_TEXT, "the server parses its own text exactly")

RULES = {
    Family.MARIADB: (_AS_NUMBER, _AS_BYTES),
    Family.MYSQL: (_AS_NUMBER, _AS_BYTES, _MYSQL_JSON),
}


def write_rule(column: Column, family: Family) -> WriteRule:
    """Choose how a column takes its values back on servers of a family."""
    if column.extra == ROW_END:
        return _ROW_END
    if match := _FRACTIONAL.match(column.column_type):
        return _bounded_rule(int(match[1]), int(match[2]))
    for rule in RULES[family]:
        if column.data_type in rule.types:
            return rule
    return _PLAIN


def _bounded_rule(digits: int, decimals: int) -> WriteRule:
    """Keep the nearest FLOAT of the greatest value, which lies above it, within the type."""
    limit = f"{'9' * (digits - decimals)}.{'9' * decimals}e0"
    return replace(_PLAIN, expression=f"GREATEST(LEAST({{v}} + 0e0, {limit}), -{limit})")
