"""Damage repositories, and find out what can really not be read any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec

from shardvault.errors import IntegrityError, ObjectMissing, UnknownBackup
from shardvault.events import Event
from shardvault.interfaces import Buffer, ChunkKind, ChunkSource, ObjectStat, Storage
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.manifest import Manifest, RangeRecord, ShardPart, TableRecord
from shardvault.model.upkeep import DamagedTable
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.heads import Head, HeadMemory
from shardvault.repository.parts import get_part, put_part
from shardvault.repository.store import Repository
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import make_manifest, make_part

Contents = Mapping[str, Sequence[Sequence[bytes]]]
"""Row chunks of each range of each table."""
Lost = frozenset[tuple[str, str]]
"""Backup and table."""


class Quiet:
    """Take events and tell nobody."""

    def emit(self, event: Event) -> None:
        pass


class Remembered(HeadMemory):
    """Remember in memory, as fast as many trials need it."""

    def __init__(self, head: Head | None = None) -> None:
        super().__init__(Path("/nowhere"), "a place")
        self.head = head

    def recall(self) -> Head | None:
        return self.head

    def advance(self, head: Head) -> None:
        accepted = self.head.accepted if self.head else {}
        self.head = msgspec.structs.replace(head, accepted=accepted)

    def remember(self, head: Head) -> None:
        self.head = head


class Overlay(MemoryStorage):
    """Show another store with some objects changed; what is written stays here.

    Args:
        changes: bytes by name; None = the object is gone.
    """

    def __init__(self, base: MemoryStorage, changes: Mapping[str, bytes | None]) -> None:
        super().__init__()
        for found in base.list(""):
            if found.name not in changes:
                self._objects[found.name] = base.get(found.name)
                self._received[found.name] = 0.0
        for name, data in changes.items():
            if data is not None:
                self.put_new(name, cast("Sequence[Buffer]", [data]))


def copy_store(base: MemoryStorage) -> MemoryStorage:
    """Copy all objects."""
    return Overlay(base, {})


def names_of(storage: Storage, prefix: str = "") -> list[str]:
    """Name the objects, but leases and clocks, in order."""
    found: Iterator[ObjectStat] = storage.list(prefix)
    return [one.name for one in found if not one.name.startswith(("leases/", "clock/"))]


def add_tables(repository: Repository, backup: str, contents: Contents, **times: str) -> Manifest:
    """Store a backup of several tables in a session of its own."""
    with repository.writer("backup") as writer:
        part = put_part(writer, _describe(writer, contents))
        manifest = make_manifest(backup, part, **times)
        tables = len(contents)
        manifest = replace(manifest, totals=replace(manifest.totals, tables=tables))
        writer.flush()
        repository.commit(manifest)
    return manifest


def _describe(writer: ChunkWriter, contents: Contents) -> ShardPart:
    part = make_part(())
    (record,) = part.tables
    return replace(
        part, tables=tuple(_table(writer, record, name, one) for name, one in contents.items())
    )


def _table(
    writer: ChunkWriter, record: TableRecord, name: str, ranges: Sequence[Sequence[bytes]]
) -> TableRecord:
    found = []
    for number, rows in enumerate(ranges):
        chunks = tuple(writer.put(row, ChunkKind.ROWS).chunk for row in rows)
        raw_bytes = sum(map(len, rows))
        bounds = ((str(number),), (str(number + 1),))
        found.append(RangeRecord(*bounds, len(rows), "00" * 16, raw_bytes, chunks))
    raw_bytes = sum(one.raw_bytes for one in found)
    table = replace(record.table, name=name)
    return replace(record, table=table, ranges=tuple(found), raw_bytes=raw_bytes)


def read_lost(repository: Repository, backups: Mapping[str, Contents]) -> Lost:
    """Read everything and name what cannot be read; wrong bytes fail the test."""
    lost: set[tuple[str, str]] = set()
    reader = repository.reader()
    for backup, contents in backups.items():
        try:
            manifest = repository.load(BackupId(backup))
            part = get_part(reader, manifest.shards[0].part)
        except (IntegrityError, ObjectMissing, UnknownBackup):
            lost.update((backup, name) for name in contents)
            continue
        for record in part.tables:
            name = record.table.name
            if not _reads(reader, record, contents[name]):
                lost.add((backup, name))
    return frozenset(lost)


def _reads(reader: ChunkSource, record: TableRecord, ranges: Sequence[Sequence[bytes]]) -> bool:
    for found, rows in zip(record.ranges, ranges, strict=True):
        for chunk, expected in zip(found.chunks, rows, strict=True):
            try:
                data = reader.get(ChunkId(chunk), ChunkKind.ROWS)
            except (IntegrityError, ObjectMissing):
                return False
            assert data == expected, "wrong bytes were returned"
    return True


def told_lost(damage: Sequence[DamagedTable], backups: Mapping[str, Contents]) -> Lost:
    """Name what a report says cannot be restored."""
    told: set[tuple[str, str]] = set()
    for item in damage:
        names = [item.table.partition(".")[2]] if item.table else list(backups[item.backup])
        told.update((item.backup, name) for name in names)
    return frozenset(told)
