"""Name places in the configuration file and report everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from shardvault.errors import ConfigError

Where = tuple[str | int, ...]
"""Path to an option: ``("fleet", "shards", 0, "name")``."""


def format_where(where: Where) -> str:
    """Write a path for people, as ``fleet.shards[0].name``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
    return "".join(steps).removeprefix(".")


@dataclass(frozen=True)
class Places:
    """Know the line of every option of one file.

    Attributes:
        file: the file's name as the user gave it.
        lines: line of each path that the file holds, counted from 1.
    """

    file: str
    lines: Mapping[Where, int] = field(default_factory=dict)

    def line(self, where: Where) -> int:
        """Give the line of an option, or of the nearest section around it."""
        where = self._as_written(where)
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def locate(self, where: Where) -> str:
        """Write where an option stands, as ``shop.yaml:12: fleet.shards[0].name``."""
        place = f"{self.file}:{self.line(where)}"
        return f"{place}: {format_where(self._as_written(where))}" if where else place

    def _as_written(self, where: Where) -> Where:
        """Leave out the 0 of a list's only item that stands there without a list."""
        for at, step in enumerate(where):
            if step == 0 and where[: at + 1] not in self.lines:
                return where[:at] + where[at + 1 :]
        return where


@dataclass(frozen=True)
class Problem:
    """Describe one thing that is wrong in the file; carries no value from it."""

    where: Where
    what: str
    hint: str | None = None


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Offer the known word that was probably meant."""
    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else None


def refuse(places: Places, problems: Iterable[Problem]) -> ConfigError:
    """Make one error of all problems, in the order of their lines.

    A single remedy becomes the hint; several stand in brackets, each behind its problem.
    """
    ordered = sorted(problems, key=lambda problem: places.line(problem.where))
    if len(ordered) == 1:
        only = ordered[0]
        return ConfigError(f"{places.locate(only.where)}: {only.what}", hint=only.hint)
    return ConfigError("\n".join(_describe(places, problem) for problem in ordered))


def _describe(places: Places, problem: Problem) -> str:
    remedy = f" ({problem.hint})" if problem.hint else ""
    return f"{places.locate(problem.where)}: {problem.what}{remedy}"
