"""Open the sessions of a restore: those that load, and the locks that hold the targets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shardvault.errors import TargetRefused
from shardvault.fleet.occupied import examine_occupied
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.model.report import Severity
from shardvault.model.target import Shard
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_load
from shardvault.operations.restore_mark import read_mark
from shardvault.operations.restore_plan import RestorePlan, ShardRestore
from shardvault.operations.target_lock import TargetLock, lock_target
from shardvault.repository.owners import new_owner
from shardvault.workers.local import map_parallel

# Building an index or validating a foreign key answers only when it is done.
_READ_TIMEOUT_S = 24 * 3600.0
_MOST_THREADS = 32


def open_target(shard: Shard) -> Session:
    """Open a session in the load state; LOAD DATA LOCAL is announced to MySQL only."""
    session = _open(shard, local_infile=False)
    if session.family is Family.MYSQL:
        session.close()
        session = _open(shard, local_infile=True)
    prepare_load(session)
    return session


@contextlib.contextmanager
def locked_targets(plan: RestorePlan) -> Iterator[dict[ShardName, TargetLock]]:
    """Hold every target of a restore; nothing is changed on any before all are held.

    Raises:
        TargetRefused: another restore is at work on one, or one has changed since the plan.
    """
    owner = new_owner("restore")
    targets = {shard.target.name: shard.target for shard in plan.shards}
    locks: dict[ShardName, TargetLock] = {}
    try:
        for name, target in targets.items():
            locks[name] = lock_target(target, owner)
        map_parallel(lambda shard: _examine_again(plan, shard), plan.shards, limit=_MOST_THREADS)
        for name in {shard.target.name for shard in plan.shards if shard.is_resumed}:
            locks[name].take_over()
        yield locks
    finally:
        for lock in locks.values():
            lock.close()


def _examine_again(plan: RestorePlan, shard: ShardRestore) -> None:
    """Refuse a target that another restore changed between the plan and our lock."""
    if plan.is_verified and not shard.is_resumed:
        return
    with _open(shard.target, local_infile=False) as session:
        if shard.is_resumed:
            is_changed = read_mark(session) != plan.mark
        else:
            is_changed = _is_blocked(plan, shard, session)
    if is_changed:
        raise TargetRefused(
            "the target has changed since the restore was planned",
            shard=shard.target.name,
            hint="run the command again",
        )


def _is_blocked(plan: RestorePlan, shard: ShardRestore, session: Session) -> bool:
    found = examine_occupied(
        session,
        shard.contents,
        shard.rule.fold,
        replace=plan.options.replace,
        is_resumed=False,
    )
    return any(finding.severity is Severity.BLOCKER for finding in found)


def _open(shard: Shard, *, local_infile: bool) -> Session:
    return Session.open(
        shard.primary,
        shard.login,
        shard=shard.name,
        read_timeout_s=_READ_TIMEOUT_S,
        local_infile=local_infile,
    )
