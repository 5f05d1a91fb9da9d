"""Back up and restore one database of one instance, without a fleet file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from shardvault.app.building import Silent, plan_for
from shardvault.app.openers import remember_heads
from shardvault.errors import RepositoryMissing, UsageError
from shardvault.fleet.topology import build_fleet
from shardvault.interfaces import EventSink
from shardvault.model.definer import parse_definer_rules
from shardvault.model.ids import LATEST, ShardName
from shardvault.model.loss import parse_losses
from shardvault.model.report import BackupReport, RestoreReport
from shardvault.model.target import Endpoint, Fleet, Login, Scope, Shard
from shardvault.repository.copies import Copies, Site
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.lookup import Latest
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage import open_storage
from shardvault.version import VERSION

_SINGLE_FLEET = "database"


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
    allow_loss: Iterable[str] = (),
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
        allow_loss: kinds of loss to accept; see ``backup``.
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
        allowed_losses=parse_losses(allow_loss),
    )
    opened = _open_or_create(repository, Path(key_file))
    return run_backup(fleet, opened, options, sink or Silent())


def restore_database(
    host: str | None,
    user: str,
    password: str,
    database: str,
    *,
    repository: str,
    key_file: str,
    backup_id: str = LATEST,
    port: int = 3306,
    socket: str | None = None,
    replace: bool = False,
    definers: Iterable[str] = (),
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
        backup_id: an id, the beginning of one, or ``latest``: the newest backup of all
            databases, or of this one, if that is newer.
        port: TCP port.
        socket: path of the Unix socket, instead of host and port.
        replace: drop the database if it is in the way; also allows the source itself.
        definers: what is done about definers that the target cannot take; see ``restore``.
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
        definers=parse_definer_rules(definers),
        confirmed_source=fleet.name if replace else None,
    )
    opened = open_repository(
        open_storage(repository),
        read_key_file(Path(key_file)),
        memory=remember_heads(repository),
    )
    backup = Copies([Site(repository, lambda: opened)]).open(
        backup_id, Latest(fleet.name, options.scope.describe())
    )
    return run_restore(plan_for(backup, fleet, options), backup, sink or Silent())


def _single_fleet(endpoint: Endpoint, user: str, password: str) -> Fleet:
    shard = Shard(ShardName("main"), endpoint, Login(user, lambda: password))
    return build_fleet(_SINGLE_FLEET, [shard], [], locate=lambda _: "arguments")


def _database_scope(database: str) -> Scope:
    """Choose one schema by its exact name; backticks take every character literally."""
    if database == "*":
        return Scope()
    return Scope(include=("`" + database.replace("`", "``") + "`.*",))


def _open_or_create(url: str, key_file: Path) -> Repository:
    storage, memory = open_storage(url), remember_heads(url)
    try:
        return open_repository(storage, read_key_file(key_file), memory=memory)
    except (RepositoryMissing, UsageError) as error:
        if isinstance(error, UsageError) and key_file.exists():
            raise
        return create_repository(storage, key_file, memory=memory)
