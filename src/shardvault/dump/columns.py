"""Say how each column type is read so that its text is its value, exactly.

One table of code: the type's name, the expression, and why. Every other type is read by
its plain name, as the bytes that the server holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.fleet.inventory import ROW_END
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


# Types inside MySQL's JSON that its text does not tell: read back, they would be others.
_UNTOLD = (
    "(JSON_TYPE({v}) IN ('DECIMAL', 'DATE', 'TIME', 'DATETIME', 'BLOB', 'BIT', 'OPAQUE')"
    " OR (JSON_TYPE({v}) = 'UNSIGNED INTEGER' AND {v} <= 9223372036854775807))"
)
_HAS_UNTOLD = (
    f"({_UNTOLD.format(v='{c}')} OR EXISTS (SELECT 1 FROM JSON_TABLE({{c}}, '$' COLUMNS ("
    "NESTED PATH '$**.*' COLUMNS (m JSON PATH '$'), NESTED PATH '$**[*]' COLUMNS (i JSON PATH '$')"
    f")) inside WHERE {_UNTOLD.format(v='m')} OR {_UNTOLD.format(v='i')}))"
)
UNTOLD_JSON = "JSON with types that its text does not tell"
"""What the server's error repeats when a value of this kind was met."""
# A function that quotes its argument in its error; the column keeps it from being called early.
_STOP = f"CAST(UUID_TO_BIN(CONCAT('{UNTOLD_JSON}', LEFT({{c}}, 0))) AS JSON)"

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
    ReadRule(
        frozenset({"json"}),
        f"IF({_HAS_UNTOLD}, {_STOP}, {{c}})",
        "MySQL's JSON holds dates, decimals and bytes that its text does not tell; reading stops",
    ),
)


_ROW_END = ReadRule(
    frozenset({"timestamp"}),
    "IF({c} IN ('2038-01-19 03:14:07.999999', '2106-02-07 06:28:15.999999'), 'current', {c})",
    "a version that is current ends at the greatest TIMESTAMP, which MariaDB 11.5 moved",
)


def stored_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Pick the columns whose values are stored: all that the server does not compute."""
    return tuple(column for column in columns if not column.is_generated)


def select_expression(column: Column) -> str:
    """Write the expression that reads a column exactly."""
    name = quote_name(column.name)
    if column.extra == ROW_END:
        return _ROW_END.expression.format(c=name)
    for rule in RULES:
        if column.data_type in rule.types:
            return rule.expression.format(c=name)
    return name
