"""Try code objects as far as that changes nothing: views, and the definers of all.

No server looks into the body of a trigger, routine or event before that runs: PREPARE and
EXPLAIN of a statement that fires a trigger, or calls a routine, succeed whatever is in it, and
EXPLAIN of a view runs its functions on MariaDB. So views are prepared, and bodies are not tried.
Source: measured on MariaDB 10.11, 11.8 and MySQL 9.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from shardvault.errors import PrivilegeError, ServerError
from shardvault.failpoints import is_off
from shardvault.fleet.definers import (
    describe_objects,
    group_by_definer,
    needs_definer,
    read_account_grants,
    read_account_names,
)
from shardvault.model.definer import Definer
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.mysql.quoting import quote_name, quote_table, quote_text
from shardvault.mysql.session import Session, decode

DEFINERS = "definers"
"""What a finding about definers looked at."""

_VIEWS = "views"
_BATCH = 50
_STATEMENT = "shardvault_trial"
_INVALID_VIEW = 1356
_HIDDEN_CAUSE = (
    "a table, column or function that it names is not there, or its definer or this login "
    "is not allowed to use one"
)
_REPAIR = "create what is missing, grant what the definer lacks, or drop the view"
_DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
_LOCK_WAIT = 1205
_WAIT_S = 1
_RUNS_WITH = {ObjectKind.TRIGGER: "TRIGGER", ObjectKind.EVENT: "EVENT"}
"""The privilege that a definer needs for anything to run.

