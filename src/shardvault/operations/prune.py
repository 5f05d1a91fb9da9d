"""Decide which backups go, and free what no other needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shardvault.clock import monotonic_s, utc_now
from shardvault.errors import RefusedError, StorageFull
from shardvault.events import Noticed, PhaseStarted
from shardvault.interfaces import EventSink
from shardvault.model.manifest import Manifest
from shardvault.model.policy import BackupSize, Keep, KeepCandidate, format_keep
from shardvault.model.report import PrunedBackup, PruneReport
from shardvault.operations.retention import decode_policy
from shardvault.repository.history import History
from shardvault.repository.index import list_packs
from shardvault.repository.insides import Insides
from shardvault.repository.leases import Holding, describe_holding
from shardvault.repository.marking import Marks
from shardvault.repository.mending import renew_parity
from shardvault.repository.prune import Garbage, Pruner, SourceUnsound, Survey
from shardvault.repository.retention import Reasons, choose_kept, find_shrunk
from shardvault.repository.store import Repository

_OPERATION = "prune"
_REASON = "retention"


Choose = Callable[[Survey, History, float], Reasons]
"""Gives the reasons to keep each backup that a survey knows, by the newest history, and by the
clock that stamped the backups [s]."""


@dataclass(frozen=True)
class PruneOptions:
    """Say how to prune.

    Attributes:
        keep: the policy of this run; None = the repository's.
        is_dry: change nothing.
        parity_packs: packs that share one object of parity; 0 = none is made.
    """

    keep: Keep | None = None
    is_dry: bool = False
    parity_packs: int = 0


@dataclass(frozen=True)
class Pruned:
    """Say what one run did, or would do.

    Attributes:
        waiting: owners that are at work; the packs are deleted once they are not.
    """

    plan: PrunePlan
    garbage: Garbage
    waiting: tuple[str, ...]
    status: str
    seconds: float


@dataclass(frozen=True)
class PrunePlan:
    """Say what a prune will do.

    Attributes:
        choose: gives the reasons to keep each backup of a history.
        reasons: why each backup is kept; one without any goes.
        now_s: by the clock that stamped the backups [s].
    """

    choose: Choose
    reasons: Reasons
    now_s: float
    survey: Survey
    marks: Marks
    garbage: Garbage

    @property
    def forget(self) -> frozenset[str]:
        """Return the ids of the backups that go."""
        return frozenset(backup for backup, why in self.reasons.items() if not why)


def run_prune(repository: Repository, options: PruneOptions, sink: EventSink) -> PruneReport:
    """Forget what the policy does not keep, and free what no other backup needs.

    May run beside backups and restores, and be killed at any step; the next one goes on.

    Raises:
        RefusedError: something is damaged or missing, or a backup is much smaller than the
            one before and nobody looked at it yet; nothing was deleted.
        RepositoryLocked: another prune is running.
    """

    def choose(survey: Survey, history: History, now_s: float) -> Reasons:
        refuse_shrunk(survey)
        candidates = _list_candidates(survey, history)
        return choose_kept(candidates, _policy_of(survey, options), now_s=now_s)

    done = free_unneeded(repository, choose, options, sink)
    return PruneReport(
        status=done.status,
        policy=format_keep(_policy_of(done.plan.survey, options)),
        backups=tuple(_describe(done.plan)),
        packs=len(done.garbage.packs),
        freed_bytes=done.garbage.freed_bytes - done.garbage.moved_bytes,
        moved_bytes=done.garbage.moved_bytes,
        waiting_for=done.waiting,
        seconds=done.seconds,
    )


def free_unneeded(
    repository: Repository, choose: Choose, options: PruneOptions, sink: EventSink
) -> Pruned:
    """Forget the backups that have no reason to stay, and free what no other backup needs.

    Args:
        choose: is asked again on the newest history before a backup is forgotten.
        options: of which ``keep`` is not read.

    Raises:
        RefusedError: as ``run_prune``.
    """
    begin_s = monotonic_s()
    pruner = repository.pruner()
    if options.is_dry:
        sink.emit(PhaseStarted(_OPERATION, "plan"))
        plan = _plan(pruner, choose, utc_now().timestamp())
        _report_unsound(plan, sink)
        return Pruned(plan, plan.garbage, (), "planned", round(monotonic_s() - begin_s, 3))
    with repository.spare_room(), pruner.hold():
        sink.emit(PhaseStarted(_OPERATION, "finish earlier work"))
        pruner.finish_earlier()
        sink.emit(PhaseStarted(_OPERATION, "plan"))
        plan = _plan(pruner, choose, repository.leases.now_s())
        _report_unsound(plan, sink)
        garbage, owners = _run(pruner, plan, sink)
        if not owners:
            sink.emit(PhaseStarted(_OPERATION, "renew parity"))
            _renew_parity(repository.insides(), options.parity_packs)
    waiting = tuple(map(describe_holding, owners))
    status = "waiting" if waiting else "complete"
    return Pruned(plan, garbage, waiting, status, round(monotonic_s() - begin_s, 3))


def _plan(pruner: Pruner, choose: Choose, now_s: float) -> PrunePlan:
    """Read everything, choose what goes, and mark what all others need; change nothing."""
    survey = pruner.survey()
    reasons = choose(survey, survey.history, now_s)
    forget = {backup for backup, why in reasons.items() if not why}
    marks = pruner.mark(survey, forget)
    garbage = pruner.find_garbage(survey, marks)
    return PrunePlan(choose, reasons, now_s, survey, marks, garbage)


def _policy_of(survey: Survey, options: PruneOptions) -> Keep:
    return decode_policy(survey.history.policy) if options.keep is None else options.keep


def _run(pruner: Pruner, plan: PrunePlan, sink: EventSink) -> tuple[Garbage, tuple[Holding, ...]]:
    """Do what was planned; return what went, and whom the deletion of packs waits for."""
    sink.emit(PhaseStarted(_OPERATION, "forget"))
    pruner.forget(lambda history: _choose_again(plan, history), _REASON)
    garbage = plan.garbage
    if garbage.packs:
        sink.emit(PhaseStarted(_OPERATION, "move and free"))
        garbage = _doom(pruner, plan, sink)
    return garbage, pruner.free()


def _report_unsound(plan: PrunePlan, sink: EventSink) -> None:
    for source in sorted(plan.survey.unsound):
        sink.emit(
            Noticed(
                f"packs of {source} stay as they are: not all of its backups can be read; "
                "`shardvault repo check` shows which"
            )
        )


def _renew_parity(insides: Insides, group_packs: int) -> None:
    """Drop parity of packs that are gone, and protect those that shared it with them."""
    packs = list_packs(insides.storage).keys()
    renew_parity(insides, packs, group_packs)


def _choose_again(plan: PrunePlan, history: History) -> Sequence[str]:
    """Choose on the newest history what was planned and may still go."""
    reasons = plan.choose(plan.survey, history, plan.now_s)
    return sorted(backup for backup in plan.forget if backup in reasons and not reasons[backup])


def _doom(pruner: Pruner, plan: PrunePlan, sink: EventSink) -> Garbage:
    may_move, garbage = True, plan.garbage
    while True:
        try:
            pruner.doom(plan.survey, plan.marks, garbage)
        except SourceUnsound as error:
            sink.emit(Noticed(f"packs of a source stay as they are: {error.message}"))
        except StorageFull:
            if not may_move:
                raise
            sink.emit(Noticed("the store is full: packs that are needed in part stay as they are"))
            may_move = False
        else:
            return garbage
        garbage = pruner.find_garbage(plan.survey, plan.marks, may_move=may_move)


def _list_candidates(survey: Survey, history: History) -> list[KeepCandidate]:
    """Describe the backups of a history that were there at the survey."""
    return [
        KeepCandidate(
            id=backup,
            fleet=survey.manifests[backup].fleet,
            received_s=survey.received_s[backup],
            is_verified=backup in history.verified,
            hold=history.holds.get(backup),
            scope=frozenset(survey.manifests[backup].scope),
            tags=frozenset(survey.manifests[backup].tags),
            source=history.sources.get(backup, ""),
        )
        for backup in history.backups
        if backup in survey.manifests
    ]


def refuse_shrunk(survey: Survey, *, but: str = "") -> None:
    """Stop if a backup is much smaller than the one before: its data can be lost.

    Args:
        but: id of a backup that can be so.
    """
    for size, what in _list_shrunk(survey):
        if size.id not in survey.history.accepted and size.id != but:
            raise RefusedError(
                f"backup {size.id} is much smaller than the one before: {what}",
                hint=f"look at it; if that is right: shardvault prune --accept {size.id} "
                "--reason TEXT",
            )


def _list_shrunk(survey: Survey) -> Iterator[tuple[BackupSize, str]]:
    """Compare each backup with the one before of the same fleet, scope and source.

    What a source wrote whose key was removed stops nobody.
    """
    history = survey.history
    groups: dict[tuple[str, frozenset[str], str], list[Manifest]] = {}
    for backup in sorted(survey.manifests, key=lambda one: history.backups[one][0]):
        manifest, source = survey.manifests[backup], history.sources.get(backup, "")
        if source not in history.removed_keys:
            key = manifest.fleet, frozenset(manifest.scope), source
            groups.setdefault(key, []).append(manifest)
    for manifests in groups.values():
        yield from find_shrunk(map(_measure, manifests))


def _measure(manifest: Manifest) -> BackupSize:
    tables: Mapping[str, int] = {table.name: table.rows for table in manifest.logical_tables}
    return BackupSize(manifest.id, manifest.totals.rows, manifest.totals.bytes_read, tables)


def _describe(plan: PrunePlan) -> Iterator[PrunedBackup]:
    numbers: Callable[[str], int] = lambda backup: plan.survey.history.backups[backup][0]  # noqa: E731
    for backup in sorted(plan.reasons, key=numbers):
        why = tuple(plan.reasons[backup])
        manifest = plan.survey.manifests[backup]
        yield PrunedBackup(manifest.id, manifest.fleet, bool(why), why, manifest.scope)
