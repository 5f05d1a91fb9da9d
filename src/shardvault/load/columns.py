"""Say how each column type takes back the text that the dump read.

The counterpart of the dump's read rules. A value travels either as *binary*, the bytes
of the column's own character set that no conversion may touch, or as *text*, an ASCII
literal that the server parses.
"""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.model.position import Family
from shardvault.model.schema import Column

TYPE_BLOB = 252
TYPE_TEXT = 253


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
_PLAIN = WriteRule(frozenset(), "{v}", TYPE_TEXT, "the server parses its own text exactly")

RULES = {
    Family.MARIADB: (_AS_NUMBER, _AS_BYTES),
    Family.MYSQL: (_AS_NUMBER, _AS_BYTES, _MYSQL_JSON),
}


def write_rule(column: Column, family: Family) -> WriteRule:
    """Choose how a column takes its values back on servers of a family."""
    for rule in RULES[family]:
        if column.data_type in rule.types:
            return rule
    return _PLAIN
