"""Report what a backup would hold, before it is taken."""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.model.ids import ShardName
from shardvault.model.report import Finding


@dataclass(frozen=True)
class TableToBackUp:
    """Describe one table that a backup would hold.

    Attributes:
        action: what is done with its rows.
        rows: the server's estimate, which can be old [rows].
        data_bytes: the server's estimate of the stored data, without indexes [bytes].
    """

    shard: ShardName
    schema: str
    name: str
    action: str
    rows: int
    data_bytes: int


@dataclass(frozen=True)
class ShardToBackUp:
    """Sum up one shard: tables, other objects, and the server's estimates."""

    shard: ShardName
    tables: int
    objects: int
    rows: int
    data_bytes: int


@dataclass(frozen=True)
class BackupPlanReport:
    """Report what a backup would hold and what stands in its way; nothing was locked.

    Attributes:
        status: ``ok``, ``warnings``, or ``blocked`` if the backup would be refused.
        findings: all that a backup examines before it locks anything.
    """

    fleet: str
    status: str
    shards: tuple[ShardToBackUp, ...]
    tables: tuple[TableToBackUp, ...]
    findings: tuple[Finding, ...]
