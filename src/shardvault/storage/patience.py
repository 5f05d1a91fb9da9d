"""Choose how long a transfer may take before it is cut as stalled."""

from __future__ import annotations

import math

ANSWER_S = 15.0
"""Time for a store to take a request and to answer it, apart from the bytes [s]."""

USUAL_BYTES_S = 1024 * 1024
"""Rate that is expected of a store until it proves slower [bytes/s]."""

LOWEST_BYTES_S = 16 * 1024
"""Rate below which no transfer is waited for [bytes/s]."""

_TELLING_BYTES = 1024 * 1024  # less says more about the way to the store than about its width
_MARGIN = 4


class Patience:
    """Learn how slow a link is, so that a stall is cut soon and a slow link is not.

    A pack of 16 MiB is given 31 s at first. Each transfer that runs into its limit halves
    the expected rate, one that ends well sets it to a quarter of what it had. Safe for
    many threads: the rate is a guess, and a lost update costs nothing.
    """

    def __init__(self) -> None:
        self._bytes_s = float(USUAL_BYTES_S)

    def limit_s(self, size_bytes: int) -> float:
        """Return the time that a transfer of this size may take [s]."""
        return ANSWER_S + size_bytes / self._bytes_s

    def note(self, size_bytes: int, seconds: float, *, is_done: bool) -> None:
        """Take what became of a transfer; small ones say nothing."""
        if size_bytes < _TELLING_BYTES:
            return
        if is_done:
            self._set(size_bytes / max(seconds, 1e-6) / _MARGIN)
        elif seconds >= self.limit_s(size_bytes):
            self._set(self._bytes_s / 2)

    def _set(self, bytes_s: float) -> None:
        self._bytes_s = min(USUAL_BYTES_S, max(LOWEST_BYTES_S, bytes_s))


def round_up(limit_s: float) -> int:
    """Return the next power of two [s], at least 1, so that few limits are in use."""
    return 1 << max(0, math.ceil(math.log2(limit_s)))
