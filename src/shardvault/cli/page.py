"""Lay out text for people: lines, facts and tables that fit; everything is escaped."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import click

from shardvault.cli.escape import escape, measure, shorten

_GAP = "  "
_NARROWEST = 8
_FACTS_INDENT = 16

COLORS = {
    "ok": "green",
    "complete": "green",
    "verified": "green",
    "yes": "green",
    "warning": "yellow",
    "warnings": "yellow",
    "findings": "yellow",
    "blocker": "red",
    "blocked": "red",
    "damaged": "red",
    "no": "red",
}
"""Color of each word that says how something ended."""


@dataclass(frozen=True)
class Column:
    """Describe a column of a table.

    Attributes:
        is_number: flush right, never shortened; other columns lose their middle if need be.
        has_color: color cells by the word in them.
        is_whole: never shortened: something to be copied.
    """

    title: str
    is_number: bool = False
    has_color: bool = False
    is_whole: bool = False


def text(title: str) -> Column:
    """Describe a column of names."""
    return Column(title)


def number(title: str) -> Column:
    """Describe a column of figures."""
    return Column(title, is_number=True)


class Page:
    """Collect what is printed for people; every text given is escaped here and only here.

    Args:
        width: columns that tables and prose may take.
        has_color: mark headings and outcomes with colors.
        is_shortened: names in tables are shortened until the table fits.
    """

    def __init__(self, width: int, *, has_color: bool = False, is_shortened: bool = True) -> None:
        self._width = width
        self._is_shortened = is_shortened
        self._has_color = has_color
        self._lines: list[str] = []

    def text(self) -> str:
        """Give all lines, without a newline at the end."""
        return "\n".join(self._lines)

    def blank(self) -> None:
        """Add an empty line."""
        self._lines.append("")

    def heading(self, words: str, outcome: str = "") -> None:
        """Add a line in bold; ``outcome`` is put behind it in the color of its meaning."""
        line = self._style(escape(words), bold=True)
        self._lines.append(f"{line}: {self._paint(escape(outcome))}" if outcome else line)

    def section(self, words: str) -> None:
        """Begin a part of the page."""
        self.blank()
        self.heading(words)

    def prose(self, words: str, *, indent: int = 0, first: str = "", outcome: str = "") -> None:
        """Add text, wrapped at blanks.

        Args:
            indent: margin [columns].
            first: stands in the margin of the first line, behind ``outcome``.
            outcome: a word put in front of all, in the color of its meaning.
        """
        lead = escape(first)
        blanks = " " * (indent - measure(outcome) - measure(lead))
        margins = itertools.chain(
            [self._paint(escape(outcome)) + lead + blanks], itertools.repeat(" " * indent)
        )
        lines = _wrap(escape(words), self._width - indent)
        self._lines += [margin + line for margin, line in zip(margins, lines, strict=False)]

    def verbatim(self, words: str, indent: int = 0) -> None:
        """Add one line as it is, however long: something to be copied."""
        self._lines.append(" " * indent + escape(words))

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add lines of a name and what it is, in two columns."""
        for name, value in pairs:
            self.prose(value, indent=_FACTS_INDENT, first=f"{_GAP}{name}")

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        total: Sequence[str] | None = None,
    ) -> None:
        """Add a table; on a terminal its widest names are shortened until it fits.

        Args:
            total: a last row, set off by a rule.
        """
        body = [[escape(cell) for cell in row] for row in rows]
        foot = [[escape(cell) for cell in total]] if total else []
        titles = [column.title for column in columns]
        room = self._width if self._is_shortened else sys.maxsize
        widths = _fit(columns, [titles, *body, *foot], room)
        row_of = self._row_writer(columns, widths)
        self._lines.append(self._style(row_of(titles), bold=True))
        self._lines += map(row_of, body)
        if foot:
            self._lines.append(_GAP.join("-" * width for width in widths))
            self._lines += map(row_of, foot)

    def _row_writer(
        self, columns: Sequence[Column], widths: Sequence[int]
    ) -> Callable[[Sequence[str]], str]:
        def write(cells: Sequence[str]) -> str:
            parts = zip(columns, cells, widths, strict=True)
            return _GAP.join(self._cell(*part) for part in parts).rstrip()

        return write

    def _cell(self, column: Column, words: str, width: int) -> str:
        words = words if column.is_number or column.is_whole else shorten(words, width)
        blanks = " " * (width - measure(words))
        words = self._paint(words) if column.has_color else words
        return blanks + words if column.is_number else words + blanks

    def _paint(self, word: str) -> str:
        return self._style(word, fg=COLORS.get(word))

    def _style(self, words: str, *, bold: bool = False, fg: str | None = None) -> str:
        return click.style(words, bold=bold or None, fg=fg) if self._has_color else words


def _fit(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Choose the width of each column so that the table fits, if it can."""
    widths = [max(measure(row[place]) for row in rows) for place in range(len(columns))]
    room = width - len(_GAP) * (len(columns) - 1)
    names = [
        place for place, column in enumerate(columns) if not (column.is_number or column.is_whole)
    ]
    while sum(widths) > room and names:
        widest = max(names, key=widths.__getitem__)
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return widths


def _wrap(words: str, room: int) -> list[str]:
    """Break text at blanks; a word that is too wide gets a line of its own."""
    lines = [""]
    for word in words.split():
        is_first = not lines[-1]
        if not is_first and measure(lines[-1]) + 1 + measure(word) > room:
            lines.append(word)
        else:
            lines[-1] += word if is_first else f" {word}"
    return lines
