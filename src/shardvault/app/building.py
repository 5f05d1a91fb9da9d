"""Build the real objects that operations need from a configuration."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shardvault.app.openers import Secret, open_key, remember_heads, state_folder
from shardvault.app.stores import describe_absence, open_store
from shardvault.config.load import find_config, load_config
from shardvault.config.schema import Config, RepositorySection
from shardvault.config.shards import build_shards
from shardvault.errors import RepositoryMissing, TamperDetected, UsageError
from shardvault.events import Event, Noticed
from shardvault.fleet.topology import TableSpec, build_fleet
from shardvault.interfaces import EventSink, Storage
from shardvault.model.target import Fleet, Scope
from shardvault.repository.copies import Copies, Site
from shardvault.repository.fallback import BackupReader
from shardvault.repository.heads import HeadMemory
from shardvault.repository.lookup import Latest
from shardvault.repository.sources import SourceKey, read_source_file
from shardvault.repository.store import (
    Repository,
    fetch_known,
    open_for_source,
    open_repository,
)
from shardvault.storage.append_only import AppendOnlyStorage

if TYPE_CHECKING:
    from shardvault.operations.restore_plan import RestoreOptions, RestorePlan


class Silent:
    """Take events and tell nobody."""

    def emit(self, event: Event) -> None:
        """Take one event."""


def load(config: str | None, repository: str | None = None) -> Config:
    """Load the configuration at a path, or the one that is found without it.

    Args:
        config: path; None = look where `find_config` looks.
        repository: the one of its repositories that is meant, by name or URL.
    """
    return load_config(find_config(config)).choose(repository)


def open_fleet(config: Config) -> Fleet:
    """Build the fleet that a configuration describes."""
    tables = [
        TableSpec(
            table.logical,
            table.nodes,
            table.key,
            json.dumps(table.rule) if table.rule else None,
            table.broadcast,
            table.rows,
        )
        for table in config.fleet.tables
    ]
    return build_fleet(config.fleet.name, build_shards(config), tables, locate=config.locate)


def open_target(config: Config, path: str | None) -> Fleet:
    """Build the fleet that takes a restore: that of another file, or the configuration's."""
    return open_fleet(config if path is None else load_config(Path(path)))


def open_configured(
    config: Config,
    *,
    section: RepositorySection | None = None,
    upload_bytes_s: int | None = None,
    download_bytes_s: int | None = None,
    retry_s: float | None = None,
) -> Repository:
    """Open a configured repository with its key.

    Args:
        config: a whole configuration file.
        section: one of its repositories; None = the chosen one, or else the first.
        upload_bytes_s: see ``open_store``.
        download_bytes_s: see ``open_store``.
        retry_s: see ``open_store`` [s].

    Raises:
        RepositoryMissing: there is none, whether its key is there or not.
    """
    section = section or config.require_repository()
    storage = open_store(
        config,
        section=section,
        upload_bytes_s=upload_bytes_s,
        download_bytes_s=download_bytes_s,
        retry_s=retry_s,
    )
    if section.append_only:
        storage = AppendOnlyStorage(storage)
    memory = remember_heads(section.url)
    try:
        key = _obtain_key(config, section, storage, memory)
        if isinstance(key, SourceKey):
            return open_for_source(storage, key, state_folder(), memory=memory)
        return open_repository(storage, key, memory=memory, is_mirror=section.mirror)
    except RepositoryMissing as error:
        if section.mirror:
            error.hint = "fill the mirror with `shardvault repo copy`, or correct its url"
        raise
    except TamperDetected as error:
        error.hint = f"{describe_absence(section.url)}{error.hint or ''}"
        raise


def _obtain_key(
    config: Config, section: RepositorySection, storage: Storage, memory: HeadMemory
) -> Secret | SourceKey:
    """Get the configured key; if it cannot be had, a missing repository is told first."""
    try:
        if section.key.source is not None:
            return read_source_file(Path(section.key.source))
        return open_key(section.key, config.locate_repository(section, "key"))
    except UsageError:
        fetch_known(storage, memory)
        raise


def open_copies(
    config: Config, sink: EventSink | None = None, *, download_bytes_s: int | None = None
) -> Copies:
    """Make ready to read backups from the chosen repository, or from whichever has them.

    Args:
        config: a whole configuration file.
        sink: is told when another than the first has to help.
        download_bytes_s: see ``open_store``.
    """
    sites = [
        Site(
            section.label,
            partial(open_configured, config, section=section, download_bytes_s=download_bytes_s),
        )
        for section in config.readable
    ]
    takes = sink or Silent()
    return Copies(sites, lambda sentence: takes.emit(Noticed(sentence)))


def narrow_latest(config: Config, scope: Scope | None = None) -> Latest:
    """Say which backups ``latest`` chooses from: those of the configured fleet.

    Args:
        scope: what narrows the operation; a backup of this very scope counts too.
    """
    return Latest(config.fleet.name, scope.describe() if scope else ())


def count_threads(config: Config, threads: int | None) -> int:
    """Choose how many ranges are moved at the same time."""
    return threads or config.limits.threads or os.cpu_count() or 1


def count_sessions(config: Config, threads: int | None) -> int:
    """Open no more sessions on a shard than threads could use."""
    return min(config.limits.sessions_per_shard, count_threads(config, threads))


def plan_for(
    backup: BackupReader, target: Fleet, options: RestoreOptions, source: Fleet | None = None
) -> RestorePlan:
    """Plan the restore of a backup; the source is the configured fleet, if there is one."""
    from shardvault.operations.restore_plan import plan_restore as make_plan

    return make_plan(backup.manifest, backup, target, options, source)
