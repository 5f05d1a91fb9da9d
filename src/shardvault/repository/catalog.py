"""Keep manifests: signed, encrypted; a backup exists once the log says that it is complete."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec

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
from shardvault.repository.format import INDEX_PREFIX, MANIFEST_PREFIX, ObjectType
from shardvault.repository.history import History
from shardvault.repository.keys import KeyRing
from shardvault.repository.lookup import Latest, asks_latest, find_id, find_latest, unknown_backup
from shardvault.repository.objects import fetch_sealed, open_signed, prove_written, seal_signed


@dataclass(frozen=True)
class Record:
    """Hold what a manifest object says.

    Attributes:
        index: words of all index objects there were when the backup was completed; one
            that is gone is found by this, and what it named is not taken for leftovers.
    """

    index: tuple[str, ...]
    manifest: Manifest


@dataclass(frozen=True)
class Scan:
    """Hold what was found in all manifests.

    Attributes:
        summaries: the healthy ones, oldest first.
        index: words of the index objects they need.
        damaged: one error for each manifest that could not be read; names its object.
    """

    summaries: tuple[BackupSummary, ...]
    index: frozenset[str]
    damaged: tuple[IntegrityError, ...]


def new_backup_id(now: datetime, kind: str, is_taken: Callable[[BackupId], bool]) -> BackupId:
    """Return an id such as ``20261122T113000Z-full`` that no backup has.

    Args:
        now: in UTC.
        kind: the backup's type.
        is_taken: says whether a backup has an id.
    """
    first = f"{now:%Y%m%dT%H%M%SZ}-{kind}"
    numbered = (f"{first}-{number}" for number in itertools.count(2))
    ids = map(BackupId, itertools.chain([first], numbered))
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
        self._history = history
        self._ring = ring
        self._random_bytes = random_bytes

    def put(self, manifest: Manifest, index: Collection[str]) -> tuple[str, str]:
        """Store a manifest durably; everything it names must be stored.

        Returns:
            its object's name and the SHA-256 of its bytes, which the log makes count.

        Raises:
            BackupExists: a backup of that id exists.
        """
        name = self._name(manifest.id)
        plain = msgspec.json.encode(Record(tuple(sorted(index)), manifest))
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
        name, commits = self._name(backup), _commits(self._history())
        if commits is not None and name not in commits:
            raise self._unknown(backup)
        try:
            return self._read(name, commits).manifest
        except ObjectMissing as error:
            is_lost = commits is not None and self._counts_still(name)
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
            return find_latest(word, self._scan_undamaged(), narrow).id
        history = self._history()
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
        history = self._history()
        summaries: list[BackupSummary] = []
        index = {name.removeprefix(INDEX_PREFIX) for name in history.index} if history else set()
        damaged: list[IntegrityError] = []
        for record in self.read_all(history):
            if isinstance(record, IntegrityError):
                damaged.append(record)
            else:
                summaries.append(_summarise(record.manifest, history))
                index.update(record.index)
        summaries.sort(key=lambda summary: (summary.begin, summary.id))
        if history is not None:
            index -= {name.removeprefix(INDEX_PREFIX) for name in history.replaced}
        return Scan(tuple(summaries), frozenset(index), tuple(damaged))

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
                yield name, self._read(name, commits)
            except IntegrityError as error:
                yield name, error
            except ObjectMissing:
                if self._counts_still(name):
                    yield name, _gone(name)

    def _list_all(self) -> list[str]:
        return [found.name for found in self._storage.list(MANIFEST_PREFIX)]

    def _counts_still(self, name: str) -> bool:
        """Say whether a manifest that is gone should be there: a prune may have run meanwhile."""
        return name in (_commits(self._history()) or ())

    def _scan_undamaged(self) -> Sequence[BackupSummary]:
        scan = self.scan()
        for error in scan.damaged:
            raise IntegrityError(
                f"cannot tell which backup is the latest: {error.message}",
                hint="name a backup by its id; `shardvault list` shows them",
            ) from error
        return scan.summaries

    def pick_uncommitted(self, found: Iterable[ObjectStat]) -> tuple[ObjectStat, ...]:
        """Pick manifests that no entry of the log makes count: of interrupted backups.

        Args:
            found: manifests, listed before; a session may have committed one meanwhile.
        """
        commits = _commits(self._history())
        return tuple(one for one in found if commits is not None and one.name not in commits)

    def read_uncounted(self, name: str) -> Record:
        """Read a manifest that no entry of the log makes count; raises IntegrityError."""
        return self._read(name, None)

    def name_of(self, backup: str) -> str:
        """Return the name of a backup's manifest, whether there is one or not."""
        return self._name(BackupId(backup))

    def _read(self, name: str, commits: Mapping[str, Committed] | None) -> Record:
        stored = fetch_sealed(self._storage, name)
        if commits is not None and commits[name].digest != sha256(stored).hexdigest():
            raise IntegrityError(f"object {name} is damaged: it is not what was committed")
        plain, _ = open_signed(self._ring, ObjectType.MANIFEST, name, stored)
        record = _decode(name, plain)
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


def _decode(name: str, plain: bytes) -> Record:
    try:
        version = msgspec.json.decode(plain, type=_Versioned).manifest.version
        if version > MANIFEST_VERSION:
            raise UsageError(
                f"object {name} is a manifest of version {version}",
                hint="use the version of shardvault that wrote it, or a newer one",
            )
        return msgspec.json.decode(plain, type=Record)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"object {name} is not a manifest: {error}") from error


class _Version(msgspec.Struct):
    version: int


class _Versioned(msgspec.Struct):
    manifest: _Version


def _summarise(manifest: Manifest, history: History | None) -> BackupSummary:
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
    )
