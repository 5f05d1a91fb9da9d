"""Find out on what an operation needs its privileges: everything, some schemas, some tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from shardvault.fleet.grants import Grants
from shardvault.fleet.scope import compile_pattern
from shardvault.fleet.topology import SYSTEM_SCHEMAS, split_name
from shardvault.model.ids import ShardName
from shardvault.model.target import Fleet, Scope

TableName = tuple[str, str]

_ANY_SCHEMA = ("SHOW DATABASES", "SELECT", "SHOW VIEW", "TRIGGER", "EVENT")
"""Privileges of which one on ``*.*`` makes a server list the names of all its schemas."""


@dataclass(frozen=True)
class PrivilegeScope:
    """Say what an operation reads or writes on one server.

    Attributes:
        schemas: names of schemas that are needed whole, or of which tables are chosen by a
            pattern: what the login does not see there could be part of them.
        tables: tables that are named one by one, in other schemas.
        is_open: any schema can belong to it, also one that comes later.
        is_all_seen: the login sees the name of each schema of the server.
        has_accounts: users and roles are read too.
    """

    schemas: frozenset[str] = frozenset()
    tables: frozenset[TableName] = frozenset()
    is_open: bool = False
    is_all_seen: bool = False
    has_accounts: bool = True

    @property
    def is_everything(self) -> bool:
        """Say whether only privileges on ``*.*`` are sure to cover what the login does not see."""
        return self.is_open and not self.is_all_seen

    @property
    def has_code(self) -> bool:
        """Say whether views, routines and events are needed, not tables alone."""
        return self.is_open or bool(self.schemas)


EVERYTHING = PrivilegeScope(is_open=True)


def lists_all_schemas(grants: Grants) -> bool:
    """Say whether a login sees the name of each schema on its server."""
    return any(grants.allows(name) for name in _ANY_SCHEMA)


def scope_of_schemas(schemas: Collection[str]) -> PrivilegeScope:
    """Make the scope of schemas that are needed whole; none named = everything."""
    return PrivilegeScope(frozenset(schemas)) if schemas else EVERYTHING


def find_privilege_scope(
    fleet: Fleet, scope: Scope, shard: ShardName, visible: Iterable[str], *, sees_all: bool
) -> PrivilegeScope:
    """Say on what a backup of this scope needs its privileges on one shard.

    What the login does not see is never taken for absent: a pattern that other schemas could
    match needs privileges on ``*.*``, unless the login sees the names of all schemas.

    Args:
        visible: names of the schemas that the login sees.
        sees_all: these are all that the server has, see ``lists_all_schemas``.
    """
    names = frozenset(name for name in visible if name.lower() not in SYSTEM_SCHEMAS)
    search = _Search(fleet, shard, names, sees_all)
    chosen = search.default() if not scope.include else _join(map(search.find, scope.include))
    known = names if sees_all else chosen.schemas | {schema for schema, _ in chosen.tables}
    schemas = (chosen.schemas & known) - search.excluded(scope.exclude)
    return PrivilegeScope(
        schemas,
        frozenset(table for table in chosen.tables if table[0] in known - schemas),
        chosen.is_open,
        is_all_seen=sees_all,
        has_accounts=not scope.include,
    )


@dataclass(frozen=True)
class _Search:
    """Find what patterns can match on one shard."""

    fleet: Fleet
    shard: ShardName
    visible: frozenset[str]
    sees_all: bool

    def default(self) -> PrivilegeScope:
        """Choose what a backup without patterns takes; see ``scope.select_tables``."""
        nodes = [node for table in self.fleet.tables for node in table.nodes]
        if not nodes:
            return PrivilegeScope(self.visible, is_open=True)
        named = frozenset(node.schema for node in nodes)
        own = frozenset(node.schema for node in nodes if node.shard == self.shard)
        return PrivilegeScope(own | (named & self.visible if self.sees_all else named))

    def find(self, pattern: str) -> PrivilegeScope:
        """Choose what one pattern can match."""
        parts = split_name(pattern)
        if len(parts) == 1:
            return self._find_word(parts[0])
        if len(parts) == 3 and not compile_pattern(parts[0]).fullmatch(self.shard):
            return PrivilegeScope()
        schema, table = parts[-2:] or ("*", "*")
        if _is_literal(schema) and _is_literal(table):
            return PrivilegeScope(tables=frozenset({(schema, table)}))
        return self._find_schemas(schema)

    def _find_word(self, word: str) -> PrivilegeScope:
        """Take a word as a logical table, else as a schema; it could name a table elsewhere."""
        like = compile_pattern(word)
        logical = [table for table in self.fleet.tables if like.fullmatch(table.name)]
        if logical:
            nodes = (node for table in logical for node in table.nodes)
            own = ((node.schema, node.table) for node in nodes if node.shard == self.shard)
            return PrivilegeScope(tables=frozenset(own))
        if any(like.fullmatch(name) for name in self.visible):
            return self._find_schemas(word)
        return PrivilegeScope(self.visible, is_open=True)

    def _find_schemas(self, pattern: str) -> PrivilegeScope:
        if _is_literal(pattern):
            return PrivilegeScope(frozenset({pattern}))
        like = compile_pattern(pattern)
        matching = frozenset(name for name in self.visible if like.fullmatch(name))
        return PrivilegeScope(matching, is_open=True)

    def excluded(self, patterns: Iterable[str]) -> frozenset[str]:
        """Name the schemas that are left out whole."""
        found = (self._excluded(split_name(pattern)) for pattern in patterns)
        return frozenset(name for names in found for name in names)

    def _excluded(self, parts: tuple[str, ...]) -> Iterator[str]:
        is_logical = len(parts) == 1 and any(
            compile_pattern(parts[0]).fullmatch(table.name) for table in self.fleet.tables
        )
        if not parts or is_logical or (len(parts) > 1 and parts[-1] != "*"):
            return
        shard, schema = ("*", *(parts if len(parts) == 1 else parts[:-1]))[-2:]
        if compile_pattern(shard).fullmatch(self.shard):
            like = compile_pattern(schema)
            yield from (name for name in self.visible if like.fullmatch(name))


def _is_literal(pattern: str) -> bool:
    return not {"*", "?"} & set(pattern)


def _join(scopes: Iterable[PrivilegeScope]) -> PrivilegeScope:
    found = list(scopes)
    return PrivilegeScope(
        frozenset().union(*(one.schemas for one in found)),
        frozenset().union(*(one.tables for one in found)),
        any(one.is_open for one in found),
    )
