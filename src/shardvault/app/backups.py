"""Check, back up, show, verify and restore a configured fleet."""

from __future__ import annotations

from collections.abc import Mapping

from shardvault.app.building import (
    Silent,
    count_sessions,
    count_threads,
    load,
    open_configured,
    open_fleet,
    open_target,
    plan_for,
)
from shardvault.interfaces import EventSink
from shardvault.model.ids import BackupId
from shardvault.model.report import (
    BackupReport,
    CatalogReport,
    CheckReport,
    DefinitionsReport,
    RestorePlanReport,
    RestoreReport,
    ShowReport,
    VerifyReport,
)
from shardvault.model.target import Scope
from shardvault.storage import open_storage
from shardvault.version import VERSION


def check(config: str | None = None) -> CheckReport:
    """Look at every shard and at the store; change nothing that lasts."""
    from shardvault.operations.check import run_check

    loaded = load(config)
    fleet = open_fleet(loaded)
    storage = open_storage(loaded.repository.url) if loaded.repository else None
    return run_check(fleet, storage)


def backup(
    config: str | None = None,
    *,
    scope: Scope | None = None,
    threads: int | None = None,
    sink: EventSink | None = None,
) -> BackupReport:
    """Take a hot logical backup of the fleet at one cut.

    Args:
        config: the file that names fleet and repository.
        scope: narrows what is backed up; None = everything.
        threads: ranges read at the same time; None = the configuration's.
        sink: takes progress.
    """
    from shardvault.barrier.limits import BarrierLimits
    from shardvault.operations.backup import BackupOptions, run_backup

    loaded = load(config)
    barrier = loaded.backup.barrier
    options = BackupOptions(
        threads=count_threads(loaded, threads),
        sessions_per_shard=count_sessions(loaded, threads),
        limits=BarrierLimits(
            hold_s=barrier.limit_s, lease_s=barrier.lease_s, attempts=barrier.attempts
        ),
        scope=scope or Scope(),
        tool_version=VERSION,
        zstd_level=loaded.backup.zstd_level,
    )
    return run_backup(open_fleet(loaded), open_configured(loaded), options, sink or Silent())


def list_backups(config: str | None = None) -> CatalogReport:
    """List every complete backup, oldest first, and name what cannot be read."""
    repository = open_configured(load(config))
    return CatalogReport(repository.list(), tuple(str(error) for error in repository.damaged()))


def show(backup_id: str, config: str | None = None) -> ShowReport:
    """Describe one backup in full; ``latest`` is an id."""
    from shardvault.operations.show import run_show

    repository = open_configured(load(config))
    return run_show(repository.load(BackupId(backup_id)), repository.reader())


def show_definitions(backup_id: str, config: str | None = None) -> DefinitionsReport:
    """List the CREATE statements that a backup holds."""
    from shardvault.operations.show import run_show_definitions

    repository = open_configured(load(config))
    return run_show_definitions(repository.load(BackupId(backup_id)), repository.reader())


def verify(
    backup_id: str,
    config: str | None = None,
    *,
    threads: int | None = None,
    sink: EventSink | None = None,
) -> VerifyReport:
    """Read every object of a backup back and compare it with its manifest."""
    from shardvault.operations.verify import run_verify

    loaded = load(config)
    repository = open_configured(loaded)
    return run_verify(
        repository.load(BackupId(backup_id)),
        repository.reader(),
        sink or Silent(),
        threads=count_threads(loaded, threads),
    )


def plan_restore(
    backup_id: str,
    config: str | None = None,
    *,
    target: str | None = None,
    mapping: Mapping[str, str] | None = None,
    scope: Scope | None = None,
    replace: bool = False,
    confirm_source: str | None = None,
    with_accounts: bool = False,
) -> RestorePlanReport:
    """Say what a restore would do and what stands in its way; change nothing."""
    from shardvault.operations.restore_plan import RestoreOptions, report_plan

    loaded = load(config)
    options = RestoreOptions(
        threads=1,
        mapping=mapping or {},
        scope=scope or Scope(),
        replace=replace,
        confirmed_source=confirm_source,
        with_accounts=with_accounts,
    )
    repository = open_configured(loaded)
    return report_plan(plan_for(repository, backup_id, open_target(loaded, target), options))


def restore(
    backup_id: str,
    config: str | None = None,
    *,
    target: str | None = None,
    mapping: Mapping[str, str] | None = None,
    scope: Scope | None = None,
    replace: bool = False,
    confirm_source: str | None = None,
    with_accounts: bool = False,
    threads: int | None = None,
    sink: EventSink | None = None,
) -> RestoreReport:
    """Restore a backup, read every table back, and succeed only if all is equal.

    Args:
        backup_id: which backup; ``latest`` is an id.
        config: the file that names fleet and repository.
        target: a file whose fleet takes the data; None = the fleet of ``config``.
        mapping: shard of the backup to shard of the target; others keep their name.
        scope: narrows what is restored; None = everything.
        replace: drop what is in the way on the target.
        confirm_source: the fleet's name, typed, to restore onto the source itself.
        with_accounts: create users, roles and grants too.
        threads: ranges loaded at the same time; None = the configuration's.
        sink: takes progress.
    """
    from shardvault.operations.restore import run_restore
    from shardvault.operations.restore_plan import RestoreOptions

    loaded = load(config)
    options = RestoreOptions(
        threads=count_threads(loaded, threads),
        sessions_per_shard=count_sessions(loaded, threads),
        mapping=mapping or {},
        scope=scope or Scope(),
        replace=replace,
        confirmed_source=confirm_source,
        with_accounts=with_accounts,
    )
    repository = open_configured(loaded)
    plan = plan_for(repository, backup_id, open_target(loaded, target), options)
    return run_restore(plan, repository.reader(), sink or Silent())
