"""Read every restored table back and compare it with the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.dump.plan import select_statement
from shardvault.dump.ranges import KeyRange
from shardvault.dump.reader import RangeReader
from shardvault.errors import ShardvaultError, VerificationFailed
from shardvault.model.ids import ShardName
from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.mysql.session import Session
from shardvault.operations.progress import Meter
from shardvault.operations.restore_plan import ShardRestore
from shardvault.workers.local import Lane, run_lanes


@dataclass(frozen=True)
class ProofTask:
    """Name one range to read back."""

    shard: ShardRestore
    table: TableRecord
    range: RangeRecord


def prove_contents(
    shards: Sequence[ShardRestore],
    sessions: dict[ShardName, Sequence[Session]],
    meter: Meter,
    *,
    threads: int,
) -> None:
    """Read all ranges of all tables and compare counts and hashes.

    Args:
        shards: what was restored.
        sessions: sessions in the read state on each one's target.
        meter: is told what was read.
        threads: ranges at the same time, over all shards.

    Raises:
        VerificationFailed: names shard, table and range; the target stays marked incomplete.
    """
    lanes = [
        Lane([RangeReader(session) for session in sessions[shard.source]], _tasks(shard))
        for shard in shards
    ]

    def work(reader: RangeReader, task: ProofTask) -> None:
        try:
            _prove_range(reader, task, meter)
        except ShardvaultError as error:
            error.table = error.table or task.table.table.qualified
            raise

    def abort() -> None:
        for group in sessions.values():
            for session in group:
                session.abort()

    run_lanes(lanes, work, limit=threads, abort=abort)


def _tasks(shard: ShardRestore) -> list[ProofTask]:
    ordered = sorted(shard.tables, key=lambda record: -record.raw_bytes)
    return [ProofTask(shard, record, found) for record in ordered for found in record.ranges]


def _prove_range(reader: RangeReader, task: ProofTask, meter: Meter) -> None:
    table, wanted = task.table.table, task.range
    statement = select_statement(table, KeyRange(wanted.lower, wanted.upper))

    def take(chunk: memoryview) -> None:
        meter.add(task.shard.source, len(chunk))

    totals = reader.read(statement, len(task.table.select_columns), take)
    if totals.rows != wanted.rows:
        raise _differs(task, f"{totals.rows} rows, {wanted.rows} in the manifest")
    if f"{totals.content_hash:032x}" != wanted.content_hash:
        raise _differs(task, "as many rows as in the manifest, but other contents")


def _differs(task: ProofTask, what: str) -> VerificationFailed:
    lower, upper = task.range.lower, task.range.upper
    begin = "the beginning" if lower is None else f"({', '.join(lower)})"
    end = "the end" if upper is None else f"({', '.join(upper)})"
    return VerificationFailed(
        f"restored rows from {begin} to {end} differ: {what}",
        shard=task.shard.source,
        hint="the target stays marked incomplete; was something else writing to it? "
        "`shardvault verify` tells whether the backup itself is sound",
    )
