"""Decide which backups go, and free what no other needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shardvault.clock import monotonic_s, utc_now
from shardvault.errors import RefusedError, StorageFull
from shardvault.events import Noticed, PhaseStarted
from shardvault.interfaces import EventSink
from shardvault.model.ids import BackupId
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
from shardvault.repository.prune import Garbage, Pruner, Survey
from shardvault.repository.retention import Reasons, choose_kept, find_shrunk
from shardvault.repository.store import Repository

_OPERATION = "prune"
_REASON = "retention"


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
class PrunePlan:
    """Say what a prune will do.

    Attributes:
        keep: the policy.
        reasons: why each backup is kept; one without any goes.
        now_s: by the clock that stamped the backups [s].
    """

    keep: Keep
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
    begin_s = monotonic_s()
    pruner = repository.pruner()
    if options.is_dry:
        sink.emit(PhaseStarted(_OPERATION, "plan"))
        plan = plan_prune(pruner, options.keep, utc_now().timestamp())
        return _report(plan, plan.garbage, begin_s, is_dry=True)
    with repository.spare_room(), pruner.hold():
        sink.emit(PhaseStarted(_OPERATION, "finish earlier work"))
        pruner.finish_earlier()
        sink.emit(PhaseStarted(_OPERATION, "plan"))
        plan = plan_prune(pruner, options.keep, repository.leases.now_s())
        garbage, waiting = _run(pruner, plan, sink)
        if not waiting:
            sink.emit(PhaseStarted(_OPERATION, "renew parity"))
            _renew_parity(repository.insides(), options.parity_packs)
    return _report(plan, garbage, begin_s, waiting=waiting)


def plan_prune(pruner: Pruner, keep: Keep | None, now_s: float) -> PrunePlan:
    """Read everything, choose what goes, and mark what all others need; change nothing.

    Args:
        keep: comes before the repository's policy.
        now_s: by the clock that stamped the backups [s].

    Raises:
        RefusedError: as ``run_prune``.
    """
    survey = pruner.survey()
    _refuse_shrunk(survey)
    policy = decode_policy(survey.history.policy) if keep is None else keep
    candidates = _list_candidates(survey, survey.history)
    reasons = choose_kept(candidates, policy, now_s=now_s)
    forget = {backup for backup, why in reasons.items() if not why}
    marks = pruner.mark(survey, forget)
    return PrunePlan(policy, reasons, now_s, survey, marks, pruner.find_garbage(survey, marks))


def _run(pruner: Pruner, plan: PrunePlan, sink: EventSink) -> tuple[Garbage, tuple[Holding, ...]]:
    """Do what was planned; return what went, and whom the deletion of packs waits for."""
    sink.emit(PhaseStarted(_OPERATION, "forget"))
    pruner.forget(lambda history: _choose_again(plan, history), _REASON)
    garbage = plan.garbage
    if garbage.packs:
        sink.emit(PhaseStarted(_OPERATION, "move and free"))
        garbage = _doom(pruner, plan, sink)
    return garbage, pruner.free()


def _renew_parity(insides: Insides, group_packs: int) -> None:
    """Drop parity of packs that are gone, and protect those that shared it with them."""
    packs = list_packs(insides.storage).keys()
    renew_parity(insides, packs, group_packs)


def _choose_again(plan: PrunePlan, history: History) -> Sequence[str]:
    """Choose on the newest history what was planned and may still go."""
    policy = plan.keep
    reasons = choose_kept(_list_candidates(plan.survey, history), policy, now_s=plan.now_s)
    return sorted(backup for backup in plan.forget if backup in reasons and not reasons[backup])


def _doom(pruner: Pruner, plan: PrunePlan, sink: EventSink) -> Garbage:
    try:
        pruner.doom(plan.survey, plan.marks, plan.garbage)
    except StorageFull:
        sink.emit(Noticed("the store is full: packs that are needed in part stay as they are"))
        garbage = pruner.find_garbage(plan.survey, plan.marks, may_move=False)
        pruner.doom(plan.survey, plan.marks, garbage)
        return garbage
    return plan.garbage


def _list_candidates(survey: Survey, history: History) -> list[KeepCandidate]:
    """Describe the backups of a history that were there at the survey."""
    return [
        KeepCandidate(
            id=backup,
            fleet=survey.manifests[backup].fleet,
            received_s=survey.received_s[backup],
            is_verified=backup in history.verified,
            hold=history.holds.get(backup),
        )
        for backup in history.backups
        if backup in survey.manifests
    ]


def _refuse_shrunk(survey: Survey) -> None:
    """Stop if a backup is much smaller than the one before: its data may have been lost."""
    for size, what in _list_shrunk(survey):
        if size.id not in survey.history.accepted:
            raise RefusedError(
                f"backup {size.id} is much smaller than the one before: {what}",
                hint=f"look at it; if that is right: shardvault prune --accept {size.id} "
                "--reason TEXT",
            )


def _list_shrunk(survey: Survey) -> Iterator[tuple[BackupSize, str]]:
    """Compare each backup with the one before of the same fleet and scope."""
    groups: dict[tuple[str, tuple[str, ...]], list[Manifest]] = {}
    for backup in sorted(survey.manifests, key=lambda one: survey.history.backups[one][0]):
        manifest = survey.manifests[backup]
        groups.setdefault((manifest.fleet, manifest.scope), []).append(manifest)
    for manifests in groups.values():
        yield from find_shrunk(map(_measure, manifests))


def _measure(manifest: Manifest) -> BackupSize:
    tables: Mapping[str, int] = {table.name: table.rows for table in manifest.logical_tables}
    return BackupSize(manifest.id, manifest.totals.rows, manifest.totals.bytes_read, tables)


def _report(
    plan: PrunePlan,
    garbage: Garbage,
    begin_s: float,
    *,
    is_dry: bool = False,
    waiting: Iterable[Holding] = (),
) -> PruneReport:
    told = tuple(map(describe_holding, waiting))
    return PruneReport(
        status="planned" if is_dry else "waiting" if told else "complete",
        policy=format_keep(plan.keep),
        backups=tuple(_describe(plan)),
        packs=len(garbage.packs),
        freed_bytes=garbage.freed_bytes - garbage.moved_bytes,
        moved_bytes=garbage.moved_bytes,
        waiting_for=told,
        seconds=round(monotonic_s() - begin_s, 3),
    )


def _describe(plan: PrunePlan) -> Iterator[PrunedBackup]:
    numbers: Callable[[str], int] = lambda backup: plan.survey.history.backups[backup][0]  # noqa: E731
    for backup in sorted(plan.reasons, key=numbers):
        why = tuple(plan.reasons[backup])
        fleet = plan.survey.manifests[backup].fleet
        yield PrunedBackup(BackupId(backup), fleet, is_kept=bool(why), reasons=why)
