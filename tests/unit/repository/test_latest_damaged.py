"""Never take an older backup for the latest because the newer one cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.errors import IntegrityError, UnknownBackup
from shardvault.repository.store import Repository
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import add_backup, make_repository

ORDERS = ("--tables shop.orders_1",)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def repository(storage: MemoryStorage, tmp_path: Path) -> Repository:
    """Hold two complete backups, and a partial one that is newer."""
    made = make_repository(storage, tmp_path)
    add_backup(made, "a")
    add_backup(made, "b", tags=("eoy",))
    add_backup(made, "c", scope=ORDERS)
    return made


def damage(repository: Repository, storage: MemoryStorage, backup: str) -> None:
    history = repository.history()
    assert history is not None
    name = history.backups[backup][1].manifest
    storage.delete(name)
    storage.put_new(name, [b"rubbish" * 40])


def test_an_older_complete_backup_is_not_the_latest_while_a_newer_one_is_damaged(
    repository: Repository, storage: MemoryStorage
) -> None:
    assert repository.find("latest") == "b"
    damage(repository, storage, "b")
    for word in ("latest", "latest:eoy"):
        with pytest.raises(IntegrityError, match="cannot tell which backup is the latest"):
            repository.find(word)


def test_damage_of_an_older_backup_does_not_hide_the_latest(
    repository: Repository, storage: MemoryStorage
) -> None:
    damage(repository, storage, "a")
    assert repository.find("latest") == "b"
    assert repository.find("latest:eoy") == "b"


def test_where_no_complete_backup_can_be_read_damage_is_reported_first(
    repository: Repository, storage: MemoryStorage
) -> None:
    damage(repository, storage, "a")
    damage(repository, storage, "b")
    with pytest.raises(IntegrityError):
        repository.find("latest")


def test_a_tag_that_no_backup_has_is_unknown(repository: Repository) -> None:
    with pytest.raises(UnknownBackup):
        repository.find("latest:eom")


def test_an_id_is_found_by_its_beginning_though_its_manifest_is_damaged(
    repository: Repository, storage: MemoryStorage
) -> None:
    damage(repository, storage, "b")
    assert repository.find("b") == "b"
    assert repository.load(repository.find("a")).id == "a"
