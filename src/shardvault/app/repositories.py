"""Create and maintain the configured repository."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from shardvault.app.building import load
from shardvault.app.openers import open_key, remember_heads
from shardvault.app.stores import open_store
from shardvault.clock import monotonic_s
from shardvault.config.load import find_config
from shardvault.config.schema import Config, RepositorySection
from shardvault.errors import ConfigError, RepositoryMissing, StorageError, UsageError
from shardvault.interfaces import Storage
from shardvault.model.report import InitReport, ProbeReport, Severity
from shardvault.repository.format_object import parse_id
from shardvault.repository.store import create_repository, fetch_known
from shardvault.storage import open_storage
from shardvault.urls import display_url


def init(config: str | None = None) -> InitReport:
    """Create each repository that is not there, and its key file if it is to have one.

    Each store is probed first. A mirror is left to the first ``copy``, which brings it keys
    and all.

    Raises:
        UsageError: the only repository is there already.
        TamperDetected: this computer saw a repository there, and it is gone.
    """
    loaded = load(config)
    only = loaded.require_repository() if len(loaded.repository) == 1 else None
    sections = [section for section in loaded.repository if not section.mirror]
    found = {section.url: _find(loaded, section) for section in sections}
    if only is not None and found[only.url] is not None:
        place = display_url(only.url)
        raise UsageError(f"a repository is there already: {place}", hint="name another place")
    first, *further = [found[section.url] or _create(loaded, section) for section in sections]
    return dataclasses.replace(first, further=tuple(further))


def _find(config: Config, section: RepositorySection) -> InitReport | None:
    """Report a repository that is there; a place that was never one gives None."""
    try:
        stored = fetch_known(open_store(config, section=section), remember_heads(section.url))
    except RepositoryMissing:
        return None
    key_file = section.key.file or ""
    return InitReport(parse_id(stored).hex(), display_url(section.url), key_file, is_new=False)


def _create(config: Config, section: RepositorySection) -> InitReport:
    from shardvault.storage.probe import probe_storage

    storage = open_store(config, section=section)
    probe = probe_storage(storage)
    broken = [finding for finding in probe if finding.severity is Severity.BLOCKER]
    if broken:
        raise StorageError(
            f"the store cannot hold a repository: {broken[0].message}", hint=broken[0].remedy
        )
    memory = remember_heads(section.url)
    if section.key.file is not None:
        repository = create_repository(storage, Path(section.key.file), memory=memory)
    else:
        key = open_key(section.key, config.locate_repository(section, "key"))
        repository = create_repository(storage, key, memory=memory)
    return InitReport(repository.id, display_url(section.url), section.key.file or "", probe)


def probe(config: str | None = None, *, url: str | None = None) -> ProbeReport:
    """Find out what a store really does; it may hold a repository that is in use.

    Args:
        config: the file that says how the store is reached.
        url: another place than the configured repository; needs no configuration then.
    """
    from shardvault.storage.probe import probe_storage

    place, storage = _find_store(config, url)
    begin = monotonic_s()
    findings = probe_storage(storage)
    severities = {finding.severity for finding in findings}
    if Severity.BLOCKER in severities:
        status = "unfit"
    else:
        status = "warnings" if Severity.WARNING in severities else "ok"
    return ProbeReport(display_url(place), status, findings, monotonic_s() - begin)


def _find_store(config: str | None, url: str | None) -> tuple[str, Storage]:
    try:
        path = find_config(config)
    except ConfigError:
        if config is not None or url is None:
            raise
        return url, open_storage(url)
    loaded = load(str(path))
    return url or loaded.require_repository().url, open_store(loaded, url=url)
