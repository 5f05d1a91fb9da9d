"""Create users and roles, and grant them what they had."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shardvault.errors import PrivilegeError, ServerError
from shardvault.fleet.grants import Grants, read_grants
from shardvault.load.attempts import try_all
from shardvault.load.grant_narrowing import narrow_grant
from shardvault.load.second_passwords import write_second_password
from shardvault.load.warnings import run_clean
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account
from shardvault.mysql.session import Session, decode, encode
from shardvault.mysql.state import LOAD_MODE, prepare_load, sql_mode

_TEXT = rb"'(?:[^'\\]|\\.|'')*'"
_WAY_IN = rb"\w+(?: USING " + _TEXT + rb")?"
_IDENTIFIED = re.compile(
    rb" IDENTIFIED (?:BY PASSWORD " + _TEXT + rb"|VIA " + _WAY_IN + rb"(?: OR " + _WAY_IN + rb")*)"
)
_CREATE = re.compile(rb"CREATE (USER|ROLE) ")
_ON_PACKAGE = re.compile(rb"GRANT [A-Z, ]+ ON PACKAGE ")
# Notes about a user of MySQL, a user and a role of MariaDB.
_IS_THERE = frozenset({3163, 1973, 1975})
_SHOWN = 80  # characters of a statement that a finding repeats


def create_accounts(
    session: Session, accounts: Sequence[Account]
) -> tuple[frozenset[str], tuple[Finding, ...]]:
    """Create the users and roles that are not there, before anything names them as definer.

    Args:
        session: in the load state.
        accounts: in any order; one may have another as default role.

    Returns:
        the names of those that were not there, and what was refused.
    """
    made: set[str] = set()

    def create(account: Account) -> None:
        sql = _CREATE.sub(rb"CREATE \1 IF NOT EXISTS ", account.create_sql, count=1)
        if run_clean(session, sql) & _IS_THERE:
            return  # it keeps its passwords
        made.add(account.name)
        for statement in write_second_password(account):
            run_clean(session, statement)

    wanted = [account for account in accounts if account.create_sql]
    refused = try_all(wanted, create)
    findings = tuple(_finding(account, account.create_sql, error) for account, error in refused)
    return frozenset(made), findings


def grant_accounts(session: Session, accounts: Sequence[Account]) -> tuple[Finding, ...]:
    """Grant what the accounts had, once the tables and routines that grants name are there."""
    own = read_grants(session)
    return tuple(
        finding
        for account in accounts
        for grant in account.grants
        if (finding := _try_grant(session, account, grant, own)) is not None
    )


def _try_grant(session: Session, account: Account, grant: bytes, own: Grants) -> Finding | None:
    """Run a grant; where it is refused, grant what our login has of it."""
    try:
        _grant(session, _without_password(account, grant))
    except (ServerError, PrivilegeError) as error:
        prepare_load(session)
        narrowed = narrow_grant(grant, own)
        if not narrowed.statement:
            return _finding(account, grant, error)
    else:
        return None
    try:
        _grant(session, _without_password(account, narrowed.statement))
    except (ServerError, PrivilegeError) as error:
        prepare_load(session)
        return _finding(account, grant, error)
    message = f"granted without {', '.join(narrowed.lost)}, which this login does not have"
    remedy = "grant it by hand, with a login that has it"
    return Finding(Severity.WARNING, account.name, "account", message, remedy)


def _grant(session: Session, grant: bytes) -> None:
    """Run a grant; MariaDB 10.11 knows packages in Oracle's mode only.

    To an account that is not there MariaDB would give one without any password.
    """
    if session.family is Family.MYSQL:
        run_clean(session, grant)
        return
    mode = "ORACLE" if _ON_PACKAGE.match(grant) else LOAD_MODE
    with sql_mode(session, f"{mode},NO_AUTO_CREATE_USER"):
        run_clean(session, grant)


def _without_password(account: Account, grant: bytes) -> bytes:
    """Leave out the password that MariaDB repeats in a grant: given again, it is a new one.

    It would make one that had expired valid, and replace that of an account that was there.
    """
    end = grant.find(b" TO " + encode(account.name)) + len(b" TO " + encode(account.name))
    match = _IDENTIFIED.match(grant, end)
    return grant[:end] + grant[match.end() :] if match else grant


def _finding(account: Account, statement: bytes, error: ServerError | PrivilegeError) -> Finding:
    shown = decode(statement).split(" IDENTIFIED")[0][:_SHOWN]
    return Finding(
        Severity.WARNING, account.name, "account", f"{shown}: {error.message}", "grant it by hand"
    )
