"""Read what schemas mean on a server, in words that servers of all flavours share.

Another version or family prints the same table in other words. Here every property is asked
of the catalogue by its name, and the few spellings that differ are written in one way. The
values of rows are read as everywhere, and so are those of views.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from shardvault.model.position import Family
from tests.exactness.reading import (
    Key,
    Reader,
    Rows,
    State,
    list_objects,
    read_columns,
    read_values,
)

_SYSTEM = ("mysql", "sys", "information_schema", "performance_schema")
_EMPTY_MODES = ("NO_AUTO_CREATE_USER", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "NO_FIELD_OPTIONS")
_GREATEST = (
    b"2038-01-19 03:14:07.999999",
    b"2106-02-07 06:28:15.999999",
    b"2147483647.999999",
    b"4294967295.999999",
)
_LONGEST_BYTES = 1_000_000
_SMALL_FLOAT = re.compile(rb"-?0\.0000\d{1,40}|-?\d(?:\.\d+)?e-?\d+")
_CODE = re.compile(rb"_\w+\\?'|[a-z_]+\(|\(|b'|current_timestamp", re.IGNORECASE)
_TEXT = re.compile(rb"('(?:[^'\\]|\\.|'')*')", re.DOTALL)


@dataclass(frozen=True)
class _View:
    """Say what is read of one view of the catalogue.

    Attributes:
        schema, name: columns by which a row belongs to an object.
        columns: what is read; one that only one family has is an expression of it.
        younger: column of MariaDB that older versions lack; nothing has the property there.
    """

    view: str
    schema: str
    name: str
    columns: str
    mariadb: str = ""
    mysql: str = ""
    where: str = "TRUE"
    younger: str = ""


_VIEWS = (
    _View(
        "schemata", "schema_name", "schema_name",
        "default_character_set_name charset, default_collation_name collation",
    ),
    _View(
        "tables", "table_schema", "table_name",
        "table_type, engine, table_collation collation, auto_increment, table_comment,"
        " create_options options",
    ),
    _View(
        "columns", "table_schema", "table_name",
        "column_name, ordinal_position, column_default, is_nullable, data_type,"
        " character_maximum_length,"
        " datetime_precision, character_set_name charset, collation_name collation, column_type,"
        " extra, column_comment, generation_expression expression",
    ),
    _View(
        "statistics", "table_schema", "table_name",
        "index_name, seq_in_index, non_unique, column_name, collation direction, sub_part,"
        " nullable, index_type, index_comment",
        mariadb="ignored = 'YES' hidden", mysql="is_visible = 'NO' hidden",
        younger="ignored",
    ),
    _View(
        "partitions", "table_schema", "table_name",
        "partition_name, subpartition_name, partition_ordinal_position,"
        " subpartition_ordinal_position,"
        " partition_method, subpartition_method, partition_expression expression,"
        " subpartition_expression subexpression, partition_description, partition_comment",
        where="partition_name IS NOT NULL",
    ),
    _View("views", "table_schema", "table_name", "check_option, definer, security_type"),
    _View(
        "key_column_usage", "table_schema", "table_name",
        "constraint_name, column_name, ordinal_position, referenced_table_schema,"
        " referenced_table_name, referenced_column_name",
    ),
    _View(
        "referential_constraints", "constraint_schema", "table_name",
        "constraint_name, update_rule rule, delete_rule rule2",
    ),
    _View("check_constraints", "constraint_schema", "constraint_schema", "check_clause expression"),
    _View(
        "triggers", "trigger_schema", "trigger_name",
        "event_manipulation, event_object_table, action_order, action_timing, action_statement,"
        " sql_mode mode, definer, character_set_client charset, collation_connection collation",
    ),
    _View(
        "routines", "routine_schema", "routine_name",
        "routine_type, data_type, character_set_name charset, collation_name collation,"
        " dtd_identifier column_type, routine_definition, is_deterministic, sql_data_access,"
        " security_type,"
        " sql_mode mode, routine_comment, definer, character_set_client client,"
        " collation_connection connection",
    ),
    _View(
        "parameters", "specific_schema", "specific_name",
        "ordinal_position, parameter_mode, parameter_name, dtd_identifier column_type,"
        " character_set_name charset, collation_name collation, routine_type",
    ),
    _View(
        "events", "event_schema", "event_name",
        "definer, time_zone, event_definition, event_type, execute_at, interval_value,"
        " interval_field, sql_mode mode, starts, ends, status, on_completion, event_comment",
    ),
)  # fmt: skip


def read_meaning(reader: Reader) -> State:
    """Read every schema that is not the server's own, in words common to all servers."""
    state: State = {}
    for view in _VIEWS:
        state |= _read_view(reader, view)
    columns = read_columns(reader)
    kinds = "table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW')"
    for (schema, name, what), rows in state.items():
        if what == "columns" and (schema, name, "views") in state:
            state[schema, name, what] = [_without_width(row) for row in rows]
    for place in list_objects(reader, "tables", kinds, "table_schema", "table_name"):
        rows = read_values(reader, place, columns[place])
        if not _is_refused(rows):  # a view may be broken on both sides
            state[*place, "values"] = spell_rows(rows)
    return state


