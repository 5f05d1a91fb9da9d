"""Find and take out options of a definition that another server may not take; no I/O.

Works on the bytes of ``SHOW CREATE TABLE``; what stands in quotes is never touched.
"""

from __future__ import annotations

import re

from shardvault.mysql.session import decode

_TEXT = rb"'(?:[^'\\]|\\.|'')*'"
_QUOTED = rb"(?P<quoted>`(?:[^`]|``)*`|" + _TEXT + rb")"
# Every server has the tablespaces named innodb_….
_SPACE = rb" /\*!50100 (?P<space>TABLESPACE) `(?!innodb_)(?:[^`]|``)*` \*/"
_PLACE = re.compile(
    _QUOTED + rb"| (?P<option>(?:DATA|INDEX) DIRECTORY) ?= ?" + _TEXT + b"|" + _SPACE, re.DOTALL
)
# MariaDB writes options that no engine knows as a comment; their values may hold a */.
_OPTIONS = rb"(?=`)(?:`(?:[^`]|``)*`|" + _TEXT + rb"|[^`'*]|\*(?!/))*"
_UNKNOWN = re.compile(_QUOTED + rb"| /\* (?P<options>" + _OPTIONS + rb") \*/", re.DOTALL)
_ENGINE_OPTION = re.compile(rb"`(?P<name>\w+)`=(?P<value>\w+|" + _TEXT + b")|" + _QUOTED, re.DOTALL)
_ROW_FORMAT = re.compile(_QUOTED + rb"| (?P<format>ROW_FORMAT|KEY_BLOCK_SIZE)=", re.DOTALL)
# Types of CONNECT whose rows lie in files; without a type it is DOS.
# Source: MariaDB manual, "CONNECT Table Types" and "Inward and Outward Tables".
_IN_FILES = frozenset(
    ("DOS", "FIX", "BIN", "VEC", "DBF", "CSV", "FMT", "JSON", "BSON", "XML", "INI")
)


def find_places(create_sql: bytes) -> tuple[str, ...]:
    """Name the options that put a table's files elsewhere than in the default place."""
    found = (match["option"] or match["space"] for match in _PLACE.finditer(create_sql))
    return tuple(dict.fromkeys(decode(name) for name in found if name))


def strip_places(create_sql: bytes) -> bytes:
    """Take out the options that put a table's files elsewhere."""
    return _PLACE.sub(lambda match: match["quoted"] or b"", create_sql)


def has_unknown_options(create_sql: bytes) -> bool:
    """Say whether a definition has options that no engine of its server knows."""
    return any(match["options"] for match in _UNKNOWN.finditer(create_sql))


def revive_unknown_options(create_sql: bytes) -> bytes:
    """Turn the comments that stand for unknown options into options.

    A server takes them under IGNORE_BAD_TABLE_OPTIONS only.
    """
    return _UNKNOWN.sub(lambda match: match["quoted"] or b" " + match["options"], create_sql)


def names_row_format(create_sql: bytes) -> bool:
    """Say whether rows are stored as the definition says, not as its server does by default."""
    return any(match["format"] for match in _ROW_FORMAT.finditer(create_sql))


def keeps_rows_in_own_file(create_sql: bytes) -> bool:
    """Say whether a CONNECT table's rows lie in a file that the server made for it."""
    tail = create_sql[create_sql.rfind(b"\n)") :]
    options = {
        decode(match["name"]).upper(): decode(match["value"]).strip("'").upper()
        for match in _ENGINE_OPTION.finditer(tail)
        if match["name"]
    }
    return options.get("TABLE_TYPE", "DOS") in _IN_FILES and not options.get("FILE_NAME")
