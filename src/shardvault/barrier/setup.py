"""Prepare every connection before any lock: check the server, set session state."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shardvault.barrier.gate import VARIABLES, longest_hold_s, refuse_source
from shardvault.barrier.limits import (
    SETUP_LIMIT_S,
    SNAPSHOT_IDLE_S,
    SNAPSHOT_WRITE_S,
    BarrierLimits,
)
from shardvault.barrier.links import Link
from shardvault.barrier.locks import PROBE
from shardvault.barrier.round_trips import refuse_distant
from shardvault.barrier.rounds import Ask, Rounds
from shardvault.fleet.servers import parse_variables

_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"


def prepare(links: Sequence[Link], rounds: Rounds, limits: BarrierLimits) -> float:
    """Check every server and set the state of every session.

    Returns:
        the longest hold that every server's lock_wait_timeout allows [s].

    Raises:
        RefusedError: a rule about servers blocks one, see ``fleet.settings``, or one is too far
            away; nothing was locked.
        AskFailed: a session failed.
    """
    hold_s = _check_variables(links, rounds, limits.hold_s)
    scripts = [script for link in links for script in _scripts(link, limits)]
    rounds.run(scripts, rounds.pace.now_s() + SETUP_LIMIT_S)
    _remember_ids(links, rounds)
    refuse_distant(links, rounds, hold_s)
    return hold_s


def _check_variables(links: Sequence[Link], rounds: Rounds, limit_s: float) -> float:
    deadline_s = rounds.pace.now_s() + SETUP_LIMIT_S
    answers = rounds.ask([Ask(link.observer, VARIABLES) for link in links], deadline_s)
    for link, answer in zip(links, answers, strict=True):
        variables = parse_variables(answer.rows)
        refuse_source(link.observer, variables)
        limit_s = longest_hold_s(variables, limit_s)
    return limit_s


def _scripts(link: Link, limits: BarrierLimits) -> list[list[Ask]]:
    gentle_s = math.ceil(limits.gentle_s)
    # Whoever has its first lock idles while slower shards wait for theirs and for a quiet
    # moment; the short lease begins with the blocking phase only.
    idle_s = 2 * gentle_s + math.ceil(SETUP_LIMIT_S)
    scripts = [
        [Ask(session, f"SET SESSION {_snapshot_state(link)}"), Ask(session, _ISOLATION)]
        for session in link.snapshots
    ]
    scripts.append([Ask(link.locker, _locker_state(idle_s, gentle_s))])
    if link.guard is not link.locker:
        scripts.append([Ask(link.guard, _locker_state(SNAPSHOT_IDLE_S, gentle_s))])
    return scripts


def _snapshot_state(link: Link) -> str:
    return (
        f"wait_timeout={SNAPSHOT_IDLE_S}, SESSION net_write_timeout={SNAPSHOT_WRITE_S}, "
        f"SESSION {link.locks.snapshot_state}"
    )


def _locker_state(wait_s: int, lock_wait_s: int) -> str:
    return f"SET SESSION wait_timeout={wait_s}, SESSION lock_wait_timeout={lock_wait_s}"


def lease_statement(lease_s: int) -> str:
    """Write the state of a locker for the blocking phase: short lease, short lock wait."""
    return _locker_state(lease_s, 1)


def _remember_ids(links: Sequence[Link], rounds: Rounds) -> None:
    asks = [Ask(session, PROBE) for link in links for session in {link.locker, link.guard}]
    answers = rounds.ask(asks, rounds.pace.now_s() + SETUP_LIMIT_S)
    ids = {answer.ask.session: answer.rows[0][0] for answer in answers}
    for link in links:
        link.server_ids = {session: ids[session] for session in (link.locker, link.guard)}
