"""Read views, routines, triggers and events byte for byte, with the state they were made in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from shardvault.errors import PrivilegeError, ServerError
from shardvault.fleet.definitions import LIBRARIES_SINCE
from shardvault.fleet.inventory import TableName
from shardvault.model.position import Family
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.mysql.quoting import quote_table, quote_text
from shardvault.mysql.session import Session, decode

_UTF8 = ("utf8mb4", "utf8mb4_general_ci")


def read_objects(
    session: Session, whole: Iterable[str], tables: frozenset[TableName]
) -> tuple[CodeObject, ...]:
    """Read the code objects in scope, in the order in which they can be created.

    Args:
        session: in the read state.
        whole: schemas of which everything is in scope.
        tables: tables in scope; triggers follow their table.

    Raises:
        PrivilegeError: the server hides a body from this login.
    """
    schemas = tuple(whole)
    found: list[CodeObject] = []
    # A view's text leaves out the names of the default database.
    session.execute("USE information_schema")
    if schemas:
        found += _read_libraries(session, schemas)
        found += _read_routines(session, schemas)
        found += _read_views(session, schemas)
    found += _read_triggers(session, tables)
    if schemas:
        found += read_events(session, schemas)
    return tuple(found)


def has_libraries(session: Session) -> bool:
    """Say whether a server knows libraries."""
    return session.family is Family.MYSQL and session.version >= LIBRARIES_SINCE


def _read_libraries(session: Session, schemas: tuple[str, ...]) -> Iterator[CodeObject]:
    """Read libraries; their text has no character set of its own, and no definer."""
    if not has_libraries(session):
        return
    rows = session.rows(
        "SELECT library_schema, library_name FROM information_schema.libraries "
        f"WHERE {_among('library_schema', schemas)} ORDER BY 1, 2"
    )
    for schema, name in ((_text(row[0]), _text(row[1])) for row in rows):
        yield _read_library(session, schema, name)


def _read_library(session: Session, schema: str, name: str) -> CodeObject:
    try:
        _, mode, create = session.rows(f"SHOW CREATE LIBRARY {quote_table(schema, name)}")[0]
    except ServerError as error:
        return CodeObject(ObjectKind.LIBRARY, schema, name, b"", "", *_UTF8, fault=error.message)
    if create is None:
        raise _hidden(session, ObjectKind.LIBRARY, schema, name)
    return CodeObject(ObjectKind.LIBRARY, schema, name, create, _text(mode), *_UTF8)


def _read_routines(session: Session, schemas: tuple[str, ...]) -> Iterator[CodeObject]:
    rows = session.rows(
        "SELECT routine_schema, routine_name, routine_type FROM information_schema.routines "
        f"WHERE {_among('routine_schema', schemas)} "
        "ORDER BY 1, FIELD(routine_type, 'FUNCTION', 'PROCEDURE', 'PACKAGE', 'PACKAGE BODY'), 2"
    )
    for row in rows:
        kind = ObjectKind(_text(row[2]).lower())
        yield _read_one(session, kind, _text(row[0]), _text(row[1]), sql_at=2, mode_at=1)


def _read_views(session: Session, schemas: tuple[str, ...]) -> Iterator[CodeObject]:
    rows = session.rows(
        "SELECT table_schema, table_name FROM information_schema.tables "
        f"WHERE table_type LIKE '%VIEW%' AND {_among('table_schema', schemas)} ORDER BY 1, 2"
    )
    columns = _read_view_columns(session, schemas)
    for row in rows:
        schema, name = _text(row[0]), _text(row[1])
        found = _read_one(session, ObjectKind.VIEW, schema, name, sql_at=1)
        yield replace(found, columns=tuple(columns[schema, name]))


def _read_view_columns(
    session: Session, schemas: tuple[str, ...]
) -> defaultdict[TableName, list[str]]:
    """Read the names of the views' columns; SHOW CREATE VIEW trims some of them."""
    rows = session.rows(
        "SELECT c.table_schema, c.table_name, c.column_name FROM information_schema.columns c "
        "JOIN information_schema.tables t USING (table_schema, table_name) "
        f"WHERE t.table_type LIKE '%VIEW%' AND {_among('c.table_schema', schemas)} "
        "ORDER BY 1, 2, c.ordinal_position"
    )
    found: defaultdict[TableName, list[str]] = defaultdict(list)
    for schema, name, column in rows:
        found[_text(schema), _text(name)].append(_text(column))
    return found


def _read_triggers(session: Session, tables: frozenset[TableName]) -> Iterator[CodeObject]:
    schemas = sorted({schema for schema, _ in tables})
    if not schemas:
        return
    rows = session.rows(
        "SELECT trigger_schema, trigger_name, event_object_table "
        f"FROM information_schema.triggers WHERE {_among('trigger_schema', schemas)} "
        "ORDER BY 1, 3, action_timing, event_manipulation, action_order"
    )
    for row in rows:
        schema, name, table = (_text(value) for value in row)
        if (schema, table) in tables:
            found = _read_one(session, ObjectKind.TRIGGER, schema, name, sql_at=2, mode_at=1)
            yield replace(found, table=table)


def read_events(session: Session, schemas: Collection[str]) -> Iterator[CodeObject]:
    """Read the events of some schemas.

    Args:
        session: in the read state.
        schemas: at least one.
    """
    rows = session.rows(
        "SELECT event_schema, event_name, status, time_zone FROM information_schema.events "
        f"WHERE {_among('event_schema', schemas)} ORDER BY 1, 2"
    )
    for row in rows:
        found = _read_one(
            session, ObjectKind.EVENT, _text(row[0]), _text(row[1]), sql_at=3, mode_at=1
        )
        yield replace(found, is_enabled=row[2] == b"ENABLED", time_zone=_text(row[3]))


def _read_one(
    session: Session, kind: ObjectKind, schema: str, name: str, *, sql_at: int, mode_at: int = -1
) -> CodeObject:
    """Run SHOW CREATE; character set, collation and database collation follow the text."""
    place = quote_table(schema, name)
    try:
        row = session.rows(f"SHOW CREATE {kind.upper()} {place}")[0]
    except ServerError as error:
        return CodeObject(kind, schema, name, b"", "", "utf8mb4", "", fault=error.message)
    create = row[sql_at]
    if create is None:
        raise _hidden(session, kind, schema, name)
    return CodeObject(
        kind=kind,
        schema=schema,
        name=name,
        create_sql=create,
        sql_mode=_text(row[mode_at]) if mode_at >= 0 else "",
        charset=_text(row[sql_at + 1]),
        collation=_text(row[sql_at + 2]),
        database_collation=_text(row[sql_at + 3]) if len(row) > sql_at + 3 else "",
    )


def _hidden(session: Session, kind: ObjectKind, schema: str, name: str) -> PrivilegeError:
    if session.family is Family.MARIADB:
        grant = "GRANT SHOW CREATE ROUTINE ON *.* (from 11.3), or GRANT SELECT ON mysql.*"
    else:
        grant = "GRANT SHOW_ROUTINE ON *.*"
    return PrivilegeError(
        f"the body of {kind} {schema}.{name} is hidden from this login",
        shard=session.shard,
        hint=grant,
    )


def _among(column: str, names: Iterable[str]) -> str:
    # The catalogue's own collation would take `Shop` for `shop`.
    return f"CAST({column} AS BINARY) IN ({', '.join(quote_text(name) for name in names)})"


def _text(value: bytes | None) -> str:
    return decode(value) if value is not None else ""
