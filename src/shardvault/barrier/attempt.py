"""Try once to take the cut."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.barrier.cut import ShardCut
from shardvault.barrier.diagnosis import describe_wait, explain, find_blocker
from shardvault.barrier.in_doubt import refuse_in_doubt
from shardvault.barrier.limits import (
    LET_GO_LIMIT_S,
    NOTICE_S,
    PENDING_LIMIT_S,
    RELEASE_LIMIT_S,
    SETUP_LIMIT_S,
    SNAPSHOT_WRITE_S,
    BarrierLimits,
)
from shardvault.barrier.links import Link
from shardvault.barrier.locks import PROBE, SNAPSHOT, XA_RECOVER
from shardvault.barrier.positions import parse_position
from shardvault.barrier.quiet import wait_for_quiet
from shardvault.barrier.rounds import Answer, Ask, AskFailed, Rounds
from shardvault.barrier.setup import lease_statement, prepare
from shardvault.barrier.visitors import UnderBarrier, visit
from shardvault.errors import CutRejected, ShardvaultError
from shardvault.failpoints import failpoint, is_off
from shardvault.interfaces import EventSink
from shardvault.model.position import Position
from shardvault.mysql.xa import parse_xids


@dataclass
class _Hold:
    """Time one shard's lock [s]: how long asked for, first and last stage, release."""

    waited_s: float = 0.0
    first_s: float | None = None
    last_s: float = 0.0
    released_s: float = 0.0


