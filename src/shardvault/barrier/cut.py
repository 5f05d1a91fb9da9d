"""Hold the cut: positions, open snapshots and what they claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shardvault.barrier.links import Link
from shardvault.barrier.locks import PROBE
from shardvault.errors import CutRejected, ShardvaultError
from shardvault.model.ids import ShardName
from shardvault.model.manifest import BarrierRecord, Consistency
from shardvault.model.position import Position
from shardvault.mysql.session import Session

_CLAIMS_NOT = (
    "a transaction that an application commits on one shard after another, without XA, "
    "may be half inside",
)
_CLAIMS_NOT_WITHOUT_BINLOG = (
    "no position, and no proof from positions that nothing moved, on shards without a binlog: {}"
)


@dataclass(frozen=True)
class ShardCut:
    """Hold one shard's part of a cut.

    Attributes:
        snapshots: sessions with open snapshots of the same moment; owned by the Cut.
        held_ms: first lock granted to lock released, on this shard [ms].
        lock_wait_ms: how long the blocking locks were pending on this shard [ms].
    """

    shard: ShardName
    position: Position
    snapshots: tuple[Session, ...]
    held_ms: float
    lock_wait_ms: float


class Cut:
    """Own the snapshots of all shards, and on MySQL the protection from DDL, until closed.

    Attributes:
        record: the hold in numbers, maxima over all shards.
        consistency: the level reached.
        claims_not: what that level does not guarantee.
    """

    def __init__(
        self, shards: Mapping[ShardName, ShardCut], links: tuple[Link, ...], record: BarrierRecord
    ) -> None:
        self.shards = shards
        self.record = record
        self.consistency = Consistency.BARRIER_XA
        self.claims_not = claims_not(shards)
        self._links = links

    def assert_protected(self) -> None:
        """Prove that DDL has been held off on MySQL since the cut; no effect on MariaDB.

        Call it when the last row was read. The backup lock lives exactly as long as its
        session, so the same session still answering is the proof.

        Raises:
            CutRejected: the session is lost; DDL may have changed what was read.
        """
        for link in self._links:
            if link.guard is not link.locker:
                _assert_alive(link)

    def close(self) -> None:
        """End every snapshot and lift the protection from DDL; may be called twice."""
        for link in self._links:
            for session in link.sessions:
                session.close()


def _assert_alive(link: Link) -> None:
    try:
        answer = link.guard.value(PROBE)
    except ShardvaultError as error:
        raise _lost(link) from error
    if answer != link.server_ids[link.guard]:
        raise _lost(link)


def _lost(link: Link) -> CutRejected:
    return CutRejected(
        "the session that held LOCK INSTANCE FOR BACKUP was lost during the dump",
        shard=link.shard,
        hint="definitions may have changed while rows were read; run the backup again",
    )


def claims_not(shards: Mapping[ShardName, ShardCut]) -> tuple[str, ...]:
    """Say what the cut does not guarantee."""
    without_binlog = [name for name, cut in shards.items() if not cut.position.file]
    if not without_binlog:
        return _CLAIMS_NOT
    return (*_CLAIMS_NOT, _CLAIMS_NOT_WITHOUT_BINLOG.format(", ".join(without_binlog)))
