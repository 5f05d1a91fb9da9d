"""Look whether everything that a repository needs is there and authentic, without the packs' bytes.

Nothing is written, and nothing that is wrong is raised: each fault names its object, and the
looking goes on.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.model.report import Severity
from shardvault.repository.catalog import Record
from shardvault.repository.entries import Committed, KeyChanged
from shardvault.repository.format import (
    EPOCH_PREFIX,
    FORMAT_NAME,
    HEADER,
    INDEX_PREFIX,
    MANIFEST_PREFIX,
    PACK_PREFIX,
    SLOT_PREFIX,
    SOURCE_PREFIX,
    ObjectType,
    pack_name,
    parse_pack_name,
)
from shardvault.repository.history import History, read_history
from shardvault.repository.index import (
    Index,
    IndexObject,
    PackRecord,
    join_index,
    list_packs,
    read_index_objects,
)
from shardvault.repository.insides import Insides
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import find_source, read_header
from shardvault.repository.parity import Group, find_mendable, read_groups
from shardvault.repository.slots import list_slots
from shardvault.repository.sources import list_sources

LOG = "log"
"""Stands for the name of an object where the log as a whole is meant."""
IGNORED = "ignored"
"""Stands for entries of the log that count for nothing; they are no fault of the log."""
_WORD = r"[0-9a-f]{32}"
_KNOWN = re.compile(
    rf"{FORMAT_NAME}|(?:keys|sources|epochs|index|manifests|clock|parity)/{_WORD}"
    rf"|tombstones/{_WORD}/{_WORD}|log/[0-9]{{12}}|leases/.+|quarantine/.+|packs/.+"
)
"""Names that this program gives; packs are looked at one by one."""


@dataclass(frozen=True)
class Fault:
    """Say what is wrong with an object, or with the log as a whole."""

    name: str
    message: str
    severity: Severity = Severity.BLOCKER


@dataclass
class Inspection:
    """Hold what was found.

    Attributes:
        history: what the readable part of the log says; None in repositories of version 1.
        keys: what the log says of slots and sources.
        records: readable manifests, by backup.
        lost: backups whose manifests cannot be read, with the objects' names.
        index: what the readable index objects say.
        listed: index objects' names, with the packs they list.
        packs: what the index says of each pack.
        unopened: packs that are missing, or that no key opens.
        suspects: packs that are there and have another size than they should.
        groups: packs that share parity.
        faults: everything that is wrong, and what is worth knowing.
    """

    history: History | None
    keys: list[KeyChanged] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    index: Index = field(default_factory=Index)
    listed: dict[str, tuple[PackRecord, ...]] = field(default_factory=dict)
    packs: dict[bytes, PackRecord] = field(default_factory=dict)
    unopened: set[bytes] = field(default_factory=set)
    suspects: set[bytes] = field(default_factory=set)
    groups: list[Group] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def has_log_faults(self) -> bool:
        """Say whether the log lost entries, so that it may not tell of every backup."""
        return any(fault.name == LOG for fault in self.faults)


def inspect_repository(insides: Insides) -> Inspection:
    """Look at the log, the keys, every manifest, every index object, and each pack's size."""
    found = _inspect_log(insides)
    _inspect_keys(insides, found)
    _inspect_manifests(insides, found)
    _inspect_index(insides, found)
    _inspect_packs(insides, found)
    _inspect_parity(insides, found)
    found.faults += _tell_strangers(insides, found)
    return found


def _inspect_log(insides: Insides) -> Inspection:
    if not insides.ring.has_log:
        return Inspection(None)
    entries, faults = insides.log.inspect()
    keys = [entry.action for entry in entries if isinstance(entry.action, KeyChanged)]
    found = Inspection(read_history(entries), keys)
    found.faults += [Fault(LOG, text) for text in faults]
    found.faults += [Fault(IGNORED, str(one), Severity.WARNING) for one in insides.log.ignored()]
    return found


