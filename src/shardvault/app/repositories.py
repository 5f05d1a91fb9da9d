"""Create and maintain the configured repository."""

from __future__ import annotations

from pathlib import Path

from shardvault.app.building import load
from shardvault.app.openers import open_key, remember_heads
from shardvault.app.stores import open_store
from shardvault.clock import monotonic_s
from shardvault.config.load import find_config
from shardvault.errors import ConfigError, StorageError
from shardvault.interfaces import Storage
from shardvault.model.report import InitReport, ProbeReport, Severity
from shardvault.repository.store import create_repository
from shardvault.storage import open_storage


def init(config: str | None = None) -> InitReport:
    """Create the repository, and its key file if it is to have one; probe the store first."""
    from shardvault.storage.probe import probe_storage

    loaded = load(config)
    section = loaded.require_repository()
    storage = open_store(loaded)
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
        key = open_key(section.key, loaded.locate(("repository", "key")))
        repository = create_repository(storage, key, memory=memory)
    return InitReport(repository.id, section.url, section.key.file or "", probe)


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
    return ProbeReport(place, status, findings, monotonic_s() - begin)


def _find_store(config: str | None, url: str | None) -> tuple[str, Storage]:
    try:
        path = find_config(config)
    except ConfigError:
        if config is not None or url is None:
            raise
        return url, open_storage(url)
    loaded = load(str(path))
    return url or loaded.require_repository().url, open_store(loaded, url=url)
