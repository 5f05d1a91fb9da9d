"""Hold a repository and a source, and do what a thief of the source file can do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shardvault.model.ids import BackupId
from shardvault.repository.entries import Committed
from shardvault.repository.format import ObjectType
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.keys import KeyRing
from shardvault.repository.objects import seal_object, seal_signed
from shardvault.repository.owners import new_owner
from shardvault.repository.sources import SourceKey, read_source_file
from shardvault.repository.store import (
    Repository,
    create_repository,
    open_for_source,
    open_repository,
)
from shardvault.storage.memory import MemoryStorage
from tests.support.repository_reading import ChunkResult, check_backup


class Raided:
    """Hold a repository, its owner, and a source whose file a thief has read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = MemoryStorage()
        create_repository(self.storage, folder / "repo.key")
        self.add_source("web1")

    def add_source(self, label: str) -> None:
        """Register one more source."""
        self.owner().keychain().add_source(label, self.folder / f"{label}.source")

    def key(self, label: str = "web1") -> SourceKey:
        """Read a source file."""
        return read_source_file(self.folder / f"{label}.source")

    def owner(self) -> Repository:
        """Open the repository as another command of the owner would."""
        return open_repository(self.storage, read_key_file(self.folder / "repo.key"))

    def source(self, label: str = "web1") -> Repository:
        """Open the repository as the source."""
        return open_for_source(self.storage, self.key(label), self.folder / f"state-{label}")

    def remove_source(self, label: str = "web1") -> None:
        """Remove the key of the source."""
        chain = self.owner().keychain()
        chain.remove(chain.find(label))

    def listed(self) -> list[str]:
        """Give the ids that the owner sees, in order."""
        return [summary.id for summary in self.owner().list()]

    def latest(self) -> str:
        """Give the id that ``latest`` means to the owner."""
        return self.owner().find("latest")

    def rows(self, backup: str) -> list[bytes | None]:
        """Read a backup whole as its owner."""
        owner = self.owner()
        results = list(check_backup(owner.reader(), owner.load(BackupId(backup))))
        assert [result.error for result in results if result.error] == []
        return [result.data for result in results if isinstance(result, ChunkResult)]

    def names(self, prefix: str) -> list[str]:
        """Name objects."""
        return [found.name for found in self.storage.list(prefix)]


class Thief:
    """Write whatever the keys of a source can write, past all that our program forbids."""

    def __init__(self, raided: Raided, label: str = "web1") -> None:
        self.storage = raided.storage
        self.ring: KeyRing = raided.key(label).open(raided.storage)
        self._repository = raided.source(label)

    def commit(self, backup: str, **changes: Any) -> None:
        """Append an entry that completes a backup which need not be there."""
        fields: Mapping[str, Any] = {
            "fleet": "canary_fleet",
            "manifest": f"manifests/{self.ring.hidden_name(backup)}",
            "digest": "00" * 32,
            "scope": "backup-x",
            "epoch": 1,
        }
        action = Committed(backup, **{**fields, **changes})
        self._repository.log.append(lambda _: action)

    def put_manifest(self, backup: str, manifest: object, index: tuple[str, ...] = ()) -> str:
        """Store a manifest object of one's own making; return its name."""
        name = f"manifests/{self.ring.hidden_name(backup)}"
        plain = msgspec.json.encode({"index": index, "manifest": manifest})
        self.put(name, seal_signed(self.ring, ObjectType.MANIFEST, name, plain, os.urandom))
        return name

    def put_index(self, plain: bytes) -> str:
        """Store an index object of one's own making; return its name."""
        name = f"index/{os.urandom(16).hex()}"
        self.put(name, seal_object(self.ring, ObjectType.INDEX, name, plain, os.urandom))
        return name

    def put_lease(self, scope: str, epoch: int = 1, beat: int = 0) -> None:
        """Store a beat of a lease that says that it lives for ever."""
        name = f"leases/{scope}/{epoch:08d}-{beat:08d}"
        plain = msgspec.json.encode(new_owner("backup", ttl_s=1e18))
        self.put(name, seal_signed(self.ring, ObjectType.LEASE, name, plain, os.urandom))

    def put(self, name: str, data: bytes) -> None:
        """Store any object."""
        self.storage.put_new(name, [data])
