"""Read the exact state of schemas back from a server, by SQL that shares nothing with shardvault.

Every value is read by an expression that shows all of it; every definition by SHOW CREATE
and by every column of the catalogue that tells a property, not a statistic.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pymysql

from shardvault.model.position import Family
from tests.exactness.case import Case, Statement
from tests.integration.operations_support import quote
from tests.support.servers import Instance

Rows = list[tuple[bytes | None, ...]]
Key = tuple[str, str, str]
"""Schema, object, and what was read of it."""
State = dict[Key, Rows]

_SYSTEM = ("mysql", "sys", "information_schema", "performance_schema")
# Statistics, and when something was done: not part of what an object is.
_PASSING = re.compile(
    rb"CREATED|CREATE_TIME|UPDATE_TIME|CHECK_TIME|LAST_\w+|ORIGINATOR|TABLE_ROWS|AVG_ROW_LENGTH"
    rb"|\w*DATA_LENGTH|INDEX_LENGTH|MAX_INDEX_LENGTH|DATA_FREE|CARDINALITY|CHECKSUM"
)
_CATALOGUE = (
    ("schemata", "schema_name", "schema_name"),
    ("tables", "table_schema", "table_name"),
    ("columns", "table_schema", "table_name"),
    ("statistics", "table_schema", "table_name"),
    ("partitions", "table_schema", "table_name"),
    ("views", "table_schema", "table_name"),
    ("table_constraints", "table_schema", "table_name"),
    ("key_column_usage", "table_schema", "table_name"),
    ("referential_constraints", "constraint_schema", "constraint_name"),
    ("check_constraints", "constraint_schema", "constraint_name"),
    ("triggers", "trigger_schema", "trigger_name"),
    ("routines", "routine_schema", "routine_name"),
    ("parameters", "specific_schema", "specific_name"),
    ("events", "event_schema", "event_name"),
)
_SHOWN = (
    ("tables", "table_type LIKE '%VIEW%'", "table_schema", "table_name", "VIEW", slice(None)),
    ("tables", "table_type = 'SEQUENCE'", "table_schema", "table_name", "SEQUENCE", slice(None)),
    ("triggers", "TRUE", "trigger_schema", "trigger_name", "TRIGGER", slice(0, 6)),
    ("events", "TRUE", "event_schema", "event_name", "EVENT", slice(None)),
    *(
        (
            "routines",
            f"routine_type = '{kind}'",
            "routine_schema",
            "routine_name",
            kind,
            slice(None),
        )
        for kind in ("FUNCTION", "PROCEDURE", "PACKAGE", "PACKAGE BODY")
    ),
)

_TEXT = "HEX({c}), LENGTH({c}), SHA2({c}, 256)"
_GEOMETRY = "HEX({c}), LENGTH({c}), ST_SRID({c})"
_VALUES = {
    "float": "CAST({c} AS DOUBLE), {c}",
    "double": "{c}, CONCAT({c})",
    "bit": "HEX({c}), BIN({c}), LENGTH({c})",
    "enum": "{c} + 0, HEX({c}), LENGTH({c})",
    "set": "CONCAT(CAST({c} AS UNSIGNED)), BIT_COUNT({c}), HEX({c})",
    "timestamp": "{c}, CONCAT({c}), UNIX_TIMESTAMP({c})",
    "json": "HEX({c}), LENGTH({c}), JSON_TYPE({c}), JSON_DEPTH({c})",
    "uuid": "{c}, HEX({c})",
    "inet4": "{c}, HEX({c})",
    "inet6": "{c}, HEX({c})",
    "vector": "HEX({c}), LENGTH({c})",
    **dict.fromkeys(
        (
            *("char", "varchar", "tinytext", "text", "mediumtext", "longtext"),
            *("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"),
        ),
        _TEXT,
    ),
    **dict.fromkeys(
        (
            *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"),
            *("multipolygon", "geometrycollection", "geomcollection"),
        ),
        _GEOMETRY,
    ),
}
_ANY = "{c}, HEX(CONCAT({c}))"


class Reader:
    """Ask one server; values come as the bytes that it sends."""

    def __init__(self, instance: Instance) -> None:
        self.family = instance.flavour.family
        self._connection = instance.connect(conv={}, use_unicode=False)
        self.rows("SET SESSION time_zone = '+00:00', sql_mode = '', character_set_results = NULL")
        if self.family is Family.MYSQL:
            self.rows(
                "SET SESSION information_schema_stats_expiry = 0,"
                " show_gipk_in_create_table_and_information_schema = 1"
            )

    def rows(self, statement: Statement) -> Rows:
        """Run a statement and return its rows."""
        return self._run(statement)[1]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def named(self, statement: Statement) -> tuple[list[bytes], Rows]:
        """Run a statement; return the names of its columns, in capitals, and its rows."""
        return self._run(statement)

    def _run(self, statement: Statement) -> tuple[list[bytes], Rows]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            names = [_bytes(column[0]).upper() for column in cursor.description or ()]
            return names, [tuple(row) for row in cursor.fetchall()]


@contextmanager
def asking(instance: Instance) -> Iterator[Reader]:
    """Open a reader as long as it is needed."""
    reader = Reader(instance)
    try:
        yield reader
    finally:
        reader.close()


def read_state(reader: Reader) -> State:
    """Read every schema that is not the server's own: definitions, properties, values."""
    state: State = {}
    for view, schema, name in _CATALOGUE:
        state |= _read_catalogue(reader, view, schema, name)
    for view, where, schema, name, kind, part in _SHOWN:
        for place in list_objects(reader, view, where, schema, name):
            state[(*place, f"SHOW CREATE {kind}")] = [
                row[part] for row in _read(reader, f"SHOW CREATE {kind} {_quote(*place)}")
            ]
    for place in list_objects(reader, "schemata", "TRUE", "schema_name", "schema_name"):
        statement = f"SHOW CREATE DATABASE {quote(place[0])}"
        state[(*place, "SHOW CREATE DATABASE")] = reader.rows(statement)
    columns = read_columns(reader)
    base = "table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    for place in list_objects(reader, "tables", base, "table_schema", "table_name"):
        state[(*place, "SHOW CREATE TABLE")] = _read(reader, f"SHOW CREATE TABLE {_quote(*place)}")
        state[(*place, "values")] = read_values(reader, place, columns[place])
    return state


