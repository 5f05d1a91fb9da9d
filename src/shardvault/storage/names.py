"""Say which object names a store takes."""

from __future__ import annotations

import re

_WORD = r"[a-z0-9]+(?:[.-][a-z0-9]+)*"
_NAME = re.compile(rf"{_WORD}(?:/{_WORD})*")


def check_name(name: str) -> str:
    """Return the name, or raise ValueError unless it is ``/``-separated words.

    A word begins and ends with ``[a-z0-9]`` and has single dots or dashes inside, so no
    name can climb out of a folder, hide, or be taken for an option.
    """
    if not is_name(name):
        raise ValueError(f"not an object name: {name!r}")
    return name


def is_name(text: str) -> bool:
    """Say whether the text may name an object."""
    return _NAME.fullmatch(text) is not None


def is_word(text: str) -> bool:
    """Say whether the text may be one word of a name."""
    return "/" not in text and is_name(text)
