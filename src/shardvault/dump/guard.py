"""Find DDL that ran while a dump was reading, in MariaDB's binlog.

An open snapshot does not protect from DDL: after some of it a read fails, after a swap
by RENAME, EXCHANGE PARTITION or an instant column it silently gives other rows. On
MySQL the cut holds DDL off instead, see ``Cut.assert_protected``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shardvault.dump.ddl import NO_DDL, Touched, judge
from shardvault.errors import RefusedError
from shardvault.failpoints import is_off
from shardvault.model.position import Position
from shardvault.mysql.binlog import Event, read_events
from shardvault.mysql.events import BadEvent, EventType, QueryEvent, parse_query
from shardvault.mysql.session import Session, decode
from shardvault.mysql.tokens import CannotJudge, Dialect, first_keyword, tokenize

UNJUDGED = "statement not understood"
_SHOWN = 200
_QUERIES = {EventType.QUERY: False, EventType.QUERY_COMPRESSED: True}
_UTF8_COLLATIONS = (
    frozenset({33, 45, 46, 76, 83, 1057, 1069, 1070, 1107})
    | frozenset(range(192, 248))
    | frozenset(range(255, 324))
    | frozenset(range(576, 640))
    | frozenset(range(2048, 4096))
)
"""Collations of utf8mb3 and utf8mb4 in MySQL and MariaDB, by id."""

IsInScope = Callable[[str, str | None], bool]


@dataclass(frozen=True)
class DdlFound:
    """Report one definition in scope that changed, or a statement that may have done so.

    ``create table`` is a table that was not there; behind the cut it does no harm.

    Attributes:
        kind: what was done, as ``alter table``; UNJUDGED if that is not known.
        name: table or object, empty for a whole schema.
        statement: beginning of the statement.
        file: binlog in which it lies.
        end_offset: end of its event in that file [bytes].
    """

    kind: str
    schema: str
    name: str
    statement: str
    file: str
    end_offset: int

    def __str__(self) -> str:
        what = ".".join(filter(None, (self.schema, self.name)))
        return f"{self.kind} {what}: {self.statement}"


def find_ddl(session: Session, start: Position, is_in_scope: IsInScope) -> tuple[DdlFound, ...]:
    """Search MariaDB's binlog from a position to its present end for DDL in scope.

    The session is used up: the server ends the connection when the log ends.

    Args:
        session: needs REPLICATION SLAVE.
        start: where the binlog was before the definitions were read.
        is_in_scope: asked with schema and table, or with schema and None for what
            concerns the schema or a view, routine, trigger, event or sequence in it.

    Returns:
        what was found in the order of the log. A statement that is not understood counts.

    Raises:
        RefusedError: the binlog is off, so nothing can be proven.
        PrivilegeError: REPLICATION SLAVE is missing.
        ServerError: the binlog was purged or cannot be read.
    """
    if is_off("backup.ddl_guard"):
        return ()
    if not start.file:
        raise RefusedError(
            "the binlog is off, so DDL during the dump cannot be found",
            shard=session.shard,
            hint="start the server with log_bin, or make sure yourself that no DDL runs",
        )
    major, minor, patch = session.version
    version_id = major * 10000 + minor * 100 + patch
    events = read_events(session, start)
    return tuple(hit for event in events for hit in find_in_event(event, version_id, is_in_scope))


def find_in_event(event: Event, version_id: int, is_in_scope: IsInScope) -> Iterator[DdlFound]:
    """Give the DDL in scope of one event."""
    if event.header.type not in _QUERIES:
        return
    try:
        query = parse_query(event.body, is_compressed=_QUERIES[EventType(event.header.type)])
    except BadEvent:
        yield _found(event, Touched(UNJUDGED, "", None, ""), "")
        return
    for touched in _judge(query, event.is_cut_short, version_id):
        if touched.kind == UNJUDGED or is_in_scope(touched.schema, touched.table):
            yield _found(event, touched, decode(query.statement))


def _judge(query: QueryEvent, is_cut_short: bool, version_id: int) -> tuple[Touched, ...]:
    schema = decode(query.schema)
    dialect = Dialect(version_id, query.ansi_quotes, query.no_backslash_escapes)
    try:
        # Long or oddly encoded row changes are no DDL, whatever else is in them.
        if first_keyword(query.statement, dialect) in NO_DDL:
            return ()
        touched = judge(tokenize(_readable(query), dialect), schema)
        if touched and is_cut_short:
            raise CannotJudge("statement is too long")
    except CannotJudge:
        return (Touched(UNJUDGED, schema, None, ""),)
    return touched


def _readable(query: QueryEvent) -> bytes:
    """Return a statement whose characters are certain: UTF-8 and plain ASCII."""
    if query.statement.isascii():
        return query.statement
    if query.client_collation not in _UTF8_COLLATIONS:
        raise CannotJudge("statement in another character set")
    try:
        query.statement.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CannotJudge("statement is not UTF-8") from error
    return query.statement


def _found(event: Event, touched: Touched, statement: str) -> DdlFound:
    return DdlFound(
        kind=touched.kind,
        schema=touched.schema,
        name=touched.name,
        statement=" ".join(statement.split())[:_SHOWN],
        file=event.file,
        end_offset=event.header.end_offset,
    )
