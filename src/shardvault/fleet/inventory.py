"""Read which schemas and tables a shard has, exactly as the server tells it."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from shardvault.errors import DdlDetected
from shardvault.fleet.histograms import read_histograms
from shardvault.model.position import Family
from shardvault.model.schema import Column, ForeignKey, Schema, Table, TableKind
from shardvault.mysql.quoting import quote_name, quote_table, quote_text
from shardvault.mysql.session import Row, Session, decode

TableName = tuple[str, str]

DEFINITION_ONLY_ENGINES = frozenset(
    {"MRG_MYISAM", "MERGE", "FEDERATED", "FEDERATEDX", "CONNECT", "SPIDER", "BLACKHOLE"}
)
ROW_START, ROW_END = "ROW START", "ROW END"
"""What ``extra`` of a column says that tells from when to when a version of a row was valid."""

_AUTO_INCREMENT = re.compile(rb" AUTO_INCREMENT=\d+")
# Older servers take no history; versions told by transaction ids mean nothing elsewhere.
_HISTORY_SINCE = (10, 11, 0)
_PERIOD = (b"ROW START", b"ROW END")


@dataclass(frozen=True)
class Inventory:
    """List what a shard holds in scope.

    Attributes:
        fingerprints: per table, a hash that changes whenever its definition does, or its
            rows are replaced by DDL (rebuild, truncate, swap, exchange of a partition).
    """

    schemas: tuple[Schema, ...]
    tables: tuple[Table, ...]
    fingerprints: dict[TableName, str]


def list_tables(session: Session, schemas: Iterable[str]) -> tuple[TableName, ...]:
    """Name every base table and sequence in the schemas, in a stable order."""
    rows = session.rows(
        "SELECT table_schema, table_name FROM information_schema.tables "
        f"WHERE table_type NOT LIKE '%VIEW%' AND {_among(schemas)} ORDER BY 1, 2"
    )
    return tuple((_text(row[0]), _text(row[1])) for row in rows)


def list_schemas(session: Session) -> tuple[str, ...]:
    """Name every database the login can see, system databases included."""
    rows = session.rows("SELECT schema_name FROM information_schema.schemata ORDER BY 1")
    return tuple(_text(row[0]) for row in rows)


def read_inventory(
    session: Session, schemas: Iterable[str], wanted: frozenset[TableName]
) -> Inventory:
    """Read the definitions of schemas and tables.

    Args:
        session: in the read state.
        schemas: names of the schemas in scope.
        wanted: the tables in scope.
    """
    names = tuple(schemas)
    if not names:
        return Inventory((), (), {})
    columns = _read_columns(session, names)
    keys = _read_keys(session, names)
    foreign = _read_foreign_keys(session, names)
    ids = _read_table_ids(session)
    histograms = read_histograms(session, names)
    tables: list[Table] = []
    fingerprints: dict[TableName, str] = {}
    # Sequences first: columns take defaults from them, in other schemas too.
    for row in sorted(_read_tables(session, names), key=lambda row: row[2] != b"SEQUENCE"):
        name = (_text(row[0]), _text(row[1]))
        if name not in wanted:
            continue
        if not columns[name]:  # no table is without columns; it was there a moment ago
            raise DdlDetected(
                "the table was dropped or renamed while its definition was read",
                shard=session.shard,
                table=".".join(name),
            )
        table = _build_table(session, row, columns[name], keys.get(name), foreign[name])
        tables.append(replace(table, histograms=histograms.get(name, ())))
        fingerprints[name] = _fingerprint(table, _text(row[7]), ids)
    return Inventory(
        tuple(read_schema(session, name) for name in names), tuple(tables), fingerprints
    )


def read_schema(session: Session, name: str) -> Schema:
    """Read the definition of one database."""
    row = session.rows(f"SHOW CREATE DATABASE {quote_name(name)}")[0]
    return Schema(name, row[1] or b"")


def read_sequence(session: Session, schema: str, name: str) -> tuple[str, int]:
    """Read a sequence's next value that no cache has taken yet, and how often it began anew."""
    place = quote_table(schema, name)
    row = session.rows(f"SELECT next_not_cached_value, cycle_count FROM {place}")[0]
    return _text(row[0]), int(row[1] or 0)


def has_history(table: Table) -> bool:
    """Say whether the periods of a table's versions are among the columns that are stored."""
    return any(column.extra == ROW_END and not column.is_generated for column in table.columns)


