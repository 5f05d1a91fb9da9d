"""Repair a repository: move damage away, save what is readable, tell what is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from shardvault.clock import monotonic_s
from shardvault.errors import TamperDetected
from shardvault.events import PhaseStarted
from shardvault.interfaces import EventSink
from shardvault.model.report import Severity
from shardvault.model.upkeep import RepoRepairReport
from shardvault.operations.repo_check import Examination, examine, tell_fault
from shardvault.repository.format import pack_name
from shardvault.repository.index import PackRecord
from shardvault.repository.insides import Insides
from shardvault.repository.inspection import Fault
from shardvault.repository.mending import mend_packs, renew_parity
from shardvault.repository.renewal import renew_log
from shardvault.repository.repair import Repairer, Unsound, index_faults
from shardvault.repository.samples import Sample
from shardvault.repository.store import Repository

_OPERATION = "repair"
_MENDED = ("packs/", "index/", "manifests/")
_ACCEPT_HINT = (
    "look who changed the store; `shardvault repo rebuild --accept-history` takes what is left "
    "for the true history, and lists every authentic manifest"
)


@dataclass(frozen=True)
class RepairOptions:
    """Say what a repair shall do.

    Attributes:
        threads: packs read at the same time.
        reads_data: look for damage in every byte first.
        forgets_damaged: take backups that cannot be restored whole out of the catalog.
        accepts_history: go on although the log was deleted, rolled back or altered, and list
            every authentic manifest that it does not tell of.
        parity_packs: packs that share one object of parity, made for those that have none;
            0 = none is made.
    """

    threads: int
    reads_data: bool = False
    forgets_damaged: bool = False
    accepts_history: bool = False
    parity_packs: int = 0


def run_repo_repair(
    repository: Repository, sink: EventSink, options: RepairOptions
) -> RepoRepairReport:
    """Mend all that can be mended, and list as damaged every backup that stays so.

    Index objects are made anew from the packs themselves; a damaged pack is moved to
    quarantine after every chunk in it that can be read was saved.

    Raises:
        TamperDetected: the log is not what it was, and that is not accepted.
        RepositoryLocked: a session or a prune is at work.
    """
    begin_s = monotonic_s()
    insides = repository.insides()
    taken_in = _settle_history(insides, options)
    repairer = Repairer(insides)
    done = _Done()
    with repairer.hold():
        before = done.mend(insides, repairer, sink, options)
        if index_faults(before.inspection):  # packs were found that no index named
            done.mend(insides, repairer, sink, options)
        after = examine(insides, sink, threads=options.threads, sample=None)
        present = after.inspection.packs.keys() & after.inspection.index.present.keys()
        renew_parity(insides, present, options.parity_packs)
        repairer.note(done.quarantined, done.mended, after.damaged_backups)
        forgotten = after.damaged_backups if options.forgets_damaged else frozenset()
        if forgotten:
            repairer.forget(forgotten)
            after = examine(insides, sink, threads=options.threads, sample=None)
    report = RepoRepairReport(
        status="ok",
        repository_id=repository.id,
        quarantined=tuple(done.quarantined),
        mended=tuple(done.mended),
        index=tuple(done.index),
        taken_in=taken_in,
        forgotten=tuple(sorted(forgotten)),
        backups=after.backups,
        damage=tuple(after.damage),
        findings=tuple(map(tell_fault, _left(before.faults, after.faults))),
        seconds=round(monotonic_s() - begin_s, 3),
    )
    return replace(report, status=_judge(report))


@dataclass
class _Done:
    """Gather the names of what was moved, brought back and written."""

    quarantined: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    index: list[str] = field(default_factory=list)

    def mend(
        self, insides: Insides, repairer: Repairer, sink: EventSink, options: RepairOptions
    ) -> Examination:
        """Look for damage once and mend it; return what was found."""
        sample = Sample() if options.reads_data else None
        found = examine(insides, sink, threads=options.threads, sample=sample)
        sink.emit(PhaseStarted(_OPERATION, "mend"))
        whole = mend_packs(insides, repairer, found.inspection, found.damaged_packs)
        moved, index = repairer.replace(found.inspection, _list_unsound(found, frozenset(whole)))
        self.mended += map(pack_name, whole)
        self.quarantined += moved
        self.index += index
        return found


def _settle_history(insides: Insides, options: RepairOptions) -> tuple[str, ...]:
    _, faults = insides.log.inspect()
    if faults and not options.accepts_history:
        raise TamperDetected(faults[0], hint=_ACCEPT_HINT)
    return renew_log(insides) if options.accepts_history else ()


def _list_unsound(found: Examination, mended: frozenset[bytes]) -> Unsound:
    inspection = found.inspection
    missing = inspection.packs.keys() - inspection.index.present.keys()
    return Unsound(
        index=index_faults(inspection),
        packs={
            pack: _readable(found, inspection.packs[pack]) for pack in found.damaged_packs - mended
        },
        missing=frozenset(missing - mended),
    )


def _readable(found: Examination, record: PackRecord) -> frozenset[int]:
    """Give the numbers of the blobs of a damaged pack that can be read."""
    reading = found.readings.get(record.pack)
    if reading is None:  # no key opens it
        return frozenset()
    return frozenset(range(record.entries)) - reading.unreadable


def _left(before: Iterable[Fault], after: Iterable[Fault]) -> list[Fault]:
    """List what was found, mended or not; what is mended is no blocker any more."""
    remaining = {fault.name for fault in after}
    return [
        fault
        if fault.name in remaining or not fault.name.startswith(_MENDED)
        else replace(fault, severity=Severity.INFO)
        for fault in before
    ]


def _judge(report: RepoRepairReport) -> str:
    is_lost = any(finding.severity is Severity.BLOCKER for finding in report.findings)
    if report.damage or is_lost:
        return "damaged"
    did = report.quarantined or report.mended or report.index or report.taken_in
    return "repaired" if did or report.forgotten else "ok"
