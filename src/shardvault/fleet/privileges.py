"""State which privileges a backup and a restore need, and find those that are missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shardvault.fleet.grants import Grants, read_grants
from shardvault.model.position import Family
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session

Version = tuple[int, int, int]

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


@dataclass(frozen=True)
class Privilege:
    """Describe one privilege that an operation needs.

    Attributes:
        name: as GRANT takes it.
        reason: what fails, or is silently missed, without it.
        is_per_schema: a grant on every schema in scope is as good as one on ``*.*``.
        also_on: schemas that a grant per schema has to cover besides those in scope.
        instead: privileges on ``*.*`` of which one is as good.
    """

    name: str
    reason: str
    is_per_schema: bool = False
    also_on: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


def needed_privileges(family: Family, version: Version, purpose: Purpose) -> tuple[Privilege, ...]:
    """List what an operation needs on a flavour.

    Each entry was proven on real servers by taking it away, see test_preflight.py and
    test_compatibility.py in tests/integration.
    """
    is_mariadb = family is Family.MARIADB
    if purpose is Purpose.BACKUP:
        special = _mariadb_backup(version) if is_mariadb else _mysql_backup(version)
        return (*_BACKUP, *special)
    special = _mariadb_restore(version) if is_mariadb else _mysql_restore(version)
    accounts = _ACCOUNTS if purpose is Purpose.ACCOUNTS else ()
    return (*_RESTORE, *special, *accounts)


def missing_privileges(
    session: Session, purpose: Purpose, schemas: Collection[str] = ()
) -> tuple[Privilege, ...]:
    """Find the privileges that this login lacks.

    Args:
        session: in any state.
        schemas: names in scope; empty = everything, then only grants on ``*.*`` count,
            because a schema without a grant would not even be seen.
    """
    grants = read_grants(session)
    needed = needed_privileges(session.family, session.version, purpose)
    return tuple(item for item in needed if not _is_held(item, grants, schemas))


def write_grant(session: Session, missing: Sequence[Privilege]) -> str:
    """Write the one statement that gives this login all that it lacks."""
    user, _, host = session.text("SELECT CURRENT_USER()").rpartition("@")
    names = ", ".join(item.name for item in missing if item.name != "GRANT OPTION")
    option = " WITH GRANT OPTION" if any(item.name == "GRANT OPTION" for item in missing) else ""
    return f"GRANT {names or 'USAGE'} ON *.* TO {quote_name(user)}@{quote_name(host)}{option}"


def _is_held(item: Privilege, grants: Grants, schemas: Collection[str]) -> bool:
    if any(grants.allows(name) for name in item.instead):
        return True
    is_partial = item.is_per_schema and bool(schemas)
    return grants.allows(item.name, {*schemas, *item.also_on} if is_partial else ())


_BACKUP = (
    Privilege("SELECT", "rows, accounts, bodies of routines", True, also_on=("mysql",)),
    Privilege("SHOW VIEW", "definitions of views", True),
    Privilege("TRIGGER", "triggers are hidden without it", True),
    Privilege("EVENT", "events are hidden without it", True),
    Privilege("PROCESS", "statements that stand in the way, and ids of tables"),
)
_RESTORE = (
    Privilege("SELECT", "reading back what was loaded", True, also_on=("mysql",)),
    Privilege("SHOW VIEW", "comparing views", True),
    Privilege("INSERT", "rows", True),
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
    Privilege("GRANT OPTION", "grants of the accounts"),
)


def _mariadb_backup(version: Version) -> tuple[Privilege, ...]:
    monitor = "BINLOG MONITOR" if version >= _OWN_NAMES else "REPLICATION CLIENT"
    return (
        Privilege("RELOAD", "BACKUP STAGE"),
        Privilege(monitor, "position in the binlog", instead=_super(version)),
        Privilege("REPLICATION SLAVE", "finding DDL in the binlog"),
    )


def _mysql_backup(version: Version) -> tuple[Privilege, ...]:
    return (
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
        Privilege("SET USER" if is_split else "SUPER", "definers", instead=_super(version)),
    )


def _mysql_restore(version: Version) -> tuple[Privilege, ...]:
    names = ("SET_ANY_DEFINER", "ALLOW_NONEXISTENT_DEFINER")
    definers = names if version >= _ANY_DEFINER else ("SET_USER_ID",)
    return (
        Privilege("REFERENCES", "foreign keys", True),
        *(Privilege(name, "definers", instead=("SUPER",)) for name in definers),
        Privilege("SYSTEM_USER", "definers that are system users"),
        *_show_routine(version),
        *_session_variables(version),
    )


def _show_routine(version: Version) -> tuple[Privilege, ...]:
    if version < _SHOW_ROUTINE:
        return ()
    return (Privilege("SHOW_ROUTINE", "bodies of routines", instead=("SELECT",)),)


def _session_variables(version: Version) -> tuple[Privilege, ...]:
    if version < _SESSION_VARIABLES:
        return (Privilege("SYSTEM_VARIABLES_ADMIN", "state of our sessions", instead=("SUPER",)),)
    instead = ("SYSTEM_VARIABLES_ADMIN", "SUPER")
    return (Privilege("SESSION_VARIABLES_ADMIN", "state of our sessions", instead=instead),)


def may_set_definers(session: Session) -> bool:
    """Say whether a login is allowed to create objects with another definer than itself."""
    version = session.version
    if session.family is Family.MARIADB:
        names = ("SET USER" if version >= _OWN_NAMES else "SUPER", *_super(version))
    else:
        names = ("SET_ANY_DEFINER" if version >= _ANY_DEFINER else "SET_USER_ID", "SUPER")
    grants = read_grants(session)
    return any(grants.allows(name) for name in names)


def _super(version: Version) -> tuple[str, ...]:
    return ("SUPER",) if version < _WITHOUT_SUPER else ()
