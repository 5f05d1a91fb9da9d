"""Wait for a moment in which a global read lock would be granted at once."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.barrier.blockers import Blocker, long_statements
from shardvault.barrier.diagnosis import blocked, our_ids
from shardvault.barrier.links import Link
from shardvault.barrier.locks import PROCESSES
from shardvault.barrier.rounds import Ask, Rounds

_LOOK_EVERY_S = 0.2


def wait_for_quiet(links: Sequence[Link], rounds: Rounds, deadline_s: float) -> None:
    """Wait until no long statement runs where a pending lock would stall the writers.

    It costs nobody anything: nothing is locked against rows yet.

    Raises:
        BarrierTimeout: names the statement that runs on.
        AskFailed: a session failed.
    """
    watched = [link for link in links if link.locks.queues_writers]
    while (busy := _find_busy(watched, rounds, deadline_s)) is not None:
        link, blocker = busy
        if rounds.pace.now_s() + _LOOK_EVERY_S >= deadline_s:
            raise blocked(link.shard, f"no quiet moment for {link.locks.blocking[0]}", blocker)
        rounds.pace.sleep(_LOOK_EVERY_S)


def _find_busy(
    links: Sequence[Link], rounds: Rounds, deadline_s: float
) -> tuple[Link, Blocker] | None:
    answers = rounds.ask([Ask(link.observer, PROCESSES) for link in links], deadline_s)
    for link, answer in zip(links, answers, strict=True):
        found = long_statements(answer.rows, our_ids(link))
        if found:
            return link, found[0]
    return None