def _inspect_keys(insides: Insides, found: Inspection) -> None:
    """Look at slots, sources and epochs, and miss those that the log tells of."""
    storage = insides.storage
    slots, sources = list_slots(storage, insides.ring), list_sources(storage, insides.ring, ())
    for key in (*slots, *sources):
        if isinstance(key, IntegrityError):
            found.faults.append(Fault(_name_in(key.message), key.message))
    for epoch in storage.list(EPOCH_PREFIX):
        word = epoch.name.removeprefix(EPOCH_PREFIX)
        if re.fullmatch(_WORD, word):
            found.faults += _try_epoch(insides.ring, epoch.name, bytes.fromhex(word))
    if found.history is None:
        return
    present = {one.name for prefix in (SLOT_PREFIX, SOURCE_PREFIX) for one in storage.list(prefix)}
    for name in sorted(missing_keys(found.keys, present)):
        found.faults.append(Fault(name, f"object {name} is missing"))


def missing_keys(changes: Iterable[KeyChanged], present: set[str]) -> Iterator[str]:
    """Name objects of keys that the log says were made, and that are gone.

    The first slot is older than the log and has no entry: it is missed if there is none
    that the log does not know, and no removal of such a one.
    """
    added: set[str] = set()
    removed: set[str] = set()
    for change in changes:
        (added if change.change == "added" else removed).add(change.name)
    slots = {name for name in present if name.startswith(SLOT_PREFIX)}
    yield from (name for name in added - removed if name not in present)
    if not slots - added and not {name for name in removed - added if name.startswith(SLOT_PREFIX)}:
        yield f"{SLOT_PREFIX}⟨the first⟩"


def _try_epoch(ring: KeyRing, name: str, epoch: bytes) -> Iterator[Fault]:
    try:
        ring.epoch(epoch)
    except IntegrityError as error:
        yield Fault(name, error.message)


def _inspect_manifests(insides: Insides, found: Inspection) -> None:
    backups = {name: one.backup for name, one in _commits(found.history).items()}
    for name, record in insides.catalog.read_named(found.history):
        if isinstance(record, IntegrityError):
            found.faults.append(Fault(name, record.message))
            found.lost[backups.get(name, name)] = name
        else:
            found.records[record.manifest.id] = record
    if found.history is None:
        return
    strays = [one.name for one in insides.storage.list(MANIFEST_PREFIX) if one.name not in backups]
    for stray in strays:
        text = f"object {stray} is of a backup that was never completed, or was deleted"
        found.faults.append(Fault(stray, text, Severity.INFO))
        if found.has_log_faults:
            _blame_log(insides, found, stray)


def _blame_log(insides: Insides, found: Inspection, stray: str) -> None:
    """Take a backup for lost whose entry may be one of those that the log lost."""
    with contextlib.suppress(IntegrityError):
        backup = insides.catalog.read_uncounted(stray).manifest.id
        if backup not in found.records and found.history and backup not in found.history.forgotten:
            found.lost[backup] = stray


def _inspect_index(insides: Insides, found: Inspection) -> None:
    objects = list(read_index_objects(insides.storage, insides.ring))
    found.index = join_index(objects, list_packs(insides.storage))
    needed = _needed_index(found)
    for one in sorted(objects, key=lambda one: (one.is_foreign, one.name)):
        if one.fault is not None:
            is_needed = one.name in needed or bool(found.lost)
            severity = Severity.BLOCKER if is_needed else Severity.WARNING
            found.faults.append(Fault(one.name, one.fault.message, severity))
            continue
        found.listed[one.name] = one.records
        for record in one.records:
            if not one.is_foreign or _is_believed(insides, found, one, record):
                found.packs.setdefault(record.pack, record)
    damaged = {one.name for one in objects if one.fault is not None}
    for name in sorted(needed - found.listed.keys() - damaged):
        found.faults.append(Fault(name, f"object {name} is missing"))


