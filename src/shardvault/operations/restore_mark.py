"""Mark a target as incomplete while a restore runs, in a way that a program can check.

``SELECT status FROM _shardvault.restore`` gives ``incomplete`` from before the first change
until everything was verified, then ``verified`` for a moment, until every target of the restore
says so; then the schema ``_shardvault`` is gone. ``_shardvault.owner`` names the process whose
restore it is; see ``target_lock`` for who is allowed to change a mark.
"""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.clock import format_time, utc_now
from shardvault.errors import PrivilegeError, ServerError
from shardvault.fleet.occupied import MARK_SCHEMA, NO_SUCH_TABLE
from shardvault.model.ids import BackupId
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Session, decode
from shardvault.repository.owners import Owner

_VERIFIED = "verified"


@dataclass(frozen=True)
class RestoreMark:
    """Name the restore that a target is in the middle of.

    Attributes:
        digest: tells this plan from every other, so that only the same one is taken up.
    """

    backup: BackupId
    fleet: str
    digest: str


def read_mark(session: Session) -> RestoreMark | None:
    """Read what restore the target is in the middle of, None if none."""
    try:
        rows = session.rows(f"SELECT backup, fleet, digest FROM {MARK_SCHEMA}.restore")
    except ServerError as error:
        if error.code in NO_SUCH_TABLE:
            return None
        raise
    if not rows:
        return None
    backup, fleet, digest = (decode(value or b"") for value in rows[0])
    return RestoreMark(BackupId(backup), fleet, digest)


def write_mark(session: Session, mark: RestoreMark, owner: Owner) -> None:
    """Mark the target as incomplete, with nothing loaded.

    The mark of another restore goes in the same moment, so that a target which is not
    complete is marked at any time.
    """
    session.execute(f"CREATE DATABASE IF NOT EXISTS {MARK_SCHEMA} DEFAULT CHARACTER SET utf8mb4")
    session.execute(
        f"CREATE TABLE IF NOT EXISTS {MARK_SCHEMA}.restore (status VARCHAR(20) NOT NULL, "
        "backup VARCHAR(64) NOT NULL, fleet VARCHAR(255) NOT NULL, digest CHAR(64) NOT NULL, "
        "begin VARCHAR(32) NOT NULL, PRIMARY KEY (digest)) ENGINE=InnoDB"
    )
    session.execute(
        f"CREATE TABLE IF NOT EXISTS {MARK_SCHEMA}.loaded (schema_name VARCHAR(64) NOT NULL, "
        "table_name VARCHAR(64) NOT NULL, PRIMARY KEY (schema_name, table_name)) "
        "ENGINE=InnoDB COLLATE=utf8mb4_bin"
    )
    _create_owner_table(session)
    values = (mark.backup, mark.fleet, mark.digest, format_time(utc_now()))
    for statement in (
        "START TRANSACTION",
        *_replace_owner(owner),
        f"DELETE FROM {MARK_SCHEMA}.loaded",
        f"DELETE FROM {MARK_SCHEMA}.restore",
        f"INSERT INTO {MARK_SCHEMA}.restore VALUES ('incomplete', "
        + ", ".join(quote_text(value) for value in values)
        + ")",
        "COMMIT",
    ):
        session.execute(statement)


def write_owner(session: Session, owner: Owner) -> None:
    """Name the owner of a mark that is there."""
    _create_owner_table(session)
    for statement in ("START TRANSACTION", *_replace_owner(owner), "COMMIT"):
        session.execute(statement)


def _create_owner_table(session: Session) -> None:
    session.execute(
        f"CREATE TABLE IF NOT EXISTS {MARK_SCHEMA}.owner (id CHAR(32) NOT NULL, "
        "command VARCHAR(32) NOT NULL, begin VARCHAR(32) NOT NULL, place VARCHAR(400) NOT NULL, "
        "PRIMARY KEY (id)) ENGINE=InnoDB"
    )


def _replace_owner(owner: Owner) -> tuple[str, str]:
    values = (owner.id, owner.command, owner.begin, owner.place)
    return (
        f"DELETE FROM {MARK_SCHEMA}.owner",
        f"INSERT INTO {MARK_SCHEMA}.owner VALUES ({', '.join(map(quote_text, values))})",
    )


def read_owner(session: Session) -> Owner | None:
    """Read whose the mark is; None if there is none, or it was made without an owner."""
    try:
        rows = session.rows(f"SELECT id, command, begin, place FROM {MARK_SCHEMA}.owner")
    except PrivilegeError:
        return None
    except ServerError as error:
        if error.code in NO_SUCH_TABLE:
            return None
        raise
    if not rows:
        return None
    identity, command, begin, place = (decode(value or b"") for value in rows[0])
    return Owner(identity, command, begin, place)


def mark_verified(session: Session) -> None:
    """Note that all targets of the restore were verified; only the marks are left to remove."""
    session.execute(f"UPDATE {MARK_SCHEMA}.restore SET status = '{_VERIFIED}'")


def is_marked_verified(session: Session) -> bool:
    """Say whether a restore ended but for the removal of its marks."""
    return session.text(f"SELECT status FROM {MARK_SCHEMA}.restore") == _VERIFIED


def mark_loaded(session: Session, schema: str, table: str) -> None:
    """Note that a table has all its rows and keys."""
    values = f"({quote_text(schema)}, {quote_text(table)})"
    session.execute(f"INSERT IGNORE INTO {MARK_SCHEMA}.loaded VALUES {values}")


def read_loaded(session: Session) -> frozenset[tuple[str, str]]:
    """Read which tables have all their rows and keys."""
    rows = session.rows(f"SELECT schema_name, table_name FROM {MARK_SCHEMA}.loaded")
    return frozenset((decode(row[0] or b""), decode(row[1] or b"")) for row in rows)


def remove_mark(session: Session) -> None:
    """Say that the target is complete, or that nothing of a restore is on it."""
    session.execute(f"DROP DATABASE IF EXISTS {MARK_SCHEMA}")
