"""Turn a failed statement of the barrier into an error that says what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from shardvault.barrier.blockers import (
    METADATA_LOCKS,
    Blocker,
    busy_statements,
    lock_holders,
    long_statements,
)
from shardvault.barrier.in_doubt import explain_refusal
from shardvault.barrier.limits import BLOCKER_LIMIT_S
from shardvault.barrier.links import Link
from shardvault.barrier.locks import PROCESSES, XA_RECOVER, privilege_for
from shardvault.barrier.pace import Pace
from shardvault.barrier.rounds import Ask, AskFailed, Rounds
from shardvault.errors import (
    BarrierTimeout,
    ConnectError,
    CutRejected,
    PrivilegeError,
    ServerError,
    ShardvaultError,
)
from shardvault.events import Noticed
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.mysql.session import Row
from shardvault.units import format_duration

_GAVE_UP = {1205, 1317, 1969, 3024}
"""Lock wait timeout, killed by us, statement time of MariaDB and of MySQL."""


def explain(failure: AskFailed, link: Link, pace: Pace) -> ShardvaultError:
    """Say why a statement of the barrier failed; asks the observer who is in the way.

    Call it when every lock was given back: the search may take a moment.
    """
    ask, cause = failure.ask, failure.cause
    if ask.session in (link.locker, link.guard) and _gave_up(cause):
        what = f"{ask.statement} was not granted in time"
        return blocked(link.shard, what, find_blocker(link, pace))
    if cause is None:
        return BarrierTimeout(
            f"no answer to {ask.statement} within the limit of the barrier",
            shard=link.shard,
            hint="the server, the network or this machine stalled; run the backup again",
        )
    if isinstance(cause, ConnectError):
        return CutRejected(
            f"a session was lost: {cause.message}",
            shard=link.shard,
            hint="look whether the instance still runs, then run the backup again",
        )
    if ask.statement == XA_RECOVER:
        return explain_refusal(cause)
    return _with_grant(cause, ask.statement)


def _gave_up(cause: ShardvaultError | None) -> bool:
    return cause is None or (isinstance(cause, ServerError) and cause.code in _GAVE_UP)


def _with_grant(cause: ShardvaultError, statement: str) -> ShardvaultError:
    privilege = privilege_for(statement)
    if isinstance(cause, PrivilegeError) and privilege:
        cause.hint = f"GRANT {privilege} ON *.* TO the backup account"
    return cause


def blocked(shard: ShardName, what: str, blocker: Blocker | None) -> BarrierTimeout:
    """Make the error for a lock that was not had, naming the blocker if one was seen."""
    if blocker is None:
        return BarrierTimeout(
            f"{what}; no running statement was seen in the way",
            shard=shard,
            hint="look for sessions with LOCK TABLES; the backup account needs PROCESS to see "
            "the statements of others",
        )
    return BarrierTimeout(
        f"{what}; in the way: {blocker}",
        shard=shard,
        hint=f"wait until it ends, or end it with KILL {blocker.connection_id} there, and "
        "run the backup again",
    )


def describe_wait(
    shard: ShardName, statement: str, blocker: Blocker | None, left_s: float
) -> Noticed:
    """Report whom the first phase waits for, and how much longer."""
    whom = str(blocker) if blocker else "a session that cannot be seen"
    return Noticed(
        f"{statement} waits for {whom}; gives up in {format_duration(left_s)}; "
        "rows can be changed meanwhile",
        shard=shard,
    )


def find_blocker(link: Link, pace: Pace) -> Blocker | None:
    """Ask the observer which connection is most likely in the way, None if none is seen."""
    ours = our_ids(link)
    processes = _rows(link, PROCESSES, pace)
    holders = find_lock_holders(link, ours, pace)
    suspects = long_statements(processes, ours) + holders + busy_statements(processes, ours)
    return suspects[0] if suspects else None


def find_lock_holders(link: Link, ours: Collection[int], pace: Pace) -> list[Blocker]:
    """List other sessions that hold what a global lock waits for; none where that is not seen."""
    if link.observer.family is not Family.MYSQL:
        return []
    return lock_holders(_rows(link, METADATA_LOCKS, pace), ours)


def our_ids(link: Link) -> frozenset[int]:
    """Give the server's ids of our own connections."""
    return frozenset(session.connection_id for session in link.sessions)


def _rows(link: Link, statement: str, pace: Pace) -> list[Row]:
    deadline_s = pace.now_s() + BLOCKER_LIMIT_S
    with contextlib.suppress(AskFailed):
        return Rounds(pace).ask([Ask(link.observer, statement)], deadline_s)[0].rows
    return []
