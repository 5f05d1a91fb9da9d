"""Check, back up, show, verify and restore a configured fleet."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from shardvault.app.building import (
    Silent,
    count_sessions,
    count_threads,
    load,
    narrow_latest,
    open_configured,
    open_copies,
    open_fleet,
    open_target,
    plan_for,
)
from shardvault.app.stores import open_store
from shardvault.interfaces import EventSink
from shardvault.model.backup_plan import BackupPlanReport
from shardvault.model.definer import parse_definer_rules
from shardvault.model.ids import LATEST
from shardvault.model.loss import parse_losses
from shardvault.model.policy import parse_tags
from shardvault.model.report import (
    BackupReport,
    CatalogReport,
    CheckReport,
    DefinitionsReport,
    Finding,
    RestorePlanReport,
    RestoreReport,
    Severity,
    ShowReport,
    VerifyReport,
)
from shardvault.model.target import Scope
from shardvault.repository.store import Repository
from shardvault.version import VERSION

_CHECK_RETRY_S = 10.0  # a store that is down is reported soon; a backup waits longer


def check(
    config: str | None = None, *, scope: Scope | None = None, sink: EventSink | None = None
) -> CheckReport:
    """Examine every shard, the store and each repository; change nothing that lasts.

    Args:
        config: the file that names fleet and repository.
        scope: what a backup would be narrowed to; None = everything.
        sink: takes progress.
    """
    from shardvault.operations.check import Place, run_check

    loaded = load(config)
    fleet = open_fleet(loaded)
    storage = open_store(loaded, retry_s=_CHECK_RETRY_S) if loaded.repository else None
    places = [
        Place(
            section.label,
            partial(open_configured, loaded, section=section, retry_s=_CHECK_RETRY_S),
            section.mirror,
        )
        for section in loaded.repository
    ]
    hold_s = loaded.backup.barrier.limit_s
    return run_check(fleet, storage, places, sink, scope, hold_s=hold_s)


def backup(
    config: str | None = None,
    *,
    scope: Scope | None = None,
    allow_loss: Iterable[str] = (),
    tags: Iterable[str] = (),
    threads: int | None = None,
    upload_bytes_s: int | None = None,
    wait_lock_s: float | None = None,
    sink: EventSink | None = None,
) -> BackupReport:
    """Take a hot logical backup of the fleet at one cut.

    Args:
        config: the file that names fleet and repository.
        scope: narrows what is backed up; None = everything.
        allow_loss: kinds of loss to accept, by their words in ``model.loss.LossKind``;
            the report names every table that one of them met.
        tags: names for the backup, as ``latest:TAG`` and the policy use them.
        threads: ranges read at the same time; None = the configuration's.
        upload_bytes_s: most bytes sent to the store per second; None = the configuration's.
        wait_lock_s: longest wait for what is in the way of the locks [s]; None = the
            configuration's.
        sink: takes progress.
    """
    from shardvault.barrier.limits import BarrierLimits
    from shardvault.operations.backup import BackupOptions, run_backup

    allowed, names = parse_losses(allow_loss), parse_tags(tags)
    loaded = load(config)
    barrier = loaded.backup.barrier
    options = BackupOptions(
        threads=count_threads(loaded, threads),
        sessions_per_shard=count_sessions(loaded, threads),
        limits=BarrierLimits(
            hold_s=barrier.limit_s,
            lease_s=barrier.lease_s,
            attempts=barrier.attempts,
            gentle_s=barrier.wait_s if wait_lock_s is None else wait_lock_s,
        ),
        scope=scope or Scope(),
        tool_version=VERSION,
        zstd_level=loaded.backup.zstd_level,
        allowed_losses=allowed,
        parity_packs=loaded.require_repository().parity_packs,
        tags=names,
    )
    repository = open_configured(loaded, upload_bytes_s=upload_bytes_s)
    return run_backup(open_fleet(loaded), repository, options, sink or Silent())


def plan_backup(
    config: str | None = None,
    *,
    scope: Scope | None = None,
    allow_loss: Iterable[str] = (),
    sink: EventSink | None = None,
) -> BackupPlanReport:
    """Say what a backup would hold and what stands in its way; lock and store nothing.

    Args:
        config: the file that names the fleet.
        scope: narrows what is backed up; None = everything.
        allow_loss: kinds of loss to accept, see ``backup``.
        sink: takes progress.
    """
    from shardvault.operations.backup_preview import preview_backup

    allowed = parse_losses(allow_loss)
    loaded = load(config)
    hold_s = loaded.backup.barrier.limit_s
    return preview_backup(open_fleet(loaded), scope or Scope(), allowed, hold_s, sink or Silent())


def list_backups(
    config: str | None = None, *, repository: str | None = None, tags: Iterable[str] = ()
) -> CatalogReport:
    """List every backup, oldest first, and name what cannot be read.

    Args:
        config: the file that names the repository.
        repository: which of its repositories, by name or URL; None = the nearest that can
            be opened, which is told if it is not the first.
        tags: list only backups that have one of these; none = every backup.
    """
    wanted = parse_tags(tags)
    copies = open_copies(load(config, repository))

    def read(opened: Repository) -> CatalogReport:
        found = opened.overview()
        backups = (one for one in found.backups if not wanted or set(wanted) & set(one.tags))
        return CatalogReport(tuple(backups), tuple(map(str, found.damaged)), ignored=found.ignored)

    report = copies.first(read)
    return dataclasses.replace(report, findings=copies.findings(), tags=wanted)


def show(
    backup_id: str = LATEST, config: str | None = None, *, repository: str | None = None
) -> ShowReport:
    """Describe one backup in full.

    Args:
        backup_id: an id, the beginning of one, ``latest`` or ``latest:TAG``.
        config: the file that names the repository.
        repository: which of its repositories, by name or URL; None = the nearest that holds
            the backup.
    """
    from shardvault.operations.retention import is_verified
    from shardvault.operations.show import run_show

    loaded = load(config, repository)
    backup = open_copies(loaded).open(backup_id, narrow_latest(loaded))
    report = run_show(backup.manifest, backup)
    notices = (f"{finding.where}: {finding.message}" for finding in backup.findings())
    told = dataclasses.replace(report.backup, notices=(*report.backup.notices, *notices))
    proven = backup.proven()
    verified = proven is not None and is_verified(proven, told.id)
    return dataclasses.replace(report, backup=told, is_verified=verified)


def show_definitions(
    backup_id: str = LATEST, config: str | None = None, *, repository: str | None = None
) -> DefinitionsReport:
    """List the CREATE statements that a backup holds."""
    from shardvault.operations.show import run_show_definitions

    loaded = load(config, repository)
    backup = open_copies(loaded).open(backup_id, narrow_latest(loaded))
    return run_show_definitions(backup.manifest, backup)


def verify(
    backup_id: str = LATEST,
    config: str | None = None,
    *,
    repository: str | None = None,
    threads: int | None = None,
    download_bytes_s: int | None = None,
    sink: EventSink | None = None,
) -> VerifyReport:
    """Read every object of a backup back and compare it with its manifest.

    What only a copy has sound is a finding too: the backup is damaged, and can be restored.
    So is a repository that had to be passed over: the backup is sound, in a copy.

    Args:
        backup_id: an id, the beginning of one, ``latest`` or ``latest:TAG``.
        config: the file that names fleet and repository.
        repository: which of its repositories, by name or URL; None = the nearest that holds
            the backup, and for what is damaged there the next.
        threads: chunks read at the same time; None = the configuration's.
        download_bytes_s: most bytes received from the store per second; None = the
            configuration's.
        sink: takes progress.
    """
    from shardvault.operations.retention import tell_verified
    from shardvault.operations.verify import run_verify

    loaded = load(config, repository)
    copies = open_copies(loaded, sink, download_bytes_s=download_bytes_s)
    backup = copies.open(backup_id, narrow_latest(loaded))
    threads = count_threads(loaded, threads)
    report = run_verify(backup.manifest, backup, sink or Silent(), threads=threads)
    proven = backup.proven()
    if report.status == "ok" and proven is not None:
        tell_verified(proven, report.id, "verify", sink or Silent())
    if proven is None:
        report = dataclasses.replace(report, status="damaged")
    found = backup.findings()
    status = "findings" if report.status == "ok" and _is_serious(found) else report.status
    return dataclasses.replace(report, status=status, findings=(*report.findings, *found))


def plan_restore(
    backup_id: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    target: str | None = None,
    mapping: Mapping[str, str] | None = None,
    rename: Mapping[str, str] | None = None,
    scope: Scope | None = None,
    replace: bool = False,
    confirm_source: str | None = None,
    with_accounts: bool = False,
    events_on: bool = True,
    definers: Iterable[str] = (),
    skip_damaged: bool = False,
    schema_only: bool = False,
) -> RestorePlanReport:
    """Say what a restore would do and what stands in its way; change nothing."""
    from shardvault.operations.restore_plan import RestoreOptions
    from shardvault.operations.restore_preview import report_plan

    loaded = load(config, repository)
    options = RestoreOptions(
        threads=1,
        mapping=mapping or {},
        rename=rename or {},
        scope=scope or Scope(),
        replace=replace,
        confirmed_source=confirm_source,
        with_accounts=with_accounts,
        events_on=events_on,
        definers=parse_definer_rules(definers),
        skip_damaged=skip_damaged,
        schema_only=schema_only,
    )
    backup = open_copies(loaded).open(backup_id, narrow_latest(loaded, options.scope))
    report = report_plan(plan_for(backup, open_target(loaded, target), options, open_fleet(loaded)))
    return dataclasses.replace(report, findings=(*report.findings, *backup.findings()))


def restore(
    backup_id: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    target: str | None = None,
    mapping: Mapping[str, str] | None = None,
    rename: Mapping[str, str] | None = None,
    scope: Scope | None = None,
    replace: bool = False,
    confirm_source: str | None = None,
    with_accounts: bool = False,
    events_on: bool = True,
    definers: Iterable[str] = (),
    skip_damaged: bool = False,
    schema_only: bool = False,
    threads: int | None = None,
    download_bytes_s: int | None = None,
    sink: EventSink | None = None,
) -> RestoreReport:
    """Restore a backup, read every table back, and succeed only if all is equal.

    Args:
        backup_id: an id, the beginning of one, ``latest`` or ``latest:TAG``. The latest is the
            newest complete backup of the fleet, or one of exactly this scope, if newer.
        config: the file that names fleet and repository.
        repository: which of its repositories, by name or URL; None = the nearest that holds
            the backup, and for what is damaged there the next.
        target: a file whose fleet takes the data; None = the fleet of ``config``.
        mapping: shard of the backup to shard of the target; others keep their name.
        rename: schema of the backup, or ``shard/schema``, to its name on the target; what
            refers to it follows, or is left out with a warning. Names may stand in backticks.
        scope: narrows what is restored; None = everything.
        replace: drop what is in the way on the target.
        confirm_source: the fleet's name, typed, to restore onto the source itself.
        with_accounts: create users, roles and grants too.
        events_on: switch the events on when all else is done; else they stay disabled.
        definers: what is done about definers that the target cannot take, as ``--definer``
            takes it: ``keep``, ``skip``, ``OLD=NEW``, ``*=NEW``.
        skip_damaged: leave out tables that the repository cannot give back whole, and name
            them; every row is read before anything is changed.
        schema_only: restore every definition, and no row.
        threads: ranges loaded at the same time; None = the configuration's.
        download_bytes_s: most bytes received from the store per second; None = the
            configuration's.
        sink: takes progress.
    """
    from shardvault.operations.restore import run_restore
    from shardvault.operations.restore_plan import RestoreOptions
    from shardvault.operations.retention import tell_verified

    loaded = load(config, repository)
    options = RestoreOptions(
        threads=count_threads(loaded, threads),
        sessions_per_shard=count_sessions(loaded, threads),
        mapping=mapping or {},
        rename=rename or {},
        scope=scope or Scope(),
        replace=replace,
        confirmed_source=confirm_source,
        with_accounts=with_accounts,
        events_on=events_on,
        definers=parse_definer_rules(definers),
        skip_damaged=skip_damaged,
        schema_only=schema_only,
    )
    copies = open_copies(loaded, sink, download_bytes_s=download_bytes_s)
    backup = copies.open(backup_id, narrow_latest(loaded, options.scope))
    plan = plan_for(backup, open_target(loaded, target), options, open_fleet(loaded))
    report = run_restore(plan, backup, sink or Silent())
    proven = backup.proven()
    is_whole = options.scope == Scope() and not plan.left_out and not schema_only
    if is_whole and proven is not None:
        tell_verified(proven, report.id, "restore", sink or Silent())
    return _add_findings(report, backup.findings())


def _add_findings(report: RestoreReport, findings: Sequence[Finding]) -> RestoreReport:
    """Tell of repositories that failed; the restore itself was proven all the same."""
    status = "findings" if _is_serious(findings) else report.status
    return dataclasses.replace(report, status=status, findings=(*report.findings, *findings))


def _is_serious(findings: Sequence[Finding]) -> bool:
    return any(finding.severity is not Severity.INFO for finding in findings)
