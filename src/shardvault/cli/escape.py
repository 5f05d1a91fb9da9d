"""Make any text safe to print: names come from databases and may hold anything."""

from __future__ import annotations

import itertools
import unicodedata

# Control, format (text direction, zero width), surrogates, private, unassigned; line and
# paragraph separators. All of them move the cursor, hide text or turn it around.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def escape(text: str) -> str:
    r"""Write every character that a terminal would act on as ``\n``, ``\x1b`` or ``\u202e``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape_one(character) for character in text)


def _escape_one(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    return character.encode("unicode_escape").decode("ascii")


def shorten(text: str, width: int) -> str:
    """Cut the middle out of a text that is wider than the columns it may take.

    Args:
        width: columns, at least 3; wide characters take two.
    """
    if measure(text) <= width:
        return text
    head = _take(text, (width - 1) - (width - 1) // 2)
    tail = _take(text[::-1], width - 1 - measure(head))[::-1]
    return f"{head}…{tail}"


def measure(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _take(text: str, width: int) -> str:
    """Take characters from the start while they fit."""
    totals = itertools.accumulate(map(measure, text))
    return text[: sum(total <= width for total in totals)]
