"""Take a server's answers to a load, and prove that it took what it was given."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pymysql

from shardvault.errors import IntegrityError, ServerError
from shardvault.failpoints import is_off
from shardvault.load.warnings import COMPUTED
from shardvault.model.schema import Column
from shardvault.mysql import wire
from shardvault.mysql.driver import MALFORMED
from shardvault.mysql.errors import translate
from shardvault.mysql.session import Session, decode

_DATA_TRUNCATED = b"1265"
_ESCAPED = re.compile(r"\\([0-9A-F]{4})")  # how MariaDB writes a control character in a message


def read_answer(session: Session, statement: str) -> bytes:
    """Receive one packet.

    Args:
        session: waits for an answer.
        statement: what was sent, for messages.

    Raises:
        ServerError: the server refused, or asked for a file; then nothing was sent.
        ConnectError: the connection was lost.
    """
    try:
        packet = session.connection._read_packet()
    except (pymysql.MySQLError, OSError) as error:
        raise translate(error, shard=session.shard, statement=statement) from error
    except MALFORMED as error:
        raise session.distrust(f"answer cannot be read: {error}") from error
    return bytes(packet.get_all_data())


def check_taken(session: Session, sent: int, answer: bytes, columns: Sequence[Column]) -> None:
    """Prove that a load did what was asked: all rows, and not one warning.

    Two warnings are not counted: an ENUM's error value, index 0, cannot be stored without
    one, nor can a row whose computed columns take one thing for another, as at the source.
    """
    if answer[:1] == bytes((wire.LOCAL_FILE,)):
        raise session.distrust("server asked for a local file; nothing was sent")
    try:
        affected, warnings = wire.parse_ok(answer)
    except ValueError as error:
        raise session.distrust(f"answer cannot be read: {error}") from error
    if warnings and not is_off("restore.warnings"):
        _refuse_warnings(session, warnings, columns)
    if affected != sent:
        raise IntegrityError(f"sent {sent} rows, server took {affected}", shard=session.shard)


def _refuse_warnings(session: Session, count: int, columns: Sequence[Column]) -> None:
    rows = session.rows("SHOW WARNINGS")
    told = [(row[1], _unescape(decode(row[2] or b""))) for row in rows]
    texts = [text for code, text in told if not _is_harmless(code, text, columns)]
    if texts or len(rows) != count:
        text = texts[0] if texts else "no text"
        raise ServerError(f"{count} warnings while loading, the first: {text}", shard=session.shard)


def _is_harmless(code: bytes | None, text: str, columns: Sequence[Column]) -> bool:
    if any(known.covers(int(code or 0), text) for known in COMPUTED):
        return True
    enums = (_unescape(column.name) for column in columns if column.data_type == "enum")
    return code == _DATA_TRUNCATED and any(f"'{name}'" in text for name in enums)


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
