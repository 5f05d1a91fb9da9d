"""Translate the driver's errors into ours, with shard and remedy."""

from __future__ import annotations

from pymysql import err
from pymysql.constants import CR, ER

from shardvault.errors import ConnectError, PrivilegeError, ServerError, ShardvaultError

ER_SPECIFIC_ACCESS_DENIED = 1227
ER_XAER_RMERR = 1401

_LOGIN = {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, 1698, 1251, 2059, 2061}
_CHECK_LOGIN = (
    "check user and password in the fleet file, and that the account is allowed to connect from "
    "this host"
)
_WITHOUT_TLS = "; an account with REQUIRE SSL gets this error too if `tls: {ca: …}` is missing"
_REMEDIES = {
    1040: "the server has no connection left: raise max_connections, or end idle sessions",
    1129: "the server blocks this host after failed connections: run FLUSH HOSTS there",
    1130: "the account is not allowed to connect from this host: CREATE USER with this host's name",
    1203: "raise max_user_connections, or lower limits.sessions_per_shard in the fleet file",
    1226: "raise the limit of the account with ALTER USER … WITH, or lower "
    "limits.sessions_per_shard in the fleet file",
    1820: "the password has expired: set a new one with ALTER USER",
    1862: "the password has expired: set a new one with ALTER USER",
    3118: "the account is locked: ALTER USER … ACCOUNT UNLOCK",
    3159: "the server takes encrypted connections only: give the instance `tls: {ca: …}`",
    3955: "the account is locked after failed logins: ALTER USER … ACCOUNT UNLOCK, or wait",
    4151: "the account is locked: ALTER USER … ACCOUNT UNLOCK",
}
"""What to do about a connection that a server refuses with this error number."""
_LOST = {CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR, 2002, 2005, 0}
_DENIED = {
    ER.DBACCESS_DENIED_ERROR,
    ER.TABLEACCESS_DENIED_ERROR,
    ER.COLUMNACCESS_DENIED_ERROR,
    ER_SPECIFIC_ACCESS_DENIED,
    ER.PROCACCESS_DENIED_ERROR,
}


def error_code(error: BaseException) -> int:
    """Return the server's or driver's error number, 0 if there is none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def _message(error: BaseException) -> str:
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    return " ".join(text.split())


def translate_login(
    error: BaseException, *, shard: str, place: str, user: str, is_encrypted: bool = True
) -> ShardvaultError:
    """Turn a failed connection into a ConnectError that says what to try.

    Args:
        error: of the driver.
        shard: for the message.
        place: where the instance listens.
        user: who wanted to log in.
        is_encrypted: the connection had TLS.
    """
    code, text = error_code(error), _message(error)
    if code in _REMEDIES:
        return ConnectError(
            f"{place} refused {user!r}: {text} ({code})", shard=shard, hint=_REMEDIES[code]
        )
    if code in _LOGIN:
        hint = _CHECK_LOGIN if is_encrypted else _CHECK_LOGIN + _WITHOUT_TLS
        return ConnectError(f"login of {user!r} at {place} refused: {text}", shard=shard, hint=hint)
    return ConnectError(
        f"cannot connect to {place}: {text}",
        shard=shard,
        hint="check that the instance runs, that host, port or socket are right, and the firewall",
    )


def translate(error: BaseException, *, shard: str, statement: str) -> ShardvaultError:
    """Turn a failed statement into the error class that fits."""
    code, text = error_code(error), _message(error)
    if isinstance(error, OSError) or (code in _LOST and isinstance(error, err.MySQLError)):
        return ConnectError(
            f"connection lost during {statement}: {text}",
            shard=shard,
            hint="look whether the instance still runs, then run the same command again",
        )
    if code in _DENIED:
        return PrivilegeError(
            f"{statement} refused: {text}",
            shard=shard,
            hint="grant the missing privilege; `shardvault check` prints the full GRANT",
        )
    return ServerError(f"{statement} failed: {text} ({code})", code=code, shard=shard)
