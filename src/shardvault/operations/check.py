"""Look at every shard and at the store before anything depends on them."""

from __future__ import annotations

from shardvault.errors import ShardvaultError
from shardvault.fleet.preflight import examine_fleet
from shardvault.interfaces import Storage
from shardvault.model.report import CheckReport, Finding, Severity
from shardvault.model.target import Fleet
from shardvault.operations.small_tables import SMALL_BYTES
from shardvault.storage.probe import probe_storage

_STATUS = {Severity.BLOCKER: "blocked", Severity.WARNING: "warnings"}


def run_check(fleet: Fleet, storage: Storage | None) -> CheckReport:
    """Examine all shards in parallel, compare them, and probe the store."""
    shards = examine_fleet(fleet, copy_limit_bytes=SMALL_BYTES)
    findings = (*shards, *_probe(storage))
    severities = {finding.severity for finding in findings}
    status = next((name for rank, name in _STATUS.items() if rank in severities), "ok")
    return CheckReport(status, findings)


def _probe(storage: Storage | None) -> tuple[Finding, ...]:
    if storage is None:
        return ()
    try:
        return probe_storage(storage)
    except ShardvaultError as error:
        return (Finding(Severity.BLOCKER, "store", "probe", error.message, error.hint or ""),)
