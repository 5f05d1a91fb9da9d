"""Create views, routines, triggers and events, each in the state it was made in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shardvault.fleet.code_text import write_code, write_statement
from shardvault.load.attempts import try_all
from shardvault.load.events import put_to_sleep, write_waking
from shardvault.load.warnings import read_warnings, run_clean
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session
from shardvault.mysql.state import LOAD_MODE, prepare_load

NOT_CREATED = "not created"
"""What the finding about an object begins with that the server refused."""


def create_objects(session: Session, objects: Sequence[CodeObject]) -> tuple[Finding, ...]:
    """Create code objects; what needs another that is not there yet is tried again.

    Events come last and disabled, see ``wake_event``.

    Args:
        session: in the load state; it is in that state again afterwards.
        objects: in the order of their dump.

    Returns:
        A finding for each object that the server refused or warned about, with the reason.
    """
    findings = [_invalid(item) for item in objects if item.fault is not None]
    whole = [item for item in objects if item.fault is None]
    code = [item for item in whole if item.kind is not ObjectKind.EVENT]
    events = [put_to_sleep(item) for item in whole if item.kind is ObjectKind.EVENT]

    def create(item: CodeObject) -> None:
        text = write_code(session, item)
        with _in_state(session, item):
            session.rows(text)
            findings.extend(_warned(item, text) for text in read_warnings(session))

    refused = [*try_all(code, create), *try_all(events, create)]
    prepare_load(session)
    return (*findings, *(_refused(item, error.message) for item, error in refused))


def wake_event(session: Session, event: CodeObject) -> None:
    """Switch an event on, with the definer and character sets that it was made with.

    Args:
        session: in the load state; ``prepare_load`` must follow.

    Raises:
        ServerError: the server refused or warned.
    """
    statement = write_statement(session, write_waking(event), event.charset)
    with _in_state(session, event):
        run_clean(session, statement)


@contextmanager
def _in_state(session: Session, item: CodeObject) -> Iterator[None]:
    """Put the session into the state that an object was made in."""
    session.execute("SET SESSION character_set_client = utf8mb4")
    session.execute(f"USE {quote_name(item.schema)}")
    with _database_collation(session, item):
        session.execute(
            f"SET SESSION character_set_client = {item.charset}, "
            f"collation_connection = {item.collation}, "
            f"sql_mode = '{item.sql_mode if item.kind is not ObjectKind.VIEW else LOAD_MODE}', "
            f"time_zone = '{item.time_zone or '+00:00'}'"
        )
        yield


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
    run_clean(session, f"ALTER DATABASE {quote_name(schema)} COLLATE {collation}")
    session.execute(f"USE {quote_name(schema)}")


def _invalid(item: CodeObject) -> Finding:
    remedy = "its text could not be read at the source; repair it there"
    return _finding(item, f"was invalid at the source: {item.fault}", remedy)


def _refused(item: CodeObject, reason: str) -> Finding:
    remedy = "create what it needs, then the object; `shardvault show ID --sql` prints its text"
    return _finding(item, f"{NOT_CREATED}: {reason}", remedy)


def _warned(item: CodeObject, warning: str) -> Finding:
    return _finding(item, f"created with a warning: {warning}", "compare it with the source's")


def _finding(item: CodeObject, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, f"{item.schema}.{item.name}", item.kind, message, remedy)
