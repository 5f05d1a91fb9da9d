"""Find what already lies where a restore would write."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shardvault.errors import PrivilegeError, ServerError
from shardvault.fleet.definitions import Contents, shorten
from shardvault.fleet.objects import has_libraries
from shardvault.model.report import Finding, Severity
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Session, decode

MARK_SCHEMA = "_shardvault"
"""Schema that says, while it exists, that a restore into the server is not complete."""
NO_SUCH_TABLE = frozenset({1146, 1049})
"""Errors for a table, or its schema, that is not there."""

_LISTS = (
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema",
    "SELECT routine_schema, routine_name FROM information_schema.routines WHERE routine_schema",
    "SELECT trigger_schema, trigger_name FROM information_schema.triggers WHERE trigger_schema",
    "SELECT event_schema, event_name FROM information_schema.events WHERE event_schema",
)
_LIBRARIES = (
    "SELECT library_schema, library_name FROM information_schema.libraries WHERE library_schema"
)

Fold = Callable[[str], str]


def examine_occupied(
    session: Session, contents: Contents, fold: Fold, *, replace: bool, is_resumed: bool
) -> Iterator[Finding]:
    """Report what a restore would meet; only ``replace`` or the same restore may touch it.

    Args:
        session: in any state.
        contents: what shall be restored.
        fold: writes a name as the server compares it.
        replace: what is in the way may be dropped.
        is_resumed: what is there comes from an interrupted run of the same restore.
    """
    if is_resumed:
        message = "an interrupted run of this restore; this run continues it"
        yield Finding(Severity.INFO, session.shard, "contents", message)
        return
    yield from _examine_mark(session, replace=replace)
    found = _in_the_way(session, contents, fold)
    if not found:
        yield Finding(Severity.OK, session.shard, "contents", "nothing is in the way")
    elif replace:
        message = f"will be dropped: {shorten(found)}"
        yield Finding(Severity.WARNING, session.shard, "contents", message)
    else:
        yield Finding(
            Severity.BLOCKER,
            session.shard,
            "contents",
            f"not empty: {shorten(found)}",
            "choose an empty target, or drop what is there with --replace",
        )


def _examine_mark(session: Session, *, replace: bool) -> Iterator[Finding]:
    if not _is_marked(session):
        return
    yield Finding(
        Severity.WARNING if replace else Severity.BLOCKER,
        session.shard,
        "contents",
        f"another restore into it is not complete (schema {MARK_SCHEMA})",
        "finish that restore first, or give it up with --replace",
    )


def _is_marked(session: Session) -> bool:
    """Look for the mark itself: without it a run was stopped before it had changed anything."""
    try:
        return bool(session.rows(f"SELECT 1 FROM {MARK_SCHEMA}.restore"))
    except PrivilegeError:
        return False  # the check of privileges names what is missing
    except ServerError as error:
        if error.code in NO_SUCH_TABLE:
            return False
        raise


def _in_the_way(session: Session, contents: Contents, fold: Fold) -> list[str]:
    """Name tables, views and code objects: all in a whole schema, else those of wanted names."""
    whole = {fold(name) for name in contents.whole}
    wanted = {(fold(one.table.schema), fold(one.table.name)) for one in contents.tables}
    wanted |= {(fold(item.schema), fold(item.name)) for item in contents.objects}
    return [
        f"{schema}.{name}"
        for schema, name in _existing(session, contents)
        if fold(schema) in whole or (fold(schema), fold(name)) in wanted
    ]


def _existing(session: Session, contents: Contents) -> list[tuple[str, str]]:
    if not contents.schemas:
        return []
    among = ", ".join(quote_text(schema.name) for schema in contents.schemas)
    lists = (*_LISTS, _LIBRARIES) if has_libraries(session) else _LISTS
    rows = [row for query in lists for row in session.rows(f"{query} IN ({among})")]
    return sorted({(decode(row[0] or b""), decode(row[1] or b"")) for row in rows})
