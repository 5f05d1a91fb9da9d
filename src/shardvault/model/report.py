"""Describe what operations return: the JSON a machine reads and the table a person sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shardvault.model.ids import BackupId, ShardName
from shardvault.model.loss import AllowedLoss, LossKind
from shardvault.model.manifest import BarrierRecord, LogicalTableRecord, Totals
from shardvault.model.position import Position


class Severity(StrEnum):
    """Rank a finding: ``blocker`` stops an operation, ``warning`` does not."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    BLOCKER = "blocker"


@dataclass(frozen=True)
class Finding:
    """Report one thing that a check looked at.

    Attributes:
        where: shard, target or object concerned.
        what: what was looked at, as ``privileges``.
        message: what was found.
        remedy: what to do, empty if nothing.
        table: ``schema.table`` if it concerns one, else empty.
        loss: the kind of loss that a backup must be allowed to go on, if any can be.
    """

    severity: Severity
    where: str
    what: str
    message: str
    remedy: str = ""
    table: str = ""
    loss: LossKind | None = None


@dataclass(frozen=True)
class ShardVolume:
    """Report one shard's share of an operation [rows] [bytes] [s]."""

    name: ShardName
    position: Position
    tables: int
    rows: int
    bytes_read: int
    bytes_stored: int
    seconds: float
    target: str = ""


@dataclass(frozen=True)
class BackupReport:
    """Report a finished backup.

    Attributes:
        scope: the options that narrowed the backup; empty = it is complete.
        tags: names that the user gave it.
    """

    id: BackupId
    status: str
    type: str
    mode: str
    fleet: str
    begin: str
    end: str
    consistency: str
    claims_not: tuple[str, ...]
    barrier: BarrierRecord
    shards: tuple[ShardVolume, ...]
    logical_tables: tuple[LogicalTableRecord, ...]
    totals: Totals
    notices: tuple[str, ...] = ()
    allowed_losses: tuple[AllowedLoss, ...] = ()
    scope: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class BackupSummary:
    """Report one line of the catalog.

    Attributes:
        allowed_losses: kinds of loss that were allowed and met; empty if all is exact.
        is_verified: all of it was read back, or restored, and was equal.
        hold: why it is kept whatever the policy says; empty if it is not.
        scope: the options that narrowed the backup; empty = it is complete.
        tags: names that the user gave it.
        source: label of the source that took it, or the name of its object; empty if whoever
            holds the repository's key took it.
        is_source_removed: the key of that source was removed.
    """

    id: BackupId
    status: str
    fleet: str
    type: str
    mode: str
    begin: str
    end: str
    consistency: str
    totals: Totals
    allowed_losses: tuple[str, ...] = ()
    is_verified: bool = False
    hold: str = ""
    scope: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    source: str = ""
    is_source_removed: bool = False


@dataclass(frozen=True)
class RestoreReport:
    """Report a finished restore; ``verified`` only if every table was read back and equal.

    Attributes:
        with_accounts: users, roles and grants were restored too.
        accounts_left_out: accounts of the restored shards that the backup has and that were
            not restored.
        scope: the options that narrowed the backup; empty = it is complete.
    """

    id: BackupId
    status: str
    verified: bool
    fleet: str
    begin: str
    end: str
    consistency: str
    barrier: BarrierRecord
    shards: tuple[ShardVolume, ...]
    totals: Totals
    findings: tuple[Finding, ...] = ()
    seconds_by_phase: dict[str, float] | None = None
    with_accounts: bool = True
    accounts_left_out: int = 0
    scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class VerifyReport:
    """Report a reading of every object of a backup.

    Attributes:
        status: ``ok``, ``damaged``, or ``findings``: the backup is sound, but the repository that
            was to be asked first is not.
    """

    id: BackupId
    status: str
    objects: int
    bytes: int
    rows: int
    seconds: float
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class InitReport:
    """Report a repository after ``init``.

    Attributes:
        further: the other repositories of the same configuration.
        is_new: it was made now; else it was there already and nothing was changed.
    """

    repository_id: str
    url: str
    key_file: str
    probe: tuple[Finding, ...] = ()
    further: tuple[InitReport, ...] = ()
    is_new: bool = True


