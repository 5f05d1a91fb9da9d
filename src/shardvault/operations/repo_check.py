"""Check a repository: what is damaged, and what of which backups that hits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shardvault.clock import monotonic_s
from shardvault.events import PhaseStarted
from shardvault.interfaces import EventSink
from shardvault.model.ids import ShardName
from shardvault.model.report import Finding, Severity
from shardvault.model.upkeep import DamagedTable, RepoCheckReport
from shardvault.operations.damage import LostChunks, find_damage, lose_backup
from shardvault.operations.progress import Meter
from shardvault.repository.chunks import ChunkReader
from shardvault.repository.format import PARITY_PREFIX, pack_name
from shardvault.repository.index import PackRecord
from shardvault.repository.insides import Insides
from shardvault.repository.inspection import IGNORED, LOG, Fault, Inspection, inspect_repository
from shardvault.repository.parity import find_mendable, prove_group
from shardvault.repository.samples import Sample
from shardvault.repository.store import Repository
from shardvault.repository.whole_packs import PackReading, read_pack
from shardvault.workers.local import map_parallel

_OPERATION = "check"
_LOG_NAMES = {LOG, IGNORED}
_REMEDY = (
    "`shardvault repo repair` mends what can be; `restore --skip-damaged` restores what is sound"
)
_PARITY_REMEDY = "`shardvault repo repair` brings it back by parity"
_LOG_REMEDY = (
    "look who changed the store; `shardvault repo accept` takes the present state for the true one"
)


@dataclass
class Examination:
    """Hold all that a check found out.

    Attributes:
        readings: of the packs that were read whole.
        damage: what of which backups cannot be restored.
    """

    inspection: Inspection
    readings: dict[bytes, PackReading] = field(default_factory=dict)
    damage: list[DamagedTable] = field(default_factory=list)

    @property
    def faults(self) -> list[Fault]:
        """Give everything that is wrong, each object once."""
        found = {fault.name: fault for fault in self.inspection.faults}
        for pack, reading in self.readings.items():
            if reading.fault:
                name = pack_name(pack)
                found.setdefault(name, Fault(name, reading.fault))
        logged = [fault for fault in self.inspection.faults if fault.name in _LOG_NAMES]
        return [*logged, *(fault for name, fault in found.items() if name not in _LOG_NAMES)]

    @property
    def backups(self) -> int:
        """Count what the log lists, damaged or not."""
        return len(self.inspection.records) + len(self.inspection.lost)

    @property
    def damaged_backups(self) -> frozenset[str]:
        """Return the ids of backups that cannot be restored whole."""
        return frozenset(item.backup for item in self.damage)

    @property
    def damaged_packs(self) -> frozenset[bytes]:
        """Return the packs that are there and are not what they should be."""
        read = {pack for pack, reading in self.readings.items() if reading.fault}
        present = self.inspection.index.present.keys()
        return frozenset((read | self.inspection.suspects | self.inspection.unopened) & present)

    @property
    def mendable(self) -> frozenset[str]:
        """Return the names of packs that are alone damaged or missing in a group with parity."""
        inspection = self.inspection
        lost = self.damaged_packs | (inspection.packs.keys() - inspection.index.present.keys())
        faulty = {fault.name for fault in inspection.faults}
        sound = (group for group in inspection.groups if group.name not in faulty)
        packs = (find_mendable(group, lost) for group in sound)
        return frozenset(pack_name(pack) for pack in packs if pack)


def run_repo_check(
    repository: Repository, sink: EventSink, *, threads: int, sample: Sample | None = None
) -> RepoCheckReport:
    """Look at everything that the repository consists of; nothing is changed.

    Args:
        repository: opened with a key that reads.
        sink: takes progress.
        threads: packs read at the same time.
        sample: reads the packs that it has whole; None = only those that look damaged.
    """
    begin_s = monotonic_s()
    found = examine(repository.insides(), sink, threads=threads, sample=sample)
    mendable = found.mendable
    findings = tuple(tell_fault(fault, mendable) for fault in found.faults)
    return RepoCheckReport(
        status=_judge(findings),
        repository_id=repository.id,
        backups=found.backups,
        tables=sum(record.manifest.totals.tables for record in found.inspection.records.values()),
        packs=len(found.inspection.packs),
        packs_read=len(found.readings.keys() & found.inspection.index.present.keys()),
        bytes_read=sum(reading.size_bytes for reading in found.readings.values()),
        seconds=round(monotonic_s() - begin_s, 3),
        damage=tuple(found.damage),
        findings=findings,
        mendable=tuple(sorted(mendable)),
    )


def examine(
    insides: Insides, sink: EventSink, *, threads: int, sample: Sample | None
) -> Examination:
    """Find out what is wrong with a repository and what that hits."""
    sink.emit(PhaseStarted(_OPERATION, "structure"))
    found = Examination(inspect_repository(insides))
    wanted = [
        record
        for pack, record in found.inspection.packs.items()
        if pack in found.inspection.suspects or (sample is not None and sample.has(pack))
    ]
    found.readings = _read_packs(insides, wanted, sink, threads)
    if sample is not None:
        found.inspection.faults += _read_parity(insides, found.inspection, sample)
    sink.emit(PhaseStarted(_OPERATION, "what the damage hits"))
    found.damage = _find_damage(insides, found)
    return found


def _read_packs(
    insides: Insides, records: Sequence[PackRecord], sink: EventSink, threads: int
) -> dict[bytes, PackReading]:
    place = ShardName("repository")
    meter = Meter(sink, "read", {place: sum(record.size_bytes for record in records)})

    def read(record: PackRecord) -> PackReading:
        reading = read_pack(insides.storage, insides.ring, record)
        meter.add(place, reading.size_bytes)
        return reading

    readings = map_parallel(read, records, limit=threads)
    return {record.pack: reading for record, reading in zip(records, readings, strict=True)}


def _read_parity(insides: Insides, found: Inspection, sample: Sample) -> Iterator[Fault]:
    for group in found.groups:
        word = bytes.fromhex(group.name.removeprefix(PARITY_PREFIX))
        text = prove_group(insides.storage, group) if sample.has(word) else ""
        if text:
            yield Fault(group.name, text, Severity.WARNING)


def _find_damage(insides: Insides, found: Examination) -> list[DamagedTable]:
    inspection = found.inspection
    blobs = {pack: one.unreadable for pack, one in found.readings.items() if one.unreadable}
    unread = inspection.unopened - blobs.keys()
    lost = LostChunks(inspection.index.table, unread, blobs)
    store = ChunkReader(insides.storage, insides.ring, inspection.index)
    damage = [lose_backup(backup, name) for backup, name in sorted(inspection.lost.items())]
    for _, record in sorted(inspection.records.items()):
        damage += find_damage(record.manifest, store, lost)
    return damage


def _judge(findings: Iterable[Finding]) -> str:
    counted = Counter(finding.severity for finding in findings)
    if counted[Severity.BLOCKER]:
        return "damaged"
    return "warnings" if counted[Severity.WARNING] else "ok"


def tell_fault(fault: Fault, mendable: Collection[str] = ()) -> Finding:
    """Tell people of a fault, and what helps.

    Args:
        mendable: names of packs that parity brings back.
    """
    remedy = ""
    if fault.severity is Severity.BLOCKER:
        remedy = _LOG_REMEDY if fault.name == LOG else _REMEDY
        remedy = _PARITY_REMEDY if fault.name in mendable else remedy
    return Finding(fault.severity, "repository", fault.name, fault.message, remedy)
