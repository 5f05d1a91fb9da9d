"""Write to every shard meanwhile, and say what these clients noticed of the backup."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from demo.command import Outcome
from shardvault.model.target import Endpoint
from tests.support.fleet import Fleet
from tests.support.workload.board import LOGGED_STALL_MS
from tests.support.workload.process import Workload

_MARGIN_S = 0.05  # between the release and our hearing of it


class Writers:
    """Hold the clients of one demo; leaving the ``with`` block ends them in any case."""

    def __init__(self, fleet: Fleet, log: Path) -> None:
        self._workload = Workload(
            [Endpoint(socket=each.socket) for each in fleet.instances],
            log=log,
            user=fleet.user,
            password=fleet.password,
        )
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._workload.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._workload.__exit__(kind, error, trace)

    @property
    def tickets(self) -> int:
        """Return the last ticket that was acknowledged, after ``stop``."""
        return int(self._report["tickets"])

    def stop(self) -> str:
        """Let every client finish its write; say how much they did."""
        self._workload.stop()
        self._events = list(self._workload.events())
        report = self._report
        return f"{report['writes']:,} commits in {report['seconds']:.0f} s, then stopped"

    def tickets_before(self, moment_s: float) -> int:
        """Return a ticket acknowledged before a moment, the last that is known of."""
        marks = [e for e in self._events if e["event"] == "mark" and e["at_s"] < moment_s]
        return int(marks[-1]["tickets"]) if marks else 0

    def describe_stall(self, backup: Outcome) -> str:
        """Say how long the slowest write around the barrier took."""
        worst_ms = self._worst_stall_ms(backup)
        usual = f"99 % of all writes took under {self._report['p99_stall_ms']:.1f} ms"
        around = "the slowest write around the barrier took"
        if worst_ms is None:
            return f"{around} under {LOGGED_STALL_MS:.0f} ms; {usual}"
        return f"{around} {worst_ms:.0f} ms; {usual}"

    def _worst_stall_ms(self, backup: Outcome) -> float | None:
        """Find the slowest write that overlaps the barrier; None if none is worth a line."""
        if backup.released_s is None:
            return None
        barrier = backup.report["barrier"]
        held_s = (barrier["held_ms"] + barrier["lock_wait_ms"]) / 1000
        first_s = backup.released_s - held_s - _MARGIN_S
        stalls = [
            float(e["ms"])
            for e in self._events
            if e["event"] == "stall"
            and e["at_s"] <= backup.released_s
            and e["at_s"] + e["ms"] / 1000 >= first_s
        ]
        return max(stalls, default=None)

    @property
    def _report(self) -> dict[str, Any]:
        return self._events[-1]
