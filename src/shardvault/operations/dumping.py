"""Read every range of every table in the snapshots of a cut, and put the chunks away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shardvault.dump.columns import computed_columns
from shardvault.dump.plan import TablePlan
from shardvault.dump.ranges import KeyRange
from shardvault.dump.reader import RangeReader, RangeTotals
from shardvault.dump.splitting import RangeSplitter, try_computed
from shardvault.errors import DdlDetected, ShardvaultError, UnsupportedObject
from shardvault.failpoints import failpoint, is_off
from shardvault.interfaces import ChunkKind, ChunkStore
from shardvault.kernel.pure import HASH_MODULUS
from shardvault.model.ids import ChunkId, ShardName
from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.model.schema import Table
from shardvault.mysql.session import Session
from shardvault.operations.range_progress import RangeMeter
from shardvault.operations.survey import DDL_HINT
from shardvault.workers.local import Lane, run_lanes

_READ_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class RangeTask:
    """Name one range to read: its table's plan and its place in it."""

    shard: ShardName
    plan: TablePlan
    index: int

    @property
    def table(self) -> tuple[str, str]:
        """Return the names of schema and table."""
        return self.plan.table.schema, self.plan.table.name

    @property
    def key_range(self) -> KeyRange:
        """Return the keys to read."""
        return self.plan.ranges[self.index]


@dataclass
class DumpedShard:
    """Collect what was read of one shard.

    Attributes:
        counted: rows of the tables whose ranges can miss some, as the server counts them.
    """

    ranges: dict[tuple[str, str], dict[int, RangeRecord]] = field(default_factory=dict)
    longest_row: dict[tuple[str, str], int] = field(default_factory=dict)
    counted: dict[tuple[str, str], int] = field(default_factory=dict)
    stored_bytes: int = 0
    begin_s: float = 0.0
    end_s: float = 0.0

    def add(self, task: RangeTask, record: RangeRecord, longest_row: int, stored: int) -> None:
        """Take the result of one range."""
        self.ranges.setdefault(task.table, {})[task.index] = record
        self.longest_row[task.table] = max(self.longest_row.get(task.table, 0), longest_row)
        self.stored_bytes += stored
        self.end_s = time.monotonic()


def dump_shards(
    plans: Mapping[ShardName, Sequence[TablePlan]],
    snapshots: Mapping[ShardName, Sequence[Session]],
    store: ChunkStore,
    meter: RangeMeter,
    *,
    threads: int,
) -> dict[ShardName, DumpedShard]:
    """Read all ranges of all shards.

    Args:
        plans: what to read, per shard.
        snapshots: sessions of one moment in the read state, per shard.
        store: takes the chunks.
        meter: is told what was read.
        threads: ranges at the same time, over all shards.
    """
    dump = _Dump(store, meter, {name: DumpedShard(begin_s=time.monotonic()) for name in plans})
    readers = {name: [RangeReader(session) for session in snapshots[name]] for name in plans}
    lanes = [
        Lane(contexts=readers[name], tasks=_order_tasks(name, shard_plans))
        for name, shard_plans in plans.items()
    ]
    sessions = [session for group in snapshots.values() for session in group]
    for session in sessions:
        session.set_read_timeout(_READ_TIMEOUT_S)

    def abort() -> None:
        for session in sessions:
            session.abort()

    run_lanes(lanes, dump.read_range, limit=threads, abort=abort)
    return dump.shards


def _order_tasks(shard: ShardName, plans: Sequence[TablePlan]) -> list[RangeTask]:
    """Put large tables first, so that no long range is left for the end."""
    ordered = sorted(plans, key=lambda plan: -plan.table.data_bytes)
    return [RangeTask(shard, plan, index) for plan in ordered for index in range(len(plan.ranges))]


