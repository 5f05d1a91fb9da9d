"""Name what a backup may lose, each kind only if the user allows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from shardvault.errors import UsageError
from shardvault.model.ids import ShardName


class LossKind(StrEnum):
    """Name the losses that can be allowed; a backup that meets another one is refused.

    The one list of them: help, reference and remedies are made from it.

    Attributes:
        meaning: what comes back other than it was, as a sentence without full stop.
        remedy: what to do instead of allowing it.
    """

    meaning: str
    remedy: str

    def __new__(cls, word: str, meaning: str, remedy: str) -> Self:
        """Make a member of its word on the command line and its two sentences."""
        kind = str.__new__(cls, word)
        kind._value_ = word
        kind.meaning = meaning
        kind.remedy = remedy
        return kind

    @property
    def remedies(self) -> str:
        """Say what to do about it: avoid it, or allow it."""
        return f"{self.remedy}, or accept that with --allow-loss {self}"

    JSON_TYPES = (
        "json-types",
        "MySQL's JSON comes back as its text says: a DECIMAL in it as DOUBLE, a date, a time and "
        "bytes as STRING, a small UNSIGNED as INTEGER",
        "store such values in JSON as text, or leave the table out with --exclude",
    )
    HISTORY = (
        "history",
        "a system-versioned table whose history cannot be written back comes back with its "
        "current rows only",
        "leave the table out with --exclude",
    )
    DATA_DIRECTORY = (
        "data-directory",
        "a table with DATA DIRECTORY, INDEX DIRECTORY or a TABLESPACE of its own comes back in "
        "the server's default place",
        "move the table to the default place, or leave it out with --exclude",
    )
    SYSTEM_SCHEMAS = (
        "system-schemas",
        "tables, views, routines and events that users made in the server's own schemas mysql and "
        "sys are left out",
        "move them into a schema of their own",
    )
    CONNECT_ROWS = (
        "connect-rows",
        "a CONNECT table that names no file comes back without its rows, which lie in a file "
        "that the server made for it",
        "copy its rows into an InnoDB table, or leave it out with --exclude",
    )


ROWS_LEFT_OUT = "rows"
"""Kind of an ``AllowedLoss`` that the fleet file allows, by ``rows: false``."""


@dataclass(frozen=True)
class AllowedLoss:
    """Record one table that a backup does not hold exactly.

    Attributes:
        kind: a ``LossKind`` or ROWS_LEFT_OUT; text, so that later versions can know more.
        table: ``schema.table``.
        detail: what was found.
    """

    kind: str
    shard: ShardName
    table: str
    detail: str


def parse_losses(words: Iterable[str]) -> frozenset[LossKind]:
    """Read kinds of loss as a user writes them.

    Raises:
        UsageError: there is no such kind; the hint offers the nearest one.
    """
    return frozenset(_parse(word) for word in words)


def _parse(word: str) -> LossKind:
    known = {str(kind): kind for kind in LossKind}
    if word in known:
        return known[word]
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    raise UsageError(
        f"unknown kind of loss {word!r}",
        hint=f"did you mean {near[0]!r}?" if near else f"kinds are: {', '.join(known)}",
    )
