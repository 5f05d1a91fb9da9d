"""Write to standard output: a report as lines or as JSON, and never a word too late."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from shardvault.errors import ShardvaultError

if TYPE_CHECKING:
    from shardvault.cli.page import Page
    from shardvault.cli.settings import Settings


def write_text(text: str) -> None:
    """Write text and a newline to standard output.

    A reader that went away, as ``head`` does, is no fault: the rest is dropped.

    Raises:
        ShardvaultError: it cannot be written, as on a full disk.
    """
    try:
        sys.stdout.write(text + "\n")
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
