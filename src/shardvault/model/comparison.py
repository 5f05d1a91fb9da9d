"""Report how two backups differ, and in which backups a name occurs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shardvault.model.ids import BackupId, ShardName
from shardvault.model.report import Finding


class Change(StrEnum):
    """Say what became of something from the first backup to the second."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class TableDifference:
    """Describe a table that is not the same in two backups.

    Attributes:
        aspects: ``rows`` if the contents differ, ``definition`` if the CREATE statement does;
            a counter alone is no difference.
        rows: in the first and the second backup; 0 where it does not exist [rows].
        raw_bytes: likewise [bytes].
        content_hash: likewise, 32 hex digits; empty where it does not exist.
    """

    shard: ShardName
    schema: str
    name: str
    change: Change
    aspects: tuple[str, ...]
    rows: tuple[int, int]
    raw_bytes: tuple[int, int]
    content_hash: tuple[str, str]


@dataclass(frozen=True)
class ObjectDifference:
    """Describe a database, code object or account that is not the same in two backups."""

    shard: ShardName
    kind: str
    schema: str
    name: str
    change: Change


@dataclass(frozen=True)
class DiffReport:
    """Report how the second backup differs from the first.

    Attributes:
        status: ``equal`` or ``different``.
        tables: those that differ; tables that are equal are only counted.
        equal_tables: how many are in both and equal.
        first_scope: the options that narrowed the first backup; empty = it is complete. What a
            partial backup leaves out counts as removed or added.
        second_scope: likewise.
    """

    first: BackupId
    second: BackupId
    status: str
    tables: tuple[TableDifference, ...]
    objects: tuple[ObjectDifference, ...]
    equal_tables: int
    findings: tuple[Finding, ...] = ()
    first_scope: tuple[str, ...] = ()
    second_scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundName:
    """Say that a backup holds something of that name.

    Attributes:
        kind: ``rows``, ``sequence``, ``definition`` for tables, else the kind of object.
        rows: of a table [rows].
        content_hash: of a table, 32 hex digits.
        is_changed: contents or definition differ from the backup before; true for the first.
    """

    backup: BackupId
    begin: str
    shard: ShardName
    kind: str
    schema: str
    name: str
    rows: int
    raw_bytes: int
    content_hash: str
    is_changed: bool


@dataclass(frozen=True)
class FindReport:
    """Report which backups hold what a pattern names, oldest backup first.

    Attributes:
        searched: number of backups that were read.
        unreadable: backups that could not be read, with the reason.
        damaged: what else could not be read, so that a backup can be missing here.
    """

    pattern: str
    searched: int
    found: tuple[FoundName, ...]
    unreadable: dict[BackupId, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    damaged: tuple[str, ...] = ()
