"""Read positions out of the answers to the position statements; no I/O."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.model.position import Family, Position
from shardvault.mysql.session import Row, decode

_EXECUTED_GTID_SET = 4


def parse_position(family: Family, answers: Sequence[list[Row]]) -> Position:
    """Make a position of the answers, in the order of ``LockStatements.position``.

    With the binlog off file and GTID set are empty.
    """
    status = answers[-1][0] if answers[-1] else (None, None, None, None, None)
    gtid_set = answers[0][0][0] if family is Family.MARIADB else status[_EXECUTED_GTID_SET]
    return Position(
        family=family,
        gtid_set=decode(gtid_set or b"").replace("\n", ""),
        file=decode(status[0] or b""),
        offset=int(status[1] or 0),
    )
