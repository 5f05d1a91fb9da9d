"""Look for running work that would stand in the way of a cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shardvault.errors import ServerError
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.mysql.errors import ER_XAER_RMERR
from shardvault.mysql.session import Row, Session, decode
from shardvault.mysql.xa import parse_xids

LONG_S = 10

_RUNNING = frozenset({"Query", "Execute"})
_DDL = re.compile(
    r"(?:\s|/\*.*?\*/)*(?:CREATE|ALTER|DROP|TRUNCATE|RENAME|OPTIMIZE|REPAIR)\b",
    re.IGNORECASE | re.DOTALL,
)
_STATEMENT_SHOWN = 80
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Statement:
    """Describe a running statement of somebody else.

    Attributes:
        seconds: how long it has been running [s].
        state: what the server says it is doing.
    """

    connection_id: int
    user: str
    seconds: int
    state: str
    text: str

    def __str__(self) -> str:
        shown = " ".join(self.text.split())[:_STATEMENT_SHOWN]
        return f"connection {self.connection_id} of {self.user}, {self.seconds} s: {shown}"


def find_prepared(session: Session) -> Iterator[Finding]:
    """Report transactions that are prepared and not yet finished."""
    try:
        rows = session.rows("XA RECOVER")
    except ServerError as error:
        if error.code != ER_XAER_RMERR:
            raise
        return  # a missing privilege; the check of privileges names it
    xids = [str(xid) for xid in parse_xids(rows)]
    if not xids:
        yield Finding(Severity.OK, session.shard, "xa", "nothing prepared")
        return
    shown = " and ".join(xids[:_MOST_SHOWN])
    yield Finding(
        Severity.WARNING,
        session.shard,
        "xa",
        f"{len(xids)} transactions are prepared: {shown}",
        "a backup waits a moment for them and then fails; let their transaction manager "
        "finish them, or run XA COMMIT or XA ROLLBACK, the same way on every shard",
    )


def find_obstacles(session: Session) -> Iterator[Finding]:
    """Report statements that a lock of the barrier may have to wait for."""
    own = session.connection_id
    rows = session.rows("SHOW FULL PROCESSLIST")
    running = [_parse(row) for row in rows if _is_running(row) and int(row[0] or 0) != own]
    found = [finding for item in running if (finding := _judge(session, item))]
    if not found:
        yield Finding(Severity.OK, session.shard, "statements", "none in the way")
    yield from found[:_MOST_SHOWN]


def _judge(session: Session, item: Statement) -> Finding | None:
    """Say what is wrong with a statement.

    A global read lock of MySQL waits for every running statement; a backup stage of
    MariaDB only for some DDL.
    """
    if _DDL.match(item.text):
        return _warn(session, f"DDL is running: {item}", "wait until it has ended")
    if item.state.startswith("Waiting for") and "lock" in item.state:
        return _warn(
            session,
            f"{item.state[0].lower()}{item.state[1:]}: {item}",
            "end the session that holds the lock",
        )
    if session.family is Family.MYSQL and item.seconds >= LONG_S:
        return _warn(
            session,
            f"the read lock would wait for {item}",
            f"wait until it has ended, or KILL QUERY {item.connection_id}",
        )
    return None


def _warn(session: Session, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, session.shard, "statements", message, remedy)


def _is_running(row: Row) -> bool:
    return decode(row[4] or b"") in _RUNNING and bool(row[7])


def _parse(row: Row) -> Statement:
    number, user, _, _, _, seconds, state, text = (decode(value or b"") for value in row[:8])
    return Statement(int(number), user, int(seconds or 0), state, text)
