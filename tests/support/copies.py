"""Build repositories in memory, copy between them, and count what is sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shardvault.events import Event
from shardvault.interfaces import Buffer, ChunkKind, ChunkSource
from shardvault.model.ids import BackupId
from shardvault.model.manifest import Manifest
from shardvault.model.report import RepositoryCopy
from shardvault.operations.copy import CopyOptions, run_copy
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.parts import get_part
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.wrapper import Wrapper

HOUSEKEEPING = ("leases/", "clock/")


class CountingStorage(Wrapper):
    """Count what is sent to and read from a store in memory, leases left out.

    Attributes:
        before_put: is called with each name first; may raise.
    """

    inner: MemoryStorage

    def __init__(self) -> None:
        super().__init__(MemoryStorage())
        self.before_put: Callable[[str], None] = lambda name: None
        self.reset()

    def reset(self) -> None:
        """Count from 0 again."""
        self.sent: list[str] = []
        self.sent_bytes = 0
        self.read: list[str] = []

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        if not name.startswith(HOUSEKEEPING):
            self.before_put(name)
            self.sent.append(name)
            self.sent_bytes += sum(map(len, parts))
        super().put_new(name, parts)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        self.read.append(name)
        return super().get(name, offset, size)

    def names(self, prefix: str) -> list[str]:
        """Name the objects that begin so."""
        return [found.name for found in self.list(prefix)]

    def spoil(self, name: str) -> None:
        """Turn one bit behind the header of an object; in a pack, in its first chunk."""
        data = bytearray(self.inner.get(name))
        data[min(60, len(data) // 2)] ^= 1
        self.delete(name)
        self.inner.put_new(name, [data])


@dataclass
class Depot:
    """Hold a repository in memory."""

    storage: CountingStorage
    repository: Repository
    key: Path

    def reopen(self, *, is_mirror: bool = False) -> Repository:
        """Open the repository anew."""
        return open_repository(self.storage, read_key_file(self.key), is_mirror=is_mirror)

    def packs(self) -> list[str]:
        """Name its packs."""
        return self.storage.names("packs/")


def make_depot(folder: Path, name: str) -> Depot:
    """Create a repository with a key of its own."""
    storage, key = CountingStorage(), folder / f"{name}.key"
    return Depot(storage, create_repository(storage, key, random_bytes=os.urandom), key)


class Quiet:
    """Take events."""

    def emit(self, event: Event) -> None:
        """Take one event."""


def copy_all(source: Depot, destination: Depot, *backups: str) -> RepositoryCopy:
    """Copy backups as the command does."""
    ids = tuple(map(BackupId, backups))
    options = CopyOptions("offsite", threads=2, zstd_level=1, backups=ids)
    return run_copy(source.reopen(), destination.reopen(), options, Quiet())


def read_rows(reader: ChunkSource, manifest: Manifest) -> list[bytes]:
    """Read every chunk of rows in order."""
    return [
        reader.get(chunk, ChunkKind.ROWS)
        for shard in manifest.shards
        for record in get_part(reader, shard.part).tables
        for found in record.ranges
        for chunk in found.chunks
    ]
