"""Wait for a moment in which a global read lock would be granted at once."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.barrier.blockers import Blocker, long_statements
from shardvault.barrier.diagnosis import blocked, describe_wait, find_lock_holders, our_ids
from shardvault.barrier.limits import NOTICE_S
from shardvault.barrier.links import Link
from shardvault.barrier.locks import PROCESSES
from shardvault.barrier.rounds import Ask, Rounds
from shardvault.interfaces import EventSink

_LOOK_EVERY_S = 0.2


def wait_for_quiet(
    links: Sequence[Link], rounds: Rounds, deadline_s: float, sink: EventSink
) -> None:
    """Wait until nothing is in the way where a pending lock would stall the writers.

    In the way are long statements and sessions that hold LOCK TABLES. The wait stops no row
    change; after NOTICE_S it is reported once.

    Raises:
        BarrierTimeout: names the statement that runs on.
        AskFailed: a session failed.
    """
    watched = [link for link in links if link.locks.queues_writers]
    notice_at_s = rounds.pace.now_s() + NOTICE_S
    while (busy := _find_busy(watched, rounds, deadline_s)) is not None:
        link, blocker = busy
        statement, now_s = link.locks.blocking[0], rounds.pace.now_s()
        if now_s + _LOOK_EVERY_S >= deadline_s:
            raise blocked(link.shard, f"no quiet moment for {statement}", blocker)
        if now_s >= notice_at_s:
            sink.emit(describe_wait(link.shard, statement, blocker, deadline_s - now_s))
            notice_at_s = deadline_s
        rounds.pace.sleep(_LOOK_EVERY_S)


def _find_busy(
    links: Sequence[Link], rounds: Rounds, deadline_s: float
) -> tuple[Link, Blocker] | None:
    answers = rounds.ask([Ask(link.observer, PROCESSES) for link in links], deadline_s)
    for link, answer in zip(links, answers, strict=True):
        ours = our_ids(link)
        found = long_statements(answer.rows, ours) or find_lock_holders(link, ours, rounds.pace)
        if found:
            return link, found[0]
    return None
