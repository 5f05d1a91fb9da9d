"""Read users and roles as the statements that recreate them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from shardvault.errors import PrivilegeError, ServerError
from shardvault.model.position import Family
from shardvault.model.schema import Account
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Row, Session, decode

_EVERYBODY = b"PUBLIC"  # MariaDB's role of all users; it is there, or comes with its first grant
SYSTEM_USERS = ("root", "mariadb.sys", "mysql", "mysql.sys", "mysql.session", "mysql.infoschema")
"""Accounts that every server has by itself; no backup records them."""
_AMONG_SYSTEM = f"IN ({', '.join(quote_text(name) for name in SYSTEM_USERS)})"
_SECOND_SINCE = (8, 0, 14)  # MySQL's second password

_Holders = Mapping[bytes, tuple[bytes, ...]]


def read_accounts(session: Session) -> tuple[Account, ...]:
    """Read every account but those that each server has by itself.

    Raises:
        PrivilegeError: the login may not read the grant tables.
    """
    is_role = "is_role = 'Y'" if session.family is Family.MARIADB else "0"
    rows = session.rows(
        f"SELECT user, host, {is_role}, {_select_second(session)} FROM mysql.user "
        f"WHERE user NOT {_AMONG_SYSTEM} ORDER BY 3 DESC, 1, 2"
    )
    holders = _read_holders(session)
    try:
        return tuple(
            _read_role(session, row[0] or b"", holders)
            if row[2] == b"1"
            else _read_user(session, row)
            for row in rows
        )
    except ServerError as error:
        raise PrivilegeError(
            f"cannot read the accounts: {error.message}",
            shard=session.shard,
            hint="GRANT SELECT ON mysql.* TO the backup user",
        ) from error


def _select_second(session: Session) -> str:
    """Select the hash that SHOW CREATE USER leaves out.

    Source: MySQL manual, "Dual Password Support".
    """
    if session.family is not Family.MYSQL or session.version < _SECOND_SINCE:
        return "NULL"
    return "user_attributes->>'$.additional_password'"


def _read_holders(session: Session) -> _Holders:
    """Read the grants of MariaDB's roles to accounts that are not recorded themselves.

    Whoever creates a role administers it, and that is often root.
    """
    if session.family is not Family.MARIADB:
        return {}
    found: dict[bytes, tuple[bytes, ...]] = defaultdict(tuple)
    for role, user, host, is_admin in session.rows(
        "SELECT role, user, host, admin_option FROM mysql.roles_mapping "
        f"WHERE user {_AMONG_SYSTEM} ORDER BY 1, 2, 3"
    ):
        holder = _quote(user or b"") + b"@" + _quote(host or b"")
        option = b" WITH ADMIN OPTION" if is_admin == b"Y" else b""
        found[role or b""] += (b"GRANT " + _quote(role or b"") + b" TO " + holder + option,)
    return found


def _read_role(session: Session, role: bytes, holders: _Holders) -> Account:
    create = b"" if role == _EVERYBODY else b"CREATE ROLE " + _quote(role)
    grants = (*_read_grants(session, _quote(role)), *holders.get(role, ()))
    return Account(decode(_quote(role)), True, create, grants)


def _read_user(session: Session, row: Row) -> Account:
    user, host, _, second = (part or b"" for part in row)
    account = _quote(user) + b"@" + _quote(host)
    create = session.value(b"SHOW CREATE USER " + account) or b""
    return Account(decode(account), False, create, _read_grants(session, account), decode(second))


def _read_grants(session: Session, account: bytes) -> tuple[bytes, ...]:
    return tuple(row[0] or b"" for row in session.rows(b"SHOW GRANTS FOR " + account))


def _quote(part: bytes) -> bytes:
    return b"`" + part.replace(b"`", b"``") + b"`"
