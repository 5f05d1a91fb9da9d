"""Describe what happens during an operation, as typed values.

Engines emit these; the edges turn them into text, progress bars or JSON lines.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Mark a value that an operation may emit."""


@dataclass(frozen=True)
class PhaseStarted(Event):
    """Say that an operation entered a phase (``connect``, ``barrier``, ``dump`` …)."""

    operation: str
    phase: str
    detail: str = ""


@dataclass(frozen=True)
class Progress(Event):
    """Say how far one shard is.

    Attributes:
        phase: ``dump``, ``load``, ``keys``, ``verify`` or ``read``.
        done_bytes: bytes handled so far on this shard [bytes].
        total_bytes: estimate of all bytes on this shard, 0 if unknown [bytes].
        rows: rows handled so far [rows].
    """

    phase: str
    shard: str
    done_bytes: int
    total_bytes: int
    rows: int


@dataclass(frozen=True)
class BarrierHeld(Event):
    """Report the cut: how long writes waited and how often it was tried."""

    held_ms: float
    lock_wait_ms: float
    attempts: int


@dataclass(frozen=True)
class Retrying(Event):
    """Report a failed try that will be repeated."""

    what: str
    reason: str
    attempt: int
    wait_s: float


@dataclass(frozen=True)
class Noticed(Event):
    """Report something a person should know that is not an error."""

    message: str
    shard: str | None = None
    hint: str | None = None
