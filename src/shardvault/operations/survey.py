"""Find out what there is to back up: scope, definitions and code objects of every shard."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shardvault.errors import (
    ConfigError,
    DdlDetected,
    PrivilegeError,
    RefusedError,
    ServerError,
    ShardvaultError,
)
from shardvault.failpoints import is_off
from shardvault.fleet.accounts import read_accounts
from shardvault.fleet.instance_objects import choose_used, named_servers, read_instance_objects
from shardvault.fleet.inventory import (
    Inventory,
    TableName,
    list_schemas,
    list_tables,
    read_inventory,
)
from shardvault.fleet.objects import read_objects
from shardvault.fleet.scope import Selection, select_tables
from shardvault.fleet.servers import read_server
from shardvault.fleet.topology import SYSTEM_SCHEMAS, find_dangling
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.schema import Account, CodeObject, InstanceObject
from shardvault.model.target import Fleet, Node, Scope, Shard
from shardvault.mysql.session import Session, decode
from shardvault.workers.local import map_parallel

_READ_TIMEOUT_S = 300.0
_MOST_THREADS = 32
_VANISHED = {1049, 1054, 1146, 1305, 1360, 1412, 1539, 4091}
"""Errors of the server about a name that was there a moment ago.

In this order: database, column, table, routine, trigger, a definition that changed, event,
sequence.
"""
DDL_HINT = "run the backup when no DDL runs; unchanged data is not stored again"

Sessions = Mapping[ShardName, Session]


@dataclass(frozen=True)
class ShardSurvey:
    """Hold what one shard has in scope, read at one time but not under a lock.

    Attributes:
        binlog: file and offset before anything was read; empty on MySQL, where DDL is
            locked out instead of looked for.
    """

    shard: ShardName
    server: ServerIdentity
    binlog: tuple[str, int]
    inventory: Inventory
    objects: tuple[CodeObject, ...]
    accounts: tuple[Account, ...]
    notices: tuple[str, ...]
    instance_objects: tuple[InstanceObject, ...] = ()


@contextlib.contextmanager
def opened_sessions(shards: Sequence[Shard]) -> Iterator[dict[ShardName, Session]]:
    """Open one session in the read state per shard, and close all at the end."""
    sessions: dict[ShardName, Session] = {}
    try:
        map_parallel(lambda shard: _open(shard, sessions), shards, limit=_MOST_THREADS)
        yield {shard.name: sessions[shard.name] for shard in shards}
    finally:
        for session in sessions.values():
            session.close()


def _open(shard: Shard, sessions: dict[ShardName, Session]) -> None:
    sessions[shard.name] = Session.open(
        shard.primary, shard.login, shard=shard.name, read_timeout_s=_READ_TIMEOUT_S
    )


@dataclass(frozen=True)
class ChosenScope:
    """Hold what a backup takes.

    Attributes:
        left_out: names of the schemas that are not in scope, sorted.
        is_complete: it is all that a backup without options would take.
    """

    selection: Selection
    left_out: tuple[str, ...]
    is_complete: bool


def choose_scope(fleet: Fleet, sessions: Sessions, scope: Scope) -> ChosenScope:
    """Decide which tables and schemas are in scope, over all shards that have a session.

    Raises:
        ConfigError: the fleet names tables that do not exist on these shards.
        RefusedError: there is no schema to back up.
        UsageError: a filter that matches nothing.
    """
    nodes: list[Node] = []
    places: list[tuple[ShardName, str]] = []
    for name, (schemas, tables) in _list_all(sessions).items():
        places += [(name, schema) for schema in schemas]
        nodes += [Node(name, schema, table) for schema, table in tables]
    _refuse_dangling(fleet, sessions, nodes)
    selection = select_tables(fleet, scope, nodes, places)
    if not selection.schemas and not is_off("backup.empty"):
        raise no_schema_error()
    chosen = {found.schema for found in selection.schemas}
    return ChosenScope(
        selection,
        left_out=tuple(sorted({schema for _, schema in places} - chosen)),
        is_complete=len(sessions) == len(fleet.shards)
        and selection == select_tables(fleet, Scope(), nodes, places),
    )


def no_schema_error() -> RefusedError:
    """Make the error for a fleet that has nothing to back up."""
    return RefusedError(
        "the fleet has no schema to back up: the servers hold only their own schemas, or the "
        "account does not see others",
        hint="check the addresses of the shards and the privileges of the account",
    )


def _refuse_dangling(fleet: Fleet, shards: Container[ShardName], nodes: Iterable[Node]) -> None:
    """Refuse nodes that do not exist; what a shard that was not asked has is unknown."""
    dangling = [
        node
        for node in find_dangling(fleet, nodes)
        if node.shard in shards or is_off("backup.asked_shards")
    ]
    if dangling:
        raise ConfigError(
            f"the fleet file names tables that do not exist: {_shorten(dangling)}",
            hint="correct the nodes of the logical tables in the fleet file",
        )


def _list_all(
    sessions: Sessions,
) -> dict[ShardName, tuple[tuple[str, ...], tuple[TableName, ...]]]:
    def look(session: Session) -> tuple[tuple[str, ...], tuple[TableName, ...]]:
        found = (name for name in list_schemas(session) if name.lower() not in SYSTEM_SCHEMAS)
        schemas = tuple(found)
        return schemas, list_tables(session, schemas) if schemas else ()

    found = map_parallel(look, list(sessions.values()), limit=_MOST_THREADS)
    return dict(zip(sessions, found, strict=True))


def _shorten(nodes: Sequence[Node], most: int = 5) -> str:
    shown = ", ".join(str(node) for node in nodes[:most])
    return shown + (f" and {len(nodes) - most} more" if len(nodes) > most else "")


def survey_shards(
    sessions: Sessions, selection: Selection, scope: Scope
) -> dict[ShardName, ShardSurvey]:
    """Read definitions and objects in scope of every shard, in parallel.

    Args:
        sessions: in the read state.
        selection: what the scope chose.
        scope: as the user gave it.
    """

    def look(name: ShardName) -> ShardSurvey:
        with ddl_detected(name):
            return survey_shard(name, sessions[name], selection.on_shard(name), scope)

    names = list(sessions)
    return dict(zip(names, map_parallel(look, names, limit=_MOST_THREADS), strict=True))


def survey_shard(
    name: ShardName, session: Session, selection: Selection, scope: Scope
) -> ShardSurvey:
    """Read definitions and objects of one shard.

    Args:
        session: in the read state.
        selection: what is in scope there.
        scope: as the user gave it.
    """
    binlog = read_binlog_place(session)
    tables = frozenset((node.schema, node.table) for node in selection.tables)
    schemas = tuple(scope.schema for scope in selection.schemas)
    whole = tuple(scope.schema for scope in selection.schemas if scope.is_whole)
    accounts, notices = _read_accounts(session)
    inventory = read_inventory(session, schemas, tables)
    instance_objects, more = _read_instance_objects(session, inventory, scope)
    return ShardSurvey(
        shard=name,
        server=read_server(session),
        binlog=binlog,
        inventory=inventory,
        objects=read_objects(session, whole, tables),
        accounts=accounts,
        notices=(*notices, *more),
        instance_objects=instance_objects,
    )


def read_binlog_place(session: Session) -> tuple[str, int]:
    """Read where MariaDB's binlog ends now; empty if it is off, or on MySQL."""
    if session.family is not Family.MARIADB:
        return "", 0
    rows = session.rows("SHOW MASTER STATUS")
    return (decode(rows[0][0] or b""), int(rows[0][1] or 0)) if rows else ("", 0)


