"""Backups that begin in the same second get ids of their own; the store decides who is first."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from shardvault.model.ids import BackupId
from shardvault.operations.backup import _commit
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.parts import put_part
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage.local import LocalStorage
from tests.support.repositories import make_manifest, make_part

ID = "20261122T113000Z-full"
FLEETS = 6


@pytest.fixture
def place(tmp_path: Path) -> Path:
    create_repository(LocalStorage(tmp_path / "repository"), tmp_path / "key")
    return tmp_path


def open_again(place: Path) -> Repository:
    return open_repository(LocalStorage(place / "repository"), read_key_file(place / "key"))


def commit(repository: Repository, fleet: str, ready: threading.Barrier | None = None) -> str:
    with repository.writer("backup", fleet=fleet) as writer:
        manifest = make_manifest(ID, put_part(writer, make_part(())))
        if ready is not None:
            ready.wait(60)
        return _commit(repository, manifest).id


def test_a_backup_whose_id_another_took_just_now_takes_the_next(place: Path) -> None:
    ids = [commit(open_again(place), f"fleet{number}") for number in range(3)]
    assert ids == [ID, f"{ID}-2", f"{ID}-3"]
    assert [open_again(place).load(BackupId(one)).id for one in ids] == ids


def test_fleets_that_commit_at_the_same_time_share_no_id(place: Path) -> None:
    ready = threading.Barrier(FLEETS)
    ids: list[str] = []

    def work(number: int) -> None:
        ids.append(commit(open_again(place), f"fleet{number}", ready))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(FLEETS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ids) == [ID, *(f"{ID}-{number}" for number in range(2, FLEETS + 1))]
    assert {one.id for one in open_again(place).list()} == set(ids)
