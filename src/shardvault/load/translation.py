"""Write a definition of one family in the words of the other, where both have the same thing.

What the other family lacks is not touched here: the examination of the target has refused it.
Source: MariaDB manual, "Incompatibilities and Feature Differences with MySQL"; MySQL manual,
"CREATE TABLE Statement".
"""

from __future__ import annotations

import re
from dataclasses import replace

from shardvault.fleet.foreign import EMPTY_MODES, ROUNDING
from shardvault.load.ddl import mask_nested, parse_table
from shardvault.model.position import Family
from shardvault.model.schema import CodeObject, ObjectKind, Schema, Table, TableKind

_DEFAULT = re.compile(
    rb" DEFAULT (.+?)(?= (?:ON UPDATE|COMMENT|CHECK|INVISIBLE|AUTO_INCREMENT)\b|$)", re.DOTALL
)
# What is quoted or in parentheses is blanked out here.
_LITERAL = re.compile(
    rb"NULL|[-+]?[\d.]+(?:e[-+]?\d+)?|[bx]?\0+|current_timestamp\0*", re.IGNORECASE
)
_LONG = re.compile(rb"\s*`(?:[^`]|``)*` (?:\w*text|\w*blob|json)\b")
_KEY = re.compile(rb"\s*(?:UNIQUE |FULLTEXT |SPATIAL )?KEY ")
_PAGE_COMPRESSION = re.compile(rb" `PAGE_COMPRESS\w+`=(?:'[^']*'|\w+)")
_NOT_ENCRYPTED = re.compile(rb" ENCRYPTION='[Nn]'")
_HIDDEN_COLUMN = re.compile(rb"/\*!80023 INVISIBLE \*/")
_COLLECTION = re.compile(rb"(\s*`(?:[^`]|``)*` )geomcollection\b")
# MariaDB forgets the quotes inside such a literal. The session's own character set is utf8mb4.
_INTRODUCER = re.compile(rb"('(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`)|\b_utf8mb4(?=')", re.DOTALL)
_HIDDEN_KEY = re.compile(rb"/\*!80000 INVISIBLE \*/")


def translate_table(table: Table, target: Family) -> Table:
    """Write a table's definition so that a server of the other family takes it as meant."""
    if table.kind is TableKind.SEQUENCE:
        return table
    ddl = parse_table(table.create_sql)
    is_mysql = target is Family.MYSQL
    translate = _to_mysql if is_mysql else _to_mariadb
    parts = b",".join(translate(part) for part in ddl.parts)
    options, comment, rest = ddl.tail.partition(b" COMMENT=")
    options = (_PAGE_COMPRESSION if is_mysql else _NOT_ENCRYPTED).sub(b"", options)
    return replace(table, create_sql=ddl.head + parts + options + comment + rest)


def translate_schema(schema: Schema, target: Family) -> Schema:
    """Leave out a database's comment, which MySQL does not have; the examination told it."""
    if target is Family.MARIADB:
        return schema
    masked = mask_nested(schema.create_sql)
    place = masked.rfind(b" COMMENT ")
    return replace(schema, create_sql=schema.create_sql[:place]) if place >= 0 else schema


def translate_code(item: CodeObject, target: Family) -> CodeObject:
    """Write the sql_mode of a code object so that its code does the same."""
    if item.kind is ObjectKind.VIEW:
        return item
    return replace(item, sql_mode=translate_mode(item.sql_mode, target))


def translate_mode(mode: str, target: Family) -> str:
    """Leave out modes without effect, and keep how fractions of seconds are shortened."""
    (source,) = set(Family) - {target}
    modes = [one for one in mode.split(",") if one and one not in EMPTY_MODES[target]]
    own_rounding, own_cutting = ROUNDING[source]
    rounds = own_rounding in modes if own_rounding else own_cutting not in modes
    kept = [one for one in modes if one not in (own_rounding, own_cutting)]
    wanted = ROUNDING[target][0 if rounds else 1]
    return ",".join([*kept, wanted] if wanted else kept)


def _to_mysql(part: bytes) -> bytes:
    if _KEY.match(part):
        return re.sub(rb" IGNORED\s*$", b" INVISIBLE", part)
    return _enclose_default(part)


def _to_mariadb(part: bytes) -> bytes:
    if _KEY.match(part):
        return _HIDDEN_KEY.sub(b"IGNORED", part)
    part = _COLLECTION.sub(rb"\1geometrycollection", part)
    part = _INTRODUCER.sub(lambda match: match[1] or b"", part)
    return _HIDDEN_COLUMN.sub(b"INVISIBLE", part)


def _enclose_default(part: bytes) -> bytes:
    """Put a default that MySQL takes for no literal into parentheses."""
    match = _DEFAULT.search(mask_nested(part))
    if match is None:
        return part
    begin, end = match.span(1)
    value = part[begin:end]
    is_text_of_long = value.startswith(b"'") and _LONG.match(part) is not None
    if _LITERAL.fullmatch(match[1]) and not is_text_of_long:
        return part
    return part[:begin] + b"(" + value + b")" + part[end:]
