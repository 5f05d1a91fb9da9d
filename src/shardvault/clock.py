"""Read the time: the only wall clock of the program."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present time in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def format_time(moment: datetime) -> str:
    """Write a time in RFC 3339 with its zone, as ``2026-11-22T11:30:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read a time in RFC 3339; raises ValueError if it has no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without zone: {text}")
    return moment.astimezone(UTC)


def monotonic_s() -> float:
    """Return seconds of a clock that never jumps; only differences mean anything."""
    return time.monotonic()
