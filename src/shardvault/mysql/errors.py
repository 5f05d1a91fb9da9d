"""Translate the driver's errors into ours, with shard and remedy."""

from __future__ import annotations

from pymysql import err
from pymysql.constants import CR, ER

from shardvault.errors import ConnectError, PrivilegeError, ServerError, ShardvaultError

ER_SPECIFIC_ACCESS_DENIED = 1227
ER_XAER_RMERR = 1401

_LOGIN = {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, 1698, 1251, 2059, 2061}
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


def translate_login(error: BaseException, *, shard: str, place: str, user: str) -> ShardvaultError:
    """Turn a failed connection into a ConnectError that says what to try."""
    code, text = error_code(error), _message(error)
    if code in _LOGIN:
        return ConnectError(
            f"login of {user!r} at {place} refused: {text}",
            shard=shard,
            hint="check user and password in the fleet file, and that the account may "
            "connect from this host",
        )
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
