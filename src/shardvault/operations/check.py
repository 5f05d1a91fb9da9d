"""Look at every shard and at the store before anything depends on them."""

from __future__ import annotations

from shardvault.errors import ObjectMissing, ShardvaultError
from shardvault.fleet.preflight import examine_fleet
from shardvault.interfaces import Storage
from shardvault.model.report import CheckReport, Finding, Severity
from shardvault.model.target import Fleet
from shardvault.operations.small_tables import SMALL_BYTES
from shardvault.repository.format import FORMAT_NAME
from shardvault.repository.slots import list_slot_names
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
        return (*probe_storage(storage, is_brief=True), *_examine_slots(storage))
    except ShardvaultError as error:
        return (Finding(Severity.BLOCKER, "store", "probe", error.message, error.hint or ""),)


def _examine_slots(storage: Storage) -> tuple[Finding, ...]:
    """Count the keys of the repository, if there is one; needs none of them."""
    try:
        storage.stat(FORMAT_NAME)
    except ObjectMissing:
        return ()
    return warn_of_slots(len(list_slot_names(storage)))


def warn_of_slots(count: int) -> tuple[Finding, ...]:
    """Warn while one lost key would be the loss of every backup."""
    if count > 1:
        return ()
    return (
        Finding(
            Severity.WARNING,
            "repository",
            "keys",
            "only one key opens the repository: a lost key loses everything",
            "shardvault key add, or shardvault key export for paper",
        ),
    )