class _Dump:
    """Work on one range at a time; shared by all threads."""

    def __init__(
        self, store: ChunkStore, meter: RangeMeter, shards: dict[ShardName, DumpedShard]
    ) -> None:
        self._store = store
        self._meter = meter
        self._lock = threading.Lock()
        self.shards = shards

    def read_range(self, reader: RangeReader, task: RangeTask) -> None:
        """Read one range into chunks and record it."""
        totals, chunks, stored = try_computed(
            task.plan, lambda splitter: self._read(reader, task, splitter)
        )
        record = range_record(task.key_range, totals, chunks)
        if task.index == 0 and task.plan.can_miss_rows:
            self._count(reader, task)
        with self._lock:
            self.shards[task.shard].add(task, record, totals.longest_row, stored)
        failpoint("backup.range_read")

    def _count(self, reader: RangeReader, task: RangeTask) -> None:
        try:
            count = reader.count_released(
                task.plan.count_statement(), next_read_timeout_s=_READ_TIMEOUT_S
            )
        except ShardvaultError as error:
            _locate(error, task.plan)
            raise
        with self._lock:
            self.shards[task.shard].counted[task.table] = count

    def _read(
        self, reader: RangeReader, task: RangeTask, splitter: RangeSplitter
    ) -> tuple[RangeTotals, list[ChunkId], int]:
        """Read one range once; return its totals, its chunks and what they added [bytes]."""
        chunks: list[ChunkId] = []
        stored = size_bytes = 0

        def take(chunk: memoryview) -> None:
            nonlocal stored, size_bytes
            result = self._store.put(splitter.split(chunk), ChunkKind.ROWS)
            chunks.append(result.chunk)
            stored += result.stored_bytes
            self._meter.add(task.shard, task.table, len(chunk))
            size_bytes += len(chunk)

        totals = splitter.totals(_read(reader, task, splitter, take))
        self._meter.end_range(task.shard, task.table, size_bytes)
        return totals, chunks, stored


def _read(
    reader: RangeReader,
    task: RangeTask,
    splitter: RangeSplitter,
    take: Callable[[memoryview], None],
) -> RangeTotals:
    plan = task.plan
    statement = plan.statement(task.key_range, computed=splitter.has_computed)
    try:
        return reader.read_released(statement, splitter.columns, take)
    except ShardvaultError as error:
        _locate(error, plan)
        raise


def _locate(error: ShardvaultError, plan: TablePlan) -> None:
    """Name the table in an error about it, and the remedy if its definition changed."""
    error.table = error.table or plan.table.qualified
    if isinstance(error, DdlDetected):
        error.hint = error.hint or DDL_HINT


def range_record(
    key_range: KeyRange, totals: RangeTotals, chunks: Sequence[ChunkId]
) -> RangeRecord:
    """Write down what was read of one range."""
    return RangeRecord(
        lower=key_range.lower,
        upper=key_range.upper,
        rows=totals.rows,
        content_hash=format_hash(totals.content_hash),
        raw_bytes=totals.raw_bytes,
        chunks=tuple(chunks),
        generated_hash=format_hash(totals.generated_hash),
    )


def format_hash(content_hash: int | None) -> str:
    """Write a hash as 32 hex digits; nothing for None."""
    return "" if content_hash is None else f"{content_hash:032x}"


def table_record(
    table: Table, columns: tuple[str, ...], ranges: Sequence[RangeRecord], longest_row: int
) -> TableRecord:
    """Sum up the ranges of a table."""
    return TableRecord(
        table=table,
        select_columns=columns,
        rows=sum(found.rows for found in ranges),
        content_hash=sum_hashes(found.content_hash for found in ranges),
        raw_bytes=sum(found.raw_bytes for found in ranges),
        ranges=tuple(ranges),
        longest_row=longest_row,
        generated_hash=_sum_generated(ranges),
    )


def refuse_missed_rows(
    shard: ShardName, records: Iterable[TableRecord], counted: Mapping[tuple[str, str], int]
) -> None:
    """Stop a backup whose ranges missed rows; nothing is listed.

    Raises:
        UnsupportedObject: names the table.
    """
    if is_off("backup.row_count"):
        return
    for record in records:
        count = counted.get((record.table.schema, record.table.name), record.rows)
        if count != record.rows:
            raise UnsupportedObject(
                f"{count:,} rows are in the table and {record.rows:,} were found by their keys: "
                "rows lie in a partition where they do not belong",
                shard=shard,
                table=record.table.qualified,
                hint="CHECK TABLE reports them; ALTER TABLE … REBUILD PARTITION ALL, or on MySQL "
                "REPAIR TABLE, moves them to their partitions",
            )


def is_uncomputed(record: TableRecord) -> bool:
    """Say whether a table has generated columns that the source could not compute."""
    has_computed = bool(record.ranges and computed_columns(record.table.columns))
    return has_computed and not record.generated_hash


def _sum_generated(ranges: Sequence[RangeRecord]) -> str:
    hashes = [found.generated_hash for found in ranges]
    return sum_hashes(hashes) if hashes and all(hashes) else ""


def sum_hashes(hashes: Iterable[str]) -> str:
    """Add order-independent hashes, 32 hex digits each."""
    total = sum(int(text, 16) for text in hashes) % HASH_MODULUS
    return f"{total:032x}"
