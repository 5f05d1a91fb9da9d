"""Load the rows of all tables into the targets, build their keys, and read them back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from shardvault.dump.columns import computed_columns
from shardvault.dump.reader import RangeReader
from shardvault.errors import IntegrityError, ShardvaultError
from shardvault.failpoints import failpoint
from shardvault.interfaces import ChunkKind, ChunkSource
from shardvault.kernel.select import join_columns
from shardvault.load.rows import RowLoader, open_loader
from shardvault.load.schema import (
    TableSteps,
    create_table,
    plan_steps,
    run_definition,
    set_counter,
)
from shardvault.model.ids import ChunkId, ShardName
from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Column, TableKind
from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import Session
from shardvault.operations.progress import Meter
from shardvault.operations.proving import prove_range
from shardvault.operations.restore_mark import read_loaded
from shardvault.operations.restore_plan import ShardRestore
from shardvault.operations.table_queue import RangeTask, TableQueue
from shardvault.operations.target_lock import TargetLock
from shardvault.workers.local import Lane, run_lanes

_DAMAGE_HINT = (
    "`shardvault verify` lists all that is damaged; leave it out with --exclude, "
    "or restore another backup"
)


class TargetLane:
    """Load ranges over one session, keeping the loader of the table it is at."""

    def __init__(self, session: Session, loads: TableLoads) -> None:
        self.session = session
        self.loads = loads
        self.reader = RangeReader(session)
        self._max_packet_bytes = int(session.text("SELECT @@max_allowed_packet"))
        self._table: tuple[str, str] | None = None
        self._loader: RowLoader | None = None

    def loader(self, record: TableRecord) -> RowLoader:
        """Return a loader of a table; the one before it is closed."""
        name = (record.table.schema, record.table.name)
        if self._loader is None or self._table != name:
            self.close()
            self._table = name
            self._loader = open_loader(
                self.session, *name, stored_columns(record), self._max_packet_bytes
            )
        return self._loader

    def close(self) -> None:
        """Close the present loader; the session stays open."""
        if self._loader is not None:
            self._loader.close()
            self._loader = None


def stored_columns(record: TableRecord) -> list[Column]:
    """Pick the columns that each stored row carries, in order."""
    by_name = {column.name: column for column in record.table.columns}
    return [by_name[name] for name in record.select_columns]


class TableLoads:
    """Keep count of what is left of each table on one target, and finish tables."""

    def __init__(self, shard: ShardRestore, session: Session, target: TargetLock) -> None:
        done = read_loaded(session)
        self._target = target
        self.shard = shard
        self.waiting = [
            record
            for record in shard.tables
            if (record.table.schema, record.table.name) not in done
        ]
        waiting = {id(record) for record in self.waiting}
        self.queue = TableQueue(
            self.waiting, [record for record in shard.tables if id(record) not in waiting]
        )
        self._steps = {id(record): plan_steps(record.table, record.rows) for record in self.waiting}
        self._left = Counter({id(record): len(record.ranges) for record in self.waiting})
        self._recomputed: dict[int, TableRecord] = {}
        self._lock = threading.Lock()

    def create(self, session: Session) -> None:
        """Create every table that waits; what an interrupted run left of it is dropped."""
        for record in self.waiting:
            table = record.table
            kind = "SEQUENCE" if table.kind is TableKind.SEQUENCE else "TABLE"
            session.execute(f"DROP {kind} IF EXISTS {quote_table(table.schema, table.name)}")
            create_table(session, table, self._steps[id(record)])
            if not record.ranges:
                self._target.mark_loaded(table.schema, table.name)
            failpoint("restore.table_created")

    def note_recomputed(self, record: TableRecord) -> None:
        """Note a table whose generated columns have other values than at the source."""
        with self._lock:
            self._recomputed[id(record)] = record

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Name the generated columns that have other values than at the source."""
        return tuple(
            Finding(
                Severity.WARNING,
                f"{self.shard.source}: {record.table.qualified}",
                "generated columns",
                f"the rows are equal, but the target computes other values in "
                f"{', '.join(one.name for one in computed_columns(record.table.columns))}",
                "compare them on both sides; they may depend on the sql_mode under which rows "
                "were written, on settings of the server, or on time and user",
            )
            for record in self._recomputed.values()
        )

    def finish_range(self, lane: TargetLane, record: TableRecord) -> None:
        """Note a range as loaded; behind a table's last one build its keys."""
        with self._lock:
            self._left[id(record)] -= 1
            is_last = self._left[id(record)] == 0
        if is_last:
            lane.close()
            _finish_table(lane.session, record, self._steps[id(record)])
            self._target.mark_loaded(record.table.schema, record.table.name)
            failpoint("restore.table_loaded")
            self.queue.finish(record)


def _finish_table(session: Session, record: TableRecord, steps: TableSteps) -> None:
    if steps.keys:
        run_definition(session, steps.keys)
    set_counter(session, record.table)


def load_and_prove(
    loads: dict[ShardName, TableLoads],
    sessions: dict[ShardName, Sequence[Session]],
    store: ChunkSource,
    meter: Meter,
    *,
    threads: int,
) -> None:
    """Load every table that waits, on all targets at once, and read all tables back.

    A table is read back as soon as it has its keys, while others are still being loaded.

    Args:
        loads: tables per shard of the backup.
        sessions: sessions in the load state on each one's target.
        store: gives the chunks.
        meter: is told what was loaded, and again what was read back.
        threads: ranges at the same time, over all shards.

    Raises:
        VerificationFailed: a range differs from the manifest.
    """
    lanes = [
        Lane([TargetLane(session, found) for session in sessions[name]], found.queue)
        for name, found in loads.items()
    ]

    def work(lane: TargetLane, task: RangeTask) -> None:
        try:
            _do(lane, task, store, meter)
        except ShardvaultError as error:
            error.table = error.table or task.table.table.qualified
            if isinstance(error, IntegrityError):
                error.hint = error.hint or _DAMAGE_HINT
            raise

    def abort() -> None:
        for group in sessions.values():
            for session in group:
                session.abort()

    run_lanes(lanes, work, limit=threads, abort=abort)


def _do(lane: TargetLane, task: RangeTask, store: ChunkSource, meter: Meter) -> None:
    if task.is_proof:
        _prove(lane, task, meter)
        return
    _load_range(lane, task.table, task.range, store, meter)
    lane.loads.finish_range(lane, task.table)
    failpoint("restore.range_loaded")


def _prove(lane: TargetLane, task: RangeTask, meter: Meter) -> None:
    """Read a range back; generated columns that differ are noted, the rows must be equal."""
    shard = lane.loads.shard.source
    is_equal = prove_range(
        lane.reader, shard, task.table, task.range, lambda size: meter.add(shard, size)
    )
    if not is_equal:
        lane.loads.note_recomputed(task.table)


def _load_range(
    lane: TargetLane, table: TableRecord, found: RangeRecord, store: ChunkSource, meter: Meter
) -> None:
    loader = lane.loader(table)
    rows = 0
    for chunk in found.chunks:
        data = _read_chunk(store, chunk)
        taken = loader.load(data)
        rows += taken
        meter.add(lane.loads.shard.source, len(data), taken)
    if rows != found.rows:
        raise IntegrityError(f"a range has {rows} rows in the store, {found.rows} recorded")


def _read_chunk(store: ChunkSource, chunk: ChunkId) -> bytearray:
    """Read a chunk and put its values back into rows."""
    try:
        return join_columns(store.get(chunk, ChunkKind.ROWS))
    except ValueError as error:
        raise IntegrityError(f"chunk {chunk.hex()} is not rows: {error}") from error
