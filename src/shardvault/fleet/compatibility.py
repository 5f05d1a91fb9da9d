"""Say whether a server can take a restore exactly; read only."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from shardvault.errors import ConnectError, ShardvaultError
from shardvault.failpoints import is_off
from shardvault.fleet.databases import examine_databases
from shardvault.fleet.definitions import (
    Contents,
    Users,
    normal_charset,
    shorten,
    unknown_types,
    used_charsets,
    used_engines,
)
from shardvault.fleet.grants import find_lost, read_grants
from shardvault.fleet.instance_objects import examine_instance_objects
from shardvault.fleet.name_rule import (
    NameRule,
    find_collisions,
    read_name_rule,
    write_contents,
)
from shardvault.fleet.occupied import MARK_SCHEMA, examine_occupied
from shardvault.fleet.otherness import examine_otherness
from shardvault.fleet.privilege_scope import scope_of_schemas
from shardvault.fleet.privileges import (
    Need,
    Purpose,
    missing_by_need,
    missing_privileges,
    write_grant,
)
from shardvault.fleet.servers import OLDEST, read_server, read_variables
from shardvault.fleet.target_settings import EXAMINED, TargetSettings, examine_target_settings
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.mysql.session import Session, decode, parse_version
from shardvault.mysql.state import enter_load_state, find_left
from shardvault.mysql.variables import LEFT_AS_THEY_ARE
from shardvault.units import format_size

_FULL_NAMES = (10, 10, 1)  # MariaDB: collations without their character set in the name
_UNICODE_9 = "_0900_"
"""Part of MySQL's collations that MariaDB has by name, but sorts by Unicode 14.

