"""Take a warning of the server for a failure, but for the few that are known to mean nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shardvault.errors import ServerError
from shardvault.failpoints import is_off
from shardvault.mysql.session import Row, Session, decode

_NOTE = b"Note"  # what a note tells is seen when the definition is read back and compared …
_EVENT_IS_OVER = 1588  # … but not if there is none: the server dropped the event at once


@dataclass(frozen=True)
class Harmless:
    """Name a warning that changes nothing of what is restored.

    Attributes:
        code: the server's number.
        reason: why nothing is lost.
        words: what its text holds, where the number alone says too little.
    """

    code: int
    reason: str
    words: str = ""

    def covers(self, code: int, text: str) -> bool:
        """Say whether a warning is this one."""
        return code == self.code and self.words in text


_COMPUTED = "the source's row computes so too; all values are compared"
COMPUTED = (
    Harmless(1292, _COMPUTED, "Truncated incorrect "),
    Harmless(3751, _COMPUTED),
)
"""Warnings of expressions: in generated columns, and in keys over them."""
_OLD = "what the source uses is old; the definition is compared"
HARMLESS = (
    Harmless(139, "wide rows of innodb_strict_mode=0; one that is too wide is an error"),
    Harmless(1105, "events are switched on last, or left off", "Event scheduler is switched off"),
    Harmless(1285, "the grant is stored, though this server resolves no names of hosts"),
    Harmless(1287, _OLD),
    COMPUTED[0],
    Harmless(1300, "MySQL's copy for its catalogue; the body itself is compared", "to utf8mb3"),
    Harmless(1466, "an alias of a column; the columns of views are compared"),
    Harmless(1474, "an alias of a column; the columns of views are compared"),
    Harmless(1478, "made with innodb_strict_mode=0; the row format is compared", "InnoDB: "),
    Harmless(1681, _OLD),
    Harmless(1831, "the source has both of the equal keys"),
    Harmless(1911, "an option that the source's engine does not know; the definition is compared"),
    Harmless(3674, "the source's spatial index is of as little use"),
    Harmless(3719, _OLD),
    Harmless(3720, _OLD),
    COMPUTED[1],
    Harmless(3778, _OLD),
    Harmless(3824, "the source's table is not encrypted either"),
    Harmless(4079, _OLD),
    Harmless(6124, "the source's foreign key refers to the same key"),
)
"""Every warning that a restore goes on with."""


def run_clean(session: Session, statement: str | bytes) -> frozenset[int]:
    """Run a statement that creates or changes something; a warning of the server is a failure.

    Returns:
        the numbers of the server's notes.

    Raises:
        ServerError: refused, or done with a warning that is not harmless.
    """
    session.rows(statement)
    rows = _read_all(session)
    warnings = _choose(rows)
    if warnings:
        raise ServerError(f"warning while creating: {warnings[0]}", shard=session.shard)
    return frozenset(int(row[1] or 0) for row in rows if row[0] == _NOTE)


def read_warnings(session: Session) -> tuple[str, ...]:
    """Read the warnings of the last statement, without notes and harmless ones."""
    return _choose(_read_all(session))


def _read_all(session: Session) -> list[Row]:
    return session.rows("SHOW WARNINGS") if session.warning_count else []


def _choose(rows: Iterable[Row]) -> tuple[str, ...]:
    if is_off("restore.warnings"):
        return ()
    return tuple(_text(row) for row in rows if not _is_harmless(row))


def _is_harmless(row: Row) -> bool:
    code, text = int(row[1] or 0), _text(row)
    if row[0] == _NOTE:
        return code != _EVENT_IS_OVER
    return any(known.covers(code, text) for known in HARMLESS)


def _text(row: Row) -> str:
    return decode(row[2] or b"")