class Attempt:
    """Take the cut over links that are open and idle, or leave nothing locked."""

    def __init__(
        self,
        links: Sequence[Link],
        rounds: Rounds,
        limits: BarrierLimits,
        under_barrier: UnderBarrier | None,
        *,
        gentle_until_s: float,
        sink: EventSink,
    ) -> None:
        """Make ready; nothing is sent.

        Args:
            links: one per shard.
            rounds: asks them.
            limits: bounds of the waits.
            under_barrier: see ``take_cut``.
            gentle_until_s: when the first phase must end, on the clock of the pace [s].
            sink: takes Noticed where the first phase has to wait.
        """
        self._links = links
        self._rounds = rounds
        self._limits = limits
        self._under_barrier = under_barrier
        self._gentle_until_s = gentle_until_s
        self._sink = sink
        self._holds = {link.locker: _Hold() for link in links}
        self._deadline_s = 0.0

    def run(self) -> tuple[ShardCut, ...]:
        """Take the cut; on any failure every lock is given back before this raises.

        Raises:
            BarrierTimeout: a lock or an answer was not had in time.
            CutRejected: a session, and with it a lock, was lost, or a position moved.
            XaInDoubt: transactions are prepared at the cut.
        """
        try:
            return self._take()
        except AskFailed as failure:
            self._let_go()
            link = self._link_of(failure.ask)
            raise explain(failure, link, self._rounds.pace) from failure.cause
        except BaseException:
            self._let_go()
            raise

    def _take(self) -> tuple[ShardCut, ...]:
        hold_s = prepare(self._links, self._rounds, self._limits)
        failpoint("cut.connected")
        self._lock_gently()
        failpoint("cut.gently_locked")
        self._lock(hold_s)
        failpoint("cut.all_locked")
        positions = self._cut()
        self._probe()
        failpoint("cut.probed")
        self._release()
        failpoint("cut.released")
        return tuple(map(self._shard_cut, self._links, positions))

    @property
    def skew_ms(self) -> float:
        """Return the time between the first and the last shard locked [ms]."""
        granted = [hold.last_s for hold in self._holds.values()]
        return (max(granted) - min(granted)) * 1000

    def _now_s(self) -> float:
        return self._rounds.pace.now_s()

    def _lock_gently(self) -> None:
        deadline_s = self._gentle_until_s
        asks = [Ask(link.guard, link.locks.gentle) for link in self._links]
        self._rounds.send(asks, deadline_s)
        try:
            self._rounds.collect(asks, min(deadline_s, self._now_s() + NOTICE_S))
        except AskFailed as failure:
            if failure.cause is not None or self._now_s() >= deadline_s:
                raise
            self._report_wait(failure.ask, deadline_s)
            self._rounds.collect(
                [ask for ask in asks if ask.session in self._rounds.pending], deadline_s
            )
        wait_for_quiet(self._links, self._rounds, deadline_s, self._sink)

    def _report_wait(self, ask: Ask, deadline_s: float) -> None:
        link = self._link_of(ask)
        blocker = find_blocker(link, self._rounds.pace)
        left_s = deadline_s - self._now_s()
        self._sink.emit(describe_wait(link.shard, ask.statement, blocker, left_s))

    def _lock(self, hold_s: float) -> None:
        lease = lease_statement(self._limits.lease_s)
        lockers = [link.locker for link in self._links]
        self._rounds.ask([Ask(each, lease) for each in lockers], self._now_s() + SETUP_LIMIT_S)
        self._deadline_s = self._now_s() + hold_s
        for stage in (2, 1):
            if not is_off("cut.barrier"):
                self._lock_stage(stage)

    def _lock_stage(self, stages_left: int) -> None:
        """Ask for one stage everywhere; flavours with fewer stages join for the last."""
        asks = [
            Ask(link.locker, link.locks.blocking[-stages_left])
            for link in self._links
            if len(link.locks.blocking) >= stages_left
        ]
        begin_s = self._now_s()
        deadline_s = min(self._deadline_s, begin_s + PENDING_LIMIT_S)

        def granted(answer: Answer) -> None:
            self._note_grant(answer, begin_s)
            if stages_left == 1 and len(self._rounds.pending) == len(asks) - 1:
                failpoint("cut.some_locked")

        self._rounds.ask(asks, deadline_s, granted)

    def _note_grant(self, answer: Answer, begin_s: float) -> None:
        hold = self._holds[answer.ask.session]
        hold.waited_s += answer.at_s - begin_s
        hold.first_s = hold.first_s or answer.at_s
        hold.last_s = answer.at_s

    def _cut(self) -> list[Position]:
        """Read positions, open the snapshots, and prove that nothing moved meanwhile."""
        before = self._positions()
        self._refuse_in_doubt()
        self._open_snapshots()
        failpoint("cut.snapshots_open")
        if self._under_barrier is not None:
            visit(self._links, self._under_barrier, self._deadline_s - self._now_s())
        self._compare(before, self._positions())
        return before

    def _open_snapshots(self) -> None:
        if is_off("cut.barrier"):  # as dumps that do not know of each other: one by one
            for link in self._links:
                self._ask([Ask(session, SNAPSHOT) for session in link.snapshots])
                failpoint("cut.some_locked")
            return
        self._ask([Ask(each, SNAPSHOT) for link in self._links for each in link.snapshots])

    def _ask(self, asks: Sequence[Ask]) -> list[Answer]:
        return self._rounds.ask(asks, self._deadline_s)

    def _positions(self) -> list[Position]:
        scripts = [
            [Ask(link.observer, statement) for statement in link.locks.position]
            for link in self._links
        ]
        answers = self._rounds.run(scripts, self._deadline_s)
        return [
            parse_position(link.observer.family, [answer.rows for answer in found])
            for link, found in zip(self._links, answers, strict=True)
        ]

    def _refuse_in_doubt(self) -> None:
        answers = self._ask([Ask(link.observer, XA_RECOVER) for link in self._links])
        found = zip(self._links, answers, strict=True)
        refuse_in_doubt({link.shard: parse_xids(answer.rows) for link, answer in found})

    def _compare(self, before: Sequence[Position], after: Sequence[Position]) -> None:
        if is_off("cut.barrier"):
            return
        for link, old, new in zip(self._links, before, after, strict=True):
            if old != new:
                raise CutRejected(
                    f"the position moved under the barrier from {old.file}:{old.offset} "
                    f"to {new.file}:{new.offset}",
                    shard=link.shard,
                    hint="something commits past the lock; see docs/consistency.md",
                )

    def _probe(self) -> None:
        """Prove that no lock was lost before the last snapshot was open anywhere.

        A lock dies with its session, so a session that still answers under its old id has
        held its lock all the time.
        """
        if is_off("cut.fencing"):
            return
        answers = self._ask([Ask(link.locker, PROBE) for link in self._links])
        for link, answer in zip(self._links, answers, strict=True):
            if answer.rows[0][0] != link.server_ids[link.locker]:
                raise CutRejected("the session that held the lock was replaced", shard=link.shard)

    def _release(self) -> None:
        """Let commits go on everywhere; the cut stands already, so a lost answer is no error."""
        asks = [Ask(link.locker, link.locks.release) for link in self._links]
        with contextlib.suppress(AskFailed):
            self._rounds.ask(asks, self._now_s() + RELEASE_LIMIT_S, self._note_release)
        for link in self._links:
            if not self._holds[link.locker].released_s:
                link.locker.abort()
                self._holds[link.locker].released_s = self._now_s()
            for session in link.snapshots:
                session.set_read_timeout(SNAPSHOT_WRITE_S)

    def _note_release(self, answer: Answer) -> None:
        self._holds[answer.ask.session].released_s = answer.at_s

    def _shard_cut(self, link: Link, position: Position) -> ShardCut:
        hold = self._holds[link.locker]
        held_s = hold.released_s - hold.first_s if hold.first_s else 0.0
        return ShardCut(
            shard=link.shard,
            position=position,
            snapshots=link.snapshots,
            held_ms=held_s * 1000,
            lock_wait_ms=hold.waited_s * 1000,
        )

    def _link_of(self, ask: Ask) -> Link:
        return next(link for link in self._links if ask.session in link.sessions)

    def _let_go(self) -> None:
        """Give every lock back: end pending ones through the observers, cut off the rest."""
        try:
            self._kill_pending()
        finally:
            for link in self._links:
                link.abort_all_but_observer()

    def _kill_pending(self) -> None:
        deadline_s = self._now_s() + LET_GO_LIMIT_S
        killers = []
        for link in self._links:
            if link.observer not in self._rounds.pending:
                killers += [
                    (Rounds(self._rounds.pace), Ask(link.observer, f"KILL {each.connection_id}"))
                    for each in {link.locker, link.guard}
                    if each in self._rounds.pending
                ]
        for killer, ask in killers:
            with contextlib.suppress(ShardvaultError, AskFailed):
                killer.send([ask], deadline_s)
        for killer, ask in killers:
            with contextlib.suppress(ShardvaultError, AskFailed):
                killer.collect([ask], deadline_s)
