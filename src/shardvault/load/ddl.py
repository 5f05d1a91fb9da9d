"""Take a table's definition apart and put it together without the parts that come later.

Works on the bytes of ``SHOW CREATE TABLE`` with a tokenizer that knows backticks, quotes,
comments and parentheses; every part keeps its bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shardvault.errors import IntegrityError
from shardvault.fleet.foreign import strip_quoted

_TOKEN = re.compile(
    rb"""`(?:[^`]|``)*`          # identifier
    |'(?:[^'\\]|\\.|'')*'        # text
    |"(?:[^"\\]|\\.|"")*"
    |/\*\ (?=`)(?:`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|[^`'*]|\*(?!/))*\*/  # unknown options
    |/\*.*?\*/                   # comment, version comments included
    |[(),]
    |[^`'"/(),]+
    |/""",
    re.VERBOSE | re.DOTALL,
)
_ORDERED_KEY = re.compile(rb"\s*(?:\w+ )?KEY\b")
_PLAIN_INDEX = re.compile(rb"\s*(?:UNIQUE )?KEY\b")
_FOREIGN = re.compile(rb"\s*CONSTRAINT\s+`(?:[^`]|``)*`\s+FOREIGN KEY\b")
_INHERITED = re.compile(
    rb"""(\s*`(?:[^`]|``)*`\ \w+          # a column's name and type
    (?:\((?:[^)']|'(?:[^'\\]|\\.|'')*')*\))?)
    \ COLLATE\ (\w+)""",
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(rb"`((?:[^`]|``)*)`")


@dataclass(frozen=True)
class TableDdl:
    """Hold a definition in parts; with commas between them they are the definition.

    Attributes:
        head: up to and with the opening parenthesis.
        parts: columns, keys and constraints, without the commas between them.
        tail: from the closing parenthesis on.
    """

    head: bytes
    parts: tuple[bytes, ...]
    tail: bytes


def parse_table(create_sql: bytes) -> TableDdl:
    """Take a definition apart.

    Raises:
        IntegrityError: not a table definition.
    """
    position = depth = 0
    head_end, begin, parts = -1, -1, []
    while position < len(create_sql):
        match = _TOKEN.match(create_sql, position)
        if match is None:
            break
        token = match[0]
        if token == b"(":
            depth += 1
            if depth == 1 and head_end < 0:
                head_end = begin = match.end()
        elif token == b")":
            depth -= 1
            if depth == 0:
                parts.append(create_sql[begin : match.start()])
                return TableDdl(create_sql[:head_end], tuple(parts), create_sql[match.start() :])
        elif token == b"," and depth == 1:
            parts.append(create_sql[begin : match.start()])
            begin = match.end()
        position = match.end()
    raise IntegrityError("stored table definition cannot be read")


def mask_nested(sql: bytes) -> bytes:
    """Blank out all that stands in quotes, comments or parentheses; nothing moves.

    Returns:
        as many bytes; the marks that enclose are blanked out with what they enclose.
    """
    masked = bytearray()
    depth = 0
    for match in _TOKEN.finditer(sql):
        token = match[0]
        depth += token == b"("
        is_nested = depth or token[:1] in b"`'\"" or token[:2] == b"/*"
        masked += b"\0" * len(token) if is_nested else token
        depth -= token == b")"
    return bytes(masked)


def is_foreign_key(part: bytes) -> bool:
    """Say whether a part of a definition is a foreign key."""
    return _FOREIGN.match(part) is not None


def is_deferrable(part: bytes) -> bool:
    """Say whether a part is an index that can be built after the rows, with others at once.

    FULLTEXT, SPATIAL and VECTOR indexes stay: servers build only one of them at a time. So do
    hashes of whole texts, for which MariaDB would copy the table, value by value.
    """
    return _PLAIN_INDEX.match(part) is not None and b" USING HASH" not in strip_quoted(part)


def is_ordered_key(part: bytes) -> bool:
    """Say whether a part is an index that keeps its place among the others.

    Servers list the primary key first and FULLTEXT indexes last, whenever they were made.
    """
    is_placed = part.lstrip().startswith((b"PRIMARY", b"FULLTEXT"))
    return not is_placed and _ORDERED_KEY.match(part) is not None


def inherit_collation(part: bytes, tail: bytes) -> bytes:
    """Leave out a column's collation where the column has it from its table.

    MySQL prints such a collation without its character set. Created with it, the column
    would count as one with a character set of its own, and print differently.

    Args:
        part: a part of a definition.
        tail: the definition's tail, which names the table's collation.
    """
    match = _INHERITED.match(part)
    if match is None or b" COLLATE=" + match[2] not in tail:
        return part
    return match[1] + part[match.end() :]


def first_name(part: bytes) -> bytes:
    """Return the first quoted name of a part: an index's or a constraint's own."""
    match = _NAME.search(part)
    return match[1].replace(b"``", b"`") if match else b""


def first_column(part: bytes) -> bytes:
    """Return the first column of an index: the name behind its own."""
    names: list[bytes] = _NAME.findall(part)
    return names[1].replace(b"``", b"`") if len(names) > 1 else b""