@dataclass(frozen=True)
class ProbeReport:
    """Report what a store does; status is ``ok``, ``warnings`` or ``unfit`` [s]."""

    url: str
    status: str
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(frozen=True)
class CatalogReport:
    """Report the catalog: every complete backup, oldest first, and what cannot be read.

    Attributes:
        findings: repositories that were passed over; then this is the catalog of a copy.
        ignored: what counts for nothing: entries of the log, and things of sources that cannot
            be read; and clocks of sources that are far off. Nobody else's backup is concerned.
    """

    backups: tuple[BackupSummary, ...]
    damaged: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    tags: tuple[str, ...] = ()
    ignored: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class TableVolume:
    """Report one table of a backup [rows] [bytes]."""

    shard: ShardName
    schema: str
    name: str
    kind: str
    rows: int
    raw_bytes: int
    content_hash: str


@dataclass(frozen=True)
class ShowReport:
    """Report one backup in full; ``is_verified`` as in ``BackupSummary``."""

    backup: BackupReport
    tables: tuple[TableVolume, ...]
    objects: dict[str, int]
    is_verified: bool = False


@dataclass(frozen=True)
class Definition:
    """Report the stored text of one database, table or code object.

    Attributes:
        sql: as ``SHOW CREATE`` gave it; bytes that are not UTF-8 are shown escaped.
    """

    shard: ShardName
    schema: str
    name: str
    kind: str
    sql: str


@dataclass(frozen=True)
class DefinitionsReport:
    """Report every definition in a backup."""

    id: BackupId
    definitions: tuple[Definition, ...]


@dataclass(frozen=True)
class PlannedTable:
    """Say where one table goes [rows] [bytes].

    Attributes:
        schema: in the backup.
        name: in the backup.
        target_schema: on the target.
        target_name: on the target.
    """

    shard: ShardName
    target: ShardName
    schema: str
    name: str
    rows: int
    raw_bytes: int
    action: str
    target_schema: str
    target_name: str


@dataclass(frozen=True)
class RestorePlanReport:
    """Report what a restore would do; any blocker among the findings stops it.

    Attributes:
        with_accounts: users, roles and grants would be restored too.
        accounts_left_out: accounts of the restored shards that the backup has and that would
            not be restored.
        scope: the options that narrowed the backup; empty = it is complete.
    """

    id: BackupId
    fleet: str
    tables: tuple[PlannedTable, ...]
    objects: dict[str, int]
    findings: tuple[Finding, ...]
    rows: int
    raw_bytes: int
    with_accounts: bool = True
    accounts_left_out: int = 0
    scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """Report a look at everything; status is ``ok``, ``warnings`` or ``blocked``."""

    status: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class RepositoryCopy:
    """Report what one copy of a repository took [bytes] [s].

    Attributes:
        repository: its name or URL.
        mode: ``re-encrypted``, with keys of its own, or ``mirror``.
        backups: those that were copied now, oldest first; of a mirror, none by itself.
        present: backups that were there already.
        left_out: backups that the copy's own retention took out; not brought back.
        objects: objects that were sent to a mirror.
        dropped: pruned objects and removed keys that were deleted in a mirror.
        bytes_read: plain bytes read in the source; of a mirror, as stored [bytes].
        bytes_stored: bytes that were added to the copy [bytes].
        exit_code: of the error that ended this copy, told in the findings; 0 = it came to its end.
    """

    repository: str
    mode: str
    backups: tuple[BackupId, ...] = ()
    present: int = 0
    left_out: int = 0
    objects: int = 0
    dropped: int = 0
    bytes_read: int = 0
    bytes_stored: int = 0
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class CopyReport:
    """Report copies of a repository; status is ``complete``, ``damaged`` or ``failed``."""

    status: str
    source: str
    copies: tuple[RepositoryCopy, ...]


