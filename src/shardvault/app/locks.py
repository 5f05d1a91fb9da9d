"""Look at leases and at the history of the configured repository, and override them."""

from __future__ import annotations

from shardvault.app.building import load, open_configured
from shardvault.model.report import HistoryReport, LeasesReport
from shardvault.storage.append_only import refuse_deletion


def leases(config: str | None = None, *, repository: str | None = None) -> LeasesReport:
    """Tell who is at work in the repository, or was when it died."""
    from shardvault.operations.leases import list_leases

    return list_leases(open_configured(load(config, repository)))


def unlock(config: str | None = None, *, repository: str | None = None) -> LeasesReport:
    """Take every lease away; a command that has one can then write nothing that counts."""
    from shardvault.operations.leases import break_leases

    loaded = load(config, repository)
    if loaded.require_repository().append_only:
        raise refuse_deletion("break a lease")
    return break_leases(open_configured(loaded))


def examine_history(config: str | None = None, *, repository: str | None = None) -> HistoryReport:
    """Tell what is wrong with the repository's history, seen from this computer."""
    opened = open_configured(load(config, repository))
    _, faults = opened.log.inspect()
    return HistoryReport(opened.id, faults, is_accepted=False)


def accept_history(config: str | None = None, *, repository: str | None = None) -> HistoryReport:
    """Take the present state of the repository for the true one, on this computer."""
    opened = open_configured(load(config, repository))
    return HistoryReport(opened.id, opened.log.accept(), is_accepted=True)
