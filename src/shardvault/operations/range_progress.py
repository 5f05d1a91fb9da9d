"""Follow how much of each table has been read, and correct what the server estimated."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shardvault.dump.plan import TablePlan
from shardvault.events import Progress
from shardvault.fleet.inventory import TableName
from shardvault.interfaces import EventSink
from shardvault.model.ids import ShardName

_PHASE = "dump"


@dataclass
class _Share:
    """Estimate one table [bytes]: by the server at first, then by the ranges that ended."""

    estimate_bytes: int
    ranges: int
    done_bytes: int = 0
    ended_ranges: int = 0
    ended_bytes: int = 0

    def expected_bytes(self) -> int | None:
        """Return the size that the table will have in all; None if nothing is known yet."""
        if self.ended_ranges == self.ranges:
            return self.done_bytes
        expected = self.estimate_bytes
        if self.ended_ranges:
            expected = self.ended_bytes * self.ranges // self.ended_ranges
        return expected if expected > self.done_bytes else None


@dataclass
class _ShardTotal:
    """Sum up the tables of one shard, so that an event costs the same for any number of them."""

    done_bytes: int = 0
    expected_bytes: int = 0
    unknown: int = 0

    def count(self, expected_bytes: int | None, sign: int) -> None:
        """Add a table's expectation, or take it out with ``sign`` -1."""
        if expected_bytes is None:
            self.unknown += sign
        else:
            self.expected_bytes += sign * expected_bytes


class RangeMeter:
    """Count bytes per table and emit progress per shard; safe for many threads.

    The statistics of a server may be old by orders of magnitude. So a total is reported only
    while it is above what was read, or is what was read because all ranges ended.
    """

    def __init__(self, sink: EventSink, plans: Mapping[ShardName, Sequence[TablePlan]]) -> None:
        """Begin at zero.

        Args:
            sink: takes Progress.
            plans: the tables to read, per shard.
        """
        self._sink = sink
        self._lock = threading.Lock()
        self._shares: dict[tuple[ShardName, TableName], _Share] = {}
        self._totals: dict[ShardName, _ShardTotal] = {}
        for shard, tables in plans.items():
            total = self._totals[shard] = _ShardTotal()
            for plan in tables:
                share = _Share(plan.table.data_bytes, len(plan.ranges))
                self._shares[shard, (plan.table.schema, plan.table.name)] = share
                total.count(share.expected_bytes(), +1)

    def add(self, shard: ShardName, table: TableName, size_bytes: int) -> None:
        """Count bytes that were read."""
        self._change(shard, table, size_bytes=size_bytes)

    def end_range(self, shard: ShardName, table: TableName, size_bytes: int) -> None:
        """Take note of a range that was read to its end, and of its size [bytes]."""
        self._change(shard, table, ended_bytes=size_bytes, ended_ranges=1)

    def _change(
        self,
        shard: ShardName,
        table: TableName,
        *,
        size_bytes: int = 0,
        ended_bytes: int = 0,
        ended_ranges: int = 0,
    ) -> None:
        with self._lock:
            share, total = self._shares[shard, table], self._totals[shard]
            total.count(share.expected_bytes(), -1)
            share.done_bytes += size_bytes
            share.ended_bytes += ended_bytes
            share.ended_ranges += ended_ranges
            total.done_bytes += size_bytes
            total.count(share.expected_bytes(), +1)
            known_bytes = 0 if total.unknown else total.expected_bytes
            event = Progress(_PHASE, shard, total.done_bytes, known_bytes, 0)
        self._sink.emit(event)
