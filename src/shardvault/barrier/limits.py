"""Bound every wait of the barrier."""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.errors import UsageError

HOLD_S = 2.0
"""Longest hold unless the configuration says otherwise."""
PENDING_LIMIT_S = 0.9
"""Longest time that a blocking lock may be pending: writers queue behind it."""
NOTICE_S = 2.0
"""After this long a wait that stops no row change is reported."""
LEAST_GENTLE_S = 1.0
"""What each further attempt has for the first phase, however long the earlier ones took."""
SETUP_LIMIT_S = 10.0
"""Longest time for session state, before any lock."""
RELEASE_LIMIT_S = 0.5
"""Longest wait for the answer to a release; then the socket is closed instead."""
LET_GO_LIMIT_S = 0.1
"""Longest wait for the KILL of a pending lock after a failure."""
BLOCKER_LIMIT_S = 2.0
"""Longest search for the statement in the way, after every lock was given back."""
SNAPSHOT_IDLE_S = 28800
"""How long the server keeps a snapshot or DDL protection that nobody uses."""
SNAPSHOT_WRITE_S = 600
"""How long the server waits for a slow reader of a snapshot, and the reader for the server."""
LONGEST_LEASE_S = 5


@dataclass(frozen=True)
class BarrierLimits:
    """Say how long the barrier may wait and how often it is tried.

    Attributes:
        hold_s: longest hold, from asking for the blocking locks to the release [s].
        lease_s: after this much silence a server drops our locks by itself [s]; 1 to 5.
        gentle_s: longest wait for the first phase, which stops no row change, and for a moment
            without long statements; over all attempts together [s].
        attempts: how often the cut is tried.
        retry_s: base of the back-off between tries [s].
    """

    hold_s: float = HOLD_S
    lease_s: int = 3
    gentle_s: float = 30.0
    attempts: int = 5
    retry_s: float = 0.2

    def __post_init__(self) -> None:
        if not 1 <= self.lease_s <= LONGEST_LEASE_S:
            raise UsageError(f"lease of {self.lease_s} s is outside 1 to {LONGEST_LEASE_S} s")
        if self.hold_s <= 0 or self.gentle_s <= 0 or self.attempts < 1 or self.retry_s <= 0:
            raise UsageError("limits of the barrier must be above zero")
