"""Let the caller read under the barrier, on all shards at once and time-boxed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from shardvault.barrier.links import Link
from shardvault.errors import BarrierTimeout, ConnectError, CutRejected
from shardvault.model.ids import ShardName
from shardvault.mysql.session import Session

UnderBarrier = Callable[[ShardName, Session], None]


def visit(links: Sequence[Link], under_barrier: UnderBarrier, limit_s: float) -> None:
    """Call back for every shard with its first snapshot session, each in a thread.

    After an error the sessions may still be in use; the caller cuts them off.

    Raises:
        BarrierTimeout: a shard's call did not end within the limit.
        CutRejected: a shard's session was lost.
    """
    pool = ThreadPoolExecutor(len(links))
    try:
        tasks = {}
        for link in links:
            link.snapshots[0].set_read_timeout(max(limit_s, 0.001))
            tasks[pool.submit(under_barrier, link.shard, link.snapshots[0])] = link.shard
        _join(tasks, limit_s)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _join(tasks: Mapping[Future[None], ShardName], limit_s: float) -> None:
    done, late = wait(tasks, timeout=max(limit_s, 0.0), return_when=FIRST_EXCEPTION)
    for task in done:
        _result(task, tasks[task])
    for task in late:
        raise _too_late(tasks[task])


def _result(task: Future[None], shard: ShardName) -> None:
    try:
        task.result()
    except ConnectError as error:
        if isinstance(error.__cause__, TimeoutError) or "timed out" in error.message:
            raise _too_late(shard) from error
        raise CutRejected(f"a session was lost: {error.message}", shard=shard) from error


def _too_late(shard: ShardName) -> BarrierTimeout:
    return BarrierTimeout(
        "reading under the barrier did not end within the hold",
        shard=shard,
        hint="leave large non-transactional tables out, or convert them to InnoDB",
    )
