"""Add up progress and work out rates and the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shardvault.clock import monotonic_s
from shardvault.events import Progress
from shardvault.units import format_duration, format_rate, format_size


@dataclass(frozen=True)
class Figures:
    """Say how far something is [bytes] [rows] [s]; a total or rate of 0 is unknown."""

    done_bytes: int
    total_bytes: int
    rows: int
    rate: float

    def __str__(self) -> str:
        parts = [format_size(self.done_bytes)]
        if self.total_bytes:
            percent = min(100, 100 * self.done_bytes // self.total_bytes)
            parts = [f"{percent:3d} % of {format_size(self.total_bytes)}"]
        if self.rate:
            parts.append(format_rate(self.rate, 1))
        if self.rate and self.total_bytes > self.done_bytes:
            left_s = (self.total_bytes - self.done_bytes) / self.rate
            parts.append(f"{format_duration(left_s)} left")
        return ", ".join(parts)


@dataclass
class _Track:
    """Follow one shard through one phase."""

    begin_s: float
    begin_bytes: int
    latest: Progress
    latest_s: float

    def figures(self) -> Figures:
        seconds = self.latest_s - self.begin_s
        rate = (self.latest.done_bytes - self.begin_bytes) / seconds if seconds > 0 else 0.0
        event = self.latest
        return Figures(event.done_bytes, event.total_bytes, event.rows, max(rate, 0.0))


class Pace:
    """Follow every shard; a shard that enters another phase starts anew."""

    def __init__(self, now: Callable[[], float] = monotonic_s) -> None:
        self._now = now
        self._tracks: dict[str, _Track] = {}

    def add(self, event: Progress) -> Figures:
        """Take an event and say how far its shard is."""
        now_s = self._now()
        track = self._tracks.get(event.shard)
        if track is None or track.latest.phase != event.phase:
            track = self._tracks[event.shard] = _Track(now_s, event.done_bytes, event, now_s)
        track.latest, track.latest_s = event, now_s
        return track.figures()

    def sum_up(self, phase: str) -> Figures:
        """Say how far all shards of a phase are together."""
        return _sum(t.figures() for t in self._tracks.values() if t.latest.phase == phase)


def _sum(parts: Iterable[Figures]) -> Figures:
    figures = list(parts)
    is_known = all(part.total_bytes for part in figures)
    return Figures(
        done_bytes=sum(part.done_bytes for part in figures),
        total_bytes=sum(part.total_bytes for part in figures) if is_known else 0,
        rows=sum(part.rows for part in figures),
        rate=sum(part.rate for part in figures),
    )