def read_counter(session: Session, schema: str, name: str) -> int | None:
    """Read the next AUTO_INCREMENT value of a table; None if it has none."""
    # MariaDB opens but the one table if both names are compared as they are.
    value = session.value(
        "SELECT auto_increment FROM information_schema.tables "
        f"WHERE table_schema = {quote_text(schema)} AND table_name = {quote_text(name)} "
        f"AND {_among((schema,))} AND CAST(table_name AS BINARY) = {quote_text(name)}"
    )
    return None if value is None else int(value)


def strip_auto_increment(create_sql: bytes) -> bytes:
    """Take the counter out of a table's definition."""
    place = create_sql.rfind(b"\n)")
    return create_sql[:place] + strip_counter(create_sql[place:])


def strip_counter(options: bytes) -> bytes:
    """Take the counter out of a table's options; a comment that looks alike stays."""
    comment = options.find(b" COMMENT=")
    safe = options if comment < 0 else options[:comment]
    return _AUTO_INCREMENT.sub(b"", safe, count=1) + options[len(safe) :]


def _build_table(
    session: Session,
    row: Row,
    columns: list[Column],
    key: tuple[str, tuple[str, ...]] | None,
    foreign: list[ForeignKey],
) -> Table:
    schema, name, engine = _text(row[0]), _text(row[1]), _text(row[3]).upper()
    kind = _kind(_text(row[2]), engine)
    what = "SEQUENCE" if kind is TableKind.SEQUENCE else "TABLE"
    create = session.rows(f"SHOW CREATE {what} {quote_table(schema, name)}")[0][1] or b""
    is_versioned = _text(row[2]) == "SYSTEM VERSIONED"
    is_sequence = kind is TableKind.SEQUENCE
    next_value, cycles = read_sequence(session, schema, name) if is_sequence else (None, 0)
    if is_versioned and session.version >= _HISTORY_SINCE:
        columns = _with_period(columns)
    return Table(
        schema=schema,
        name=name,
        kind=kind,
        engine=_text(row[3]),
        is_transactional=row[9] == b"YES" or kind is not TableKind.ROWS,
        create_sql=create,
        columns=tuple(columns),
        key_name=key[0] if key else "",
        key=key[1] if key else (),
        foreign_keys=tuple(foreign),
        row_estimate=int(row[4] or 0),
        data_bytes=int(row[5] or 0),
        auto_increment=int(row[6]) if row[6] is not None else None,
        sequence_next=next_value,
        sequence_cycles=cycles,
        is_versioned=is_versioned,
        is_partitioned=b"partitioned" in (row[8] or b""),
        row_format=_text(row[10]) if row[3] == b"InnoDB" else "",
    )


def _with_period(columns: list[Column]) -> list[Column]:
    """Count the columns of a version's period among the stored ones.

    The catalogue names them only where the table's definition does; else they have the
    server's own names. Source: MariaDB manual, "System-Versioned Tables".
    """
    if any(column.extra in (ROW_START, ROW_END) for column in columns):
        return [
            replace(column, is_generated=False)
            if column.extra in (ROW_START, ROW_END) and column.data_type == "timestamp"
            else column
            for column in columns
        ]
    return [*columns, _period_column("row_start", ROW_START), _period_column("row_end", ROW_END)]


def _period_column(name: str, extra: str) -> Column:
    return Column(name, "timestamp", "timestamp(6)", None, None, False, False, extra)


def _kind(table_type: str, engine: str) -> TableKind:
    if table_type == "SEQUENCE":
        return TableKind.SEQUENCE
    if engine in DEFINITION_ONLY_ENGINES:
        return TableKind.DEFINITION
    return TableKind.ROWS


def _read_tables(session: Session, schemas: tuple[str, ...]) -> list[Row]:
    return session.rows(
        "SELECT table_schema, table_name, table_type, t.engine, table_rows, data_length, "
        "auto_increment, create_time, create_options, e.transactions, t.row_format "
        "FROM information_schema.tables t LEFT JOIN information_schema.engines e "
        f"ON e.engine = t.engine WHERE table_type NOT LIKE '%VIEW%' AND {_among(schemas)} "
        "ORDER BY 1, 2"
    )


