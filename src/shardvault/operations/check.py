"""Look at every shard, store and repository before anything depends on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shardvault.errors import ObjectMissing, RepositoryMissing, ShardvaultError
from shardvault.fleet.preflight import examine_fleet
from shardvault.interfaces import Storage
from shardvault.model.report import CheckReport, Finding, Severity
from shardvault.model.target import Fleet
from shardvault.operations.small_tables import SMALL_BYTES
from shardvault.repository.format import FORMAT_NAME
from shardvault.repository.slots import list_slot_names
from shardvault.repository.store import Repository
from shardvault.storage.probe import probe_storage

_STATUS = {Severity.BLOCKER: "blocked", Severity.WARNING: "warnings"}
_REMEDY = "`shardvault repo check` says what that hits"


@dataclass(frozen=True)
class Place:
    """Name a repository that there should be.

    Attributes:
        open: with its key, compared with what this computer saw of it before.
        is_mirror: `repo copy` makes it; a backup needs it not.
    """

    name: str
    open: Callable[[], Repository]
    is_mirror: bool = False


def run_check(fleet: Fleet, storage: Storage | None, places: Sequence[Place] = ()) -> CheckReport:
    """Examine all shards in parallel, compare them, probe the store and open the repositories."""
    shards = examine_fleet(fleet, copy_limit_bytes=SMALL_BYTES)
    opened = (finding for place in places for finding in _examine(place))
    findings = (*shards, *_probe(storage), *opened)
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


def _examine(place: Place) -> Sequence[Finding]:
    try:
        return tuple(_examine_contents(place.name, place.open()))
    except ShardvaultError as error:
        is_unfilled = place.is_mirror and isinstance(error, RepositoryMissing)
        severity = Severity.WARNING if is_unfilled else Severity.BLOCKER
        return (Finding(severity, "repository", place.name, str(error), error.hint or ""),)


def _examine_contents(name: str, repository: Repository) -> Iterator[Finding]:
    """Read log, catalog and index; of a source only the log, whose key reads no more."""
    repository.history()
    if repository.is_write_only:
        told = f"{repository.id}; a source adds backups to it and reads none"
        yield Finding(Severity.OK, "repository", name, told)
        return
    damaged = repository.damaged()
    for error in damaged:
        yield Finding(Severity.BLOCKER, "repository", name, error.message, error.hint or _REMEDY)
    if not damaged:
        told = f"{repository.id}; backups: {len(repository.list())}"
        yield Finding(Severity.OK, "repository", name, told)


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
