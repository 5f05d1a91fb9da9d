"""Tell who has a lease of the repository, and take leases away."""

from __future__ import annotations

from dataclasses import replace

from shardvault.model.report import LeaseEntry, LeasesReport
from shardvault.repository.leases import Holding, describe_holding
from shardvault.repository.store import Repository


def list_leases(repository: Repository) -> LeasesReport:
    """Describe every lease that was not given back."""
    return LeasesReport(tuple(map(_describe, repository.leases.look_at_all())))


def break_leases(repository: Repository) -> LeasesReport:
    """End every lease; the log fences its owner off, should it be at work after all."""
    found = (repository.leases.break_lease(one.scope) for one in repository.leases.look_at_all())
    broken = (replace(_describe(one), is_broken=True) for one in found if one is not None)
    return LeasesReport(tuple(broken))


def _describe(holding: Holding) -> LeaseEntry:
    return LeaseEntry(holding.scope, describe_holding(holding), holding.is_alive)