Source: measured on MariaDB 10.11, 11.8 and MySQL 9.7: a trigger's definer without TRIGGER on its
table makes each INSERT fail with error 1142.
"""
_NOT_THERE = frozenset({1146, 1049, 1054, 1305, 1449})
"""Errors for a table, database, column, function or definer that does not exist."""


class _Blocked(Exception):
    """Say that a trial waited for a lock."""


@dataclass(frozen=True)
class _Fault:
    """Say why a view cannot be used.

    Attributes:
        is_certain: False if the reason may be that our own login lacks a privilege.
    """

    reason: str
    is_certain: bool


def examine_objects(session: Session, objects: Sequence[CodeObject]) -> tuple[Finding, ...]:
    """Report each view and each definer that cannot be used.

    Args:
        session: in the read or load state; it changes nothing but prepares statements.
        objects: that the server has; those it could not read are left out.

    Raises:
        ConnectError: the connection was lost.
    """
    whole = [item for item in objects if item.fault is None]
    if not whole or is_off("objects.trial"):
        return ()
    orphans: set[int] = set()
    findings = list(_examine_definers(session, whole, orphans))
    views = [item for item in whole if item.kind is ObjectKind.VIEW and id(item) not in orphans]
    with _short_wait(session):
        findings += _try_views(session, views)
    return tuple(findings)


def _examine_definers(
    session: Session, objects: Sequence[CodeObject], orphans: set[int]
) -> Iterator[Finding]:
    """Examine each definer; note the ids of objects whose definer does not exist."""
    accounts = read_account_names(session)
    if accounts is None:
        message = "not examined: this login is not allowed to read mysql.user"
        yield Finding(Severity.INFO, session.shard, DEFINERS, message)
        return
    for definer, group in group_by_definer(objects).items():
        account = accounts.find(definer)
        if account is not None:
            yield from _find_powerless(session, account, group)
        elif needing := [item for item in group if needs_definer(item)]:
            orphans.update(map(id, needing))
            message = f"{definer} does not exist; these fail with error 1449: "
            message += describe_objects(needing)
            remedy = f"CREATE USER {definer}, or give the objects another definer"
            yield Finding(Severity.WARNING, session.shard, DEFINERS, message, remedy)


def _find_powerless(
    session: Session, account: Definer, group: Sequence[CodeObject]
) -> Iterator[Finding]:
    """Find triggers and events whose definer lacks the privilege without which none runs.

    What an account gets through a role is not known here: one that has roles is passed over.
    """
    items = [item for item in group if item.kind in _RUNS_WITH]
    grants = read_account_grants(session, account) if items else None
    if grants is None:
        return
    for kind, privilege in _RUNS_WITH.items():
        failing = [
            item
            for item in items
            if item.kind is kind and not grants.allows_on_table(privilege, item.schema, item.table)
        ]
        if failing:
            message = f"{account} lacks {privilege}; these fail: {describe_objects(failing)}"
            places = dict.fromkeys(quote_name(item.schema) for item in failing)
            remedy = "\n".join(f"GRANT {privilege} ON {name}.* TO {account}" for name in places)
            yield Finding(Severity.WARNING, session.shard, DEFINERS, message, remedy)


@contextmanager
def _short_wait(session: Session) -> Iterator[None]:
    """Let no trial wait for long for an ALTER that holds what a view reads."""
    present = session.text("SELECT @@SESSION.lock_wait_timeout")
    session.execute(f"SET SESSION lock_wait_timeout = {_WAIT_S}")
    yield
    session.execute(f"SET SESSION lock_wait_timeout = {int(present)}")


def _try_views(session: Session, views: Sequence[CodeObject]) -> Iterator[Finding]:
    """Prepare a query of many views at once; where that fails, of either half."""
    try:
        for start in range(0, len(views), _BATCH):
            yield from _try_batch(session, views[start : start + _BATCH])
    except _Blocked as error:
        message = f"not all of {len(views)} views could be tried: {error}"
        yield Finding(Severity.INFO, session.shard, _VIEWS, message)


def _try_batch(session: Session, views: Sequence[CodeObject]) -> Iterator[Finding]:
    if _is_prepared(session, views):
        return
    if len(views) == 1:
        yield _report_view(session, views[0])
        return
    half = len(views) // 2
    yield from _try_batch(session, views[:half])
    yield from _try_batch(session, views[half:])


def _is_prepared(session: Session, views: Sequence[CodeObject]) -> bool:
    """Prepare one query over several views; nothing is run and no lock outlives it."""
    query = " UNION ALL ".join(f"SELECT 1 FROM {quote_table(v.schema, v.name)}" for v in views)
    try:
        session.execute(f"SET @{_STATEMENT} = {quote_text(query)}")  # MySQL takes no expression
        session.execute(f"PREPARE {_STATEMENT} FROM @{_STATEMENT}")
    except PrivilegeError:
        return False
    except ServerError as error:
        if error.code == _LOCK_WAIT:
            raise _Blocked("a statement holds a lock on what they read") from error
        return False
    session.execute(f"DEALLOCATE PREPARE {_STATEMENT}")
    return True


def _find_fault(session: Session, view: CodeObject) -> _Fault:
    """Read why the last statement failed: MariaDB lists the cause first, MySQL hides it."""
    rows = session.rows("SHOW WARNINGS")
    code, text = (int(rows[0][1] or 0), decode(rows[0][2] or b"")) if rows else (0, "no reason")
    if code == _INVALID_VIEW:
        is_certain = needs_definer(view) or _is_marked_invalid(session, view)
        return _Fault(_HIDDEN_CAUSE, is_certain)
    is_certain = code in _NOT_THERE or (code in _DENIED and needs_definer(view))
    return _Fault(text, is_certain)


def _is_marked_invalid(session: Session, view: CodeObject) -> bool:
    """Ask MySQL's catalogue, which notes an invalid view whatever our login is allowed to."""
    comment = session.text(
        "SELECT table_comment FROM information_schema.tables "
        f"WHERE table_schema = {quote_text(view.schema)} AND table_name = {quote_text(view.name)}"
    )
    return comment != "VIEW"


def _report_view(session: Session, view: CodeObject) -> Finding:
    """Report the view whose query was refused last."""
    fault = _find_fault(session, view)
    name = f"view {view.schema}.{view.name}"
    if fault.is_certain:
        message = f"{name} cannot be used: {fault.reason}"
        return Finding(Severity.WARNING, session.shard, _VIEWS, message, _REPAIR)
    message = f"{name} could not be tried: {fault.reason}"
    return Finding(Severity.INFO, session.shard, _VIEWS, message)
