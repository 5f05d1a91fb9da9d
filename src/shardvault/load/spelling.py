"""Write a table's definition in one spelling, however a server prints it.

Versions and families print one and the same definition in other words. Two definitions of
equal spelling mean the same; names, text and the order of parts count in full.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shardvault.fleet.definitions import normal_charset
from shardvault.load.ddl import mask_nested, parse_table
from shardvault.model.schema import CodeObject, Table

_TEXT = re.compile(rb"('(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`)", re.DOTALL)
_KEPT = re.compile(rb"('(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`|/\*(?!!|M!).*?\*/)", re.DOTALL)
# What stands between marks of MySQL counts; MariaDB's own tell how it stores a column.
_MARKS = re.compile(rb"/\*M!\d+ \w+\*/|/\*!\d{5} | ?\*/")
_ENGINE_OPTION = re.compile(rb"`(\w+)`='?(\w+)'?")
_CHECK = re.compile(rb"(?:\s*CONSTRAINT \0+)? ?CHECK (\0+)( NOT ENFORCED)?")
_IN_OWN_WORDS = (
    # A display width is kept by older servers only, and changes no value.
    (re.compile(rb"\b((?:tiny|small|medium|big)?int)\(\d+\)(?! (?:unsigned )?zerofill)"), rb"\1"),
    (re.compile(rb"\byear\(4\)"), b"year"),
    (re.compile(rb"\bgeomcollection\b"), b"geometrycollection"),
    # Compared by the catalogue's word for each column.
    (re.compile(rb" (?:CHARACTER SET|COLLATE) \w+"), b""),
    (re.compile(rb" DEFAULT NULL\b"), b""),
    (re.compile(rb"\bIGNORED\b"), b"INVISIBLE"),
    (re.compile(rb"\b_[a-z0-9]+(?=$)"), b""),
    (re.compile(rb" ON (?:DELETE|UPDATE) (?:RESTRICT|NO ACTION)\b"), b""),
    # One function or operator under two names.
    (re.compile(rb"\bucase\b"), b"upper"),
    (re.compile(rb"\blcase\b"), b"lower"),
    (re.compile(rb"\bnow\b"), b"current_timestamp"),
    (re.compile(rb" (?:mod|MOD) "), b"%"),
    (re.compile(rb"[\s()]+"), b""),
)
_NUMBER = re.compile(rb"(DEFAULT )'([-+]?[\d.]+(?:e[-+]?\d+)?)'")


@dataclass(frozen=True)
class Spelling:
    """Hold a definition in one spelling.

    Attributes:
        parts: columns, keys and foreign keys in their order.
        checks: in no order: some servers keep them beside their column, some behind all.
        collations: character set and collation of each column.
    """

    head: bytes
    parts: tuple[bytes, ...]
    checks: tuple[bytes, ...]
    options: bytes
    collations: tuple[tuple[str, str], ...]


def spell_table(table: Table) -> Spelling:
    """Write a table's definition in one spelling."""
    ddl = parse_table(_unmark(table.create_sql))
    parts: list[bytes] = []
    checks: list[bytes] = []
    for part in ddl.parts:
        rest = _take_checks(part, checks)
        if rest.strip():
            parts.append(_spell(_hidden_last(rest)))
    return Spelling(
        head=_spell(ddl.head),
        parts=tuple(parts),
        checks=tuple(sorted(checks)),
        options=_spell_options(ddl.tail),
        collations=tuple(
            (normal_charset(column.charset or ""), normal_charset(column.collation or ""))
            for column in table.columns
        ),
    )


def _unmark(sql: bytes) -> bytes:
    """Take marks away, but not out of names, text and comments."""
    pieces = _KEPT.split(sql)
    return b"".join(piece if at % 2 else _MARKS.sub(b"", piece) for at, piece in enumerate(pieces))


def _take_checks(part: bytes, checks: list[bytes]) -> bytes:
    """Move the checks of a part to the others; return the part without them."""
    for match in reversed(list(_CHECK.finditer(mask_nested(part)))):
        checks.append(_spell(part[match.start(1) : match.end()]))
        part = part[: match.start()] + part[match.end() :]
    return part


def _hidden_last(part: bytes) -> bytes:
    """Put INVISIBLE last: servers print it in different places."""
    place = mask_nested(part).find(b" INVISIBLE")
    if place < 0:
        return part
    return part[:place] + part[place + len(b" INVISIBLE") :] + b" INVISIBLE"


def _spell_options(tail: bytes) -> bytes:
    text = re.sub(rb" (?:DEFAULT CHARSET|COLLATE)=\w+", b"", tail)
    text = _ENGINE_OPTION.sub(rb"\1=\2", text)
    return _spell(re.sub(rb"`(\w+)`", rb"\1", text))


def spell_code(item: CodeObject) -> tuple[bytes, str, str, str]:
    """Write a code object, and the state it was made in, in one spelling."""
    names = normal_charset(item.charset), normal_charset(item.collation)
    text = re.sub(rb"`(\w+)`", rb"\1", item.create_sql)
    return _spell(text), ",".join(sorted(item.sql_mode.split(","))), *names


def _spell(sql: bytes) -> bytes:
    """Leave blanks, parentheses, introducers and case out, but for names and text."""
    pieces = _TEXT.split(_NUMBER.sub(rb"\1\2", sql))
    return b"".join(_spell_words(piece, at) for at, piece in enumerate(pieces))


def _spell_words(piece: bytes, at: int) -> bytes:
    if at % 2:
        return piece
    for pattern, better in _IN_OWN_WORDS:
        piece = pattern.sub(better, piece)
    return piece.lower()
