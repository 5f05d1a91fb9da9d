"""Write the text of a code object in one character set: the one it was made under.

SHOW CREATE puts names and comments in UTF-8 beside a body in the client's character set.
Source: measured on MariaDB 10.11, 11.8 and MySQL 9.7 with ``SET NAMES latin1``: comments and
everything of an event's head on all of them, names of routines and triggers on MySQL.
"""

from __future__ import annotations

import re

from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.mysql.quoting import quote_name, quote_text
from shardvault.mysql.session import Session, decode, encode

_UTF8 = frozenset({"utf8", "utf8mb3", "utf8mb4", "binary"})
_BODY = re.compile(rb"PRESERVE (?:ENABLE|DISABLE[A-Z ]*)(?: COMMENT '(?:[^'\\]|\\.|'')*')? DO ")
_COMMENT = re.compile(rb"\n    COMMENT '((?:[^'\\]|\\.|'')*)'\n")


def write_code(session: Session, item: CodeObject) -> bytes:
    """Return the text that creates an object under its own character set.

    Args:
        session: converts; results are raw bytes.
    """
    text = item.create_sql
    if item.charset in _UTF8 or text.isascii():
        return text
    if item.kind is ObjectKind.EVENT:
        body = _BODY.search(text)
        end = body.end() if body else 0
        return _convert(session, text[:end], item.charset) + text[end:]
    name = encode(quote_name(item.name))
    text = text.replace(name, _convert(session, name, item.charset), 1)
    comment = _COMMENT.search(text)
    if comment is None:
        return text
    begin, end = comment.span(1)
    return text[:begin] + _convert(session, comment[1], item.charset) + text[end:]


def write_statement(session: Session, statement: str, charset: str) -> bytes:
    """Return a statement of ours in another character set."""
    data = encode(statement)
    return data if charset in _UTF8 else _convert(session, data, charset)


def _convert(session: Session, data: bytes, charset: str) -> bytes:
    """Convert by the server, whose tables of characters are its own; not UTF-8 stays as it is."""
    if data.isascii() or not _is_utf8(data):
        return data
    return session.value(f"SELECT CONVERT({quote_text(decode(data))} USING {charset})") or b""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