def run_probes(reader: Reader, case: Case) -> dict[str, Rows]:
    """Run what the case itself wants to know; these probes may change rows."""
    found: dict[str, Rows] = {}
    for statement in (*(probe for probe, _ in case.holds), *case.probes):
        reader.rows(f"USE {quote(case.id)}")
        found[str(statement)] = _read(reader, case.fill(statement))
    return found


def read_accounts(reader: Reader, accounts: Iterable[str]) -> dict[str, Rows]:
    """Read how accounts are created and what they may do."""
    found: dict[str, Rows] = {}
    for account in accounts:
        found[f"account {account}"] = _read(reader, f"SHOW CREATE USER {account}")
        found[f"grants of {account}"] = sorted(_read(reader, f"SHOW GRANTS FOR {account}"))
    return found


def _read(reader: Reader, statement: Statement) -> Rows:
    """Run a statement; a refusal of the server is a result too, told with its code."""
    try:
        return reader.rows(statement)
    except pymysql.MySQLError as error:
        return [(b"refused", str(error.args).encode())]


def _read_catalogue(reader: Reader, view: str, schema: str, name: str) -> State:
    names, rows = reader.named(
        f"SELECT * FROM information_schema.{view} WHERE {schema} NOT IN {_SYSTEM}"
    )
    keep = [at for at, column in enumerate(names) if not _PASSING.fullmatch(column)]
    schema_at, name_at = names.index(schema.upper().encode()), names.index(name.upper().encode())
    state: State = defaultdict(list)
    for row in rows:
        state[_text(row[schema_at]), _text(row[name_at]), view].append(
            tuple(row[at] for at in keep)
        )
    return {key: sorted(rows, key=repr) for key, rows in state.items()}


def list_objects(
    reader: Reader, view: str, where: str, schema: str, name: str
) -> list[tuple[str, str]]:
    """Name objects with their schema, as a view of the catalogue lists them."""
    rows = reader.rows(
        f"SELECT {schema}, {name} FROM information_schema.{view}"
        f" WHERE {schema} NOT IN {_SYSTEM} AND {where}"
    )
    return [(_text(row[0]), _text(row[1])) for row in rows]


def read_columns(reader: Reader) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Name the columns of every table with their types."""
    rows = reader.rows(
        "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns"
        f" WHERE table_schema NOT IN {_SYSTEM} ORDER BY ordinal_position"
    )
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        found[_text(row[0]), _text(row[1])].append((_text(row[2]), _text(row[3]).lower()))
    return found


def read_values(reader: Reader, place: tuple[str, str], columns: list[tuple[str, str]]) -> Rows:
    """Read every row, generated and invisible columns too; the order does not count."""
    exact = ", ".join(_VALUES.get(kind, _ANY).format(c=quote(name)) for name, kind in columns)
    return sorted(_read(reader, f"SELECT {exact} FROM {_quote(*place)}"), key=repr)


def _quote(schema: str, name: str) -> str:
    return f"{quote(schema)}.{quote(name)}"


def _text(value: bytes | None) -> str:
    return (value or b"").decode()


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
