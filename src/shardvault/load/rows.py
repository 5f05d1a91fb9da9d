"""Put chunks of row packets into a table and prove that the server took every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shardvault.interfaces import Buffer
from shardvault.load.bulk import BulkLoader
from shardvault.load.infile import InfileLoader
from shardvault.model.position import Family
from shardvault.model.schema import Column
from shardvault.mysql.session import Session


class RowLoader(Protocol):
    """Load chunks into one table over one session."""

    def load(self, chunk: Buffer) -> int:
        """Store every row of a chunk and return their number [rows].

        Raises:
            ServerError: the server refused rows, warned, or counted otherwise.
            IntegrityError: the chunk is not whole rows of the table's columns.
        """

    def close(self) -> None:
        """Give back what the server holds for this loader."""


def open_loader(
    session: Session, schema: str, table: str, columns: Sequence[Column], max_packet_bytes: int
) -> RowLoader:
    """Choose the fastest exact way into a table: bulk execute, or LOAD DATA on MySQL.

    Args:
        session: in the load state; used by nobody else until ``close``.
        schema: where the table is.
        table: its name.
        columns: the columns that each row carries, in order.
        max_packet_bytes: the target's max_allowed_packet [bytes].
    """
    if session.family is Family.MARIADB:
        return BulkLoader(session, schema, table, columns, max_packet_bytes)
    return InfileLoader(session, schema, table, columns)
