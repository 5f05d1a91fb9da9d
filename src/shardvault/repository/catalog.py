"""Keep manifests: signed, encrypted; a backup exists once the log says that it is complete."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import msgspec

from shardvault.clock import parse_time
from shardvault.errors import (
    BackupExists,
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    UnknownBackup,
    UsageError,
)
from shardvault.failpoints import failpoint
from shardvault.interfaces import ObjectStat, Storage
from shardvault.model.ids import BackupId
from shardvault.model.manifest import MANIFEST_VERSION, Manifest
from shardvault.model.report import BackupSummary
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.entries import Committed
from shardvault.repository.format import INDEX_PREFIX, MANIFEST_PREFIX, ObjectType, source_name
from shardvault.repository.history import HIGHEST, LOWEST, History, Rank
from shardvault.repository.keys import KeyRing
from shardvault.repository.lookup import Latest, asks_latest, find_id, find_latest, unknown_backup
from shardvault.repository.objects import fetch_sealed, open_signed, prove_written, seal_signed

_NUMBERED_IDS = 10


@dataclass(frozen=True)
class Record:
    """Hold what a manifest object says.

    Attributes:
        index: words of all index objects that its author had stored when the backup was
            completed; one that is gone is found by this, and what it named is not taken for
            leftovers.
        seen: words of the index objects of others that there were then; a prune knows by this
            that no running session wrote them.
    """

    index: tuple[str, ...]
    manifest: Manifest
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scan:
    """Hold what was found in all manifests.

    Attributes:
        summaries: the healthy ones, in the order of the log; what sources wrote whose key was
            removed comes first.
        index: words of the index objects they need; those that only sources need left out.
        damaged: one error for each manifest that could not be read; names its object.
        faults: each of them that can be newer than a healthy one, with its rank; oldest first.
        ranks: of the healthy ones, by id; see ``History.ranks``.
        ignored: the same as ``damaged`` of sources whose key was removed.
        unsound: names of sources some of whose manifests could not be read.
        has_own_damage: say whether other manifests than those could not be read.
        source_index: words of index objects that backups of a source need, with its name.
    """

    summaries: tuple[BackupSummary, ...]
    index: frozenset[str]
    damaged: tuple[IntegrityError, ...]
    faults: tuple[tuple[Rank, IntegrityError], ...] = ()
    ranks: Mapping[str, Rank] = field(default_factory=dict)
    ignored: tuple[IntegrityError, ...] = ()
    unsound: frozenset[str] = frozenset()
    has_own_damage: bool = False
    source_index: Mapping[str, str] = field(default_factory=dict)

    def find_newer(self, backup: str | None) -> IntegrityError | None:
        """Find a damaged manifest that is newer than a backup, or can be; None stands for none."""
        rank = self.ranks.get(backup or "", LOWEST)
        return next((error for found, error in self.faults if found > rank), None)


def new_backup_id(
    now: datetime, kind: str, is_taken: Callable[[BackupId], bool], random_bytes: RandomBytes
) -> BackupId:
    """Return an id such as ``20261122T113000Z-full`` that no backup has.

    If many are taken one after the other, the id ends with random digits: whoever takes ids in
    advance must not stop a backup.

    Args:
        now: in UTC.
        kind: the backup's type.
        is_taken: says whether a backup has an id.
    """
    first = f"{now:%Y%m%dT%H%M%SZ}-{kind}"
    numbered = (f"{first}-{number}" for number in range(2, _NUMBERED_IDS))
    random = (f"{first}-x{random_bytes(6).hex()}" for _ in itertools.count())
    ids = map(BackupId, itertools.chain([first], numbered, random))
    return next(backup for backup in ids if not is_taken(backup))


class Catalog:
    """Commit, load and list manifests."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        random_bytes: RandomBytes,
        history: Callable[[], History | None],
    ) -> None:
        """Read manifests that count.

        Args:
            history: says which backups are complete; None where there is no log, as in
                repositories of version 1: there every manifest counts.
        """
        self._storage = storage
        self.history = history
        self._ring = ring
        self._random_bytes = random_bytes

    def put(
        self, manifest: Manifest, index: Collection[str], seen: Collection[str] = ()
    ) -> tuple[str, str]:
        """Store a manifest durably; everything it names must be stored.

        Returns:
            its object's name and the SHA-256 of its bytes, which the log makes count.

        Raises:
            BackupExists: a backup of that id exists.
        """
        name = self._name(manifest.id)
        plain = msgspec.json.encode(Record(tuple(sorted(index)), manifest, tuple(sorted(seen))))
        signed = seal_signed(self._ring, ObjectType.MANIFEST, name, plain, self._random_bytes)
        failpoint("repo.manifest")
        try:
            self._storage.put_new(name, [signed])
            prove_written(self._storage, name, len(signed))
        except ObjectExists as error:
            raise BackupExists(f"a backup {manifest.id} exists already") from error
        return name, sha256(signed).hexdigest()

    def load(self, backup: BackupId) -> Manifest:
        """Read a manifest by its whole id; see ``find`` for what users write.

        Raises:
            UnknownBackup: no such backup; near ids are in the hint.
            IntegrityError: the manifest is damaged.
        """
        history = self.history()
        if history is not None and backup not in history.backups:
            raise self._unknown(backup)
        name = history.backups[backup][1].manifest if history else self._name(backup)
        try:
            return self._read(name, history).manifest
        except ObjectMissing as error:
            is_lost = history is not None and self._counts_still(name)
            raise _gone(name) if is_lost else self._unknown(backup) from error

    def find(self, word: str, narrow: Latest) -> BackupId:
        """Find the backup that a user means: an id, its beginning, ``latest``, ``latest:TAG``.

        Raises:
            UnknownBackup: no such backup; near ids are in the hint.
            AmbiguousBackup: several ids begin with the word.
            IntegrityError: ``latest`` was asked for and a manifest is damaged, which may be
                that of the newest backup.
        """
        if asks_latest(word):
            return self._find_latest(word, narrow)
        history = self.history()
        if history is not None:
            return find_id(word, history.backups.keys())
        if self.has(BackupId(word)):
            return BackupId(word)
        return find_id(word, [summary.id for summary in self.scan().summaries])

    def has(self, backup: BackupId) -> bool:
        """Say whether there is a manifest of that id, sound or not; reads none."""
        try:
            self._storage.stat(self._name(backup))
        except ObjectMissing:
            return False
        return True

    def scan(self) -> Scan:
        """Read every manifest that counts; damaged ones are noted, not raised."""
        return self.gather(self.history(), lambda _: None)

    def gather(self, history: History | None, take: Callable[[Record], None]) -> Scan:
        """Do the same by a history, and hand over each manifest that can be read."""
        found = _Found(history)
        for name, record in self.read_named(history):
            found.take(name, record)
            if not isinstance(record, IntegrityError):
                take(record)
        return found.scan()

    def read_all(self, history: History | None) -> Iterator[Record | IntegrityError]:
        """Give each manifest that counts, or why it cannot be read; see ``read_named``."""
        return (record for _, record in self.read_named(history))

    def read_named(self, history: History | None) -> Iterator[tuple[str, Record | IntegrityError]]:
        """Give each manifest that counts by its object's name, or why it cannot be read.

        Args:
            history: says which count; None where there is no log.
        """
        commits = _commits(history)
        for name in self._list_all() if commits is None else sorted(commits):
            try:
                yield name, self._read(name, history)
            except IntegrityError as error:
                yield name, error
            except ObjectMissing:
                if self._counts_still(name):
                    yield name, _gone(name)

    def _list_all(self) -> list[str]:
        return [found.name for found in self._storage.list(MANIFEST_PREFIX)]

    def _counts_still(self, name: str) -> bool:
        """Say whether a manifest that is gone should be there: a prune may have run meanwhile."""
        return name in (_commits(self.history()) or ())

    def _find_latest(self, word: str, narrow: Latest) -> BackupId:
        """Choose among those that can be read, unless a damaged one can be meant."""
        scan = self.scan()
        try:
            found = find_latest(word, scan.summaries, narrow).id
        except UnknownBackup:
            if scan.find_newer(None) is None:
                raise
            found = None
        newer = scan.find_newer(found)
        if found is None or newer is not None:
            reason = newer.message if newer else ""
            raise IntegrityError(
                f"cannot tell which backup is the latest: {reason}",
                hint="name a backup by its id; `shardvault list` shows them",
            ) from newer
        return found

    def pick_uncommitted(self, found: Iterable[ObjectStat]) -> tuple[ObjectStat, ...]:
        """Pick manifests that no entry of the log makes count: of interrupted backups.

        Args:
            found: manifests, listed before; a session may have committed one meanwhile.
        """
        commits = _commits(self.history())
        return tuple(one for one in found if commits is not None and one.name not in commits)

    def read_uncounted(self, name: str) -> Record:
        """Read a manifest that no entry of the log makes count; raises IntegrityError."""
        return self._read(name, None)

    def name_of(self, backup: str) -> str:
        """Return the name of a backup's manifest, whether there is one or not."""
        return self._name(BackupId(backup))

    def _read(self, name: str, history: History | None) -> Record:
        """Read a manifest; one that counts must be what its entry says, by the entry's author."""
        stored = fetch_sealed(self._storage, name)
        commit = history.commits[name] if history else None
        if commit is not None and commit.digest != sha256(stored).hexdigest():
            raise IntegrityError(f"object {name} is damaged: it is not what was committed")
        plain, author = open_signed(self._ring, ObjectType.MANIFEST, name, stored)
        source = source_name(author.source)
        if history and commit and history.sources.get(commit.backup, source) != source:
            raise IntegrityError(f"object {name} was written by another than its entry")
        record = _decode(name, plain, source)
        if self._name(record.manifest.id) != name:
            raise IntegrityError(f"object {name} holds the manifest of {record.manifest.id}")
        return record

    def _unknown(self, backup: BackupId) -> UnknownBackup:
        return unknown_backup(backup, (summary.id for summary in self.scan().summaries))

    def _name(self, backup: BackupId) -> str:
        return MANIFEST_PREFIX + self._ring.hidden_name(backup)


