"""Choose what a session of a restore does next: load a range, or read one back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.workers.local import Later


@dataclass(frozen=True)
class RangeTask:
    """Name one range to load, or to prove by reading it back."""

    table: TableRecord
    range: RangeRecord
    is_proof: bool


class TableQueue:
    """Give each session a table of its own, in key order, as long as there are enough tables.

    Rows that arrive in key order fill InnoDB's pages to the end and split none; two sessions
    in one table cost a quarter more of the server's time (docs/benchmarks.md). So a session
    stays at its table, then proves tables that are finished while the server still has their
    pages in memory, then opens the next table that nobody is at, and only when there is none
    helps with the one that has most left, from its end.
    """

    def __init__(self, waiting: Sequence[TableRecord], loaded: Sequence[TableRecord]) -> None:
        """Queue tables to load, and tables that an interrupted run has loaded, to prove."""
        ordered = sorted(waiting, key=lambda record: -record.raw_bytes)
        self._unopened = deque(record for record in ordered if record.ranges)
        self._unfinished = len(self._unopened)
        self._open: dict[int, tuple[TableRecord, deque[RangeRecord]]] = {}
        self._at: dict[object, int] = {}
        self._proofs: deque[RangeTask] = deque()
        self._lock = threading.Lock()
        self._count = sum(len(record.ranges) for record in (*waiting, *loaded))
        for record in loaded:
            self._queue_proofs(record)

    def __len__(self) -> int:
        return self._count

    def take(self, context: object) -> RangeTask | Later | None:
        """Take what a session shall do next; Later while others may still bring work."""
        with self._lock:
            task = self._stay(context) or self._prove() or self._open_next(context) or self._help()
            if task is None and self._unfinished:
                return Later.LATER
            return task

    def finish(self, record: TableRecord) -> None:
        """Note that a table has its rows and keys, so that it can be proven."""
        with self._lock:
            self._unfinished -= 1
            self._queue_proofs(record)

    def _queue_proofs(self, record: TableRecord) -> None:
        self._proofs.extend(RangeTask(record, found, True) for found in record.ranges)

    def _stay(self, context: object) -> RangeTask | None:
        place = self._open.get(self._at.get(context, 0))
        return RangeTask(place[0], place[1].popleft(), False) if place and place[1] else None

    def _prove(self) -> RangeTask | None:
        return self._proofs.popleft() if self._proofs else None

    def _open_next(self, context: object) -> RangeTask | None:
        if not self._unopened:
            return None
        record = self._unopened.popleft()
        self._open[id(record)] = (record, deque(record.ranges))
        self._at[context] = id(record)
        return self._stay(context)

    def _help(self) -> RangeTask | None:
        places = [place for place in self._open.values() if place[1]]
        if not places:
            return None
        record, ranges = max(places, key=lambda place: len(place[1]))
        return RangeTask(record, ranges.pop(), False)
