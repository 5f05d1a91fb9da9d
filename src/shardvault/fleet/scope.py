"""Decide which tables and schemas an operation works on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shardvault.errors import UsageError
from shardvault.fleet.topology import SYSTEM_SCHEMAS, split_name, suggest
from shardvault.model.ids import ShardName
from shardvault.model.target import Fleet, Node, Scope

Place = tuple[ShardName, str]
"""A schema on a shard."""


@dataclass(frozen=True, order=True)
class SchemaScope:
    """Say how much of one schema on one shard is in scope.

    Attributes:
        is_whole: the schema itself was chosen, so its views, routines and events belong to
            it; else only the selected tables and their triggers do.
    """

    shard: ShardName
    schema: str
    is_whole: bool


@dataclass(frozen=True)
class Selection:
    """List what is in scope; tables in the order given, schemas sorted."""

    tables: tuple[Node, ...]
    schemas: tuple[SchemaScope, ...]

    def on_shard(self, shard: ShardName) -> Selection:
        """Give the part that lies on one shard."""
        return Selection(
            tuple(table for table in self.tables if table.shard == shard),
            tuple(schema for schema in self.schemas if schema.shard == shard),
        )


@dataclass(frozen=True)
class _Choice:
    """Hold what one pattern, or several, matched."""

    schemas: frozenset[Place]
    tables: frozenset[Node]


@dataclass(frozen=True)
class _World:
    """Hold all that can be chosen; system schemas are not part of it.

    Attributes:
        shards: those in scope; what others hold can be unknown.
    """

    fleet: Fleet
    shards: frozenset[str]
    tables: tuple[Node, ...]
    schemas: frozenset[Place]


def select_tables(
    fleet: Fleet, scope: Scope, tables: Iterable[Node], schemas: Iterable[Place] = ()
) -> Selection:
    """Choose from what exists on the shards.

    Without ``include``, everything is chosen that does not lie in a system schema; where the
    fleet describes logical tables, only schemas of the names that their nodes name. A pattern
    has one part (logical table, else schema, else table), two (schema and table) or three
    (shard, schema and table); ``*`` as table means the schema itself. Backticks keep dots in a
    part. Tables by their bare name must lie in schemas of one name.
    Excluding tables of a schema leaves the schema whole.

    Args:
        tables: every physical table that exists.
        schemas: every schema that exists; needed for those that hold no table.

    Raises:
        UsageError: a shard or pattern that matches nothing, a bare name of tables in several
            schemas, or nothing is left.
    """
    shards = choose_shards(fleet, scope.shards)
    world = _see(fleet, shards, tables, schemas)
    included = _match_all(scope.include, world) if scope.include else _choose_default(world)
    excluded = _match_all(scope.exclude, world)
    selection = _combine(world.tables, included, excluded, shards)
    if scope != Scope() and not selection.schemas:
        raise UsageError("nothing is left in scope", hint="shards and patterns leave no schema")
    return selection


def _see(
    fleet: Fleet, shards: frozenset[str], tables: Iterable[Node], schemas: Iterable[Place]
) -> _World:
    visible = tuple(table for table in tables if table.schema.lower() not in SYSTEM_SCHEMAS)
    places = {(shard, schema) for shard, schema in schemas if schema.lower() not in SYSTEM_SCHEMAS}
    return _World(fleet, shards, visible, frozenset(places | {_place(table) for table in visible}))


def _place(table: Node) -> Place:
    return table.shard, table.schema


def choose_shards(fleet: Fleet, wanted: Sequence[str]) -> frozenset[str]:
    """Choose shards by name, all if none is named; raises UsageError for an unknown one."""
    known = [shard.name for shard in fleet.shards]
    for name in wanted:
        if name not in known:
            hint = suggest(name, known) or f"shards are: {', '.join(known)}"
            raise UsageError(f"no shard {name!r}", hint=hint)
    return frozenset(wanted or known)


def _choose_default(world: _World) -> _Choice:
    named = {node.schema for table in world.fleet.tables for node in table.nodes}
    return _whole(place for place in world.schemas if not named or place[1] in named)


def _whole(schemas: Iterable[Place]) -> _Choice:
    return _Choice(frozenset(schemas), frozenset())


def _match_all(patterns: Sequence[str], world: _World) -> _Choice:
    choices = [_match(pattern, world) for pattern in patterns]
    return _Choice(
        frozenset().union(*(choice.schemas for choice in choices)),
        frozenset().union(*(choice.tables for choice in choices)),
    )


def _match(pattern: str, world: _World) -> _Choice:
    parts = split_name(pattern)
    if not 1 <= len(parts) <= 3:
        raise UsageError(
            f"{pattern!r} is not a pattern",
            hint="write a logical table, schema, schema.table or shard.schema.table; "
            "a part with a dot or blank goes in backticks",
        )
    choice = _match_word(parts[0], world) if len(parts) == 1 else _match_path(parts, world)
    if choice is None:
        raise UsageError(f"{pattern!r} matches nothing", hint=_suggest_near(pattern, parts, world))
    return choice


def _match_word(word: str, world: _World) -> _Choice | None:
    """Take a word as a logical table if there is one of that name, else as a schema or table."""
    like = compile_pattern(word)
    logical = [table for table in world.fleet.tables if like.fullmatch(table.name)]
    if logical:
        nodes = frozenset(node for table in logical for node in table.nodes)
        return _Choice(frozenset(), nodes)
    schemas = frozenset(place for place in world.schemas if like.fullmatch(place[1]))
    return _whole(schemas) if schemas else _match_bare_name(word, like, world)


def _match_bare_name(word: str, like: re.Pattern[str], world: _World) -> _Choice | None:
    """Take a word as the name of physical tables, whose schemas must have one name."""
    tables = frozenset(node for node in world.tables if like.fullmatch(node.table))
    schemas = sorted({node.schema for node in tables})
    if len(schemas) > 1:
        raise UsageError(
            f"{word!r} matches tables in several schemas: {', '.join(schemas)}",
            hint=f"write the schema too, for example {schemas[0]}.{word}",
        )
    return _Choice(frozenset(), tables) if tables else None


def _match_path(parts: Sequence[str], world: _World) -> _Choice | None:
    shard, schema, table = map(compile_pattern, ("*", *parts)[-3:])
    places = frozenset(
        (place_shard, name)
        for place_shard, name in world.schemas
        if shard.fullmatch(place_shard) and schema.fullmatch(name)
    )
    if parts[-1] == "*":
        return _whole(places) if places else None
    tables = frozenset(
        node for node in world.tables if _place(node) in places and table.fullmatch(node.table)
    )
    return _Choice(frozenset(), tables) if tables else None


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Make an expression of a pattern in which only ``*`` and ``?`` are special."""
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL)