def _commits(history: History | None) -> Mapping[str, Committed] | None:
    return None if history is None else history.commits


def _gone(name: str) -> IntegrityError:
    return IntegrityError(
        f"object {name} is missing: a complete backup was deleted",
        hint="look who may delete in the store; bring the object back from a copy",
    )


def _decode(name: str, plain: bytes, source: str) -> Record:
    """Read a manifest that a source wrote, or the owner if the name of the source is empty."""
    try:
        version = msgspec.json.decode(plain, type=_Versioned).manifest.version
        if version > MANIFEST_VERSION:
            kind = IntegrityError if source else UsageError  # a source must not stop others
            raise kind(
                f"object {name} is a manifest of version {version}",
                hint="use the version of shardvault that wrote it, or a newer one",
            )
        record = msgspec.json.decode(plain, type=Record)
        for time in (record.manifest.begin, record.manifest.end) if source else ():
            parse_time(time)
    except (msgspec.MsgspecError, ValueError) as error:
        raise IntegrityError(f"object {name} is not a manifest: {error}") from error
    return record


class _Found:
    """Gather what the manifests say."""

    def __init__(self, history: History | None) -> None:
        self._history = history
        self._ranks = history.ranks() if history else {}
        self._summaries: list[BackupSummary] = []
        self._index = {_word(name) for name in history.index} if history else set()
        self._source_index: dict[str, str] = {}
        self._faults: list[_Fault] = []

    def take(self, name: str, record: Record | IntegrityError) -> None:
        """Take a manifest by its object's name, or why it cannot be read."""
        history = self._history
        commit = history.commits.get(name) if history else None
        source = history.sources.get(commit.backup, "") if history and commit else ""
        if isinstance(record, IntegrityError):
            self._faults.append(_Fault(record, source, commit.backup if commit else ""))
            return
        self._summaries.append(_summarise(record.manifest, history, source))
        if source:
            self._source_index |= dict.fromkeys(record.index, source)
        else:
            self._index.update(record.index)

    def scan(self) -> Scan:
        """Return what was found, in the order of the log."""
        history = self._history or History()
        if self._history is None:
            self._summaries.sort(key=lambda summary: (summary.begin, summary.id))
        else:
            self._summaries.sort(key=lambda summary: self._ranks[summary.id])
        replaced = {_word(name) for name in history.replaced}
        removed = history.removed_keys
        needed = self._source_index.items()
        return Scan(
            summaries=tuple(self._summaries),
            index=frozenset(self._index - replaced),
            damaged=tuple(one.error for one in self._faults if one.source not in removed),
            faults=tuple(sorted(self._rank_faults(), key=lambda one: one[0])),
            ranks=self._ranks,
            ignored=tuple(one.error for one in self._faults if one.source in removed),
            unsound=frozenset(one.source for one in self._faults if one.source),
            has_own_damage=any(not one.source for one in self._faults),
            source_index={word: source for word, source in needed if word not in replaced},
        )

    def _rank_faults(self) -> Iterator[tuple[Rank, IntegrityError]]:
        """Give each damaged manifest with its rank; what has none can be the newest."""
        for fault in self._faults:
            yield self._ranks.get(fault.backup, HIGHEST), fault.error


@dataclass(frozen=True)
class _Fault:
    """Say why a manifest cannot be read, and who completed the backup."""

    error: IntegrityError
    source: str
    backup: str


def _word(index: str) -> str:
    return index.removeprefix(INDEX_PREFIX)


class _Version(msgspec.Struct):
    version: int


class _Versioned(msgspec.Struct):
    manifest: _Version


def _summarise(manifest: Manifest, history: History | None, source: str = "") -> BackupSummary:
    is_damaged = history is not None and manifest.id in history.damaged
    return BackupSummary(
        id=manifest.id,
        status="damaged" if is_damaged else "complete",
        fleet=manifest.fleet,
        type=manifest.type,
        mode=manifest.mode,
        begin=manifest.begin,
        end=manifest.end,
        consistency=manifest.consistency.value,
        totals=manifest.totals,
        allowed_losses=tuple(sorted({loss.kind for loss in manifest.allowed_losses})),
        is_verified=history is not None and manifest.id in history.verified,
        hold=history.holds.get(manifest.id, "") if history else "",
        scope=manifest.scope,
        tags=manifest.tags,
        source=source,
        is_source_removed=bool(history and source in history.removed_keys),
    )