Source: MariaDB manual, "Supported Character Sets and Collations".
"""
_SPACE_FOR_KEYS = 1.5


@dataclass(frozen=True)
class Terms:
    """Say what a restore is allowed to do.

    Attributes:
        replace: what is in the way may be dropped.
        sources: identities of the servers that the backup came from, as it remembers them.
        hits: how a restore into this target would change the live source, as asked just now.
        allow_source: the user typed the fleet's name to restore onto the source itself.
        is_resumed: the target holds an interrupted run of this very restore.
    """

    replace: bool = False
    sources: frozenset[str] = frozenset()
    hits: tuple[str, ...] = ()
    allow_source: bool = False
    is_resumed: bool = False


def examine_target(
    session: Session, source: ServerIdentity, contents: Contents, terms: Terms
) -> tuple[Finding, ...]:
    """Report everything that matters before a restore; blockers must stop it.

    Args:
        session: to the target, in the base state; it is in the load state afterwards.
        source: the server that the contents came from.
        contents: what the target shall get.
        terms: what the restore may do.

    Raises:
        ConnectError: the connection was lost.
    """
    target = _Target(session, source, contents, terms)
    return tuple(finding for what, check in _CHECKS for finding in _run(what, check, target))


@dataclass(frozen=True)
class _Target:
    """Hold what the checks share."""

    session: Session
    source: ServerIdentity
    wanted: Contents
    terms: Terms

    @cached_property
    def rule(self) -> NameRule:
        return read_name_rule(self.session, self.wanted)

    @cached_property
    def contents(self) -> Contents:
        """Give what is wanted under the names that it will have here."""
        return write_contents(self.wanted, self.rule)

    @cached_property
    def server(self) -> ServerIdentity:
        return read_server(self.session)

    def finding(self, severity: Severity, what: str, message: str, remedy: str = "") -> Finding:
        return Finding(severity, self.session.shard, what, message, remedy)

    def unknown(self, what: str, users: Users, meaning: str, remedy: str) -> Iterator[Finding]:
        """Give a blocker for each name that something uses."""
        for name, places in users.items():
            message = f"{name} {meaning}: {shorten(places)}"
            yield self.finding(Severity.BLOCKER, what, message, remedy)


_Check = Callable[[_Target], Iterable[Finding]]


def _run(what: str, check: _Check, target: _Target) -> list[Finding]:
    """Run one check; what it cannot find out is a blocker, unless the connection is gone."""
    try:
        return list(check(target))
    except ConnectError:
        raise
    except ShardvaultError as error:
        return [target.finding(Severity.BLOCKER, what, error.message, error.hint or "")]


def _check_identity(target: _Target) -> Iterator[Finding]:
    """What was asked live counts first; what the backup remembers of its servers counts too."""
    hits = target.terms.hits
    if not hits and target.server.identity in target.terms.sources:
        hits = ("this is a server that the backup came from",)
    for message in hits:
        if target.terms.allow_source:
            told = f"{message}; the fleet's name was typed"
            yield target.finding(Severity.WARNING, "identity", told)
        else:
            remedy = "restore somewhere else, or type the fleet's name with --source-fleet"
            yield target.finding(Severity.BLOCKER, "identity", message, remedy)


def _check_version(target: _Target) -> Iterator[Finding]:
    source, text = target.source, target.server.version
    family, version = target.session.family, target.session.version
    if version < OLDEST[family]:
        message, remedy = f"{text} is older than all that are supported", "upgrade the server"
        yield target.finding(Severity.BLOCKER, "version", message, remedy)
    elif source.family != family:
        message = f"{text}, of another family than the source, {source.version}"
        remedy = "look at the definitions that the restore reports as different"
        yield target.finding(Severity.WARNING, "version", message, remedy)
    elif version[:2] < parse_version(source.version)[:2]:
        message = f"{text} is older than the source, {source.version}"
        yield target.finding(Severity.WARNING, "version", message, "upgrade the target if you can")
    else:
        yield target.finding(Severity.OK, "version", text)


def _check_privileges(target: _Target) -> Iterator[Finding]:
    purpose = Purpose.ACCOUNTS if target.contents.accounts else Purpose.RESTORE
    scope = scope_of_schemas({MARK_SCHEMA, *(one.name for one in target.contents.schemas)})
    missing = [
        item
        for item in missing_privileges(target.session, purpose, scope)
        if item.need is Need.ALWAYS  # others are judged by the contents
    ]
    if not missing:
        yield target.finding(Severity.OK, "privileges", f"complete for a {purpose}")
        return
    named = ", ".join(f"{item.name} ({item.reason})" for item in missing)
    grant = write_grant(target.session, missing, scope)
    yield target.finding(Severity.BLOCKER, "privileges", f"missing: {named}", grant)


def _check_accounts(target: _Target) -> Iterator[Finding]:
    """Say which grants this login cannot give, because it does not have them itself."""
    if not target.contents.accounts:
        return
    own = read_grants(target.session)
    lost: defaultdict[str, list[str]] = defaultdict(list)
    for account in target.contents.accounts:
        for name in {name for grant in account.grants for name in find_lost(decode(grant), own)}:
            lost[name].append(account.name)
    remedy = "use a login that has it, or grant it by hand afterwards"
    for name, accounts in sorted(lost.items()):
        message = f"{name} is left out, this login does not have it: {shorten(accounts)}"
        yield target.finding(Severity.WARNING, "accounts", message, remedy)


def _check_charsets(target: _Target) -> Iterator[Finding]:
    known = _read_charsets(target.session)
    used = used_charsets(target.contents)
    missing = {name: places for name, places in used.items() if name not in known}
    if not missing:
        yield target.finding(Severity.OK, "character sets", f"all {len(used)} are known")
    remedy = "restore to a server that knows it"
    yield from target.unknown("character sets", missing, "is unknown here", remedy)
    if target.session.family is Family.MARIADB and target.source.family != Family.MARIADB:
        for name in (one for one in used if _UNICODE_9 in one and one in known):
            message = f"{name} sorts newer characters in another order: {shorten(used[name])}"
            yield target.finding(Severity.WARNING, "character sets", message)


def _read_charsets(session: Session) -> frozenset[str]:
    """Read every character set and collation of the server."""
    schema = "information_schema"
    queries = [
        f"SELECT character_set_name FROM {schema}.character_sets",
        f"SELECT collation_name FROM {schema}.collations WHERE collation_name IS NOT NULL",
    ]
    if session.family is Family.MARIADB and session.version >= _FULL_NAMES:
        queries.append(
            f"SELECT full_collation_name FROM {schema}.collation_character_set_applicability"
        )
    rows = (row for query in queries for row in session.rows(query))
    return frozenset(normal_charset(decode(row[0] or b"")) for row in rows)


def _check_engines(target: _Target) -> Iterator[Finding]:
    rows = target.session.rows(
        "SELECT UPPER(engine) FROM information_schema.engines WHERE support IN ('YES', 'DEFAULT')"
    )
    known = {decode(row[0] or b"") for row in rows}
    used = used_engines(target.contents)
    missing = {name: places for name, places in used.items() if name not in known}
    if not missing:
        yield target.finding(Severity.OK, "engines", ", ".join(used) or "none needed")
    remedy = "install the engine there, or leave the tables out with --exclude"
    yield from target.unknown("engines", missing, "is not available", remedy)


def _check_features(target: _Target) -> Iterator[Finding]:
    family, version = target.session.family, target.session.version
    remedy = "restore to a server that has it, or leave the tables out with --exclude"
    types = unknown_types(target.contents, family, version)
    yield from target.unknown("types", types, "cannot be kept", remedy)


def _check_otherness(target: _Target) -> Iterator[Finding]:
    session, source = target.session, target.source
    return examine_otherness(
        session.shard,
        target.contents,
        (Family(source.family), parse_version(source.version)),
        (session.family, session.version),
    )


def _check_case(target: _Target) -> Iterator[Finding]:
    source, own = target.source.lower_case_table_names, target.rule.case_rule
    message = f"lower_case_table_names={own}, at the source {source}"
    collisions = find_collisions(target.wanted, target.rule) if own else []
    if collisions and not is_off("restore.case_rule"):
        yield target.finding(
            Severity.BLOCKER,
            "case rule",
            f"{message}: these would become one: {shorten(collisions)}",
            f"restore to a server with lower_case_table_names={source}",
        )
    elif source == own:
        yield target.finding(
            Severity.OK, "case rule", f"lower_case_table_names={own}, as on the source"
        )
    else:
        message = f"{message}: an application that writes names in another case may not find them"
        yield target.finding(Severity.WARNING, "case rule", message)


def _check_space(target: _Target) -> Iterator[Finding]:
    tables = target.contents.tables
    needed = max(sum(one.raw_bytes for one in tables), sum(one.table.data_bytes for one in tables))
    free = _free_bytes(target)
    if free is None:
        message = f"needs about {format_size(needed)}; the space there cannot be seen from here"
        yield target.finding(Severity.INFO, "space", message)
    elif free < needed:
        message = f"{format_size(free)} free, {format_size(needed)} needed without keys"
        yield target.finding(Severity.BLOCKER, "space", message, "make room in its data folder")
    elif free < needed * _SPACE_FOR_KEYS:
        message = f"{format_size(free)} free, {format_size(needed)} needed, and room for the keys"
        yield target.finding(Severity.WARNING, "space", message, "make room in its data folder")
    else:
        yield target.finding(Severity.OK, "space", f"{format_size(free)} free")


def _free_bytes(target: _Target) -> int | None:
    """Ask the file system if the server runs on this machine: its place is a socket then."""
    if not target.session.place.startswith("/"):
        return None
    try:
        found = os.statvfs(target.session.value("SELECT @@datadir") or b"")
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _check_contents(target: _Target) -> Iterable[Finding]:
    return examine_occupied(
        target.session,
        target.contents,
        target.rule.fold,
        replace=target.terms.replace,
        is_resumed=target.terms.is_resumed,
    )


def _check_instance(target: _Target) -> Iterable[Finding]:
    return examine_instance_objects(target.session, target.contents)


def _check_databases(target: _Target) -> Iterable[Finding]:
    if target.terms.is_resumed:
        return ()
    source = Family(target.source.family)
    return examine_databases(target.session, source, target.contents, replace=target.terms.replace)


def _check_session(target: _Target) -> Iterator[Finding]:
    """Try the state of a load: what this login cannot set is a blocker, or is told."""
    session = target.session
    enter_load_state(session)
    left = find_left(session)
    if not left:
        yield target.finding(Severity.OK, "session", "every session variable can be set")
        return
    lacking = missing_by_need(session).get(Need.SESSION)
    grant = write_grant(session, [lacking]) if lacking else ""
    for name, value in left.items():
        message = f"{name} stays {value}, this login cannot set it: {LEFT_AS_THEY_ARE[name]}"
        yield target.finding(Severity.WARNING, "session", message, grant)


def _check_settings(target: _Target) -> Iterable[Finding]:
    session = target.session
    return examine_target_settings(
        TargetSettings(
            where=session.shard,
            family=session.family,
            variables=read_variables(session, *EXAMINED),
            has_super=read_grants(session).allows("SUPER"),
            contents=target.contents,
        )
    )


_CHECKS: tuple[tuple[str, _Check], ...] = (
    ("identity", _check_identity),
    ("version", _check_version),
    ("privileges", _check_privileges),
    ("accounts", _check_accounts),
    ("character sets", _check_charsets),
    ("engines", _check_engines),
    ("types", _check_features),
    ("definitions", _check_otherness),
    ("case rule", _check_case),
    ("settings", _check_settings),
    ("space", _check_space),
    ("instance", _check_instance),
    ("contents", _check_contents),
    ("databases", _check_databases),
    ("session", _check_session),  # last: it leaves the base state
)
