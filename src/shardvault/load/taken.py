"""Prove that a server took what it was given."""

from __future__ import annotations

from shardvault.errors import IntegrityError, ServerError
from shardvault.mysql.session import Session, decode


def check_taken(session: Session, sent: int, affected: int, warnings: int) -> None:
    """Prove that a load did what was asked: all rows, and not one warning."""
    if warnings:
        first = session.rows("SHOW WARNINGS LIMIT 1")
        text = decode(first[0][2] or b"") if first else "no text"
        raise ServerError(
            f"{warnings} warnings while loading, the first: {text}", shard=session.shard
        )
    if affected != sent:
        raise IntegrityError(f"sent {sent} rows, server took {affected}", shard=session.shard)