def _read_columns(session: Session, schemas: tuple[str, ...]) -> dict[TableName, list[Column]]:
    rows = session.rows(
        "SELECT table_schema, table_name, column_name, data_type, column_type, "
        "character_set_name, collation_name, is_nullable, extra, generation_expression "
        f"FROM information_schema.columns WHERE {_among(schemas)} ORDER BY 1, 2, ordinal_position"
    )
    found: dict[TableName, list[Column]] = defaultdict(list)
    for row in rows:
        extra = _text(row[9] if row[9] in _PERIOD else row[8])
        found[_text(row[0]), _text(row[1])].append(
            Column(
                name=_text(row[2]),
                data_type=_text(row[3]).lower(),
                column_type=_text(row[4]),
                charset=_text(row[5]) or None,
                collation=_text(row[6]) or None,
                is_nullable=row[7] == b"YES",
                is_generated=bool(row[9]) and "DEFAULT_GENERATED" not in extra,
                extra=extra,
            )
        )
    return found


def _read_keys(
    session: Session, schemas: tuple[str, ...]
) -> dict[TableName, tuple[str, tuple[str, ...]]]:
    """Choose per table the key that ranges are cut by: the primary, else a full unique one."""
    rows = session.rows(
        "SELECT table_schema, table_name, index_name, column_name, nullable, sub_part "
        f"FROM information_schema.statistics WHERE non_unique = 0 AND {_usable(session)} AND "
        f"{_among(schemas)} ORDER BY 1, 2, index_name <> 'PRIMARY', 3, seq_in_index"
    )
    grouped: dict[TableName, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        grouped[_text(row[0]), _text(row[1])][_text(row[2])].append(row)
    chosen = {}
    for table, indexes in grouped.items():
        for index, parts in indexes.items():
            if all(part[3] is not None and part[4] != b"YES" and part[5] is None for part in parts):
                chosen[table] = (index, tuple(_text(part[3]) for part in parts))
                break
    return chosen


def _usable(session: Session) -> str:
    """Leave out indexes that no statement may name."""
    if session.family is Family.MYSQL:
        return "is_visible = 'YES'"
    return "ignored = 'NO'" if session.version >= (10, 6, 0) else "TRUE"


def _read_foreign_keys(
    session: Session, schemas: tuple[str, ...]
) -> dict[TableName, list[ForeignKey]]:
    rows = session.rows(
        "SELECT table_schema, table_name, constraint_name, column_name, "
        "referenced_table_schema, referenced_table_name, referenced_column_name "
        "FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL "
        f"AND {_among(schemas)} ORDER BY 1, 2, 3, ordinal_position"
    )
    grouped: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[tuple(_text(part) for part in (*row[:3], *row[4:6]))].append(row)
    found: dict[TableName, list[ForeignKey]] = defaultdict(list)
    for (schema, table, name, ref_schema, ref_table), parts in grouped.items():
        found[schema, table].append(
            ForeignKey(
                name=name,
                columns=tuple(_text(part[3]) for part in parts),
                ref_schema=ref_schema,
                ref_table=ref_table,
                ref_columns=tuple(_text(part[6]) for part in parts),
            )
        )
    return found


def _read_table_ids(session: Session) -> dict[str, list[str]]:
    """Map InnoDB's own table names to ids of their parts; empty on MySQL, where DDL is locked."""
    ids: dict[str, list[str]] = defaultdict(list)
    if session.family is not Family.MARIADB:
        return ids
    rows = session.rows(
        "SELECT name, table_id, n_cols FROM information_schema.innodb_sys_tables ORDER BY name"
    )
    for row in rows:
        part = _text(row[0])
        ids[part.split("#")[0]].append(f"{part}={_text(row[1])}/{_text(row[2])}")
    return ids


def _fingerprint(table: Table, create_time: str, ids: dict[str, list[str]]) -> str:
    marks = ids.get(_innodb_name(table.schema) + "/" + _innodb_name(table.name), [])
    text = strip_auto_increment(table.create_sql) + create_time.encode() + repr(marks).encode()
    return hashlib.sha256(text).hexdigest()


def _innodb_name(name: str) -> str:
    """Write a name as the server writes it in file names: other characters as ``@`` codes.

    Only letters, digits and ``_`` are certain; for a name with others the definition and
    the creation time have to do.
    """
    return name if re.fullmatch(r"[0-9a-zA-Z_]+", name) else "\0"


def _among(schemas: Iterable[str]) -> str:
    # The catalogue's own collation would take `Shop` for `shop`.
    names = ", ".join(quote_text(name) for name in schemas)
    return f"CAST(table_schema AS BINARY) IN ({names})"


def _text(value: bytes | None) -> str:
    return decode(value) if value is not None else ""
