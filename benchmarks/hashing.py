"""Measure what the content hash costs a backup, in processor time of the client.

The backup has no switch that leaves the hash out. So the very row packets of a backup are read
once more and handed to the kernel's own hash, whose time is then compared with the processor time
of a whole backup. It is an upper bound: to find the rows the kernel walks the packets, and their
hashes also say where chunks end, both of which a backup needs in any case.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from benchmarks.shard import Bench, open_session
from benchmarks.sides import shardvault_backup
from shardvault.dump.plan import plan_table
from shardvault.dump.reader import RangeReader
from shardvault.fleet.inventory import list_tables, read_inventory
from shardvault.kernel.select import hash_rows
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_read


@dataclass(frozen=True)
class HashCost:
    """Hold medians of processor time of the same rows [s] [s] [bytes]."""

    hash_s: float
    backup_s: float
    raw_bytes: int

    @property
    def share(self) -> float:
        """Return the part of a backup's processor time that the hash takes."""
        return self.hash_s / self.backup_s


def measure_hash(bench: Bench, rounds: int) -> HashCost:
    """Hash the rows, and back them up, once a round in turn."""
    hashed: list[float] = []
    backups: list[float] = []
    raw_bytes = 0
    for _ in range(rounds):
        seconds, raw_bytes = _hash_all(bench)
        hashed.append(seconds)
        backups.append(shardvault_backup(bench).cpu_s)
    return HashCost(statistics.median(hashed), statistics.median(backups), raw_bytes)


def _hash_all(bench: Bench) -> tuple[float, int]:
    """Read every row as a backup does; return the time of hashing alone, and the bytes."""
    meter = _HashMeter()
    with open_session(bench.source) as session:
        prepare_read(session)
        for statement, columns in _statements(session):
            RangeReader(session).read(statement, columns, meter.take)
    return meter.seconds, meter.raw_bytes


def _statements(session: Session) -> list[tuple[str, int]]:
    tables = frozenset(list_tables(session, ["bench"]))
    plans = [plan_table(table, ()) for table in read_inventory(session, ["bench"], tables).tables]
    return [(plan.statement(part), len(plan.columns)) for plan in plans for part in plan.ranges]


class _HashMeter:
    """Add up the processor time that hashing takes [s] and what was hashed [bytes]."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.raw_bytes = 0

    def take(self, chunk: memoryview) -> None:
        begin = time.thread_time()
        hash_rows(chunk)
        self.seconds += time.thread_time() - begin
        self.raw_bytes += len(chunk)
