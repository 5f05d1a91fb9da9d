"""Describe how long backups are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from shardvault.errors import UsageError
from shardvault.units import format_age, parse_duration


@dataclass(frozen=True)
class Keep:
    """Say how many verified backups of a fleet and scope are kept; no rule = every backup.

    Attributes:
        last: the newest ones.
        hourly: the newest of each of that many hours that have one; so for the others.
        within_s: every backup, verified or not, that was received since [s].
        tags: every backup, verified or not, that carries one of these.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within_s: float = 0.0
    tags: tuple[str, ...] = ()

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
        scope: the options that narrowed it; empty = it is complete.
        tags: names that the user gave it.
        source: name of the source that took it; backups of one never displace others.
    """

    id: str
    fleet: str
    received_s: float
    is_verified: bool
    hold: str | None = None
    scope: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    source: str = ""


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


_TAG = re.compile(r"\w[\w.-]{0,63}")
_RULE = re.compile(r"(?P<name>[a-z]+)=(?P<value>\w[\w.-]*)")
_COUNTS = tuple(field.name for field in fields(Keep) if field.name not in {"within_s", "tags"})

_NAMES = (*_COUNTS, "within", "tag")


def parse_tags(words: Iterable[str]) -> tuple[str, ...]:
    """Read tags: letters, digits and ``._-``, at most 64; sorted, each once.

    Raises:
        UsageError: a word is no tag.
    """
    tags = sorted(set(words))
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise UsageError(
                f"{tag!r} is not a tag",
                hint="a tag has at most 64 letters, digits, dots, hyphens and underscores, and "
                "begins with a letter or digit",
            )
    return tuple(tags)


def parse_keep(text: str) -> Keep:
    """Read ``last=3,daily=7,within=30d``; an empty text keeps everything.

    Raises:
        ValueError: says which rule cannot be read.
    """
    rules: dict[str, float] = {}
    tags: list[str] = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        match = _RULE.fullmatch(word)
        if match is None or match["name"] not in _NAMES:
            known = ", ".join(_NAMES)
            raise ValueError(f"no rule {word!r}; there are {known}; for example daily=7")
        name, value = match["name"], match["value"]
        if name == "tag":
            tags.append(value)
        elif name in rules:
            raise ValueError(f"rule {name} stands there twice")
        else:
            rules[name] = _read_value(word, name, value)
    within_s = rules.pop("within", 0.0)
    counts = {name: int(value) for name, value in rules.items()}
    return Keep(**counts, within_s=within_s, tags=parse_tags(tags))


def _read_value(word: str, name: str, value: str) -> float:
    """Read a number that is not 0: a rule that keeps nothing would count as a policy."""
    if name != "within" and not value.isdecimal():
        raise ValueError(f"{word!r} needs a whole number")
    number = parse_duration(value) if name == "within" else int(value)
    if not number:
        raise ValueError(f"{word!r} keeps nothing; leave the rule out")
    return number


def format_keep(keep: Keep) -> str:
    """Write a policy as ``parse_keep`` reads it."""
    words = [f"{name}={getattr(keep, name)}" for name in _COUNTS if getattr(keep, name)]
    if keep.within_s:
        words.append(f"within={format_age(keep.within_s)}")
    words += [f"tag={tag}" for tag in keep.tags]
    return ",".join(words)
