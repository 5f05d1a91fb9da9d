"""Decide which schemas of a backup get which names on the targets of a restore."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shardvault.errors import UsageError
from shardvault.fleet.topology import SYSTEM_SCHEMAS
from shardvault.load.renaming import Renaming
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ServerIdentity

_QUOTED = r"`(?:[^`]|``)+`"
_PLACE = re.compile(rf"(?:(?P<shard>[^`/]+)/)?(?P<schema>{_QUOTED}|[^`/]+)")
_WRITABLE = re.compile("[\x01-\ud7ff\ue000-\uffff]+")
_LONGEST_NAME = 64
_LOWERED = 1
"""The case rule of servers that write names in lower case."""


@dataclass(frozen=True)
class Place:
    """Say which schemas of one shard of the backup go to which target."""

    source: ShardName
    target: ShardName
    schemas: tuple[str, ...]


@dataclass(frozen=True)
class _Wish:
    """Hold one rename as asked for; without a shard it is meant for all."""

    text: str
    shard: str | None
    old: str
    new: str


def plan_renaming(
    wanted: Mapping[str, str],
    places: Sequence[Place],
    servers: Mapping[ShardName, ServerIdentity],
) -> dict[ShardName, Renaming]:
    """Say which schemas of each shard get other names.

    Args:
        wanted: ``schema`` or ``shard/schema`` of the backup, to its name on the target; what
            is said for a shard goes before what is said for all.
        places: what is restored.
        servers: the servers that the backup came from.

    Raises:
        UsageError: nothing has the old name, or the new one cannot be given.
    """
    wishes = [_read_wish(old, new) for old, new in wanted.items()]
    for wish in wishes:
        _refuse_name(wish)
    wishes.sort(key=lambda wish: wish.shard is not None)
    renamings = {place.source: Renaming({}, _is_blind(servers, place)) for place in places}
    for wish in wishes:
        _grant_wish(wish, places, renamings, servers)
    _refuse_doubles(places, renamings)
    return renamings


def _is_blind(servers: Mapping[ShardName, ServerIdentity], place: Place) -> bool:
    return servers[place.source].lower_case_table_names != 0


def _read_wish(old: str, new: str) -> _Wish:
    text = f"{old}={new}"
    match = _PLACE.fullmatch(old)
    if match is None or not new:
        raise UsageError(
            f"--rename: {text!r} is not OLD=NEW or SHARD/OLD=NEW",
            hint="put a name with a slash, comma or backtick in backticks",
        )
    return _Wish(text, match["shard"], _unquote(match["schema"]), _unquote(new))


def _unquote(name: str) -> str:
    is_quoted = re.fullmatch(_QUOTED, name, re.DOTALL) is not None
    return name[1:-1].replace("``", "`") if is_quoted else name


def _refuse_name(wish: _Wish) -> None:
    name = wish.new
    if name.lower() in SYSTEM_SCHEMAS:
        raise UsageError(f"--rename {wish.text!r}: {name!r} belongs to the server or to shardvault")
    is_writable = len(name) <= _LONGEST_NAME and _WRITABLE.fullmatch(name) is not None
    if not is_writable or name.endswith(" ") or name.lower().startswith("#mysql50#"):
        raise UsageError(
            f"--rename {wish.text!r}: no schema can have the name {name!r}",
            hint=f"at most {_LONGEST_NAME} characters up to U+FFFF, no blank at the end",
        )


def _grant_wish(
    wish: _Wish,
    places: Sequence[Place],
    renamings: dict[ShardName, Renaming],
    servers: Mapping[ShardName, ServerIdentity],
) -> None:
    asked = [place for place in places if wish.shard in (None, place.source)]
    granted = [
        (place.source, schema)
        for place in asked
        for schema in place.schemas
        if renamings[place.source].fold(schema) == renamings[place.source].fold(wish.old)
    ]
    for source, schema in granted:
        is_lowered = servers[source].lower_case_table_names == _LOWERED
        new = wish.new.lower() if is_lowered else wish.new
        names = {**renamings[source].names, schema: new}
        renamings[source] = replace(renamings[source], names=names)
    if not granted:
        known = sorted({schema for place in asked for schema in place.schemas})
        hint = f"schemas in scope: {', '.join(known)}" if known else "no such shard is in scope"
        raise UsageError(f"--rename {wish.text!r}: no schema {wish.old!r} in scope", hint=hint)


def _refuse_doubles(places: Sequence[Place], renamings: Mapping[ShardName, Renaming]) -> None:
    """Refuse two schemas that would become one on a target."""
    olds: defaultdict[tuple[ShardName, str], set[str]] = defaultdict(set)
    for place in places:
        renaming = renamings[place.source]
        for schema in place.schemas:
            new = renaming.fold(renaming.new_name(schema))
            olds[place.target, new].add(renaming.fold(schema))
    for (target, new), names in olds.items():
        if len(names) > 1:
            raise UsageError(
                f"--rename: {' and '.join(sorted(names))} would both be {new!r} on {target}",
                hint="give each schema a name of its own",
            )
