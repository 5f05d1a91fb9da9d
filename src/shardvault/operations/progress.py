"""Add up what workers have done and tell it, per shard."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from shardvault.events import Progress
from shardvault.interfaces import EventSink
from shardvault.model.ids import ShardName


class Meter:
    """Count bytes and rows per shard and emit progress; safe for many threads."""

    def __init__(self, sink: EventSink, phase: str, totals: Mapping[ShardName, int]) -> None:
        self._sink = sink
        self._phase = phase
        self._totals = totals
        self._bytes = dict.fromkeys(totals, 0)
        self._rows = dict.fromkeys(totals, 0)
        self._lock = threading.Lock()

    def add(self, shard: ShardName, size_bytes: int, rows: int = 0) -> None:
        """Count what was done on a shard and tell it."""
        with self._lock:
            self._bytes[shard] += size_bytes
            self._rows[shard] += rows
            done, total = self._bytes[shard], max(self._totals[shard], self._bytes[shard])
            event = Progress(self._phase, shard, done, total, self._rows[shard])
        self._sink.emit(event)
