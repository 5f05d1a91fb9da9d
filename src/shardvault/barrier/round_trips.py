"""Measure the way to each shard before any lock, and refuse a cut that cannot be in time."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.barrier.limits import SETUP_LIMIT_S
from shardvault.barrier.links import Link
from shardvault.barrier.locks import NOTHING, lock_statements
from shardvault.barrier.rounds import Ask, Rounds
from shardvault.clock import monotonic_s
from shardvault.errors import RefusedError
from shardvault.failpoints import is_off
from shardvault.mysql.session import Session

DISTANCE_REMEDY = (
    "run shardvault nearer to this shard, or raise backup.barrier.limit_s and the server's "
    "lock_wait_timeout"
)
_SAMPLES = 3  # the fastest counts: one delayed packet must refuse nobody


def refuse_distant(links: Sequence[Link], rounds: Rounds, hold_s: float) -> None:
    """Raise RefusedError if the statements under the barrier need more time than it may last.

    Every attempt would stall the writers of all shards up to the limit, and fail. The time
    that the servers need is not counted, so what passes here may still come too late.

    Args:
        links: open and idle.
        rounds: asks them.
        hold_s: longest hold of the barrier [s].
    """
    if is_off("cut.round_trips"):
        return
    slowest, round_trip_s = max(_measure(links, rounds).items(), key=lambda item: item[1])
    count = max(link.locks.round_trips for link in links)
    if message := describe_distance(round_trip_s, count, hold_s):
        raise RefusedError(
            f"{message}; nothing was locked", shard=slowest.shard, hint=DISTANCE_REMEDY
        )


def examine_distance(session: Session, hold_s: float) -> str:
    """Say why a cut over one shard cannot be in time, before a backup is tried; else nothing.

    Args:
        session: to the shard, idle.
        hold_s: longest hold of the barrier [s].
    """
    shortest_s = SETUP_LIMIT_S
    for _ in range(_SAMPLES):
        begin_s = monotonic_s()
        session.execute(NOTHING)
        shortest_s = min(shortest_s, monotonic_s() - begin_s)
    count = lock_statements(session.family, session.version).round_trips
    return describe_distance(shortest_s, count, hold_s)


def describe_distance(round_trip_s: float, count: int, hold_s: float) -> str:
    """Say that some round trips take longer than the barrier may last; empty if they do not."""
    if round_trip_s * count <= hold_s:
        return ""
    return (
        f"a round trip takes {round_trip_s * 1000:.0f} ms, and a cut needs {count} of them: "
        f"{round_trip_s * count:.1f} s, but the barrier may last {hold_s:.1f} s"
    )


def _measure(links: Sequence[Link], rounds: Rounds) -> dict[Link, float]:
    """Take the shortest of a few round trips to each shard [s]."""
    asks = [Ask(link.observer, NOTHING) for link in links]
    shortest = dict.fromkeys(links, SETUP_LIMIT_S)
    for _ in range(_SAMPLES):
        begin_s = rounds.pace.now_s()
        answers = rounds.ask(asks, begin_s + SETUP_LIMIT_S)
        for link, answer in zip(links, answers, strict=True):
            shortest[link] = min(shortest[link], answer.at_s - begin_s)
    return shortest
