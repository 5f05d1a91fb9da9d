"""Look at every shard and at the store before anything depends on them."""

from __future__ import annotations

from shardvault.errors import ShardvaultError
from shardvault.fleet.preflight import compare_shards, examine_shard
from shardvault.interfaces import Storage
from shardvault.model.report import CheckReport, Finding, Severity
from shardvault.model.target import Fleet
from shardvault.storage.probe import probe_storage
from shardvault.workers.local import map_parallel

_MOST_THREADS = 32
_STATUS = {Severity.BLOCKER: "blocked", Severity.WARNING: "warnings"}


def run_check(fleet: Fleet, storage: Storage | None) -> CheckReport:
    """Examine all shards in parallel, compare them, and probe the store."""
    found = map_parallel(examine_shard, fleet.shards, limit=_MOST_THREADS)
    findings = [finding for shard in found for finding in shard]
    findings += compare_shards(fleet)
    findings += _probe(storage)
    severities = {finding.severity for finding in findings}
    status = next((name for rank, name in _STATUS.items() if rank in severities), "ok")
    return CheckReport(status, tuple(findings))


def _probe(storage: Storage | None) -> tuple[Finding, ...]:
    if storage is None:
        return ()
    try:
        return probe_storage(storage)
    except ShardvaultError as error:
        return (Finding(Severity.BLOCKER, "store", "probe", error.message, error.hint or ""),)
