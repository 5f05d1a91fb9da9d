"""Write to standard output: a report as lines or as JSON, and never a word too late."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from shardvault.errors import AfterwardsWarning, ShardvaultError
from shardvault.failpoints import is_off

if TYPE_CHECKING:
    from shardvault.cli.page import Page
    from shardvault.cli.settings import Settings


_IN_ASCII = str.maketrans({"Σ": "sum ", "ᵢ": "_i", "…": "...", "→": "->"})
"""Signs of our own pages; what comes from databases is written as numbers."""


def write_text(text: str) -> None:
    """Write text and a newline to standard output.

    A reader that went away, as ``head`` does, is no fault: the rest is dropped. What the
    encoding of the output cannot hold is written in ASCII.

    Raises:
        ShardvaultError: it cannot be written, as on a full disk.
    """
    try:
        sys.stdout.write(fit_encoding(text + "\n", sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        _drop_output()
        raise ShardvaultError(f"cannot write the output: {error.strerror}") from None


def write_json(value: Mapping[str, Any]) -> None:
    """Write one line of JSON; it is pure ASCII, so that no name can touch a terminal."""
    write_text(json.dumps(value))


def write_report(report: Any, settings: Settings, describe: Callable[[Page, Any], None]) -> None:
    """Write a report in the format asked for.

    Args:
        describe: puts the report on a page for people.
    """
    if settings.wants_json:
        write_json(asdict(report))
    else:
        write_text(render_page(report, describe, has_color=use_color(settings, sys.stdout)))


def write_outcome(report: Any, settings: Settings, describe: Callable[[Page, Any], None]) -> None:
    """Write the report of work that is done and stays done.

    Whatever is in the way of that is a notice: the exit code is that of the work.
    """
    try:
        write_report(report, settings, describe)
    except Exception as error:  # a fault of ours included
        if is_off("done.stays_done"):
            raise
        reason = error.message if isinstance(error, ShardvaultError) else repr(error)
        warnings.warn(
            f"the work is done, but not its report: {reason}", AfterwardsWarning, stacklevel=2
        )


def fit_encoding(text: str, stream: TextIO) -> str:
    r"""Write a text so that a stream can hold it: in ASCII, other characters as ``\u3042``."""
    encoding = stream.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_IN_ASCII)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text


def render_page(report: Any, describe: Callable[[Page, Any], None], *, has_color: bool) -> str:
    """Describe a report as text, as wide as the terminal and at least 80 columns.

    Where there is no terminal, a program or a file takes the tables: no name is shortened.
    """
    import shutil

    from shardvault.cli.page import Page

    width = max(80, shutil.get_terminal_size().columns)
    page = Page(width, has_color=has_color, is_shortened=sys.stdout.isatty())
    describe(page, report)
    return page.text()


def use_color(settings: Settings, stream: TextIO) -> bool:
    """Say whether a stream gets colors."""
    if settings.color != "auto":
        return settings.color == "always"
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not is_plain


def _drop_output() -> None:
    """Send what is still buffered nowhere, or the interpreter complains at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
