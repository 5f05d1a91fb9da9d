"""Report who has a lease of the repository, and end leases."""

from __future__ import annotations

from dataclasses import replace

from shardvault.model.report import LeaseEntry, LeasesReport
from shardvault.repository.leases import Holding, describe_holding
from shardvault.repository.store import Repository


def list_leases(repository: Repository) -> LeasesReport:
    """Describe every lease that was not given back."""
    found = repository.leases.look_at_all()
    return LeasesReport(tuple(_describe(repository, holding) for holding in found))


def break_leases(repository: Repository) -> LeasesReport:
    """End every lease; the log fences its owner off, should it be at work after all."""
    entries = []
    for holding in repository.leases.look_at_all():
        entry = _describe(repository, holding)
        if repository.leases.break_lease(holding.scope) is not None:
            entries.append(replace(entry, is_broken=True))
    return LeasesReport(tuple(entries))


def _describe(repository: Repository, holding: Holding) -> LeaseEntry:
    is_gone = repository.leases.is_process_gone(holding.scope)
    owner = describe_holding(holding) + ("; its process has ended" if is_gone else "")
    return LeaseEntry(holding.scope, owner, holding.is_alive and not is_gone)
