"""Name what a server has and a backup does not hold, before anything is locked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from shardvault.errors import PrivilegeError
from shardvault.fleet.catalogue import (
    MYSQL_ROUTINES,
    SYS_TABLES,
    SYSTEM_DEFINERS,
    known_tables,
)
from shardvault.fleet.inventory import Inventory
from shardvault.model.ids import ShardName
from shardvault.model.loss import LossKind
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.mysql.session import Session, decode

_WHAT = "not in the backup"
_MOST_SHOWN = 5


@dataclass(frozen=True)
class _Kind:
    """Describe a kind of thing that is named if a server has any.

    Attributes:
        plural: the kind.
        query: gives their names.
        remedy: how a target comes to them.
    """

    plural: str
    query: str
    remedy: str


_BOTH = (
    _Kind(
        "loadable functions",
        "SELECT CONCAT(name, ' (', dl, ')') FROM mysql.func ORDER BY 1",
        "put the file into the plugin folder of the target and CREATE FUNCTION … SONAME there",
    ),
    _Kind(
        "plugins",
        "SELECT CONCAT(name, ' (', dl, ')') FROM mysql.plugin ORDER BY 1",
        "INSTALL PLUGIN on the target before a restore",
    ),
)
_MYSQL = (
    _Kind(
        "components",
        "SELECT component_urn FROM mysql.component ORDER BY 1",
        "INSTALL COMPONENT on the target before a restore",
    ),
    _Kind(
        "resource groups",
        "SELECT resource_group_name FROM information_schema.resource_groups "
        "WHERE resource_group_name NOT IN ('USR_default', 'SYS_default') ORDER BY 1",
        "CREATE RESOURCE GROUP on the target, for the processors that it has",
    ),
    _Kind(
        "passwords that accounts had before, of",
        "SELECT DISTINCT CONCAT(user, '@', host) FROM mysql.password_history ORDER BY 1",
        "none: an account that comes back can take its old passwords again",
    ),
)


def find_uncarried(
    session: Session, inventory: Inventory, *, is_narrowed: bool
) -> Iterator[Finding]:
    """Report what a backup of this scope leaves out, though somebody made it.

    Args:
        session: in the read state.
        inventory: what is in scope.
        is_narrowed: the backup holds chosen tables or schemas only; then only what concerns
            these is named.
    """
    yield from _find_statistics(session, inventory)
    if is_narrowed:
        return
    for kind in (*_BOTH, *(_MYSQL if session.family is Family.MYSQL else ())):
        names = _read(session, kind.query)
        if names:
            message = f"{kind.plural}: {_shorten(names)}"
            yield _warn(session, message, kind.remedy)
    yield from _find_own(session)


def _find_statistics(session: Session, inventory: Inventory) -> Iterator[Finding]:
    """Name tables of MariaDB in scope that have statistics of values."""
    names = {(table.schema, table.name) for table in inventory.tables}
    if session.family is not Family.MARIADB or not names:
        return
    try:
        rows = session.rows("SELECT DISTINCT db_name, table_name FROM mysql.column_stats")
    except PrivilegeError:
        return  # a narrowed backup need not read the schema mysql; statistics are no loss
    present = ((decode(row[0] or b""), decode(row[1] or b"")) for row in rows)
    found = sorted(".".join(name) for name in present if name in names)
    if found:
        message = f"statistics of values, of {_shorten(found)}"
        yield _warn(session, message, "ANALYZE TABLE … PERSISTENT FOR ALL after a restore")


def _find_own(session: Session) -> Iterator[Finding]:
    """Refuse what users made in the server's own schemas, which no backup holds."""
    for name in _read(session, _OWN_TABLES):
        schema, table = name.split(".", 1)
        known = known_tables("mysql") if schema == "mysql" else SYS_TABLES
        if table.lower() not in known:
            yield _refuse(session, "table", name)
    for kind, query in _OWN_CODE:
        for name in _read(session, query):
            if name.split(".", 1)[1].lower() not in MYSQL_ROUTINES:
                yield _refuse(session, kind, name)


_SYSTEM = "IN ('mysql', 'sys')"
_NOT_SYSTEM = "NOT IN (" + ", ".join(f"'{name}'" for name in sorted(SYSTEM_DEFINERS)) + ")"
_OWN_TABLES = (
    "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables "
    f"WHERE table_schema {_SYSTEM} AND table_type NOT LIKE '%VIEW%' ORDER BY 1"
)
_OWN_CODE = (
    (
        "view",
        "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.views "
        f"WHERE table_schema {_SYSTEM} AND definer {_NOT_SYSTEM} ORDER BY 1",
    ),
    (
        "routine",
        "SELECT CONCAT(routine_schema, '.', routine_name) FROM information_schema.routines "
        f"WHERE routine_schema {_SYSTEM} AND definer {_NOT_SYSTEM} ORDER BY 1",
    ),
    (
        "event",
        "SELECT CONCAT(event_schema, '.', event_name) FROM information_schema.events "
        f"WHERE event_schema {_SYSTEM} ORDER BY 1",
    ),
)


def _refuse(session: Session, kind: str, name: str) -> Finding:
    loss = LossKind.SYSTEM_SCHEMAS
    message = f"{name}: a {kind} of your own in a schema of the server, which no backup holds"
    return Finding(
        Severity.BLOCKER, ShardName(session.shard), _WHAT, message, loss.remedies, name, loss
    )


def _warn(session: Session, message: str, remedy: str) -> Finding:
    return Finding(
        Severity.WARNING, ShardName(session.shard), _WHAT, f"not in the backup: {message}", remedy
    )


def _read(session: Session, query: str) -> list[str]:
    return [decode(row[0] or b"") for row in session.rows(query)]


def _shorten(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:_MOST_SHOWN])
    return shown + (f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else "")