def _read_accounts(session: Session) -> tuple[tuple[Account, ...], tuple[str, ...]]:
    try:
        return read_accounts(session), ()
    except PrivilegeError as error:
        return (), (f"shard {session.shard}: accounts are not in the backup: {error.message}",)


def _read_instance_objects(
    session: Session, inventory: Inventory, scope: Scope
) -> tuple[tuple[InstanceObject, ...], tuple[str, ...]]:
    """Read what belongs to the instance; of a narrowed scope only what its tables use."""
    used = sorted({name for table in inventory.tables for name in named_servers(table)})
    try:
        found = read_instance_objects(session)
    except PrivilegeError as error:
        if not used:
            return (), ()
        message = f"foreign servers {', '.join(used)} are not in the backup: {error.message}"
        return (), (f"shard {session.shard}: {message}",)
    return choose_used(found, inventory.tables) if scope.include else found, ()


@contextlib.contextmanager
def ddl_detected(shard: ShardName) -> Iterator[None]:
    """Turn an error about something that vanished while it was read into DdlDetected."""
    try:
        yield
    except ServerError as error:
        if error.code not in _VANISHED:
            raise
        raise changed_error(shard, [error.message]) from error
    except DdlDetected as error:
        error.hint = error.hint or DDL_HINT
        raise


def compare_surveys(before: ShardSurvey, after: ShardSurvey) -> None:
    """Prove that no definition in scope changed between two surveys.

    Raises:
        DdlDetected: names what changed.
    """
    changed = _changed_tables(before.inventory, after.inventory)
    if before.inventory.schemas != after.inventory.schemas:
        changed.append("a database")
    if _identities(before.objects) != _identities(after.objects):
        changed.append("a view, routine, trigger or event")
    if before.instance_objects != after.instance_objects:
        changed.append("a foreign server or spatial reference system")
    if changed:
        raise changed_error(before.shard, changed)


def changed_error(shard: ShardName, what: Sequence[str]) -> ShardvaultError:
    """Make the error for definitions that changed during the backup."""
    return DdlDetected(
        f"definitions changed during the backup: {', '.join(what[:5])}",
        shard=shard,
        hint=DDL_HINT,
    )


def _changed_tables(before: Inventory, after: Inventory) -> list[str]:
    names = sorted(before.fingerprints.keys() | after.fingerprints.keys())
    return [
        f"{schema}.{name}"
        for schema, name in names
        if before.fingerprints.get((schema, name)) != after.fingerprints.get((schema, name))
    ]


def _identities(objects: Sequence[CodeObject]) -> list[CodeObject]:
    return sorted(
        (replace(item, fault=None) for item in objects),
        key=lambda item: (item.kind, item.schema, item.name),
    )
