"""Refresh the statistics of loaded tables, so that the first queries get good plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shardvault.errors import PrivilegeError, ServerError
from shardvault.fleet.histograms import is_equal_histogram, read_histograms
from shardvault.fleet.inventory import TableName
from shardvault.model.position import Family
from shardvault.model.schema import Table
from shardvault.mysql.quoting import quote_literal, quote_name, quote_table
from shardvault.mysql.session import Session, decode

_TABLES_PER_STATEMENT = 50  # each statement keeps its tables open until its end
_FAULTS = (b"error", b"Error", b"warning", b"Warning")


def set_histograms(session: Session, table: Table) -> Iterator[str]:
    """Give a table the histograms that it had, without a trace in the binlog.

    Args:
        session: in the load state; may insert into the table.
        table: is there, with its rows.

    Returns:
        a message for each histogram that is not as it was.
    """
    if not table.histograms:
        return
    if session.family is not Family.MYSQL:
        names = ", ".join(column for column, _ in table.histograms)
        yield f"{table.qualified}: histograms of {names} are left out, MariaDB keeps others"
        return
    place = quote_table(table.schema, table.name)
    for column, text in table.histograms:
        statement = (
            f"ANALYZE NO_WRITE_TO_BINLOG TABLE {place} UPDATE HISTOGRAM ON {quote_name(column)} "
            f"USING DATA {quote_literal(text)}"
        )
        for _, fault in _run(session, statement, table.qualified):
            yield f"{table.qualified}: histogram of {column}: {fault}"
    restored = dict(read_histograms(session, [table.schema]).get((table.schema, table.name), ()))
    for column, text in table.histograms:
        if column in restored and not is_equal_histogram(text, restored[column]):
            yield f"{table.qualified}: histogram of {column} reads back differently"


def analyze_tables(session: Session, tables: Sequence[TableName]) -> Iterator[str]:
    """Run ANALYZE on tables, without a trace in the binlog; give what the server says against it.

    Args:
        session: may insert into the tables.
        tables: names of schema and table.
    """
    for begin in range(0, len(tables), _TABLES_PER_STATEMENT):
        group = tables[begin : begin + _TABLES_PER_STATEMENT]
        places = ", ".join(quote_table(*name) for name in group)
        what = f"{len(group)} tables from {'.'.join(group[0])}"
        for place, fault in _run(session, f"ANALYZE NO_WRITE_TO_BINLOG TABLE {places}", what):
            yield f"{place}: {fault}"


def _run(session: Session, statement: str, what: str) -> Iterator[tuple[str, str]]:
    """Run an ANALYZE; give each table of which the server reports a fault, and the fault.

    Args:
        session: to the target.
        statement: the ANALYZE.
        what: stands for the table where the server refuses the whole statement.
    """
    try:
        rows = session.rows(statement)
    except (ServerError, PrivilegeError) as error:
        yield what, error.message
        return
    for row in rows:
        if row[2] in _FAULTS:
            yield decode(row[0] or b""), decode(row[3] or b"")
