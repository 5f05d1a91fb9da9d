"""Let one restore at a time into a target: a lock that lives as long as its session.

All statements that change the mark of a target run on the session that holds its lock. A
restore that lost its session can therefore neither update nor remove a mark.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from shardvault.errors import ConnectError, ServerError, TargetRefused
from shardvault.failpoints import is_off
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Shard
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Session
from shardvault.mysql.state import enter_load_state
from shardvault.operations import restore_mark
from shardvault.operations.restore_mark import RestoreMark
from shardvault.repository.owners import Owner, describe_owner

LOCK = "shardvault-restore"
"""Name of the lock; a server knows each name once, so there is one per server."""

_QUOTED = quote_text(LOCK)
_WAIT_S = 5  # for the server to notice that the owner before has ended
_LOOK_S = 1
_READ_TIMEOUT_S = 120.0
_YEAR_S = 31_536_000  # the session may be idle while a large table is loaded
_REMEDY = "wait until that restore has ended; if its process is gone: KILL {} on this server"


class TargetLock:
    """Hold one target for one restore, on a session that does nothing else.

    Safe for several threads at once.
    """

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner
        self._mutex = threading.Lock()
        self._is_marked = False

    def prove(self) -> None:
        """Prove that this restore still holds the target.

        Raises:
            ServerError: the lock or the mark was lost; another restore may be at work.
        """
        with self._held():
            pass

    def write_mark(self, mark: RestoreMark) -> None:
        """Mark the target as incomplete, owned by this restore, with nothing loaded."""
        with self._held() as session:
            restore_mark.write_mark(session, mark, self._owner)
            self._is_marked = True

    def take_over(self) -> None:
        """Become the owner of a mark whose own owner has ended."""
        with self._held() as session:
            restore_mark.write_owner(session, self._owner)
            self._is_marked = True

    def mark_loaded(self, schema: str, table: str) -> None:
        """Note that a table has all its rows and keys."""
        with self._held() as session:
            restore_mark.mark_loaded(session, schema, table)

    def mark_verified(self) -> None:
        """Note that all targets of the restore were verified."""
        with self._held() as session:
            restore_mark.mark_verified(session)

    def remove_mark(self) -> None:
        """Say that the target is complete."""
        with self._held() as session:
            restore_mark.remove_mark(session)
            self._is_marked = False

    def close(self) -> None:
        """Release the target; never raises."""
        self._session.close()

    @contextlib.contextmanager
    def _held(self) -> Iterator[Session]:
        """Give the session while it holds the lock and the mark is ours.

        With the safety off any new session will do, as it did before there was a lock.
        """
        with self._mutex:
            try:
                if not is_off("restore.owner") and not self._is_held():
                    raise self._lost("it belongs to another restore")
                yield self._session
            except ConnectError as error:
                raise self._lost(error.message) from error

    def _is_held(self) -> bool:
        holder = f"SELECT IS_USED_LOCK({_QUOTED}) = CONNECTION_ID()"
        if self._session.text(holder) != "1":
            return False
        return not self._is_marked or _is_same(restore_mark.read_owner(self._session), self._owner)

    def _lost(self, reason: str) -> ServerError:
        return ServerError(
            f"this restore lost its lock on the target: {reason}",
            shard=self._session.shard,
            hint="another restore may have changed the target; run the command again",
        )


def lock_target(target: Shard, owner: Owner) -> TargetLock:
    """Open the session that holds a target for a restore.

    Raises:
        TargetRefused: another restore holds it; names its owner.
    """
    session = Session.open(
        target.primary, target.login, shard=target.name, read_timeout_s=_READ_TIMEOUT_S
    )
    try:
        enter_load_state(session)
        session.execute(f"SET SESSION wait_timeout = {_YEAR_S}")
        if not is_off("restore.owner") and not _take(session, _WAIT_S):
            message, hint = _describe_holder(session)
            raise TargetRefused(message, shard=target.name, hint=hint)
    except BaseException:
        session.abort()
        raise
    return TargetLock(session, owner)


def find_running(session: Session) -> Iterator[Finding]:
    """Report the restore that is at work on a target; a mark whose owner has ended is none."""
    if is_off("restore.owner") or session.text(f"SELECT IS_FREE_LOCK({_QUOTED})") == "1":
        return
    if _take(session, _LOOK_S):
        session.execute(f"DO RELEASE_LOCK({_QUOTED})")
        return
    message, hint = _describe_holder(session)
    yield Finding(Severity.BLOCKER, session.shard, "restores", message, hint)


def _take(session: Session, wait_s: int) -> bool:
    return session.text(f"SELECT GET_LOCK({_QUOTED}, {wait_s})") == "1"


def _describe_holder(session: Session) -> tuple[str, str]:
    """Say who holds a target, and what to do."""
    connection = session.text(f"SELECT IS_USED_LOCK({_QUOTED})")
    owner = restore_mark.read_owner(session)
    name = describe_owner(owner) if owner is not None else "a restore that has just begun"
    message = f"another restore is at work on it: {name}, connection {connection or 'ended'}"
    return message, _REMEDY.format(connection or "its connection")


def _is_same(one: Owner | None, other: Owner) -> bool:
    return one is not None and one.id == other.id
