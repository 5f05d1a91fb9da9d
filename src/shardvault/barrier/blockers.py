"""Name the statement that stands in the way of a lock."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from shardvault.mysql.session import Row, decode

_STATEMENT_SHOWN = 80
_IDLE = {"Sleep", "Daemon", "Binlog Dump", "Binlog Dump GTID", "Killed"}
_VICTIM = "Waiting for"
_BUSY_S = 1

METADATA_LOCKS = (
    "SELECT t.processlist_id, t.processlist_user, t.processlist_time, t.processlist_info"
    " FROM performance_schema.metadata_locks m"
    " JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id"
    " WHERE m.lock_status = 'GRANTED' AND m.object_type IN ('GLOBAL', 'BACKUP LOCK', 'COMMIT')"
    " ORDER BY t.processlist_time DESC"
)
"""MySQL: who holds what a global lock waits for, also while idle in LOCK TABLES."""


@dataclass(frozen=True)
class Blocker:
    """Describe a connection that is in the way.

    Attributes:
        seconds: how long it has been doing this [s].
        statement: beginning of its statement, empty if idle.
    """

    connection_id: int
    user: str
    seconds: int
    statement: str
    is_waiting: bool = False

    def __str__(self) -> str:
        doing = self.statement or "idle, but holding a lock"
        return f"connection {self.connection_id} of {self.user}, {self.seconds} s: {doing}"


def busy_statements(rows: Iterable[Row], ours: Collection[int]) -> list[Blocker]:
    """Read SHOW FULL PROCESSLIST: running statements of others, most suspect first.

    A statement that itself waits for a lock is more likely a victim, so it comes last.
    """
    found = [_of_process(row) for row in rows if _is_running(row)]
    others = [blocker for blocker in found if blocker.connection_id not in ours]
    return sorted(others, key=lambda b: (b.is_waiting, -b.seconds))


def long_statements(rows: Iterable[Row], ours: Collection[int]) -> list[Blocker]:
    """Keep those that have run so long that a global read lock would wait for them."""
    return [b for b in busy_statements(rows, ours) if b.seconds >= _BUSY_S]


def lock_holders(rows: Iterable[Row], ours: Collection[int]) -> list[Blocker]:
    """Read the answer to METADATA_LOCKS."""
    found = [_blocker(number, user, time, info) for number, user, time, info in rows]
    return [blocker for blocker in found if blocker.connection_id not in ours]


def _is_running(row: Row) -> bool:
    return decode(row[4] or b"") not in _IDLE and bool(row[7])


def _of_process(row: Row) -> Blocker:
    is_waiting = decode(row[6] or b"").startswith(_VICTIM)
    return _blocker(row[0], row[1], row[5], row[7], is_waiting)


def _blocker(
    number: bytes | None,
    user: bytes | None,
    time: bytes | None,
    info: bytes | None,
    is_waiting: bool = False,
) -> Blocker:
    statement = " ".join(decode(info or b"").split())[:_STATEMENT_SHOWN]
    return Blocker(int(number or 0), decode(user or b"?"), int(time or 0), statement, is_waiting)