def _without_width(row: tuple[bytes | None, ...]) -> tuple[bytes | None, ...]:
    """Servers derive the widths of integers that a view computes in their own ways."""
    return tuple(value and re.sub(rb"\bbigint\b| unsigned", _narrow, value) for value in row)


def _narrow(match: re.Match[bytes]) -> bytes:
    return b"int" if match[0] == b"bigint" else b""


def _is_refused(rows: Rows) -> bool:
    return bool(rows) and rows[0][0] == b"refused"


def spell_rows(rows: Rows) -> Rows:
    """Write values in the same words that servers show in different ones."""
    return [tuple(_spell_value(value) for value in row) for row in rows]


def _spell_value(value: bytes | None) -> bytes | None:
    """Unite greatest TIMESTAMPs, ways to write a float, and what is too long for a packet."""
    if value is None or len(value) > _LONGEST_BYTES:
        return None  # its digest stands beside it
    if value in _GREATEST:
        return b"current"  # the end of a version of a row that is current
    if _SMALL_FLOAT.fullmatch(value):
        return repr(float(value)).encode()
    return _spell_grant(value)


def _spell_grant(value: bytes) -> bytes:
    """Servers quote accounts in different ways."""
    return value.replace(b"`", b"'") if value.startswith(b"GRANT ") else value


def _read_view(reader: Reader, view: _View) -> State:
    special = view.mysql if reader.family is Family.MYSQL else view.mariadb
    if view.younger and reader.family is Family.MARIADB and not _has_column(reader, view):
        special = "0 hidden"
    names, rows = reader.named(
        f"SELECT {view.schema} owner, {view.name} object, {view.columns}"
        f"{', ' * bool(special)}{special} FROM information_schema.{view.view}"
        f" WHERE {view.schema} NOT IN {_SYSTEM} AND {view.where}"
    )
    found: dict[Key, Rows] = defaultdict(list)
    for owner, item, *values in rows:
        key = ((owner or b"").decode(), (item or b"").decode(), view.view)
        found[key].append(
            tuple(
                _spell(name.decode().lower(), value, reader.family)
                for name, value in zip(names[2:], values, strict=True)
            )
        )
    return {key: sorted(rows, key=repr) for key, rows in found.items()}


def _has_column(reader: Reader, view: _View) -> bool:
    place = f"table_schema = 'information_schema' AND table_name = '{view.view}'"
    column = f"column_name = '{view.younger}'"
    return bool(reader.rows(f"SELECT 1 FROM information_schema.columns WHERE {place} AND {column}"))


def _spell(name: str, value: bytes | None, family: Family) -> bytes | None:
    if name == "column_default":
        return _spell_default(value, family)
    if name == "mode":
        return _spell_mode(value or b"", family)
    if name == "auto_increment" and value == b"1":
        return None  # some servers tell it of tables without a counter too
    if value is None:
        return b"" if name == "expression" else None
    spell = _SPELLINGS.get(name)
    return spell(value) if spell else value


