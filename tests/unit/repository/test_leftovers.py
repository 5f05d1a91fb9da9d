from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.errors import RepositoryLocked
from shardvault.interfaces import StorageFeatures
from shardvault.repository import leases
from shardvault.storage.memory import MemoryStorage
from tests.support.pruning import find_unreadable, ids_of, open_again
from tests.support.repositories import add_backup, make_repository


def test_a_manifest_committed_while_leftovers_are_looked_for_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = MemoryStorage()
    repository = make_repository(storage, tmp_path)
    waiting = [lambda: add_backup(open_again(storage, tmp_path), "meanwhile")]
    real = MemoryStorage.list

    def list_slowly(self, prefix: str):  # type: ignore[no-untyped-def]
        if prefix == "manifests/" and waiting:
            waiting.pop()()
        return real(self, prefix)

    monkeypatch.setattr(MemoryStorage, "list", list_slowly)
    with repository.writer("backup", fleet="other"):
        pass
    assert ids_of(open_again(storage, tmp_path)) == ["meanwhile"]
    assert find_unreadable(open_again(storage, tmp_path)) == []


def test_whoever_is_gone_is_fenced_off_before_its_leftovers_are_freed(tmp_path: Path) -> None:
    now_s = 1e9
    storage = MemoryStorage(now_s=lambda: now_s)
    storage.features = StorageFeatures(atomic_create=True, owner_lock=False)
    make_repository(storage, tmp_path)
    sleeper = open_again(storage, tmp_path).leases.acquire("prune", "prune")
    now_s += leases.TTL_S + 1
    repository = open_again(storage, tmp_path)
    with repository.writer("backup"):
        pass
    with pytest.raises(RepositoryLocked):
        sleeper.assert_held(repository.log.read())
