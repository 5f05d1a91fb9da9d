"""Describe what looking after a repository found and did: reports as in ``report``."""

from __future__ import annotations

from dataclasses import dataclass

from shardvault.model.ids import BackupId
from shardvault.model.report import Finding


@dataclass(frozen=True)
class DamagedRange:
    """Report the rows of one range of a table that cannot be restored [rows].

    Attributes:
        lower: SQL literals of the first key inside; None = no bound.
        upper: SQL literals of the first key outside; None = no bound.
    """

    lower: tuple[str, ...] | None
    upper: tuple[str, ...] | None
    rows: int


@dataclass(frozen=True)
class DamagedTable:
    """Report what of a backup cannot be restored; all that no such report names can.

    Attributes:
        shard: empty if the whole backup is lost.
        table: ``schema.table``; empty if all of the shard is lost, definitions too.
        ranges: those that are hit; the others of the table are sound.
        objects: names of what is damaged or missing.
    """

    backup: BackupId
    shard: str
    table: str
    ranges: tuple[DamagedRange, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True)
class RepoCheckReport:
    """Report a look at a repository; status is ``ok``, ``warnings`` or ``damaged`` [bytes] [s].

    Attributes:
        backups: complete ones, damaged or not.
        tables: in all of them.
        packs_read: of ``packs``, those of which every byte was read.
        bytes_read: in those.
        damage: what cannot be restored; empty if everything can.
        mendable: packs that a repair brings back by parity, as far as is known.
    """

    status: str
    repository_id: str
    backups: int
    tables: int
    packs: int
    packs_read: int
    bytes_read: int
    seconds: float
    damage: tuple[DamagedTable, ...] = ()
    findings: tuple[Finding, ...] = ()
    mendable: tuple[str, ...] = ()


@dataclass(frozen=True)
class RepoRepairReport:
    """Report a repair; status is ``ok``, ``repaired``, or ``damaged`` if something stays lost.

    Attributes:
        quarantined: objects that were moved away, damaged as they are.
        mended: packs that parity brought back bit by bit.
        index: index objects that were written anew.
        taken_in: backups whose entries in the log were lost, listed again.
        forgotten: damaged backups that were taken out of the catalog, as asked.
        backups: those that are listed now, damaged or not.
        damage: what still cannot be restored.
        findings: what a check found before, and what only a person can mend.
    """

    status: str
    repository_id: str
    quarantined: tuple[str, ...]
    mended: tuple[str, ...]
    index: tuple[str, ...]
    taken_in: tuple[str, ...]
    forgotten: tuple[str, ...]
    backups: int
    damage: tuple[DamagedTable, ...]
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(frozen=True)
class StoredShare:
    """Report what something takes; each chunk counts with the first that holds it [bytes].

    Attributes:
        name: logical table, or shard; ``definitions`` is what is stored beside rows.
        raw_bytes: plain, as often as backups hold it.
        stored_bytes: compressed and encrypted, once.
    """

    name: str
    raw_bytes: int
    stored_bytes: int


@dataclass(frozen=True)
class BackupStats:
    """Report what one backup takes [bytes].

    Attributes:
        raw_bytes: plain.
        own_bytes: stored; what no other backup needs.
        shared_bytes: stored; what others need too.
        new_bytes: stored; what no older backup had.
    """

    id: BackupId
    raw_bytes: int
    own_bytes: int
    shared_bytes: int
    new_bytes: int


@dataclass(frozen=True)
class RepoStatsReport:
    """Report what a repository takes [bytes].

    ``raw_bytes`` is ``saved_by_dedup_bytes`` and ``saved_by_compression_bytes`` and
    ``needed_bytes``; the last is the sum over ``backups`` of what was new, over ``tables`` and
    over ``shards`` of what is stored. ``stored_bytes`` is the sum over ``objects``; that of the
    packs is what is needed, what is not, and ``overhead_bytes``.

    Attributes:
        raw_bytes: plain, what all backups together hold.
        needed_bytes: stored chunks that a backup needs.
        unneeded_bytes: stored chunks that none needs; a prune frees them where they are more
            than half of a pack.
        overhead_bytes: what packs hold beside chunks.
        stored_bytes: everything in the store.
        objects: stored bytes by kind of object, as ``packs``.
        unreadable: backups that are not counted, because they are damaged.
    """

    repository_id: str
    raw_bytes: int
    saved_by_dedup_bytes: int
    saved_by_compression_bytes: int
    needed_bytes: int
    unneeded_bytes: int
    overhead_bytes: int
    stored_bytes: int
    objects: dict[str, int]
    backups: tuple[BackupStats, ...]
    tables: tuple[StoredShare, ...]
    shards: tuple[StoredShare, ...]
    unreadable: tuple[str, ...] = ()
