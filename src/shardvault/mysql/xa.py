"""Read what a server tells of prepared XA branches."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.model.position import Xid
from shardvault.mysql.session import Row


def parse_xids(rows: Sequence[Row]) -> tuple[Xid, ...]:
    """Read the answer to XA RECOVER; both parts of an xid are arbitrary bytes.

    Source: MySQL manual, "XA Transaction SQL Statements" (columns of XA RECOVER).
    """
    return tuple(_xid(row) for row in rows)


def _xid(row: Row) -> Xid:
    format_id, gtrid_length, _, data = (value or b"" for value in row)
    split = int(gtrid_length)
    return Xid(int(format_id), data[:split], data[split:])
