"""Write the statements that give an account of MySQL its second password.

SHOW CREATE USER leaves it out, and CREATE USER takes none. The server takes it as it writes it
into its own binlog: a new password, given as hash, that retains the one from before.

Source: measured on MySQL 9.7; the manual's grammar of ALTER USER leaves this form out.
"""

from __future__ import annotations

import re

from shardvault.errors import IntegrityError
from shardvault.model.schema import Account
from shardvault.mysql.quoting import quote_bytes
from shardvault.mysql.session import encode

_TEXT = rb"'(?:[^'\\]|\\.|'')*'"
# The hash is in hex under print_identified_with_as_hex.
_FIRST = re.compile(
    rb" IDENTIFIED WITH (?P<plugin>" + _TEXT + rb") AS (?:0x\w+|" + _TEXT + rb")", re.DOTALL
)
_IS_EXPIRED = re.compile(rb" PASSWORD EXPIRE(?! DEFAULT| NEVER| INTERVAL)")


def write_second_password(account: Account) -> tuple[bytes, ...]:
    """Write what follows the CREATE USER of an account, in this order; nothing if it has one.

    The statements are for an account that was just created: they replace what passwords it has.

    Raises:
        IntegrityError: the stored text is not that of a user with a password.
    """
    if not account.second_password:
        return ()
    alter = b"ALTER USER " + encode(account.name)
    begin = len(b"CREATE USER " + encode(account.name))
    first = _FIRST.match(account.create_sql, begin)
    if first is None:
        raise IntegrityError(f"stored text of account {account.name} cannot be read")
    second = encode(quote_bytes(encode(account.second_password)))
    # A new password is never expired.
    expiry = b" PASSWORD EXPIRE" if _IS_EXPIRED.search(account.create_sql, first.end()) else b""
    return (
        alter + b" IDENTIFIED WITH " + first["plugin"] + b" AS " + second,
        alter + first[0] + b" RETAIN CURRENT PASSWORD" + expiry,
    )
