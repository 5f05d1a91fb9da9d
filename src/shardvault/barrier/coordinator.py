"""Take a cut over all shards: try, let go, back off, try again, then fail clearly."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.barrier.attempt import Attempt
from shardvault.barrier.cut import Cut, ShardCut
from shardvault.barrier.limits import LEAST_GENTLE_S, BarrierLimits
from shardvault.barrier.links import Link, OpenSession, open_session, opened_links
from shardvault.barrier.pace import Pace, RealPace
from shardvault.barrier.rounds import Rounds
from shardvault.barrier.visitors import UnderBarrier
from shardvault.errors import BarrierError, UsageError, XaInDoubt
from shardvault.events import BarrierHeld, Retrying
from shardvault.interfaces import EventSink
from shardvault.model.manifest import BarrierRecord
from shardvault.model.target import Shard

_XA_WAIT_S = (0.05, 0.2)
_LONGEST_BACK_OFF_S = 5.0


def take_cut(
    shards: Sequence[Shard],
    *,
    snapshots_per_shard: int,
    limits: BarrierLimits,
    sink: EventSink,
    under_barrier: UnderBarrier | None = None,
) -> Cut:
    """Open snapshots of one moment on all shards while no shard commits.

    All connections first; the slow, harmless locks; then the blocking locks on all shards
    at once. Under them: positions, prepared XA transactions, snapshots, positions again,
    and the proof that no lock was lost. Whatever fails, at whatever moment, every lock is
    given back before this raises.

    Args:
        shards: at least one; their names differ.
        snapshots_per_shard: sessions with an open snapshot that each shard gets.
        limits: bounds of every wait and the number of tries.
        sink: takes BarrierHeld, Retrying, and Noticed where the first phase has to wait.
        under_barrier: called once per shard and try while the barrier is held, in a thread of
            its own, with the shard's first snapshot session; writers wait for it. What it
            kept of an earlier try it must drop.

    Returns:
        a cut that owns the snapshots; the caller closes it.

    Raises:
        RefusedError: a server cannot give a cut; nothing was locked.
        ConnectError: a shard cannot be reached.
        PrivilegeError: names the GRANT that helps.
        BarrierTimeout: names the shard, the waiting statement and the blocker.
        CutRejected: a lock was lost or a position moved, in every try.
        XaInDoubt: transactions stayed prepared through every try.
    """
    coordinator = Coordinator(limits, sink)
    return coordinator.take(shards, snapshots_per_shard, under_barrier)


class Coordinator:
    """Repeat attempts within the limits; clock and connections can be scripted."""

    def __init__(
        self,
        limits: BarrierLimits,
        sink: EventSink,
        *,
        pace: Pace | None = None,
        connect: OpenSession = open_session,
    ) -> None:
        self._limits = limits
        self._sink = sink
        self._pace = pace or RealPace()
        self._connect = connect

    def take(
        self, shards: Sequence[Shard], snapshots: int, under_barrier: UnderBarrier | None = None
    ) -> Cut:
        """Take a cut; see ``take_cut``."""
        if not shards or snapshots < 1:
            raise UsageError("a cut needs at least one shard and one snapshot on each")
        attempt = 1
        gentle_until_s = self._pace.now_s() + self._limits.gentle_s
        while True:
            try:
                return self._try(shards, snapshots, under_barrier, attempt, gentle_until_s)
            except (BarrierError, XaInDoubt) as error:
                is_out_of_time = self._pace.now_s() >= gentle_until_s
                if attempt == self._limits.attempts or is_out_of_time:
                    error.message += f" (attempt {attempt} of {self._limits.attempts})"
                    raise
                self._back_off(error, attempt)
            attempt += 1

    def _try(
        self,
        shards: Sequence[Shard],
        snapshots: int,
        under_barrier: UnderBarrier | None,
        number: int,
        gentle_until_s: float,
    ) -> Cut:
        with opened_links(shards, snapshots, self._connect) as links:
            attempt = Attempt(
                links,
                Rounds(self._pace),
                self._limits,
                under_barrier,
                gentle_until_s=max(gentle_until_s, self._pace.now_s() + LEAST_GENTLE_S),
                sink=self._sink,
            )
            cuts = attempt.run()
            record = _record(cuts, number, attempt.skew_ms)
            self._sink.emit(BarrierHeld(record.held_ms, record.lock_wait_ms, number))
            _close_lockers(links)
            return Cut({cut.shard: cut for cut in cuts}, links, record)

    def _back_off(self, error: BarrierError | XaInDoubt, attempt: int) -> None:
        if isinstance(error, XaInDoubt):
            low, high = _XA_WAIT_S
        else:
            low = min(self._limits.retry_s * 2 ** (attempt - 1), _LONGEST_BACK_OFF_S)
            high = 2 * low
        wait_s = self._pace.jitter(low, high)
        self._sink.emit(Retrying("cut", str(error), attempt, wait_s))
        self._pace.sleep(wait_s)


def _record(cuts: Sequence[ShardCut], attempts: int, skew_ms: float) -> BarrierRecord:
    return BarrierRecord(
        held_ms=max(cut.held_ms for cut in cuts),
        lock_wait_ms=max(cut.lock_wait_ms for cut in cuts),
        attempts=attempts,
        skew_ms=skew_ms,
    )


def _close_lockers(links: Sequence[Link]) -> None:
    """Close what the cut needs no more; on MySQL the guard stays."""
    for link in links:
        link.locker.close()
        link.observer.close()