def _is_believed(
    insides: Insides, found: Inspection, listing: IndexObject, record: PackRecord
) -> bool:
    """Say whether a source can list a pack so: it is missing, or of that size, or its own.

    Otherwise a source could make others' packs look damaged.
    """
    if found.index.present.get(record.pack, record.size_bytes) == record.size_bytes:
        return True
    name = pack_name(record.pack)
    source = find_source(insides.storage, insides.ring, ObjectType.PACK, name)
    return source == find_source(insides.storage, insides.ring, ObjectType.INDEX, listing.name)


def _needed_index(found: Inspection) -> set[str]:
    """Name the index objects that there must be; a source cannot say so."""
    history = found.history or History()
    records = (one for backup, one in found.records.items() if backup not in history.sources)
    needed = {INDEX_PREFIX + word for record in records for word in record.index}
    return (needed | history.index) - history.replaced


def _inspect_packs(insides: Insides, found: Inspection) -> None:
    for pack, record in found.packs.items():
        name, size_bytes = pack_name(pack), found.index.present.get(pack)
        if size_bytes is None:
            found.unopened.add(pack)
            found.faults.append(Fault(name, f"object {name} is missing"))
        elif size_bytes != record.size_bytes:
            found.suspects.add(pack)
            text = f"object {name} has {size_bytes} of {record.size_bytes} bytes"
            found.faults.append(Fault(name, text))
    if _has_sources(insides, found):
        _inspect_headers(insides, found)


def _has_sources(insides: Insides, found: Inspection) -> bool:
    """Say whether packs may need an epoch that is an object; only then are headers read."""
    is_told = any(change.name.startswith(SOURCE_PREFIX) for change in found.keys)
    return is_told or any(True for _ in insides.storage.list(EPOCH_PREFIX))


def _inspect_headers(insides: Insides, found: Inspection) -> None:
    for pack in found.packs.keys() - found.unopened:
        try:
            header = insides.storage.get(pack_name(pack), 0, HEADER.size)
            insides.ring.epoch(read_header(insides.ring, ObjectType.PACK, header))
        except (IntegrityError, ObjectMissing) as error:
            found.unopened.add(pack)
            name = pack_name(pack)
            found.faults.append(Fault(name, f"object {name} cannot be opened: {error.message}"))


def _inspect_parity(insides: Insides, found: Inspection) -> None:
    """Tell of parity that is of no use; no backup needs it."""
    for group in read_groups(insides.storage, insides.ring):
        if isinstance(group, IntegrityError):
            name = _name_in(group.message)
            found.faults.append(Fault(name, group.message, Severity.WARNING))
        else:
            found.groups.append(group)
    for group in found.groups:
        gone = group.sizes.keys() - found.index.present.keys()
        is_mendable = find_mendable(group, gone) in found.packs
        if gone and not is_mendable:
            text = f"object {group.name} mends nothing more: packs of its group are gone"
            found.faults.append(Fault(group.name, text, Severity.WARNING))


def _tell_strangers(insides: Insides, found: Inspection) -> Iterator[Fault]:
    for one in insides.storage.list(""):
        pack = parse_pack_name(one.name) if one.name.startswith(PACK_PREFIX) else None
        if pack is not None:
            if pack not in found.index.packs and not _is_doomed(found, pack):
                text = f"object {one.name} is in no index: an interrupted backup left it"
                yield Fault(one.name, text, Severity.INFO)
        elif one.name.startswith(PACK_PREFIX) or not _KNOWN.fullmatch(one.name):
            text = f"object {one.name} is none of this repository's"
            yield Fault(one.name, text, Severity.WARNING)


def _is_doomed(found: Inspection, pack: bytes) -> bool:
    return found.history is not None and pack in found.history.doomed_packs


def _commits(history: History | None) -> dict[str, Committed]:
    return dict(history.commits) if history else {}


def _name_in(message: str) -> str:
    """Find the object that an error is about."""
    match = re.search(rf"(?:keys|sources|parity)/{_WORD}", message)
    return match[0] if match else "keys"
