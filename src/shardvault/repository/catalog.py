"""Keep manifests: signed, encrypted, written last; a backup exists once its own is there."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidSignature

from shardvault.errors import (
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    RefusedError,
    UnknownBackup,
    UsageError,
)
from shardvault.failpoints import failpoint
from shardvault.interfaces import Storage
from shardvault.model.ids import BackupId
from shardvault.model.manifest import MANIFEST_VERSION, Manifest
from shardvault.model.report import BackupSummary
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.format import (
    MANIFEST_PREFIX,
    SIGNATURE_BYTES,
    ObjectType,
    associated_data,
)
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import fetch_sealed, open_object, seal_object

LATEST = BackupId("latest")


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


def new_backup_id(now: datetime, kind: str, existing: Collection[BackupId]) -> BackupId:
    """Return an id such as ``20261122T113000Z-full`` that no backup has.

    Args:
        now: in UTC.
        kind: the backup's type.
    """
    first = f"{now:%Y%m%dT%H%M%SZ}-{kind}"
    numbered = (f"{first}-{number}" for number in itertools.count(2))
    return next(
        BackupId(text) for text in itertools.chain([first], numbered) if text not in existing
    )


class Catalog:
    """Commit, load and list manifests."""

    def __init__(self, storage: Storage, ring: KeyRing, random_bytes: RandomBytes) -> None:
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes

    def commit(self, manifest: Manifest, index: Collection[str]) -> None:
        """Store a manifest durably; everything it names must be stored.

        Raises:
            RefusedError: a backup of that id exists.
        """
        name = self._name(manifest.id)
        plain = msgspec.json.encode(Record(tuple(sorted(index)), manifest))
        sealed = seal_object(self._ring, ObjectType.MANIFEST, name, plain, self._random_bytes)
        signature = self._ring.signing.sign(self._signed(name, sealed))
        failpoint("repo.manifest")
        try:
            self._storage.put_new(name, [sealed, signature])
        except ObjectExists as error:
            raise RefusedError(f"a backup {manifest.id} exists already") from error

    def load(self, backup: BackupId) -> Manifest:
        """Read a manifest by its id, or that of the newest backup by ``latest``.

        Raises:
            UnknownBackup: no such backup; near ids are in the hint.
            IntegrityError: the manifest is damaged; or ``latest`` was asked for and any is,
                because the damaged one may be the newest.
        """
        if backup == LATEST:
            backup = self._find_latest()
        try:
            return self._read(self._name(backup)).manifest
        except ObjectMissing as error:
            raise self._unknown(backup) from error

    def scan(self) -> Scan:
        """Read every manifest; damaged ones are noted, not raised."""
        summaries: list[BackupSummary] = []
        index: set[str] = set()
        damaged: list[IntegrityError] = []
        for found in self._storage.list(MANIFEST_PREFIX):
            try:
                record = self._read(found.name)
            except IntegrityError as error:
                damaged.append(error)
            else:
                summaries.append(_summarise(record.manifest))
                index.update(record.index)
        summaries.sort(key=lambda summary: (summary.begin, summary.id))
        return Scan(tuple(summaries), frozenset(index), tuple(damaged))

    def _find_latest(self) -> BackupId:
        scan = self.scan()
        for error in scan.damaged:
            raise IntegrityError(
                f"cannot tell which backup is the latest: {error.message}",
                hint="name a backup by its id; `shardvault list` shows them",
            ) from error
        if not scan.summaries:
            raise UnknownBackup("the repository holds no backup yet")
        return scan.summaries[-1].id

    def _read(self, name: str) -> Record:
        stored = fetch_sealed(self._storage, name)
        sealed, signature = stored[:-SIGNATURE_BYTES], stored[-SIGNATURE_BYTES:]
        try:
            self._ring.signing.public_key().verify(signature, self._signed(name, sealed))
        except InvalidSignature as error:
            raise IntegrityError(f"object {name} is damaged: its signature is wrong") from error
        record = _decode(name, open_object(self._ring, ObjectType.MANIFEST, name, sealed))
        if self._name(record.manifest.id) != name:
            raise IntegrityError(f"object {name} holds the manifest of {record.manifest.id}")
        return record

    def _unknown(self, backup: BackupId) -> UnknownBackup:
        ids = [summary.id for summary in self.scan().summaries]
        near = difflib.get_close_matches(backup, [*ids, LATEST], n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "see `shardvault list`"
        return UnknownBackup(f"no backup {backup!r}", hint=hint)

    def _name(self, backup: BackupId) -> str:
        return MANIFEST_PREFIX + self._ring.hidden_name(backup)

    def _signed(self, name: str, sealed: bytes) -> bytes:
        kind = ObjectType.SIGNATURE
        return associated_data(kind, self._ring.repository, name.encode() + b"\0" + sealed)


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


def _summarise(manifest: Manifest) -> BackupSummary:
    return BackupSummary(
        id=manifest.id,
        status="complete",
        fleet=manifest.fleet,
        type=manifest.type,
        mode=manifest.mode,
        begin=manifest.begin,
        end=manifest.end,
        consistency=manifest.consistency.value,
        totals=manifest.totals,
    )
