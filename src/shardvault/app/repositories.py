"""Create and maintain the configured repository."""

from __future__ import annotations

from pathlib import Path

from shardvault.app.building import load
from shardvault.errors import StorageError
from shardvault.model.report import InitReport, Severity
from shardvault.repository.store import create_repository
from shardvault.storage import open_storage


def init(config: str | None = None) -> InitReport:
    """Create the repository and its key file; probe the store first."""
    from shardvault.storage.probe import probe_storage

    section = load(config).require_repository()
    storage = open_storage(section.url)
    probe = probe_storage(storage)
    broken = [finding for finding in probe if finding.severity is Severity.BLOCKER]
    if broken:
        raise StorageError(
            f"the store cannot hold a repository: {broken[0].message}", hint=broken[0].remedy
        )
    repository = create_repository(storage, Path(section.key.file))
    return InitReport(repository.id, section.url, section.key.file, probe)
