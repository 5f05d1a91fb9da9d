"""Turn events into what a person or a program follows on standard error."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TextIO

from shardvault.cli.escape import escape
from shardvault.cli.output import use_color
from shardvault.cli.pace import Figures, Pace
from shardvault.cli.settings import Settings
from shardvault.clock import format_time, monotonic_s, utc_now
from shardvault.events import BarrierHeld, Event, Noticed, PhaseStarted, Progress, Retrying
from shardvault.interfaces import EventSink
from shardvault.units import format_duration

PLAIN_PAUSE_S = 5.0
"""Shortest time between two lines of progress where there is no terminal [s]."""
JSON_PAUSE_S = 1.0
"""Shortest time between two JSON lines of progress of one shard [s]."""


@contextmanager
def open_sink(settings: Settings) -> Iterator[EventSink]:
    """Choose how an operation is followed: bars, lines, JSON lines or nothing."""
    if settings.quiet:
        yield Silence()
    elif settings.wants_json:
        yield JsonLines(sys.stderr, has_progress=not settings.no_progress)
    elif settings.no_progress or not _has_cursor(sys.stderr):
        yield PlainLines(sys.stderr, has_progress=not settings.no_progress)
    else:
        from shardvault.cli.bars import open_bars

        with open_bars(has_color=use_color(settings, sys.stderr)) as bars:
            yield bars


def _has_cursor(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class Silence:
    """Drop every event."""

    def emit(self, event: Event) -> None:
        """Take one event."""


class PlainLines:
    """Write a line per event, and progress at most every few seconds; never raises."""

    def __init__(
        self, stream: TextIO, *, has_progress: bool, now: Callable[[], float] = monotonic_s
    ) -> None:
        self._stream = stream
        self._has_progress = has_progress
        self._now = now
        self._pace = Pace(now)
        self._written_s = now()
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Take one event."""
        # Whatever goes wrong with the display, the operation goes on.
        with suppress(Exception), self._lock:
            line = self._follow(event) if isinstance(event, Progress) else self._tell(event)
            if line:
                self._stream.write(f"{line}\n")
                self._stream.flush()

    def _tell(self, event: Event) -> str:
        is_asked = self._has_progress or isinstance(event, Noticed | Retrying)
        return describe_event(event) if is_asked else ""

    def _follow(self, event: Progress) -> str:
        self._pace.add(event)
        if not self._has_progress or self._now() - self._written_s < PLAIN_PAUSE_S:
            return ""
        self._written_s = self._now()
        return describe_progress(event.phase, self._pace.sum_up(event.phase))


class JsonLines:
    """Write each event as one JSON object per line; never raises."""

    def __init__(
        self, stream: TextIO, *, has_progress: bool, now: Callable[[], float] = monotonic_s
    ) -> None:
        self._stream = stream
        self._has_progress = has_progress
        self._now = now
        self._written_s: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Take one event."""
        # Whatever goes wrong with the display, the operation goes on.
        with suppress(Exception), self._lock:
            if self._is_due(event):
                line = {"time": format_time(utc_now()), "event": _name_event(event)}
                self._stream.write(json.dumps(line | asdict(event)) + "\n")
                self._stream.flush()

    def _is_due(self, event: Event) -> bool:
        if not isinstance(event, Progress):
            return self._has_progress or isinstance(event, Noticed | Retrying)
        place, now_s = (event.phase, event.shard), self._now()
        if (
            not self._has_progress
            or now_s - self._written_s.get(place, -JSON_PAUSE_S) < JSON_PAUSE_S
        ):
            return False
        self._written_s[place] = now_s
        return True


def _name_event(event: Event) -> str:
    """Name an event for programs, as ``phase_started``."""
    name = type(event).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")


def describe_event(event: Event) -> str:
    """Write an event that is not progress as one line for people; empty if it is unknown."""
    match event:
        case PhaseStarted(operation, phase, detail):
            return escape(f"{operation}: {phase}" + (f", {detail}" if detail else ""))
        case BarrierHeld():
            return describe_barrier(event.held_ms, event.lock_wait_ms, event.attempts)
        case Retrying(what, reason, attempt, wait_s):
            wait = format_duration(wait_s)
            return escape(f"{what}: attempt {attempt} failed, next in {wait}: {reason}")
        case Noticed(message, shard, hint):
            where = f"shard {shard}: " if shard else ""
            return escape(f"notice: {where}{message}" + (f" ({hint})" if hint else ""))
    return ""


def describe_progress(phase: str, figures: Figures) -> str:
    """Write how far all shards are as one line for people."""
    return escape(f"{phase}: {figures}, {figures.rows:,} rows")


def describe_barrier(held_ms: float, lock_wait_ms: float, attempts: int) -> str:
    """Write what the barrier cost; writes may wait for it, and then as long as it is held."""
    tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    waited_ms = held_ms + lock_wait_ms
    return f"barrier held {held_ms:.1f} ms, writes waited at most {waited_ms:.1f} ms, {tries}"
