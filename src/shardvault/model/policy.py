"""Describe how long backups are kept."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Keep:
    """Say how many verified backups of a fleet are kept; all zero = every backup.

    Attributes:
        last: the newest ones.
        hourly: the newest of each of that many hours that have one; so for the others.
        within_s: every backup, verified or not, that was received since [s].
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within_s: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Say whether there is no rule at all."""
        return not any(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class KeepCandidate:
    """Describe a backup as retention sees it.

    Attributes:
        received_s: when the store took the entry that completed it, by the store's clock [s].
        hold: why somebody keeps it; None if nobody does.
    """

    id: str
    fleet: str
    received_s: float
    is_verified: bool
    hold: str | None = None
