"""Read option values that hold several words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from shardvault.errors import UsageError
from shardvault.model.target import Scope

# A comma inside backticks belongs to the name.
_WORD = re.compile(r"(?:`(?:[^`]|``)*`|[^,])+")
_Function = TypeVar("_Function", bound=Callable[..., Any])


def split_words(values: Iterable[str]) -> tuple[str, ...]:
    """Split each value at its commas; a comma in backticks stays."""
    words = (word.strip() for value in values for word in _WORD.findall(value))
    return tuple(word for word in words if word)


def read_mapping(values: Iterable[str]) -> dict[str, str]:
    """Read ``s0=t3`` words.

    Raises:
        UsageError: a word without ``=``, or a shard that is mapped twice.
    """
    mapping: dict[str, str] = {}
    for word in split_words(values):
        shard, equals, target = (part.strip() for part in word.partition("="))
        if not (shard and equals and target):
            raise UsageError(f"--map {word!r} is not SHARD=TARGET", hint="write it as s0=t3")
        if shard in mapping:
            raise UsageError(f"--map names shard {shard!r} twice")
        mapping[shard] = target
    return mapping


def scope_options(function: _Function) -> _Function:
    """Add the options that narrow an operation; ``read_scope`` reads them."""
    options = (
        click.option(
            "--scope",
            "--tables",
            "include",
            multiple=True,
            metavar="PATTERN",
            help="Only these: a logical table, schema, schema.table or shard.schema.table, "
            "with * and ?; repeatable, or separated by commas.",
        ),
        click.option(
            "--shards", multiple=True, metavar="NAME", help="Only these shards; as s0,s1."
        ),
        click.option(
            "--exclude", multiple=True, metavar="PATTERN", help="Leave these out; as --scope."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def read_scope(options: dict[str, tuple[str, ...]]) -> Scope:
    """Make a scope of what ``scope_options`` gathered."""
    return Scope(
        shards=split_words(options["shards"]),
        include=split_words(options["include"]),
        exclude=split_words(options["exclude"]),
    )
