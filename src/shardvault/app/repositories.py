"""Create and maintain the configured repository."""

from __future__ import annotations

from pathlib import Path

from shardvault.app.building import load
from shardvault.app.openers import open_key, remember_heads
from shardvault.app.stores import open_store
from shardvault.errors import StorageError
from shardvault.model.report import InitReport, Severity
from shardvault.repository.store import create_repository


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
