"""Look for JSON values of types that their text does not tell, before anything is locked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shardvault.clock import monotonic_s
from shardvault.errors import ServerError
from shardvault.fleet.inventory import Inventory
from shardvault.fleet.occupied import NO_SUCH_TABLE
from shardvault.model.loss import LossKind
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Column, Table, TableKind
from shardvault.model.target import Shard
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session

LOOK_LIMIT_S = 600.0
"""Longest time that the tables of one shard are looked through [s]."""

_ANSWER_S = 30.0  # for the server to notice that its time is up
_OUT_OF_TIME = 3024

# Types inside MySQL's JSON that its text does not tell: read back, they would be others.
_UNTOLD = (
    "(JSON_TYPE({v}) IN ('DECIMAL', 'DATE', 'TIME', 'DATETIME', 'BLOB', 'BIT', 'OPAQUE')"
    " OR (JSON_TYPE({v}) = 'UNSIGNED INTEGER' AND {v} <= 9223372036854775807))"
)
HAS_UNTOLD = (
    f"({_UNTOLD.format(v='{c}')} OR EXISTS (SELECT 1 FROM JSON_TABLE({{c}}, '$' COLUMNS ("
    "NESTED PATH '$**.*' COLUMNS (m JSON PATH '$'), NESTED PATH '$**[*]' COLUMNS (i JSON PATH '$')"
    f")) inside WHERE {_UNTOLD.format(v='m')} OR {_UNTOLD.format(v='i')}))"
)
"""SQL that says so of a value; ``{c}`` stands for the quoted column."""


def find_untold_json(
    shard: Shard, inventory: Inventory, *, limit_s: float = LOOK_LIMIT_S
) -> tuple[Finding, ...]:
    """Name every column of MySQL's JSON that holds such a value; each is a blocker.

    Reads each JSON column up to its first hit, over a session of its own and without locks.
    A table that could not be looked through in time is a warning: reading it stops at such
    a value all the same.

    Args:
        shard: whose primary is asked.
        inventory: what is in scope.
        limit_s: longest time for all tables [s].

    Raises:
        ConnectError: the primary was lost.
    """
    columns = [(table, one) for table in inventory.tables for one in _json_columns(table)]
    if not columns:
        return ()
    with Session.open(
        shard.primary, shard.login, shard=shard.name, read_timeout_s=limit_s + _ANSWER_S
    ) as session:
        return tuple(_look(session, columns, limit_s))


def _json_columns(table: Table) -> list[Column]:
    """Pick the stored columns of type JSON; MariaDB has none, there it is a text."""
    if table.kind is not TableKind.ROWS:
        return []
    return [one for one in table.columns if one.data_type == "json" and not one.is_generated]


def _look(
    session: Session, columns: Sequence[tuple[Table, Column]], limit_s: float
) -> Iterator[Finding]:
    end_s = monotonic_s() + limit_s
    for table, column in columns:
        left_s = end_s - monotonic_s()
        try:
            is_found = _has_untold(session, table, column, left_s)
        except TimeoutError:
            yield _unlooked(session.shard, table, column, limit_s)
            continue
        if is_found:
            yield _untold(session.shard, table, column)


def _has_untold(session: Session, table: Table, column: Column, limit_s: float) -> bool:
    """Read a column until its first such value.

    Raises:
        TimeoutError: there was not enough time.
    """
    if limit_s <= 0:
        raise TimeoutError
    session.execute(f"SET SESSION max_execution_time = {max(1, int(limit_s * 1000))}")
    condition = HAS_UNTOLD.format(c=quote_name(column.name))
    place = quote_table(table.schema, table.name)
    try:
        return bool(session.rows(f"SELECT 1 FROM {place} WHERE {condition} LIMIT 1"))
    except ServerError as error:
        if error.code == _OUT_OF_TIME:
            raise TimeoutError from error
        if error.code in NO_SUCH_TABLE:
            return False  # whoever reads it will say so
        raise


def _untold(shard: str, table: Table, column: Column) -> Finding:
    return Finding(
        Severity.BLOCKER,
        shard,
        "tables",
        f"{table.qualified}: JSON column {column.name!r} holds a DECIMAL, DATE, TIME, BLOB or "
        "small UNSIGNED, which its text does not tell",
        LossKind.JSON_TYPES.remedies,
        table.qualified,
        LossKind.JSON_TYPES,
    )


def _unlooked(shard: str, table: Table, column: Column, limit_s: float) -> Finding:
    return Finding(
        Severity.WARNING,
        shard,
        "tables",
        f"{table.qualified}: JSON column {column.name!r} was not looked through within "
        f"{limit_s:.0f} s; a DECIMAL, DATE, TIME, BLOB or small UNSIGNED in it stops the backup "
        "while it reads",
        LossKind.JSON_TYPES.remedies,
        table.qualified,
        LossKind.JSON_TYPES,
    )