def _suggest_near(pattern: str, parts: Sequence[str], world: _World) -> str:
    if parts[-2 if len(parts) > 1 else -1].lower() in SYSTEM_SCHEMAS:
        return "system schemas are never in scope"
    if len(parts) == 3 and parts[0] in {one.name for one in world.fleet.shards} - world.shards:
        return f"{parts[0]} is not among the shards in scope"
    if len(parts) == 3:
        known = {str(table) for table in world.tables}
    else:
        known = {f"{table.schema}.{table.table}" for table in world.tables}
    if len(parts) == 1:
        known = {table.table for table in world.tables}
    near = suggest(pattern, sorted(_list_words(world))) if len(parts) == 1 else None
    return near or suggest(pattern, sorted(known)) or "a physical table is written schema.table"


def _list_words(world: _World) -> set[str]:
    return {table.name for table in world.fleet.tables} | {schema for _, schema in world.schemas}


def _combine(
    tables: Iterable[Node], included: _Choice, excluded: _Choice, shards: frozenset[str]
) -> Selection:
    whole = {place for place in included.schemas - excluded.schemas if place[0] in shards}
    selected = tuple(
        table
        for table in tables
        if table.shard in shards
        and (table in included.tables or _place(table) in included.schemas)
        and not (table in excluded.tables or _place(table) in excluded.schemas)
    )
    places = whole | {_place(table) for table in selected}
    schemas = sorted(
        SchemaScope(shard, schema, (shard, schema) in whole) for shard, schema in places
    )
    return Selection(selected, tuple(schemas))
