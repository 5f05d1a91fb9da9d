"""Describe a place in one instance's binlog and a prepared XA branch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Tell the two server families apart; their GTID sets are never compared."""

    MYSQL = "mysql"
    MARIADB = "mariadb"


@dataclass(frozen=True)
class Position:
    """Say which transactions an instance had committed.

    Attributes:
        family: decides the syntax of ``gtid_set``.
        gtid_set: MariaDB ``gtid_binlog_pos`` or MySQL ``gtid_executed``; empty without GTIDs.
        file: current binlog, empty if the binlog is off.
        offset: end of the last event in it [bytes].
    """

    family: Family
    gtid_set: str
    file: str
    offset: int


@dataclass(frozen=True)
class Xid:
    """Name a prepared XA branch; both parts are arbitrary bytes."""

    format_id: int
    gtrid: bytes
    bqual: bytes

    def __str__(self) -> str:
        return f"X'{self.gtrid.hex()}',X'{self.bqual.hex()}',{self.format_id}"
