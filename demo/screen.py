"""Write the demo's lines: headings, facts, commands, verdicts, and progress meanwhile."""

from __future__ import annotations

import os
import shlex
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

WIDTH = 80
_INDENT = "   "
_NAME_COLUMNS = 13
_REDRAW_S = 0.2
_PLAIN_PAUSE_S = 2.0  # where there is no terminal a line is added instead
_BOLD, _GREEN, _RED = "1", "32", "31"


class Screen:
    """Write to a terminal or a file; only a terminal gets colors and lines that change."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._has_color = self._is_terminal and not os.environ.get("NO_COLOR")

    def heading(self, text: str) -> None:
        """Begin a part."""
        self._write(f"\n{self._paint(text, _BOLD)}")

    def fact(self, name: str, value: str) -> None:
        """Write one thing that is so."""
        self._write_wrapped(f"{name:<{_NAME_COLUMNS}}", value)

    def line(self, text: str) -> None:
        """Write a line that is to be copied, or part of a table, as it is."""
        self._write(f"{_INDENT}{text}")

    def command(self, words: Sequence[str]) -> None:
        """Write a command so that it can be copied into a shell."""
        width = WIDTH - len(_INDENT) - 4
        parts = textwrap.wrap(
            shlex.join(words), width, break_long_words=False, break_on_hyphens=False
        )
        self.line("$ " + f" \\\n{_INDENT}    ".join(parts))

    def verdict(self, name: str, *, holds: bool, text: str) -> None:
        """Write what a proof came to."""
        word = self._paint("ok    ", _GREEN) if holds else self._paint("FAILED", _RED)
        lead = f"{word} {name:<{_NAME_COLUMNS}}"
        self._write_wrapped(lead, text, len("FAILED ") + _NAME_COLUMNS)

    @contextmanager
    def waiting(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show that something goes on, and since when; gives a function that takes details."""
        details = [""]
        is_over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(what, details, is_over), daemon=True)
        ticker.start()

        def tell(detail: str) -> None:
            details[0] = detail

        try:
            yield tell
        finally:
            is_over.set()
            ticker.join()

    def _tick(self, what: str, details: Sequence[str], is_over: threading.Event) -> None:
        begin_s = time.monotonic()
        while not is_over.wait(_REDRAW_S if self._is_terminal else _PLAIN_PAUSE_S):
            words = f"… {what}{details[0]}, {time.monotonic() - begin_s:.0f} s"
            line = f"{_INDENT}{words}"[: WIDTH - 1]
            self._write(f"\r{line}\x1b[K" if self._is_terminal else line, flush_only=True)
        if self._is_terminal:
            self._stream.write("\r\x1b[K")

    def _write_wrapped(self, lead: str, text: str, columns: int = _NAME_COLUMNS) -> None:
        margin = " " * (len(_INDENT) + columns)
        lines = textwrap.wrap(text, WIDTH - len(margin), break_on_hyphens=False)
        self._write(_INDENT + lead + f"\n{margin}".join(lines))

    def _write(self, text: str, *, flush_only: bool = False) -> None:
        end = "" if flush_only and self._is_terminal else "\n"
        self._stream.write(text + end)
        self._stream.flush()

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._has_color else text
