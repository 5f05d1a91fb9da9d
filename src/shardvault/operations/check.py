"""Look at every shard, store and repository before anything depends on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shardvault.barrier.limits import HOLD_S
from shardvault.errors import (
    ObjectMissing,
    RepositoryMissing,
    ShardvaultError,
    StorageUnavailable,
)
from shardvault.events import PhaseStarted
from shardvault.interfaces import EventSink, Storage
from shardvault.model.report import CheckReport, Finding, Severity
from shardvault.model.target import Fleet, Scope
from shardvault.operations.examination import examine_fleet
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


def run_check(
    fleet: Fleet,
    storage: Storage | None,
    places: Sequence[Place] = (),
    sink: EventSink | None = None,
    scope: Scope | None = None,
    *,
    hold_s: float = HOLD_S,
) -> CheckReport:
    """Examine shards, store and repositories side by side; one that hangs delays no other.

    Args:
        fleet: its shards in scope are examined, then compared.
        storage: the store of the first place; it is probed. None = no store is configured.
        places: the repositories to open.
        sink: takes a phase as each part begins and ends.
        scope: what a backup would be narrowed to; None = everything.
        hold_s: longest hold of the barrier [s].
    """
    with ThreadPoolExecutor(1 + max(1, len(places))) as pool:
        shards = pool.submit(_examine_shards, fleet, scope or Scope(), hold_s, sink)
        first = pool.submit(_examine_first, storage, places[:1], sink)
        others = [pool.submit(_examine, place, sink) for place in places[1:]]
        tasks = [shards, first, *others]
    findings = tuple(finding for task in tasks for finding in task.result())
    severities = {finding.severity for finding in findings}
    status = next((name for rank, name in _STATUS.items() if rank in severities), "ok")
    return CheckReport(status, findings)


def _examine_shards(
    fleet: Fleet, scope: Scope, hold_s: float, sink: EventSink | None
) -> Sequence[Finding]:
    _report(sink, f"examine {len(scope.shards or fleet.shards)} shards")
    findings = examine_fleet(fleet, scope, hold_s)
    _report(sink, "shards examined")
    return findings


def _examine_first(
    storage: Storage | None, places: Sequence[Place], sink: EventSink | None
) -> Sequence[Finding]:
    """Probe the store, then open its repository; a store without answer is asked only once."""
    if storage is None:
        return [finding for place in places for finding in _examine(place, sink)]
    _report(sink, "probe the store")
    try:
        slots = _examine_slots(storage)  # one request shows whether the store answers
        probed = (*probe_storage(storage, is_brief=True), *slots)
    except StorageUnavailable as error:
        return [_failure("store", "probe", error), *(_unasked(place) for place in places)]
    except ShardvaultError as error:
        probed = (_failure("store", "probe", error),)
    return [*probed, *(finding for place in places for finding in _examine(place, sink))]


def _failure(where: str, what: str, error: ShardvaultError) -> Finding:
    return Finding(Severity.BLOCKER, where, what, error.message, error.hint or "")


def _unasked(place: Place) -> Finding:
    message = "not opened, because its store does not answer"
    return Finding(Severity.BLOCKER, "repository", place.name, message)


def _report(sink: EventSink | None, step: str) -> None:
    if sink is not None:
        sink.emit(PhaseStarted("check", step))


def _examine(place: Place, sink: EventSink | None) -> Sequence[Finding]:
    _report(sink, f"open repository {place.name}")
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
    found = repository.overview()
    for error in found.damaged:
        yield Finding(Severity.BLOCKER, "repository", name, error.message, error.hint or _REMEDY)
    if not found.damaged:
        told = f"{repository.id}; backups: {len(found.backups)}"
        yield Finding(Severity.OK, "repository", name, told)
    yield from found.ignored


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
