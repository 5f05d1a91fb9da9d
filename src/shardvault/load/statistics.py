"""Refresh the statistics of loaded tables, so that the first queries get good plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shardvault.fleet.inventory import TableName
from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import Session, decode

_TABLES_PER_STATEMENT = 50  # each statement keeps its tables open until its end
_FAULTS = (b"error", b"Error", b"warning", b"Warning")


def analyze_tables(session: Session, tables: Sequence[TableName]) -> Iterator[str]:
    """Run ANALYZE on tables, without a trace in the binlog; give what the server says against it.

    Args:
        session: may insert into the tables.
        tables: names of schema and table.
    """
    for begin in range(0, len(tables), _TABLES_PER_STATEMENT):
        group = tables[begin : begin + _TABLES_PER_STATEMENT]
        places = ", ".join(quote_table(*name) for name in group)
        for row in session.rows(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {places}"):
            if row[2] in _FAULTS:
                yield f"{decode(row[0] or b'')}: {decode(row[3] or b'')}"
