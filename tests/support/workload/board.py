"""Collect what the clients did: counts, write stalls, lost shards, and the log of it."""

from __future__ import annotations

import json
import threading
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

LOGGED_STALL_MS = 25.0


@dataclass
class Tally:
    """Hold what one client had acknowledged; written by that client only.

    Attributes:
        last: number of its last ticket or counter row; completed transfers.
        waits_ms: how long each acknowledged write took [ms].
    """

    kind: str
    shard: int | None = None
    last: int = 0
    waits_ms: array[float] = field(default_factory=lambda: array("f"))
    worst_ms: float = 0.0
    worst_at_s: float = 0.0


class Board:
    """Join the clients of one run; safe for many threads.

    Every line of the log is one JSON object with ``event`` and ``at_s``, a stamp of the
    machine's monotonic clock, which other programs can compare with theirs [s].
    """

    def __init__(self, log: TextIO, *, tolerates_loss: bool) -> None:
        self.stopping = threading.Event()
        self.tallies: list[Tally] = []
        self.lost: dict[int, str] = {}
        self.error: str | None = None
        self._log = log
        self._log_lock = threading.Lock()
        self._tolerates_loss = tolerates_loss
        self._begin_s = 0.0

    def open_tally(self, kind: str, *, shard: int | None = None, last: int = 0) -> Tally:
        """Register one client."""
        tally = Tally(kind, shard, last)
        self.tallies.append(tally)
        return tally

    def begin(self) -> None:
        """Start the clock of the run."""
        self._begin_s = time.monotonic()
        self.note("begin", self._begin_s)

    def add_write(self, tally: Tally, shard: int, begin_s: float, end_s: float) -> None:
        """Count one acknowledged write; log it if it was slow."""
        wait_ms = (end_s - begin_s) * 1000
        tally.waits_ms.append(wait_ms)
        if wait_ms > tally.worst_ms:
            tally.worst_ms, tally.worst_at_s = wait_ms, begin_s
        if wait_ms >= LOGGED_STALL_MS:
            self.note("stall", begin_s, ms=round(wait_ms, 3), kind=tally.kind, shard=shard)

    def lose(self, shard: int, reason: str) -> None:
        """Note a shard that has gone; unless that is tolerated, end the run with an error."""
        if self.stopping.is_set():
            return
        if not self._tolerates_loss:
            self.fail(f"shard {shard} lost: {reason}")
        elif shard not in self.lost:
            self.lost[shard] = reason
            self.note("lost", time.monotonic(), shard=shard, reason=reason)

    def fail(self, reason: str) -> None:
        """End the run with an error; the first one counts."""
        self.error = self.error or reason
        self.stopping.set()

    def mark(self) -> None:
        """Log the counts so far; each was acknowledged before the stamp of the line."""
        counts = self._counts()
        self.note("mark", time.monotonic(), **counts)

    def report(self) -> dict[str, Any]:
        """Sum up the run."""
        seconds = time.monotonic() - self._begin_s
        waits = sorted(wait for tally in self.tallies for wait in tally.waits_ms)
        worst = max(self.tallies, key=lambda tally: tally.worst_ms)
        return {
            **self._counts(),
            "seconds": round(seconds, 3),
            "rate": round(len(waits) / seconds, 1),
            "p99_stall_ms": round(_quantile(waits, 0.99), 3),
            "worst_stall_ms": round(worst.worst_ms, 3),
            "worst_stall_at_s": worst.worst_at_s,
            "lost": self.lost,
            "error": self.error,
        }

    def note(self, event: str, at_s: float, **fields: Any) -> None:
        """Write one line to the log."""
        line = json.dumps({"event": event, "at_s": at_s, **fields})
        with self._log_lock:
            self._log.write(line + "\n")
            self._log.flush()

    def _counts(self) -> dict[str, Any]:
        return {
            "tickets": sum(tally.last for tally in self.tallies if tally.kind == "ticket"),
            "transfers": sum(tally.last for tally in self.tallies if tally.kind == "transfer"),
            "counters": {t.shard: t.last for t in self.tallies if t.kind == "counter"},
            "writes": sum(len(tally.waits_ms) for tally in self.tallies),
        }


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
