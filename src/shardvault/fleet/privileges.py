"""State which privileges a backup and a restore need, and find those that are missing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from shardvault.fleet.grants import Grants, read_grants
from shardvault.fleet.occupied import MARK_SCHEMA
from shardvault.fleet.privilege_scope import EVERYTHING, PrivilegeScope, TableName
from shardvault.model.position import Family
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session

Version = tuple[int, int, int]

_OPTION = "GRANT OPTION"
_FOR_CODE = frozenset({"SHOW_ROUTINE"})
"""Privileges on ``*.*`` that tables alone do not need."""

_OWN_NAMES = (10, 5, 2)  # MariaDB splits SUPER and renames REPLICATION CLIENT
_WITHOUT_SUPER = (11, 0, 0)  # MariaDB's SUPER no longer includes what was split off
_SHOW_ROUTINE = (8, 0, 20)
_SESSION_VARIABLES = (8, 0, 14)
_ANY_DEFINER = (8, 2, 0)


class Purpose(StrEnum):
    """Say what the privileges are for."""

    BACKUP = "backup"
    RESTORE = "restore"
    ACCOUNTS = "restore with accounts"


class Need(StrEnum):
    """Say on what it depends whether an operation needs a privilege."""

    ALWAYS = "always"
    OTHER_DEFINER = "definers other than the login"
    MISSING_DEFINER = "definers that do not exist"
    SYSTEM_DEFINER = "definers that are system users"
    SESSION = "state of our sessions"


@dataclass(frozen=True)
class Privilege:
    """Describe one privilege that an operation needs.

    Attributes:
        name: as GRANT takes it.
        reason: what fails, or is silently missed, without it.
        is_per_schema: a grant on every schema in scope is as good as one on ``*.*``.
        is_for_tables: it is needed for tables that are named one by one too, where a grant on
            each of them is enough; else only for schemas.
        accounts_in: a schema of the server on which it is needed too, to read accounts.
        code_in: the same, to read routines.
        only_on: schemas that a grant has to cover, whatever is in scope.
        instead: privileges on ``*.*`` of which one is as good.
        need: on what it depends whether the operation needs it.
    """

    name: str
    reason: str
    is_per_schema: bool = False
    is_for_tables: bool = False
    accounts_in: str = ""
    code_in: str = ""
    only_on: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    need: Need = Need.ALWAYS


def needed_privileges(family: Family, version: Version, purpose: Purpose) -> tuple[Privilege, ...]:
    """List what an operation needs on a flavour.

    Each entry was proven on real servers by taking it away, see test_preflight.py and
    test_compatibility.py in tests/integration.
    """
    is_mariadb = family is Family.MARIADB
    if purpose is Purpose.BACKUP:
        select, *rest = _mariadb_backup(version) if is_mariadb else _mysql_backup(version)
        return (select, *_BACKUP, *rest)
    special = _mariadb_restore(version) if is_mariadb else _mysql_restore(version)
    accounts = _ACCOUNTS if purpose is Purpose.ACCOUNTS else ()
    return (*_RESTORE, *special, *accounts)


def missing_privileges(
    session: Session, purpose: Purpose, scope: PrivilegeScope = EVERYTHING
) -> tuple[Privilege, ...]:
    """Find the privileges that this login lacks, as they are in force in this session.

    Args:
        session: in any state.
        scope: what is needed; of everything only grants on ``*.*`` count, because a schema
            without a grant would not even be seen.
    """
    grants = read_grants(session)
    needed = needed_privileges(session.family, session.version, purpose)
    return tuple(item for item in needed if not _is_held(item, grants, scope))


def missing_by_need(session: Session) -> dict[Need, Privilege]:
    """Find the privileges that only some restores need and that this login lacks."""
    missing = missing_privileges(session, Purpose.RESTORE)
    return {item.need: item for item in missing if item.need is not Need.ALWAYS}


def write_grant(
    session: Session, missing: Sequence[Privilege], scope: PrivilegeScope = EVERYTHING
) -> str:
    """Write the statements that give this login all that it lacks, one on each line.

    A privilege that was revoked on a schema is given back there, else the scope decides
    whether it is given on everything, on schemas or on tables.
    """
    user, _, host = session.text("SELECT CURRENT_USER()").rpartition("@")
    grants = read_grants(session)
    by_place: dict[str, list[str]] = defaultdict(list)
    for item in missing:
        for place in _places(item, grants, scope):
            by_place[place].append(item.name)
    account = f"{quote_name(user)}@{quote_name(host)}"
    return "\n".join(_write_one(names, place, account) for place, names in by_place.items())


def _write_one(names: Sequence[str], place: str, account: str) -> str:
    option = " WITH GRANT OPTION" if _OPTION in names else ""
    listed = ", ".join(name for name in names if name != _OPTION) or "USAGE"
    return f"GRANT {listed} ON {place} TO {account}{option}"


def _places(item: Privilege, grants: Grants, scope: PrivilegeScope) -> Iterator[str]:
    """Say where a privilege that is missing has to be granted."""
    revoked = grants.revoked_on(item.name) if item.name in grants.everywhere else ()
    if revoked:
        yield from (f"{_quote_schema(schema, grants)}.*" for schema in revoked)
    elif item.only_on:
        yield from (f"{_quote_schema(schema, grants)}.*" for schema in item.only_on)
    elif not item.is_per_schema or scope.is_open:
        yield "*.*"
    else:
        for schema in sorted(_schemas(item, scope)):
            if not grants.allows(item.name, (schema,)):
                yield f"{_quote_schema(schema, grants)}.*"
        yield from (quote_table(*table) for table in _tables_without(item, grants, scope))


def _quote_schema(name: str, grants: Grants) -> str:
    """Write the name of one schema so that a grant on it covers no other."""
    return quote_name(re.sub(r"([_%\\])", r"\\\1", name) if grants.has_patterns else name)


def _is_held(item: Privilege, grants: Grants, scope: PrivilegeScope) -> bool:
    if any(grants.allows(name) for name in item.instead) or not _is_needed(item, scope):
        return True
    if item.only_on:
        return grants.allows(item.name, item.only_on)
    if not item.is_per_schema or scope.is_everything:
        return grants.allows(item.name)
    schemas = _schemas(item, scope)
    covers_schemas = not schemas or grants.allows(item.name, schemas)
    return covers_schemas and not _tables_without(item, grants, scope)


def _is_needed(item: Privilege, scope: PrivilegeScope) -> bool:
    return item.name not in _FOR_CODE or scope.has_code


def _schemas(item: Privilege, scope: PrivilegeScope) -> frozenset[str]:
    accounts = {item.accounts_in} if scope.has_accounts else set()
    code = {item.code_in} if scope.has_code else set()
    return (scope.schemas | accounts | code) - {""}


def _tables_without(
    item: Privilege, grants: Grants, scope: PrivilegeScope
) -> tuple[TableName, ...]:
    if not item.is_for_tables:
        return ()
    tables = sorted(scope.tables)
    return tuple(one for one in tables if not grants.allows_on_table(item.name, *one))


_SELECT = Privilege("SELECT", "rows, accounts", True, True, accounts_in="mysql")
_BACKUP = (
    Privilege("SHOW VIEW", "definitions of views", True),
    Privilege("TRIGGER", "triggers are hidden without it", True, True),
    Privilege("EVENT", "events are hidden without it", True),
    Privilege("PROCESS", "statements that stand in the way, and ids of tables"),
)
_RESTORE = (
    Privilege("SELECT", "reading back what was loaded", True, accounts_in="mysql"),
    Privilege("SHOW VIEW", "comparing views", True),
    Privilege("INSERT", "rows", True),
    Privilege("UPDATE", "the mark of a restore", only_on=(MARK_SCHEMA,)),
    Privilege("DELETE", "the mark of a restore", only_on=(MARK_SCHEMA,)),
    Privilege("CREATE", "schemas and tables", True),
    Privilege("ALTER", "keys after the rows, counters", True),
    Privilege("DROP", "replacing, and repeating an interrupted restore", True),
    Privilege("CREATE VIEW", "views", True),
    Privilege("CREATE ROUTINE", "routines", True),
    Privilege("ALTER ROUTINE", "replacing routines", True),
    Privilege("TRIGGER", "triggers", True),
    Privilege("EVENT", "events", True),
)
_ACCOUNTS = (
    Privilege("CREATE USER", "users and roles"),
    Privilege(_OPTION, "grants of the accounts"),
)


def _mariadb_backup(version: Version) -> tuple[Privilege, ...]:
    monitor = "BINLOG MONITOR" if version >= _OWN_NAMES else "REPLICATION CLIENT"
    select = replace(_SELECT, reason="rows, accounts, bodies of routines", code_in="mysql")
    return (
        select,
        Privilege("RELOAD", "BACKUP STAGE"),
        Privilege(monitor, "position in the binlog", instead=_super(version)),
        Privilege("REPLICATION SLAVE", "finding DDL in the binlog"),
    )


def _mysql_backup(version: Version) -> tuple[Privilege, ...]:
    return (
        _SELECT,
        Privilege("RELOAD", "FLUSH TABLES WITH READ LOCK", instead=("FLUSH_TABLES",)),
        Privilege("BACKUP_ADMIN", "LOCK INSTANCE FOR BACKUP"),
        Privilege("REPLICATION CLIENT", "position in the binlog", instead=("SUPER",)),
        Privilege("XA_RECOVER_ADMIN", "prepared transactions"),
        *_show_routine(version),
    )


def _mariadb_restore(version: Version) -> tuple[Privilege, ...]:
    is_split = version >= _OWN_NAMES
    return (
        Privilege("PROCESS", "comparing tables"),
        _conditional("SET USER" if is_split else "SUPER", Need.OTHER_DEFINER, _super(version)),
    )


def _mysql_restore(version: Version) -> tuple[Privilege, ...]:
    is_split = version >= _ANY_DEFINER
    any_definer = "SET_ANY_DEFINER" if is_split else "SET_USER_ID"
    no_account = "ALLOW_NONEXISTENT_DEFINER" if is_split else "SET_USER_ID"
    return (
        Privilege("REFERENCES", "foreign keys", True),
        _conditional(any_definer, Need.OTHER_DEFINER, ("SUPER",)),
        _conditional(no_account, Need.MISSING_DEFINER, ("SUPER",)),
        _conditional("SYSTEM_USER", Need.SYSTEM_DEFINER),
        *_show_routine(version),
        *_session_variables(version),
    )


def _show_routine(version: Version) -> tuple[Privilege, ...]:
    if version < _SHOW_ROUTINE:
        return ()
    return (Privilege("SHOW_ROUTINE", "bodies of routines", instead=("SELECT",)),)


def _session_variables(version: Version) -> tuple[Privilege, ...]:
    if version < _SESSION_VARIABLES:
        return (_conditional("SYSTEM_VARIABLES_ADMIN", Need.SESSION, ("SUPER",)),)
    instead = ("SYSTEM_VARIABLES_ADMIN", "SUPER")
    return (_conditional("SESSION_VARIABLES_ADMIN", Need.SESSION, instead),)


def _conditional(name: str, need: Need, instead: tuple[str, ...] = ()) -> Privilege:
    return Privilege(name, str(need), instead=instead, need=need)


def _super(version: Version) -> tuple[str, ...]:
    return ("SUPER",) if version < _WITHOUT_SUPER else ()
