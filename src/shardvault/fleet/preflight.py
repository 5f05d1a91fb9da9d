"""Hold the one table of rules that say whether a server, and what it holds, can be backed up.

`check` reports what the rules find; `backup` asks the same rules before any lock and refuses
what they block. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shardvault.errors import ConnectError, PrivilegeError, ShardvaultError
from shardvault.fleet.activity import find_obstacles, find_prepared
from shardvault.fleet.counters import find_low_counters
from shardvault.fleet.foreign_keys import find_unfit_keys
from shardvault.fleet.grants import read_grants
from shardvault.fleet.instance_identity import group_instances
from shardvault.fleet.inventory import Inventory, list_schemas
from shardvault.fleet.privilege_scope import (
    PrivilegeScope,
    find_privilege_scope,
    lists_all_schemas,
)
from shardvault.fleet.privileges import Purpose, missing_privileges, write_grant
from shardvault.fleet.servers import compare_shards, find_doubles, read_server, read_variables
from shardvault.fleet.settings import EXAMINED, examine_settings, examine_version
from shardvault.fleet.stored_text.examine import examine_read_texts
from shardvault.fleet.uncarried import find_uncarried
from shardvault.fleet.unsupported import examine_tables
from shardvault.fleet.untold_json import find_untold_json
from shardvault.fleet.usability import examine_objects
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject
from shardvault.model.target import Endpoint, Fleet, Scope, Shard
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session

PRIVILEGES = "privileges"
"""What a finding looked at if the login lacks something."""

_About = TypeVar("_About")


@dataclass(frozen=True)
class Source:
    """Hold what the rules about a server share.

    Attributes:
        session: as a backup uses it; the privileges that are in force there count.
        fleet: to which the shard belongs.
        scope: what is to be backed up.
    """

    shard: Shard
    session: Session
    fleet: Fleet
    scope: Scope

    def finding(self, severity: Severity, what: str, message: str, remedy: str = "") -> Finding:
        """Report something about this server."""
        return Finding(severity, self.shard.name, what, message, remedy)


@dataclass(frozen=True)
class SourceContents:
    """Hold what the rules about the contents of a server share.

    Attributes:
        session: in the read state.
        inventory: schemas and tables in scope.
        objects: views, routines, triggers and events in scope.
        is_narrowed: only chosen schemas or tables are backed up.
        copy_limit_bytes: most of non-transactional tables that may be copied while the
            barrier is held [bytes].
    """

    shard: Shard
    session: Session
    inventory: Inventory
    objects: tuple[CodeObject, ...]
    copy_limit_bytes: int
    is_narrowed: bool = False


def examine_server(source: Source) -> tuple[Finding, ...]:
    """Ask every rule about one server; what a rule cannot find out is a blocker.

    Raises:
        ConnectError: the connection was lost.
    """
    return tuple(
        finding
        for what, rule in _SERVER_RULES
        for finding in _ask(what, source.shard.name, rule, source)
    )


def examine_contents(contents: SourceContents) -> tuple[Finding, ...]:
    """Ask every rule about what one server has in scope.

    Raises:
        ConnectError: the connection was lost.
    """
    return tuple(
        finding
        for what, rule in _CONTENT_RULES
        for finding in _ask(what, contents.shard.name, rule, contents)
    )


def compare_servers(sessions: Mapping[ShardName, Session]) -> tuple[Finding, ...]:
    """Ask the rules about the servers of a fleet together: each instance once, all alike."""
    servers: dict[ShardName, ServerIdentity] = {}
    for name, session in sessions.items():
        servers[name] = read_server(session)
    return (*find_doubles(group_instances(sessions)), *compare_shards(servers))


def failed_rule(where: str, what: str, error: ShardvaultError) -> Finding:
    """Report what could not be found out; a missing privilege is named as one."""
    is_privilege = isinstance(error, PrivilegeError)
    what = PRIVILEGES if is_privilege else what
    return Finding(Severity.BLOCKER, where, what, error.message, error.hint or "")


def _ask(
    what: str, where: str, rule: Callable[[_About], Iterable[Finding]], about: _About
) -> list[Finding]:
    try:
        return list(rule(about))
    except ConnectError:
        raise
    except ShardvaultError as error:
        return [failed_rule(where, what, error)]


def _check_connection(source: Source) -> Iterator[Finding]:
    place = source.shard.primary
    row = source.session.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0]
    if place.socket is not None:
        yield source.finding(Severity.OK, "connection", f"socket {place}")
    elif row[1]:
        yield source.finding(Severity.OK, "connection", f"{place}, TLS")
    elif _is_loopback(place):
        yield source.finding(Severity.INFO, "connection", f"{place}, without TLS, on this machine")
    else:
        yield source.finding(
            Severity.WARNING,
            "connection",
            f"{place}, without TLS: rows cross the network readable",
            "give the instance `tls: {ca: …}` in the fleet file",
        )


def _is_loopback(place: Endpoint) -> bool:
    host = place.host or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _check_version(source: Source) -> Iterable[Finding]:
    session = source.session
    text = session.text("SELECT VERSION()")
    return examine_version(source.shard.name, session.family, session.version, text)


def _check_privileges(source: Source) -> Iterator[Finding]:
    scope = _find_scope(source)
    missing = missing_privileges(source.session, Purpose.BACKUP, scope)
    if not missing:
        yield source.finding(Severity.OK, PRIVILEGES, "complete for a backup")
        return
    named = ", ".join(f"{item.name} ({item.reason})" for item in missing)
    grant = write_grant(source.session, missing, scope)
    yield source.finding(Severity.BLOCKER, PRIVILEGES, f"missing: {named}", grant)


def _find_scope(source: Source) -> PrivilegeScope:
    return find_privilege_scope(
        source.fleet,
        source.scope,
        source.shard.name,
        list_schemas(source.session),
        sees_all=lists_all_schemas(read_grants(source.session)),
    )


def _check_metadata_locks(source: Source) -> Iterator[Finding]:
    """Say what an ALTER during the dump would do; see ``barrier.links``."""
    session = source.session
    if session.family is not Family.MARIADB:
        return
    grants = read_grants(session)
    if any(grants.allows(name) for name in ("BINLOG ADMIN", "SUPER")):
        yield source.finding(Severity.OK, "metadata locks", "given back after each range")
        return
    user, _, host = session.text("SELECT CURRENT_USER()").rpartition("@")
    yield source.finding(
        Severity.WARNING,
        "metadata locks",
        "kept to the end of the dump: an ALTER waits, and so do later statements on its table",
        f"GRANT BINLOG ADMIN ON *.* TO {quote_name(user)}@{quote_name(host)}; "
        "-- then each lock is released after its range",
    )


def _check_settings(source: Source) -> Iterable[Finding]:
    variables = read_variables(source.session, *EXAMINED)
    return examine_settings(source.shard.name, source.session.family, variables)


def _check_tables(contents: SourceContents) -> Iterable[Finding]:
    return examine_tables(contents.shard.name, contents.inventory, contents.copy_limit_bytes)


def _check_json(contents: SourceContents) -> Iterable[Finding]:
    return find_untold_json(contents.shard, contents.inventory)


def _check_objects(contents: SourceContents) -> Iterator[Finding]:
    """Report what is broken already; it is backed up as it is, and comes back broken."""
    for item in contents.objects:
        if item.fault is not None:
            message = (
                f"{item.kind} {item.schema}.{item.name} is invalid at the source: {item.fault}"
            )
            remedy = "repair or drop it; its text cannot be read, so it is not in a backup"
            yield Finding(Severity.WARNING, contents.shard.name, "objects", message, remedy)
    yield from examine_objects(contents.session, contents.objects)


_ServerRule = Callable[[Source], Iterable[Finding]]
_SERVER_RULES: tuple[tuple[str, _ServerRule], ...] = (
    ("connection", _check_connection),
    ("version", _check_version),
    (PRIVILEGES, _check_privileges),
    ("metadata locks", _check_metadata_locks),
    ("settings", _check_settings),
    ("xa", lambda source: find_prepared(source.session)),
    ("statements", lambda source: find_obstacles(source.session)),
)


def _check_texts(contents: SourceContents) -> Iterable[Finding]:
    """Refuse answers to SHOW CREATE that are not the definition that was asked for."""
    found = contents.inventory
    return examine_read_texts(contents.session, found.schemas, found.tables, contents.objects)


def _check_uncarried(contents: SourceContents) -> Iterable[Finding]:
    return find_uncarried(contents.session, contents.inventory, is_narrowed=contents.is_narrowed)


_ContentRule = Callable[[SourceContents], Iterable[Finding]]
_CONTENT_RULES: tuple[tuple[str, _ContentRule], ...] = (
    ("tables", _check_tables),
    ("tables", _check_json),
    ("stored text", _check_texts),
    ("not in the backup", _check_uncarried),
    ("counters", lambda contents: find_low_counters(contents.session, contents.inventory.tables)),
    ("foreign keys", lambda contents: find_unfit_keys(contents.session, contents.inventory)),
    ("objects", _check_objects),
)
