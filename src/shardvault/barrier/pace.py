"""Wait for many sessions at once; the only clock and the only chance of the barrier."""

from __future__ import annotations

import random
import selectors
import time
from collections.abc import Sequence
from typing import Protocol

from shardvault.clock import monotonic_s
from shardvault.mysql.session import Session

_random = random.SystemRandom()


class Pace(Protocol):
    """Tell time, wait, and draw jitter; scripted in unit tests."""

    def now_s(self) -> float:
        """Return seconds of a clock that never jumps."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""

    def wait_readable(self, sessions: Sequence[Session], timeout_s: float) -> list[Session]:
        """Return the sessions with an answer or an end of file; none after the limit [s]."""

    def jitter(self, low: float, high: float) -> float:
        """Draw a number between the two."""


class RealPace:
    """Use the real clock and the operating system's selector."""

    def now_s(self) -> float:
        """Return seconds of a clock that never jumps."""
        return monotonic_s()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def wait_readable(self, sessions: Sequence[Session], timeout_s: float) -> list[Session]:
        """Return the sessions with an answer or an end of file; none after the limit [s]."""
        with selectors.DefaultSelector() as selector:
            for session in sessions:
                selector.register(session.socket, selectors.EVENT_READ, session)
            return [key.data for key, _ in selector.select(max(timeout_s, 0.0))]

    def jitter(self, low: float, high: float) -> float:
        """Draw a number between the two."""
        return _random.uniform(low, high)
