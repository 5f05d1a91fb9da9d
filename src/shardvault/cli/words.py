"""Read option values that hold several words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from shardvault.errors import UsageError
from shardvault.model.target import Scope
from shardvault.units import parse_duration, parse_size

# A comma inside backticks belongs to the name.
_WORD = re.compile(r"(?:`(?:[^`]|``)*`|[^,])+")
_QUOTED = r"`(?:[^`]|``)*`"
_RENAME = re.compile(rf"(?P<old>(?:{_QUOTED}|[^`=])+)=(?P<new>{_QUOTED}|[^`=]+)", re.DOTALL)
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


def read_renames(values: Iterable[str]) -> dict[str, str]:
    """Read ``shop=shop_test`` words; a ``=`` inside backticks belongs to the name.

    Raises:
        UsageError: a word without ``=``, or a schema that is renamed twice.
    """
    renames: dict[str, str] = {}
    for word in split_words(values):
        match = _RENAME.fullmatch(word)
        if match is None:
            raise UsageError(f"--rename {word!r} is not OLD=NEW", hint="write it as shop=shop_test")
        old = match["old"].strip()
        if old in renames:
            raise UsageError(f"--rename names {old!r} twice")
        renames[old] = match["new"].strip()
    return renames


def _read_size(_: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """Read ``20MiB`` [bytes]; raises UsageError."""
    if text is None:
        return None
    try:
        size_bytes = parse_size(text)
    except ValueError:
        size_bytes = 0
    if size_bytes <= 0:
        raise UsageError(f"{option.opts[0]} {text!r} is not a size", hint="write one such as 20MiB")
    return size_bytes


def read_duration(_: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """Read ``10min`` [s]; raises UsageError."""
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError:
        seconds = 0
    if seconds <= 0:
        raise UsageError(
            f"{option.opts[0]} {text!r} is not a duration", hint="write one such as 90s or 10min"
        )
    return seconds


choose_repository = click.option(
    "--repository",
    metavar="NAME",
    help="Use this one of the configured repositories, by name or URL. Without it the first is "
    "written to, and backups are read from the nearest that has them.",
)
limit_upload = click.option(
    "--limit-upload",
    "upload_bytes_s",
    callback=_read_size,
    metavar="SIZE",
    help="Limit the upload to the store, in bytes per second; for example 20MiB.",
)
limit_download = click.option(
    "--limit-download",
    "download_bytes_s",
    callback=_read_size,
    metavar="SIZE",
    help="Limit the download from the store, in bytes per second; for example 20MiB.",
)


def scope_options(function: _Function) -> _Function:
    """Add the options that narrow an operation; ``read_scope`` reads them."""
    options = (
        click.option(
            "--scope",
            "--tables",
            "include",
            multiple=True,
            metavar="PATTERN",
            help="Only these: a logical table, else a schema, else a table; or schema.table, or "
            "shard.schema.table; with * and ?; repeatable, or separated by commas.",
        ),
        click.option(
            "--shards", multiple=True, metavar="NAME", help="Only these shards, for example s0,s1."
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="PATTERN",
            help="Leave these out; patterns like those of --scope.",
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