def _spell_default(value: bytes | None, family: Family) -> bytes | None:
    """MariaDB quotes literals and says NULL; MySQL does neither, but escapes expressions."""
    if value is None or value == b"NULL":
        return None
    if family is Family.MARIADB and _TEXT.fullmatch(value):
        return _unquote(value)
    if family is Family.MYSQL and not _CODE.match(value):
        return value
    spelled = _spell_expression(value)
    is_text = spelled.startswith(b"'") and spelled.endswith(b"'")
    return spelled[1:-1] if is_text else spelled


def _unquote(text: bytes) -> bytes:
    return re.sub(rb"\\(.)|'(')", rb"\1\2", text[1:-1])


def _spell_expression(value: bytes) -> bytes:
    """Leave out what does not change the value: blanks, parentheses, introducers, case."""
    text = re.sub(rb"_[a-z0-9]+(?=\\?')", b"", _unescape(value))
    parts = [
        b"'" + _unquote(part) + b"'" if at % 2 else _plain(part)
        for at, part in enumerate(_TEXT.split(text))
    ]
    return b"".join(parts)


def _unescape(value: bytes) -> bytes:
    """Undo what MySQL's catalogue does to expressions: it escapes them as if they were text."""
    if not re.search(rb"(?<!\\)(?:\\\\)*\\'", _TEXT.sub(b"", value)):
        return value
    return re.sub(rb"\\(.)", rb"\1", value)


_SYNONYMS = ((b"ucase", b"upper"), (b"lcase", b"lower"), (b"now(", b"current_timestamp("))


def _plain(code: bytes) -> bytes:
    text = re.sub(rb" mod ", b"%", code.lower()).replace(b"!=", b"<>")
    for one, other in _SYNONYMS:
        text = text.replace(one, other)
    return re.sub(rb"[\s()`]+", b"", text)


def _spell_type(value: bytes) -> bytes:
    """Leave out display widths, which newer servers do not keep, and old names."""
    value = re.sub(rb" /\*M!\d+ \w+\*/", b"", value)
    text = re.sub(rb"\b((?:tiny|small|medium|big)?int)\(\d+\)(?!.*zerofill)", rb"\1", value)
    text = text.replace(b"geomcollection", b"geometrycollection").replace(b"year(4)", b"year")
    return re.sub(rb" CHARSET \w+| COLLATE \w+", b"", text)


def _spell_options(value: bytes) -> bytes:
    words = value.replace(b'"', b"").replace(b"'", b"").lower().split()
    meaningless = (b"partitioned", b"encryption=n")
    kept = [one for one in words if one not in meaningless and b"page_compress" not in one]
    return b" ".join(sorted(kept))


def _spell_extra(value: bytes) -> bytes:
    text = value.lower().replace(b"default_generated", b"").replace(b"()", b"")
    return b", ".join(sorted(re.split(rb",? (?!generated|update|current)", text.strip())))


def _spell_mode(value: bytes, family: Family) -> bytes:
    """Leave out modes without effect; say how fractions of seconds are shortened."""
    words = set(value.decode().split(",")) - {""}
    told = words & {"TIME_ROUND_FRACTIONAL", "TIME_TRUNCATE_FRACTIONAL"}
    rounds = bool(told) is (family is Family.MARIADB)
    kept = words - told - set(_EMPTY_MODES)
    return ",".join(sorted(kept | ({"ROUNDS"} if rounds else set()))).encode()


def _spell_rule(value: bytes) -> bytes:
    """InnoDB knows no difference; MySQL says NO ACTION where nothing was said."""
    return value.replace(b"NO ACTION", b"RESTRICT")


_SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "expression": _spell_expression,
    "subexpression": _spell_expression,
    "partition_description": _spell_expression,
    "column_type": _spell_type,
    "data_type": _spell_type,
    "options": _spell_options,
    "extra": _spell_extra,
    "action_statement": lambda value: re.sub(rb'"+', b'"', value),
    "engine": bytes.upper,
    "status": lambda value: value.replace(b"REPLICA_SIDE_", b"SLAVESIDE_"),
    "rule": _spell_rule,
    "rule2": _spell_rule,
}
