"""Create views, routines, triggers and events, each in the state it was made in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shardvault.errors import ServerError
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, CodeObject, ObjectKind
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session, decode
from shardvault.mysql.state import LOAD_MODE, prepare_load

_AFTER_ALL = frozenset({ObjectKind.EVENT})
_EVENT_IS_OVER = b"1588"  # its time has passed; the server drops it as soon as it is made
_CREATE_USER = re.compile(rb"CREATE (USER|ROLE) ")


def create_objects(
    session: Session, objects: Sequence[CodeObject], *, events: bool
) -> tuple[Finding, ...]:
    """Create code objects; what needs another that is not there yet is tried again.

    Args:
        session: in the load state; it is in that state again afterwards.
        objects: in the order of their dump.
        events: create the events only, the last step of a restore, or all else.

    Returns:
        A finding for each object that the server refused, with its reason.
    """
    waiting = [item for item in objects if (item.kind in _AFTER_ALL) is events]
    findings = [_invalid(item) for item in waiting if item.fault is not None]
    waiting = [item for item in waiting if item.fault is None]
    reasons: dict[int, str] = {}
    while waiting:
        left = [item for item in waiting if not _try_create(session, item, reasons)]
        if len(left) == len(waiting):
            break
        waiting = left
    prepare_load(session)
    return (*findings, *(_refused(item, reasons[id(item)]) for item in waiting))


def _try_create(session: Session, item: CodeObject, reasons: dict[int, str]) -> bool:
    try:
        _create(session, item)
    except ServerError as error:
        reasons[id(item)] = error.message
        return False
    return True


def _create(session: Session, item: CodeObject) -> None:
    session.execute("SET SESSION character_set_client = utf8mb4")
    session.execute(f"USE {quote_name(item.schema)}")
    with _database_collation(session, item):
        _create_in_state(session, item)


@contextmanager
def _database_collation(session: Session, item: CodeObject) -> Iterator[None]:
    """Give the database the default that the object was made under, as long as needed.

    It decides the character sets of a routine's parameters; no session variable does.
    """
    present = session.text("SELECT @@collation_database")
    if item.database_collation in ("", present):
        yield
        return
    _alter_database(session, item.schema, item.database_collation)
    try:
        yield
    finally:
        session.execute("SET SESSION character_set_client = utf8mb4, sql_mode = ''")
        _alter_database(session, item.schema, present)


def _alter_database(session: Session, schema: str, collation: str) -> None:
    session.execute(f"ALTER DATABASE {quote_name(schema)} COLLATE {collation}")
    session.execute(f"USE {quote_name(schema)}")


def _create_in_state(session: Session, item: CodeObject) -> None:
    session.execute(
        f"SET SESSION character_set_client = {item.charset}, "
        f"collation_connection = {item.collation}, "
        f"sql_mode = '{item.sql_mode if item.kind is not ObjectKind.VIEW else LOAD_MODE}', "
        f"time_zone = '{item.time_zone or '+00:00'}'"
    )
    session.rows(item.create_sql)
    if session.warning_count:
        _refuse_dropped(session)


def _refuse_dropped(session: Session) -> None:
    for row in session.rows("SHOW WARNINGS"):
        if row[1] == _EVENT_IS_OVER:
            raise ServerError(decode(row[2] or b""), shard=session.shard)


def _invalid(item: CodeObject) -> Finding:
    return Finding(
        Severity.WARNING,
        f"{item.schema}.{item.name}",
        item.kind,
        f"was invalid at the source: {item.fault}",
        "its text could not be read at the source; repair it there",
    )


def _refused(item: CodeObject, reason: str) -> Finding:
    return Finding(
        Severity.WARNING,
        f"{item.schema}.{item.name}",
        item.kind,
        f"not created: {reason}",
        "create what it needs, then the object; `shardvault show ID --sql` prints its text",
    )


def create_accounts(session: Session, accounts: Sequence[Account]) -> tuple[Finding, ...]:
    """Create users and roles that are not there, then grant what they had."""
    created = [
        (account, _CREATE_USER.sub(rb"CREATE \1 IF NOT EXISTS ", account.create_sql, count=1))
        for account in accounts
    ]
    granted = [(account, grant) for account in accounts for grant in account.grants]
    findings = []
    for account, statement in (*created, *granted):
        try:
            session.rows(statement)
        except ServerError as error:
            findings.append(_account_finding(account, statement, error))
    return tuple(findings)


def _account_finding(account: Account, statement: bytes, error: ServerError) -> Finding:
    shown = decode(statement).split(" IDENTIFIED")[0][:80]
    return Finding(
        Severity.WARNING, account.name, "account", f"{shown}: {error.message}", "grant it by hand"
    )
