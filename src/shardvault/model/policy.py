"""Describe how long backups are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from shardvault.units import format_age, parse_duration


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


@dataclass(frozen=True)
class BackupSize:
    """Hold what is compared of two backups that follow each other [rows] [bytes].

    Attributes:
        tables: rows of each logical table, by its name.
    """

    id: str
    rows: int
    bytes_read: int
    tables: Mapping[str, int]


_RULE = re.compile(r"(?P<name>[a-z]+)=(?P<value>\w+)")
_COUNTS = tuple(field.name for field in fields(Keep) if field.name != "within_s")


def parse_keep(text: str) -> Keep:
    """Read ``last=3,daily=7,within=30d``; an empty text keeps everything.

    Raises:
        ValueError: says which rule cannot be read.
    """
    rules: dict[str, float] = {}
    for word in filter(None, (word.strip() for word in text.split(","))):
        match = _RULE.fullmatch(word)
        if match is None or match["name"] not in (*_COUNTS, "within"):
            known = ", ".join((*_COUNTS, "within"))
            raise ValueError(f"no rule {word!r}; there are {known}, as daily=7 or within=30d")
        name = match["name"] if match["name"] in _COUNTS else "within_s"
        if name in rules:
            raise ValueError(f"rule {match['name']} stands there twice")
        rules[name] = _read_value(word, name, match["value"])
    return Keep(**rules)  # type: ignore[arg-type]


def _read_value(word: str, name: str, value: str) -> float:
    if name == "within_s":
        return parse_duration(value)
    if not value.isdecimal():
        raise ValueError(f"{word!r} needs a whole number")
    return int(value)


def format_keep(keep: Keep) -> str:
    """Write a policy as ``parse_keep`` reads it."""
    words = [f"{name}={getattr(keep, name)}" for name in _COUNTS if getattr(keep, name)]
    if keep.within_s:
        words.append(f"within={format_age(keep.within_s)}")
    return ",".join(words)
