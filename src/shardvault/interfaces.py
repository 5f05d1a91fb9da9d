"""Define the seams between rooms; keep them this small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from shardvault.events import Event
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.manifest import Manifest
from shardvault.model.report import BackupSummary

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class StorageFeatures:
    """State what a store really does.

    Attributes:
        atomic_create: of several writers of one new name exactly one wins.
        owner_lock: ``hold`` works and ends with its process.
        may_delete: objects can be deleted, as far as is known.
    """

    atomic_create: bool
    owner_lock: bool
    may_delete: bool = True


@dataclass(frozen=True)
class ObjectStat:
    """Describe a stored object [bytes].

    Attributes:
        received_s: when the store took it, by the store's clock, in seconds since 1970;
            None if the store does not tell [s].
    """

    name: str
    size_bytes: int
    received_s: float | None = field(default=None, compare=False)


class Storage(Protocol):
    """Keep named objects; names are ``/``-separated words of ``[a-z0-9.-]``."""

    features: StorageFeatures

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one durable object, all or nothing.

        Raises:
            ObjectExists: the name is taken; its object is unchanged.
            StorageFull: no space; nothing remains under the name.
        """

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it; raises ObjectMissing."""

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Give every object whose name begins with the prefix, sorted by name."""

    def stat(self, name: str) -> ObjectStat:
        """Describe one object; raises ObjectMissing."""

    def delete(self, name: str) -> None:
        """Remove an object durably; raises ObjectMissing."""


class ChunkKind(StrEnum):
    """Bind a chunk to its use, so that one can't be passed off as the other."""

    ROWS = "rows"
    META = "meta"


@dataclass(frozen=True)
class PutResult:
    """Say where a chunk went.

    Attributes:
        stored_bytes: bytes this put added to the store; 0 if the chunk was there before.
    """

    chunk: ChunkId
    stored_bytes: int


class ChunkSource(Protocol):
    """Give chunks back; safe for many threads."""

    def get(self, chunk: ChunkId, kind: ChunkKind) -> bytes:
        """Read a chunk back, authenticated; raises IntegrityError, ObjectMissing."""

    def has(self, chunk: ChunkId) -> bool:
        """Say whether the chunk is stored or about to be."""


class ChunkStore(ChunkSource, Protocol):
    """Keep chunks by the keyed hash of their contents; safe for many threads."""

    def put(self, data: Buffer, kind: ChunkKind) -> PutResult:
        """Store a chunk unless it is there; the caller may reuse the buffer at once.

        The chunk is durable only after ``flush``.
        """

    def flush(self) -> None:
        """Make every chunk put so far durable and findable."""


class ManifestStore(Protocol):
    """Keep manifests; a backup exists once its manifest is committed."""

    def commit(self, manifest: Manifest) -> None:
        """Store a manifest durably, the last write of a backup; call ``flush`` first."""

    def load(self, backup: BackupId) -> Manifest:
        """Read a manifest; raises UnknownBackup with near ids, IntegrityError."""

    def list(self) -> tuple[BackupSummary, ...]:
        """Give every complete backup, oldest first."""


class EventSink(Protocol):
    """Take events; must be safe for many threads and must not raise."""

    def emit(self, event: Event) -> None:
        """Take one event."""
