"""Do what must not be done before all else has succeeded: wake events, close databases."""

from __future__ import annotations

from collections.abc import Iterator

from shardvault.errors import PrivilegeError, ServerError
from shardvault.failpoints import failpoint
from shardvault.fleet.databases import is_read_only
from shardvault.fleet.objects import read_events
from shardvault.load.events import write_waking_by_hand
from shardvault.load.objects import wake_event
from shardvault.load.schema import close_schema
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject, ObjectKind, Schema
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_load, prepare_read
from shardvault.operations.restore_plan import ShardRestore
from shardvault.operations.restored_definitions import compare_code


def end_shard(
    shard: ShardRestore, session: Session, source: ServerIdentity, *, events_on: bool
) -> tuple[Finding, ...]:
    """Switch events on, compare them, and close the databases that were read only.

    May be repeated: a restore that is killed here goes on here.

    Args:
        shard: everything of it is restored and proven.
        session: to its target.
        source: the server that it came from.
        events_on: leave the events disabled if False.
    """
    return (
        *_end_events(shard, session, source, events_on=events_on),
        *(finding for schema in shard.schemas for finding in _close(shard, session, schema)),
    )


def _end_events(
    shard: ShardRestore, session: Session, source: ServerIdentity, *, events_on: bool
) -> Iterator[Finding]:
    """Treat the events that are there; of each that was refused a finding tells already."""
    present = {_place(event) for event in _read_present(shard, session)}
    events = [event for event in _events(shard) if _place(event) in present]
    closed = {schema.name for schema in shard.schemas if is_read_only(schema)}
    prepare_load(session)
    awake = []
    for event in events:
        if not events_on or event.schema in closed:
            yield from _tell_left_off(shard, event, is_asked=not events_on)
        elif told := _wake(shard, session, event):
            yield told
        else:
            awake.append(event)
            failpoint("restore.event_awake")
    yield from compare_code(shard, awake, _read_present(shard, session), session, source)


def _events(shard: ShardRestore) -> list[CodeObject]:
    """Pick the events that can be created and were on."""
    return [
        item
        for item in shard.objects
        if item.kind is ObjectKind.EVENT and item.fault is None and item.is_enabled
    ]


def _read_present(shard: ShardRestore, session: Session) -> tuple[CodeObject, ...]:
    prepare_read(session)
    return tuple(read_events(session, sorted(shard.whole))) if shard.whole else ()


def _place(event: CodeObject) -> tuple[str, str]:
    return event.schema, event.name


def _wake(shard: ShardRestore, session: Session, event: CodeObject) -> Finding | None:
    try:
        wake_event(session, event)
    except (ServerError, PrivilegeError) as error:
        return _finding(shard, event, Severity.WARNING, f"not switched on: {error.message}")
    finally:
        prepare_load(session)
    return None


def _tell_left_off(shard: ShardRestore, event: CodeObject, *, is_asked: bool) -> Iterator[Finding]:
    """An event wakes before its database is closed, and would write into it in between."""
    if is_asked:
        yield _finding(shard, event, Severity.INFO, "left disabled, as asked")
    else:
        yield _finding(shard, event, Severity.WARNING, "left disabled: its database is read only")


def _finding(shard: ShardRestore, event: CodeObject, severity: Severity, message: str) -> Finding:
    where = f"{shard.source}: {event.schema}.{event.name}"
    return Finding(severity, where, ObjectKind.EVENT, message, write_waking_by_hand(event))


def _close(shard: ShardRestore, session: Session, schema: Schema) -> Iterator[Finding]:
    """Make a database read only again; one that was restored in part may have other users."""
    if not is_read_only(schema):
        return
    if schema.name in shard.whole and session.family is Family.MYSQL:
        close_schema(session, schema.name)
        return
    yield Finding(
        Severity.WARNING,
        f"{shard.source}: {schema.name}",
        "database",
        "was read only and is not any more",
        f"ALTER DATABASE {quote_name(schema.name)} READ ONLY = 1",
    )
