"""Say how each column type is read so that its text is its value, exactly.

One table of code: the types, the expression, what its text tells, and why. The page
docs/exactness.md is made from it. A type that it lacks is refused, not read on faith.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shardvault.fleet.inventory import ROW_END, ROW_START
from shardvault.fleet.untold_json import HAS_UNTOLD
from shardvault.model.column_types import TypeGroup, find_group
from shardvault.model.schema import Column
from shardvault.mysql.quoting import quote_name


@dataclass(frozen=True)
class ReadRule:
    """Tie a group of column types to the expression that reads them, with the reason.

    Attributes:
        expression: SQL with ``{c}`` for the quoted column.
        gives: what the text is that is stored, and whose hash is compared.
    """

    expression: str
    gives: str
    reason: str


UNTOLD_JSON = "JSON with types that its text does not tell"
"""What the server's error repeats when a value of this kind was met."""
# A function that quotes its argument in its error; the column keeps it from being called early.
_STOP = f"CAST(UUID_TO_BIN(CONCAT('{UNTOLD_JSON}', LEFT({{c}}, 0))) AS JSON)"

READ_RULES: Mapping[TypeGroup, ReadRule] = {
    TypeGroup.INTEGER: ReadRule(
        "{c}", "all digits", "no driver makes a number of them; TINYINT(1) may hold 2"
    ),
    TypeGroup.DECIMAL: ReadRule(
        "{c}", "all digits of the declared precision", "no DOUBLE stands in between"
    ),
    TypeGroup.FLOAT: ReadRule(
        "CAST({c} AS DOUBLE)",
        "the shortest digits of the same number as DOUBLE",
        "FLOAT prints 6 digits; the DOUBLE literal of the same number is exact",
    ),
    TypeGroup.DOUBLE: ReadRule(
        "CAST({c} AS DOUBLE)",
        "the shortest digits that give the same number",
        "the server prints up to 17 digits, and the sign of zero; ZEROFILL would make 00-0 of -0",
    ),
    TypeGroup.BIT: ReadRule(
        "CAST({c} AS UNSIGNED)",
        "the bits as a number",
        "the bit string's character set is the client's; its number is not",
    ),
    TypeGroup.MEMBER: ReadRule(
        "CAST({c} AS UNSIGNED)",
        "index of the member, or bits of the set",
        "index and bits tell the empty error value from a member ''; MySQL's c + 0 is a DOUBLE",
    ),
    TypeGroup.TIME: ReadRule(
        "{c}",
        "all parts, with the declared fraction",
        "no driver makes a date of 0000-00-00, 2023-02-31 or 838:59:59",
    ),
    TypeGroup.INSTANT: ReadRule(
        "{c}",
        "the instant in UTC, with the declared fraction",
        "the session's time_zone is +00:00: in other zones two instants share a text in autumn",
    ),
    TypeGroup.TEXT: ReadRule(
        "{c}",
        "the bytes in the column's own character set",
        "the session's character_set_results is NULL: nothing is converted",
    ),
    TypeGroup.BYTES: ReadRule("{c}", "the bytes", "lengths travel beside them: no end mark"),
    TypeGroup.JSON: ReadRule(
        f"IF({HAS_UNTOLD}, {_STOP}, {{c}})",
        "the server's own text of the value",
        "MySQL's JSON holds dates, decimals and bytes that its text does not tell; reading stops",
    ),
    TypeGroup.SHAPE: ReadRule(
        "{c}",
        "SRID and the binary form of the shape",
        "text would lose the SRID, digits, and on MySQL the order of axes",
    ),
    TypeGroup.VECTOR: ReadRule("{c}", "the bytes of its numbers", "text would round them"),
    TypeGroup.ADDRESS: ReadRule(
        "{c}", "the server's own text", "the text is canonical: one for each value"
    ),
}

READ_JSON_TEXT = ReadRule(
    "CAST(CONVERT({c} USING utf8mb4) AS JSON)",
    "the server's own text of what a restore will make of it",
    "a DECIMAL's text is not that of the DOUBLE it becomes; for JSON whose loss is allowed",
)

READ_ROW_END = ReadRule(
    "IF({c} IN ('2038-01-19 03:14:07.999999', '2106-02-07 06:28:15.999999'), 'current', {c})",
    "the instant in UTC, or `current`",
    "a version that is current ends at the greatest TIMESTAMP, which MariaDB 11.5 moved",
)


def stored_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Pick the columns whose values are stored: all that the server does not compute."""
    return tuple(column for column in columns if not column.is_generated)


def computed_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Pick the columns that the server computes from the stored ones.

    The periods of versions are told by the server's own counters, anew at each restore.
    """
    return tuple(
        column
        for column in columns
        if column.is_generated and column.extra not in (ROW_START, ROW_END)
    )


def select_expression(column: Column, *, tells_types: bool = True) -> str:
    """Write the expression that reads a column exactly.

    Args:
        column: what to read.
        tells_types: stop at JSON with types that its text does not tell; False = read it as
            a restore will make it.

    Raises:
        UnsupportedObject: no rule covers its type.
    """
    return _rule(column, tells_types).expression.format(c=quote_name(column.name))


def _rule(column: Column, tells_types: bool) -> ReadRule:
    if column.extra == ROW_END:
        return READ_ROW_END
    group = find_group(column.data_type)
    return READ_RULES[group] if tells_types or group is not TypeGroup.JSON else READ_JSON_TEXT
