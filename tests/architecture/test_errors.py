"""Prove that the tree drawn in errors.py is the tree of the classes."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Iterator

import pytest

import shardvault
from shardvault import errors
from shardvault.errors import ShardvaultError

_LINE = re.compile(r"(?P<indent> *)(?P<name>\w+) \[(?P<code>\d+)\](?: .*)?")

Entry = tuple[str, str | None, int]
"""Name of a class, of the class above it, and its exit code."""


def parse_tree(docstring: str) -> Iterator[Entry]:
    """Read the tree that is drawn in a docstring."""
    above: list[tuple[int, str]] = []
    for line in docstring.splitlines():
        match = _LINE.fullmatch(re.sub("[│├└─]", " ", line))
        if match is None:
            continue
        depth = len(match["indent"])
        above = [entry for entry in above if entry[0] < depth]
        yield match["name"], above[-1][1] if above else None, int(match["code"])
        above.append((depth, match["name"]))


def list_classes() -> list[type[ShardvaultError]]:
    """Return every error class that is defined in ``errors``."""
    found = [item for _, item in inspect.getmembers(errors, inspect.isclass)]
    return [item for item in found if issubclass(item, ShardvaultError)]


def test_the_drawn_tree_is_that_of_the_classes() -> None:
    drawn = sorted(parse_tree(errors.__doc__ or ""), key=lambda entry: entry[0])
    assert drawn == [_describe(item) for item in sorted(list_classes(), key=lambda c: c.__name__)]


def test_every_error_can_be_imported_from_the_package() -> None:
    missing = [item.__name__ for item in list_classes() if item.__name__ not in shardvault.__all__]
    assert missing == []


@pytest.mark.parametrize("error_class", list_classes(), ids=lambda item: item.__name__)
def test_an_error_survives_pickling_with_all_it_says(error_class: type[ShardvaultError]) -> None:
    error = error_class("no lock", shard="s3", table="shop.orders", hint="try again")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is error_class
    assert str(copy) == "shard s3: table shop.orders: no lock"
    assert vars(copy) == vars(error)


def test_a_tree_is_read_with_its_levels() -> None:
    drawing = """Text::

    Top [1]
    ├── Left [2]      words
    │   └── Deep [3]
    └── Right [4]
"""
    assert list(parse_tree(drawing)) == [
        ("Top", None, 1),
        ("Left", "Top", 2),
        ("Deep", "Left", 3),
        ("Right", "Top", 4),
    ]


def _describe(item: type[ShardvaultError]) -> Entry:
    parent = item.__bases__[0]
    above = parent.__name__ if issubclass(parent, ShardvaultError) else None
    return item.__name__, above, item.exit_code
