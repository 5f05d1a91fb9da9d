"""Take a server's answers to a load, and prove that it took what it was given."""

from __future__ import annotations

import pymysql

from shardvault.errors import IntegrityError, ServerError
from shardvault.mysql import wire
from shardvault.mysql.driver import MALFORMED
from shardvault.mysql.errors import translate
from shardvault.mysql.session import Session, decode


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


def check_taken(session: Session, sent: int, answer: bytes) -> None:
    """Prove that a load did what was asked: all rows, and not one warning."""
    if answer[:1] == bytes((wire.LOCAL_FILE,)):
        raise session.distrust("server asked for a local file; nothing was sent")
    try:
        affected, warnings = wire.parse_ok(answer)
    except ValueError as error:
        raise session.distrust(f"answer cannot be read: {error}") from error
    if warnings:
        first = session.rows("SHOW WARNINGS LIMIT 1")
        text = decode(first[0][2] or b"") if first else "no text"
        raise ServerError(
            f"{warnings} warnings while loading, the first: {text}", shard=session.shard
        )
    if affected != sent:
        raise IntegrityError(f"sent {sent} rows, server took {affected}", shard=session.shard)
