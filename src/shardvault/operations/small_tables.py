"""Copy small tables that no snapshot covers while the barrier is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shardvault.dump.plan import TablePlan
from shardvault.dump.reader import RangeReader, RangeTotals
from shardvault.dump.splitting import RangeSplitter, try_computed
from shardvault.interfaces import ChunkKind, ChunkStore
from shardvault.model.ids import ChunkId, ShardName
from shardvault.mysql.session import Session
from shardvault.operations.dumping import DumpedShard, RangeTask, range_record

SMALL_BYTES = 8 << 20
"""Most data in non-transactional tables that a shard may have [bytes]."""


@dataclass
class _Copy:
    """Hold the rows of one table until the barrier is released."""

    plan: TablePlan
    totals: RangeTotals
    chunks: list[bytes]


class SmallTables:
    """Read tables of engines without transactions under the barrier, store them after it."""

    def __init__(self, plans: Mapping[ShardName, Sequence[TablePlan]]) -> None:
        self._plans = plans
        self._copies: dict[ShardName, list[_Copy]] = {}

    @property
    def are_any(self) -> bool:
        """Say whether there is anything to copy."""
        return any(self._plans.values())

    def copy(self, shard: ShardName, session: Session) -> None:
        """Read all small tables of a shard; called while no shard commits."""
        reader = RangeReader(session)
        self._copies[shard] = [_copy(reader, plan) for plan in self._plans[shard]]

    def put(self, store: ChunkStore, dumped: Mapping[ShardName, DumpedShard]) -> None:
        """Store what was copied and record it."""
        for shard, copies in self._copies.items():
            for copy in copies:
                _put(store, dumped[shard], shard, copy)


def _copy(reader: RangeReader, plan: TablePlan) -> _Copy:
    def read(splitter: RangeSplitter) -> _Copy:
        chunks: list[bytes] = []
        statement = plan.statement(plan.ranges[0], computed=splitter.has_computed)
        totals = reader.read(
            statement, splitter.columns, lambda chunk: chunks.append(bytes(splitter.split(chunk)))
        )
        return _Copy(plan, splitter.totals(totals), chunks)

    return try_computed(plan, read)


def _put(store: ChunkStore, dumped: DumpedShard, shard: ShardName, copy: _Copy) -> None:
    results = [store.put(chunk, ChunkKind.ROWS) for chunk in copy.chunks]
    ids: list[ChunkId] = [result.chunk for result in results]
    task = RangeTask(shard, copy.plan, 0)
    record = range_record(task.key_range, copy.totals, ids)
    stored = sum(result.stored_bytes for result in results)
    dumped.add(task, record, copy.totals.longest_row, stored)
