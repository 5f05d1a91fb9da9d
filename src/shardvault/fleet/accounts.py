"""Read users and roles as the statements that recreate them."""

from __future__ import annotations

from shardvault.errors import PrivilegeError, ServerError
from shardvault.model.position import Family
from shardvault.model.schema import Account
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Session

_EVERYBODY = b"PUBLIC"  # MariaDB's role of all users; it is there, or comes with its first grant
_SYSTEM_USERS = ("root", "mariadb.sys", "mysql", "mysql.sys", "mysql.session", "mysql.infoschema")


def read_accounts(session: Session) -> tuple[Account, ...]:
    """Read every account but those that each server has by itself.

    Raises:
        PrivilegeError: the login may not read the grant tables.
    """
    skipped = ", ".join(quote_text(name) for name in _SYSTEM_USERS)
    is_role = "is_role = 'Y'" if session.family is Family.MARIADB else "0"
    rows = session.rows(
        f"SELECT user, host, {is_role} FROM mysql.user "
        f"WHERE user NOT IN ({skipped}) ORDER BY 3 DESC, 1, 2"
    )
    try:
        return tuple(
            _read_account(session, user or b"", host or b"", is_role=role == b"1")
            for user, host, role in rows
        )
    except ServerError as error:
        raise PrivilegeError(
            f"cannot read the accounts: {error.message}",
            shard=session.shard,
            hint="GRANT SELECT ON mysql.* TO the backup user",
        ) from error


def _read_account(session: Session, user: bytes, host: bytes, *, is_role: bool) -> Account:
    account = _quote(user) if is_role else _quote(user) + b"@" + _quote(host)
    name = account.decode("utf-8", "surrogateescape")
    if is_role:
        create = b"" if user == _EVERYBODY else b"CREATE ROLE " + account
    else:
        create = session.value(b"SHOW CREATE USER " + account) or b""
    grants = tuple(row[0] or b"" for row in session.rows(b"SHOW GRANTS FOR " + account))
    return Account(name, is_role, create, grants)


def _quote(part: bytes) -> bytes:
    return b"`" + part.replace(b"`", b"``") + b"`"
