"""Find AUTO_INCREMENT counters that no server can be given again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shardvault.errors import ServerError
from shardvault.model.ids import ShardName
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Table
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session


def find_low_counters(session: Session, tables: Iterable[Table]) -> Iterator[Finding]:
    """Report counters that are not above the largest value of their column.

    A partitioned table of MariaDB comes to this after an UPDATE of the column: the partitions
    do not count it. The next INSERT takes a value below the largest, and a server that loads
    the rows counts on from the largest. Other tables always count above it.

    Args:
        session: in any state.
        tables: those to look at.
    """
    for table in tables:
        if not table.is_partitioned or table.auto_increment is None:
            continue
        largest = read_largest(session, table)
        if largest is not None and 0 < table.auto_increment <= largest:
            yield Finding(
                Severity.WARNING,
                ShardName(session.shard),
                "counters",
                f"{table.qualified}: AUTO_INCREMENT is {table.auto_increment}, and {largest} is "
                f"in use; no server can be set so low, a restore sets {largest + 1}",
                f"ALTER TABLE {quote_table(table.schema, table.name)} "
                f"AUTO_INCREMENT = {largest + 1}",
                table.qualified,
            )


def read_largest(session: Session, table: Table) -> int | None:
    """Read the largest value of the column that counts; None if there is none, or no integer."""
    columns = [one for one in table.columns if "auto_increment" in one.extra.lower()]
    if not columns or "int" not in columns[0].data_type:
        return None
    place = quote_table(table.schema, table.name)
    try:
        value = session.value(f"SELECT MAX({quote_name(columns[0].name)}) FROM {place}")
    except ServerError:
        return None
    return None if value is None else int(value)
