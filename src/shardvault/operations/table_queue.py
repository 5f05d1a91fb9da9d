"""Choose which range is loaded next, so that tables grow at their ends."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from shardvault.model.manifest import RangeRecord, TableRecord

LoadTask = tuple[TableRecord, RangeRecord]


class TableQueue:
    """Give each session a table of its own, in key order, as long as there are enough tables.

    Rows that arrive in key order fill InnoDB's pages to the end and split none; two sessions
    in one table cost a quarter more of the server's time (docs/benchmarks.md). So a session
    stays at its table, then opens the next one that nobody is at, and only when there is
    none helps with the table that has most left, from its end.
    """

    def __init__(self, tables: Sequence[TableRecord]) -> None:
        ordered = sorted(tables, key=lambda record: -record.raw_bytes)
        self._unopened = deque(record for record in ordered if record.ranges)
        self._open: dict[int, tuple[TableRecord, deque[RangeRecord]]] = {}
        self._at: dict[object, int] = {}
        self._lock = threading.Lock()
        self._left = sum(len(record.ranges) for record in tables)

    def __len__(self) -> int:
        return self._left

    def take(self, context: object) -> LoadTask | None:
        """Take the range that a session shall load next."""
        with self._lock:
            found = self._stay(context) or self._open_next(context) or self._help()
            if found is not None:
                self._left -= 1
            return found

    def _stay(self, context: object) -> LoadTask | None:
        place = self._open.get(self._at.get(context, 0))
        return (place[0], place[1].popleft()) if place and place[1] else None

    def _open_next(self, context: object) -> LoadTask | None:
        if not self._unopened:
            return None
        record = self._unopened.popleft()
        self._open[id(record)] = (record, deque(record.ranges))
        self._at[context] = id(record)
        return self._stay(context)

    def _help(self) -> LoadTask | None:
        record, ranges = max(
            self._open.values(), key=lambda place: len(place[1]), default=(None, deque())
        )
        return (record, ranges.pop()) if record is not None and ranges else None
