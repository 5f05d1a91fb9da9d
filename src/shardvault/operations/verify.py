"""Read every object of a backup back and compare it with its manifest."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from shardvault.clock import monotonic_s
from shardvault.errors import IntegrityError, ObjectMissing, ShardvaultError
from shardvault.events import PhaseStarted
from shardvault.interfaces import ChunkKind, ChunkSource, EventSink
from shardvault.kernel.pure import HASH_MODULUS
from shardvault.kernel.select import hash_rows, join_columns
from shardvault.model.ids import ShardName
from shardvault.model.manifest import Manifest, RangeRecord, ShardPart, ShardRecord, TableRecord
from shardvault.model.report import Finding, Severity, VerifyReport
from shardvault.operations.dumping import sum_hashes
from shardvault.operations.progress import Meter
from shardvault.repository.parts import get_part
from shardvault.workers.local import Lane, run_lanes

_OPERATION = "verify"


@dataclass(frozen=True)
class _Task:
    shard: ShardName
    table: TableRecord
    range: RangeRecord


@dataclass
class _Tally:
    """Add up what was read and what was wrong; safe for many threads."""

    objects: int = 0
    size_bytes: int = 0
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, objects: int, size_bytes: int, rows: int) -> None:
        with self.lock:
            self.objects += objects
            self.size_bytes += size_bytes
            self.rows += rows

    def damage(self, where: str, what: str, message: str) -> None:
        remedy = "this backup cannot restore it; take a new one and look at the storage"
        with self.lock:
            self.findings.append(Finding(Severity.BLOCKER, where, what, message, remedy))


def run_verify(
    manifest: Manifest, store: ChunkSource, sink: EventSink, *, threads: int
) -> VerifyReport:
    """Decrypt, decompress, identify, count and hash all that a backup consists of.

    Damage is reported, all of it, and does not stop the reading.
    """
    begin_s = monotonic_s()
    tally = _Tally(objects=1)  # the manifest itself was read and authenticated
    sink.emit(PhaseStarted(_OPERATION, "read"))
    parts = [
        part for part in (_read_part(shard, store, tally) for shard in manifest.shards) if part
    ]
    meter = Meter(sink, "read", {shard.name: shard.bytes_read for shard in manifest.shards})
    tasks = [
        _Task(part.name, table, found)
        for part in parts
        for table in part.tables
        for found in table.ranges
    ]

    def work(_: int, task: _Task) -> None:
        _verify_range(task, store, tally)
        meter.add(task.shard, task.range.raw_bytes, task.range.rows)

    run_lanes([Lane(range(threads), tasks)], work, limit=threads, abort=lambda: None)
    for part in parts:
        _verify_sums(part, tally)
    return VerifyReport(
        id=manifest.id,
        status="damaged" if tally.findings else "ok",
        objects=tally.objects,
        bytes=tally.size_bytes,
        rows=tally.rows,
        seconds=round(monotonic_s() - begin_s, 3),
        findings=tuple(tally.findings),
    )


def _read_part(shard: ShardRecord, store: ChunkSource, tally: _Tally) -> ShardPart | None:
    try:
        part = get_part(store, shard.part)
    except (IntegrityError, ObjectMissing) as error:
        tally.damage(shard.name, "definitions", f"all tables of the shard are lost: {error}")
        return None
    tally.count(len(shard.part), 0, 0)
    if (len(part.tables), sum(table.rows for table in part.tables)) != (shard.tables, shard.rows):
        tally.damage(shard.name, "definitions", "tables and rows are not those of the manifest")
    return part


def _verify_range(task: _Task, store: ChunkSource, tally: _Tally) -> None:
    """Read the chunks of one range and compare their rows with its record."""
    rows = content_hash = size_bytes = 0
    for chunk in task.range.chunks:
        try:
            data = store.get(chunk, ChunkKind.ROWS)
            rows_of_chunk = join_columns(data)
            chunk_rows, chunk_hash = hash_rows(rows_of_chunk)
        except (IntegrityError, ObjectMissing, ValueError) as error:
            tally.damage(_place(task), "chunk", f"{chunk.hex()[:16]}: {_message(error)}")
            return
        rows += chunk_rows
        content_hash = (content_hash + chunk_hash) % HASH_MODULUS
        size_bytes += len(rows_of_chunk)
    tally.count(len(task.range.chunks), size_bytes, rows)
    if (rows, f"{content_hash:032x}") != (task.range.rows, task.range.content_hash):
        tally.damage(_place(task), "rows", "count or hash is not that of the manifest")


def _verify_sums(part: ShardPart, tally: _Tally) -> None:
    """Prove that the ranges of each table add up to the table."""
    for table in part.tables:
        ranges = table.ranges
        is_sum = table.rows == sum(found.rows for found in ranges)
        if not is_sum or table.content_hash != sum_hashes(found.content_hash for found in ranges):
            tally.damage(f"{part.name}: {table.table.qualified}", "sum", "ranges do not add up")


def _place(task: _Task) -> str:
    return f"{task.shard}: {task.table.table.qualified}"


def _message(error: Exception) -> str:
    return error.message if isinstance(error, ShardvaultError) else str(error)
