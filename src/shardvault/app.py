"""Build the real objects from a configuration and run one operation.

The command line and the Python API are thin over these functions; each takes the
configuration's path (None = look where `find_config` looks) and returns a typed report.
Each operation is imported where it is run: a backup need not load the restore.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shardvault.config.load import find_config, load_config
from shardvault.config.schema import Config
from shardvault.config.shards import build_shards
from shardvault.errors import RepositoryMissing, StorageError, UsageError
from shardvault.events import Event
from shardvault.fleet.topology import TableSpec, build_fleet
from shardvault.interfaces import EventSink
from shardvault.model.ids import BackupId, ShardName
from shardvault.model.report import (
    BackupReport,
    CatalogReport,
    CheckReport,
    DefinitionsReport,
    InitReport,
    RestorePlanReport,
    RestoreReport,
    Severity,
    ShowReport,
    VerifyReport,
)
from shardvault.model.target import Endpoint, Fleet, Login, Scope, Shard
from shardvault.repository.keys import read_key_file
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage import open_storage
from shardvault.version import VERSION

if TYPE_CHECKING:
    from shardvault.operations.restore_plan import RestoreOptions, RestorePlan

_SINGLE_FLEET = "database"


class _Silent:
    """Take events and tell nobody."""

    def emit(self, event: Event) -> None:
        """Take one event."""


def init(config: str | None = None) -> InitReport:
    """Create the repository and its key file; probe the store first."""
    from shardvault.storage.probe import probe_storage

    section = _load(config).require_repository()
    storage = open_storage(section.url)
    probe = probe_storage(storage)
    broken = [finding for finding in probe if finding.severity is Severity.BLOCKER]
    if broken:
        raise StorageError(
            f"the store cannot hold a repository: {broken[0].message}", hint=broken[0].remedy
        )
    repository = create_repository(storage, Path(section.key.file))
    return InitReport(repository.id, section.url, section.key.file, probe)


def check(config: str | None = None) -> CheckReport:
    """Look at every shard and at the store; change nothing that lasts."""
    from shardvault.operations.check import run_check

    loaded = _load(config)
    fleet = _fleet(loaded)
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

    loaded = _load(config)
    barrier = loaded.backup.barrier
    options = BackupOptions(
        threads=_threads(loaded, threads),
        sessions_per_shard=_sessions(loaded, threads),
        limits=BarrierLimits(
            hold_s=barrier.limit_s, lease_s=barrier.lease_s, attempts=barrier.attempts
        ),
        scope=scope or Scope(),
        tool_version=VERSION,
        zstd_level=loaded.backup.zstd_level,
    )
    return run_backup(_fleet(loaded), _repository(loaded), options, sink or _Silent())


def list_backups(config: str | None = None) -> CatalogReport:
    """List every complete backup, oldest first, and name what cannot be read."""
    repository = _repository(_load(config))
    return CatalogReport(repository.list(), tuple(str(error) for error in repository.damaged()))


def show(backup_id: str, config: str | None = None) -> ShowReport:
    """Describe one backup in full; ``latest`` is an id."""
    from shardvault.operations.show import run_show

    repository = _repository(_load(config))
    return run_show(repository.load(BackupId(backup_id)), repository.reader())


def show_definitions(backup_id: str, config: str | None = None) -> DefinitionsReport:
    """List the CREATE statements that a backup holds."""
    from shardvault.operations.show import run_show_definitions

    repository = _repository(_load(config))
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

    loaded = _load(config)
    repository = _repository(loaded)
    return run_verify(
        repository.load(BackupId(backup_id)),
        repository.reader(),
        sink or _Silent(),
        threads=_threads(loaded, threads),
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

    loaded = _load(config)
    options = RestoreOptions(
        threads=1,
        mapping=mapping or {},
        scope=scope or Scope(),
        replace=replace,
        confirmed_source=confirm_source,
        with_accounts=with_accounts,
    )
    repository = _repository(loaded)
    return report_plan(_plan(repository, backup_id, _target(loaded, target), options))


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

    loaded = _load(config)
    options = RestoreOptions(
        threads=_threads(loaded, threads),
        sessions_per_shard=_sessions(loaded, threads),
        mapping=mapping or {},
        scope=scope or Scope(),
        replace=replace,
        confirmed_source=confirm_source,
        with_accounts=with_accounts,
    )
    repository = _repository(loaded)
    plan = _plan(repository, backup_id, _target(loaded, target), options)
    return run_restore(plan, repository.reader(), sink or _Silent())


def backup_database(
    host: str | None,
    user: str,
    password: str,
    database: str,
    *,
    repository: str,
    key_file: str,
    port: int = 3306,
    socket: str | None = None,
    threads: int | None = None,
    sink: EventSink | None = None,
) -> BackupReport:
    """Back up one database of one instance, without a fleet file.

    The repository and its key file are created if they are not there. Keep a copy of the
    key file elsewhere: without it nothing can be restored.

    Args:
        host: where the instance listens; None with ``socket``.
        user: login of the backup.
        password: its password.
        database: the schema to back up; ``*`` for all.
        repository: place of the repository, as ``file:///var/backups/shop``.
        key_file: path of the repository's key.
        port: TCP port.
        socket: path of the Unix socket, instead of host and port.
        threads: ranges read at the same time; None = one per processor.
        sink: takes progress.
    """
    from shardvault.operations.backup import BackupOptions, run_backup

    fleet = _single_fleet(Endpoint(host, port, socket), user, password)
    count = threads or os.cpu_count() or 1
    options = BackupOptions(
        threads=count,
        sessions_per_shard=count,
        scope=_database_scope(database),
        tool_version=VERSION,
    )
    opened = _open_or_create(repository, Path(key_file))
    return run_backup(fleet, opened, options, sink or _Silent())


def restore_database(
    host: str | None,
    user: str,
    password: str,
    database: str,
    *,
    repository: str,
    key_file: str,
    backup_id: str = "latest",
    port: int = 3306,
    socket: str | None = None,
    replace: bool = False,
    threads: int | None = None,
    sink: EventSink | None = None,
) -> RestoreReport:
    """Restore one database of a single-instance backup; see ``backup_database``.

    Args:
        host: where the target listens; None with ``socket``.
        user: login of the restore.
        password: its password.
        database: the schema to restore; ``*`` for all.
        repository: place of the repository.
        key_file: path of the repository's key.
        backup_id: which backup; ``latest`` is an id.
        port: TCP port.
        socket: path of the Unix socket, instead of host and port.
        replace: drop the database if it is in the way; also allows the source itself.
        threads: ranges loaded at the same time; None = one per processor.
        sink: takes progress.
    """
    from shardvault.operations.restore import run_restore
    from shardvault.operations.restore_plan import RestoreOptions

    fleet = _single_fleet(Endpoint(host, port, socket), user, password)
    count = threads or os.cpu_count() or 1
    options = RestoreOptions(
        threads=count,
        sessions_per_shard=count,
        scope=_database_scope(database),
        replace=replace,
        confirmed_source=fleet.name if replace else None,
    )
    opened = open_repository(open_storage(repository), read_key_file(Path(key_file)))
    plan = _plan(opened, backup_id, fleet, options)
    return run_restore(plan, opened.reader(), sink or _Silent())


def _single_fleet(endpoint: Endpoint, user: str, password: str) -> Fleet:
    shard = Shard(ShardName("main"), endpoint, Login(user, lambda: password))
    return build_fleet(_SINGLE_FLEET, [shard], [], locate=lambda _: "arguments")


def _database_scope(database: str) -> Scope:
    """Choose one schema by its exact name; backticks take every character literally."""
    if database == "*":
        return Scope()
    return Scope(include=("`" + database.replace("`", "``") + "`.*",))


def _open_or_create(url: str, key_file: Path) -> Repository:
    storage = open_storage(url)
    try:
        return open_repository(storage, read_key_file(key_file))
    except (RepositoryMissing, UsageError) as error:
        if isinstance(error, UsageError) and key_file.exists():
            raise
        return create_repository(storage, key_file)


def _plan(
    repository: Repository, backup_id: str, target: Fleet, options: RestoreOptions
) -> RestorePlan:
    from shardvault.operations.restore_plan import plan_restore as make_plan

    manifest = repository.load(BackupId(backup_id))
    return make_plan(manifest, repository.reader(), target, options)


def _load(config: str | None) -> Config:
    return load_config(find_config(config))


def _fleet(config: Config) -> Fleet:
    tables = [
        TableSpec(
            table.logical,
            table.nodes,
            table.key,
            json.dumps(table.rule) if table.rule else None,
            table.broadcast,
        )
        for table in config.fleet.tables
    ]
    return build_fleet(config.fleet.name, build_shards(config), tables, locate=config.locate)


def _target(config: Config, path: str | None) -> Fleet:
    return _fleet(config if path is None else load_config(Path(path)))


def _repository(config: Config) -> Repository:
    section = config.require_repository()
    return open_repository(open_storage(section.url), read_key_file(Path(section.key.file)))


def _threads(config: Config, threads: int | None) -> int:
    return threads or config.limits.threads or os.cpu_count() or 1


def _sessions(config: Config, threads: int | None) -> int:
    """Open no more sessions on a shard than threads could use."""
    return min(config.limits.sessions_per_shard, _threads(config, threads))
