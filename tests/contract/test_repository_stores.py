"""A repository is made, written and read on every kind of store that is reached over a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.errors import ShardvaultError
from shardvault.interfaces import ChunkKind, Storage
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import open_repository
from tests.contract.test_storage import OPENERS
from tests.support.repositories import ROWS, add_backup, make_repository

REMOTE = ("s3", "gcs-double", "azure", "sftp")


@pytest.fixture(params=REMOTE)
def storage(request: pytest.FixtureRequest) -> Storage:
    return OPENERS[request.param](request)


def test_a_backup_is_stored_listed_and_read_back(storage: Storage, tmp_path: Path) -> None:
    add_backup(make_repository(storage, tmp_path), "20261122T113000Z-full")
    opened = open_repository(storage, read_key_file(tmp_path / "repo.key"))
    assert [summary.id for summary in opened.list()] == ["20261122T113000Z-full"]
    assert not opened.damaged()
    with opened.writer("backup") as writer:
        stored = [writer.put(row, ChunkKind.ROWS) for row in ROWS]
    assert [result.stored_bytes for result in stored] == [0] * len(ROWS)
    reader = opened.reader()
    assert [reader.get(result.chunk, ChunkKind.ROWS) for result in stored] == ROWS


def test_a_second_repository_in_the_same_place_is_refused(storage: Storage, tmp_path: Path) -> None:
    make_repository(storage, tmp_path)
    with pytest.raises(ShardvaultError):
        make_repository(storage, tmp_path)
