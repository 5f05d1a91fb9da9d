"""Judge the statements that recreate an account; no I/O."""

from __future__ import annotations

from shardvault.fleet.accounts import SYSTEM_USERS
from shardvault.fleet.stored_text.cursor import Cursor, Forged, read_tokens, show
from shardvault.model.schema import Account
from shardvault.mysql.session import encode
from shardvault.mysql.tokens import Dialect, TokenKind

_Parts = tuple[str, ...]
_TARGETS = {"GRANT": "TO", "REVOKE": "FROM", "SET": "FOR"}


def judge_account(account: Account, roles: frozenset[str], dialect: Dialect) -> None:
    """Judge that the statements create this account and grant to nobody else.

    Args:
        account: what it should be.
        roles: names of all roles in the backup; MariaDB lists with a role what those have that
            were granted to it.
        dialect: how the server reads the statements.

    Raises:
        Forged: one of them does something else.
    """
    own = _read_name(account, dialect)
    if account.create_sql:
        _judge_create(account, own, dialect)
    for grant in account.grants:
        _judge_grant(grant, own, roles if account.is_role else frozenset(), dialect)


def _read_name(account: Account, dialect: Dialect) -> _Parts:
    """Read the account's name, which becomes part of statements as it is."""
    cursor = Cursor(read_tokens(encode(account.name), dialect))
    for token in cursor.rest:
        if token.kind is not TokenKind.NAME and token.text != "@":
            raise Forged("has a name that is not in quotes")
    parts = cursor.take_account()
    cursor.end()
    if len(parts) != (1 if account.is_role else 2):
        raise Forged("has a name of another kind")
    return parts


def _judge_create(account: Account, own: _Parts, dialect: Dialect) -> None:
    cursor = Cursor(read_tokens(account.create_sql, dialect))
    cursor.take("CREATE", "ROLE" if account.is_role else "USER")
    found = cursor.take_account()
    if found != own:
        raise Forged(f"is for {'@'.join(found)}")
    if account.is_role:
        cursor.end()
    _judge_rest(cursor, has_roles=True)


def _judge_grant(grant: bytes, own: _Parts, roles: frozenset[str], dialect: Dialect) -> None:
    cursor = Cursor(read_tokens(grant, dialect))
    verb = cursor.take_one_of(_TARGETS, "GRANT")
    if verb == "SET":
        cursor.take("DEFAULT", "ROLE")
    first = cursor.token
    while cursor.keyword != _TARGETS[verb]:
        if cursor.token is None or cursor.token.text == ";":
            raise cursor.refuse(_TARGETS[verb])
        cursor.skip()
    cursor.skip()
    found = cursor.take_account()
    is_of_role = len(own) == 1 and first is not None and (first.text,) == own
    is_known = found == own or (len(found) == 1 and found[0] in roles)
    # A role is recorded with those who have it of the accounts that every server has.
    if not is_known and not (is_of_role and found[0] in SYSTEM_USERS):
        raise Forged(f"is for {'@'.join(found)}")
    _judge_rest(cursor, has_roles=False)


def _judge_rest(cursor: Cursor, *, has_roles: bool) -> None:
    """Judge what follows the account: its options, and no second account."""
    is_roles = False
    for token in cursor.rest:
        if token.kind is TokenKind.WORD:
            is_roles = has_roles and token.keyword == "ROLE"
        elif token.text == "," and not is_roles:
            raise Forged("is for a second account")
        elif token.kind is TokenKind.SYMBOL and token.text not in ",@.":
            raise Forged(f"goes on with {show(token)}")