@dataclass(frozen=True)
class KeyEntry:
    """Describe one key of the repository.

    Attributes:
        id: by which commands name it.
        kind: ``file``, ``passphrase``, ``identity``, ``command`` or ``source``.
        created: RFC 3339; empty in a repository of an old format.
        is_revoked: say whether what this source adds is refused.
    """

    id: str
    kind: str
    label: str
    created: str
    is_revoked: bool = False


@dataclass(frozen=True)
class KeysReport:
    """Report every key of the repository, and which objects are not what they should be.

    Attributes:
        fingerprint: tells this repository's keys from those of others.
    """

    repository_id: str
    fingerprint: str
    keys: tuple[KeyEntry, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class KeyChangeReport:
    """Report a key that was added, replaced or removed.

    Attributes:
        change: ``added``, ``replaced`` or ``removed``.
        file: that was made for it, if any.
        forgotten: backups of a removed source that are no longer listed.
        held: backups of it that stay, because somebody holds them.
    """

    change: str
    key: KeyEntry
    file: str = ""
    forgotten: tuple[BackupId, ...] = ()
    held: tuple[BackupId, ...] = ()


@dataclass(frozen=True)
class PaperReport:
    """Report the master key in lines for paper; whoever reads them reads every backup."""

    repository_id: str
    fingerprint: str
    lines: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class IdentityReport:
    """Report a new identity; the recipient is public."""

    file: str
    recipient: str


@dataclass(frozen=True)
class PrunedBackup:
    """Say whether retention keeps a backup, and why.

    Attributes:
        scope: the options that narrowed the backup; empty = it is complete.
    """

    id: BackupId
    fleet: str
    is_kept: bool
    reasons: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForgetReport:
    """Report that one backup was taken out of the catalog, or what that would do.

    Attributes:
        status: as of ``PruneReport``.
        scope: the options that narrowed the backup; empty = it was complete.
        is_last: no other complete backup of the fleet is verified; its id must be confirmed.
        packs: that go.
        freed_bytes: size of packs that go, less that of new ones [bytes].
        moved_bytes: size of new packs, for what other backups need of old ones [bytes].
        waiting_for: who is at work.
    """

    id: BackupId
    status: str
    fleet: str
    scope: tuple[str, ...]
    is_last: bool
    packs: int
    freed_bytes: int
    moved_bytes: int
    waiting_for: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class PruneReport:
    """Report a prune, or with the status ``planned`` what it would do.

    Attributes:
        status: ``planned``, ``complete``, or ``waiting`` if the next prune will delete the
            packs because a session is alive that may rely on them.
        policy: as ``last=3,daily=7``; empty keeps every backup.
        packs: that go.
        freed_bytes: size of packs that go, less that of new ones; without index objects and
            manifests [bytes].
        moved_bytes: size of new packs, for what is needed of old ones [bytes].
        waiting_for: who is at work.
    """

    status: str
    policy: str
    backups: tuple[PrunedBackup, ...]
    packs: int
    freed_bytes: int
    moved_bytes: int
    waiting_for: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class PolicyReport:
    """Report how long backups are kept.

    Attributes:
        policy: as ``last=3,daily=7``; empty keeps every backup.
        holds: reasons, by the id of each backup that is kept whatever the policy says.
    """

    policy: str
    holds: dict[str, str]


@dataclass(frozen=True)
class HoldReport:
    """Report that a backup is held, or no longer."""

    id: BackupId
    is_held: bool
    reason: str = ""


@dataclass(frozen=True)
class LeaseEntry:
    """Describe who has a lease of the repository.

    Attributes:
        scope: what only its owner does.
        owner: command, host, process, since when, and when it was seen last.
        is_alive: say whether the owner may still be at work.
        is_broken: say whether the lease was taken away.
    """

    scope: str
    owner: str
    is_alive: bool
    is_broken: bool = False


@dataclass(frozen=True)
class LeasesReport:
    """Report who is at work in the repository."""

    leases: tuple[LeaseEntry, ...]


@dataclass(frozen=True)
class HistoryReport:
    """Report what is wrong with the repository's history.

    Attributes:
        is_accepted: say whether this computer takes the present state for the true one now.
    """

    repository_id: str
    faults: tuple[str, ...]
    is_accepted: bool
