"""Leave no login of ours behind as administrator of a role.

MariaDB makes whoever creates a role its administrator, and asks for one to grant it. So our
login has to be one until all is granted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from enum import IntEnum

from shardvault.errors import PrivilegeError, ServerError
from shardvault.failpoints import is_off
from shardvault.load.warnings import run_clean
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session, decode, encode


class _Hold(IntEnum):
    """Say how a login has a role."""

    NONE = 0
    MEMBER = 1
    ADMINISTRATOR = 2


def leave_roles(
    session: Session, accounts: Collection[Account], made: Collection[str]
) -> tuple[Finding, ...]:
    """Take from our login what it has of a role beyond what the backup says.

    A role that was there is left alone, and told: it may have been given on purpose.

    Args:
        session: in the load state.
        accounts: all that the target got, from every shard, with their grants.
        made: names of the roles that this restore created.
    """
    has_roles = session.family is Family.MARIADB and any(one.is_role for one in accounts)
    if not has_roles or is_off("restore.leave_roles"):
        return ()
    login = _read_login(session)
    grants = {grant for account in accounts for grant in account.grants}
    wanted = {one.name: _judge(one.name, login, grants) for one in accounts if one.is_role}
    return tuple(_reduce(session, login, wanted, made))


def _read_login(session: Session) -> str:
    user, _, host = session.text("SELECT CURRENT_USER()").rpartition("@")
    return f"{quote_name(user)}@{quote_name(host)}"


def _judge(role: str, login: str, grants: Collection[bytes]) -> _Hold:
    grant = encode(f"GRANT {role} TO {login}")
    if grant + b" WITH ADMIN OPTION" in grants:
        return _Hold.ADMINISTRATOR
    return _Hold.MEMBER if grant in grants else _Hold.NONE


def _reduce(
    session: Session, login: str, wanted: dict[str, _Hold], made: Collection[str]
) -> Iterator[Finding]:
    for role, held in _read_held(session):
        if held <= wanted.get(role, held):
            continue
        what = role if wanted[role] is _Hold.NONE else f"ADMIN OPTION FOR {role}"
        statement = f"REVOKE {what} FROM {login}"
        if role not in made:
            message = f"{login} has more of this role than at the source, since before this run"
            yield _finding(role, message, statement)
        elif fault := _revoke(session, statement):
            yield _finding(role, f"{login} is still its administrator: {fault}", statement)


def _read_held(session: Session) -> Iterable[tuple[str, _Hold]]:
    rows = session.rows(
        "SELECT role, admin_option FROM mysql.roles_mapping "
        "WHERE CONCAT(user, '@', host) = CURRENT_USER() ORDER BY 1"
    )
    for role, option in rows:
        held = _Hold.ADMINISTRATOR if option == b"Y" else _Hold.MEMBER
        yield quote_name(decode(role or b"")), held


def _revoke(session: Session, statement: str) -> str:
    """Return why it failed, empty if it did not."""
    try:
        run_clean(session, statement)
    except (ServerError, PrivilegeError) as error:
        return error.message
    return ""


def _finding(role: str, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, role, "account", message, remedy)
