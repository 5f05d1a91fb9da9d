"""Say how each column type is read so that its text is its value, exactly.

One table of code: the type's name, the expression, and why. Every other type is read by
its plain name, as the bytes that the server holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.model.schema import Column
from shardvault.mysql.quoting import quote_name


@dataclass(frozen=True)
class ReadRule:
    """Tie column types to the expression that reads them, with the reason.

    Attributes:
        expression: SQL with ``{c}`` for the quoted column.
    """

    types: frozenset[str]
    expression: str
    reason: str


RULES = (
    ReadRule(
        frozenset({"float"}),
        "CAST({c} AS DOUBLE)",
        "FLOAT prints 6 digits; the DOUBLE literal of the same number is exact",
    ),
    ReadRule(
        frozenset({"enum", "set"}),
        "CAST({c} AS UNSIGNED)",
        "index and bits tell the empty error value from a member ''; MySQL's {c}+0 is a DOUBLE",
    ),
    ReadRule(
        frozenset({"bit"}),
        "CAST({c} AS UNSIGNED)",
        "the bit string's character set is the client's; its number is not",
    ),
)


def stored_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Pick the columns whose values are stored: all that the server does not compute."""
    return tuple(column for column in columns if not column.is_generated)


def select_expression(column: Column) -> str:
    """Write the expression that reads a column exactly."""
    name = quote_name(column.name)
    for rule in RULES:
        if column.data_type in rule.types:
            return rule.expression.format(c=name)
    return name
