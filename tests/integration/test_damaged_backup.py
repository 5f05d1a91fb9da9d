"""Lose parts of a backup: the next one stores them anew, and what is left comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import IntegrityError
from shardvault.events import Noticed
from shardvault.interfaces import ChunkKind
from shardvault.model.ids import ChunkId
from shardvault.repository.format import pack_name
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.parts import get_part
from shardvault.repository.store import Repository, open_repository
from shardvault.storage.local import LocalStorage
from tests.integration.operations_support import Lone, Steps, Vault, query, run_all, wipe
from tests.support.servers import Instance


@pytest.fixture
def vault(mariadb: Instance, tmp_path: Path) -> Vault:
    """Give a backup of two tables; each backup has its rows and definitions in one pack."""
    wipe(mariadb)
    run_all(
        mariadb,
        "CREATE DATABASE loss",
        "CREATE TABLE loss.kept (a int PRIMARY KEY)",
        "INSERT INTO loss.kept SELECT seq FROM loss.seq_1_to_100",
    )
    vault = Vault(tmp_path, Lone({"main": mariadb}))
    vault.backup()
    run_all(
        mariadb,
        "CREATE TABLE loss.hit (a int PRIMARY KEY)",
        "INSERT INTO loss.hit SELECT seq FROM loss.seq_1_to_1000",
    )
    return vault


def open_vault(vault: Vault) -> Repository:
    return open_repository(LocalStorage(vault.repository), read_key_file(vault.key))


def flip(vault: Vault, chunk: ChunkId) -> None:
    """Change a byte of a stored chunk."""
    place = open_vault(vault).reader()._index.table.find(chunk)
    assert place is not None
    path = vault.repository / pack_name(place.pack)
    data = bytearray(path.read_bytes())
    data[place.offset] ^= 1
    path.write_bytes(data)


def chunks_of(vault: Vault, table: str) -> tuple[ChunkId, ...]:
    """Return the chunks of definitions, for ``""``, or of a table of the newest backup."""
    repository = open_vault(vault)
    (shard,) = repository.load(repository.find("latest")).shards
    if not table:
        return shard.part
    records = get_part(repository.reader(), shard.part).tables
    return next(one.ranges[0].chunks for one in records if one.table.name == table)


def test_a_restore_that_leaves_something_out_verifies_nothing(
    vault: Vault, mariadb: Instance, mariadb118: Instance
) -> None:
    vault.backup()
    flip(vault, chunks_of(vault, "hit")[0])
    wipe(mariadb118)
    report = vault.restore(vault.target(Lone({"main": mariadb118})), skip_damaged=True)
    assert report.status == "findings"
    assert [one.table for one in report.findings if "left out, damaged" in one.message] == [
        "loss.hit"
    ]
    assert query(mariadb118, "SELECT COUNT(*) FROM loss.kept") == [(100,)]
    assert [one.is_verified for one in app.list_backups(vault.config).backups] == [False, False]


def test_lost_definitions_do_not_stop_the_next_backup(vault: Vault) -> None:
    (definitions,) = chunks_of(vault, "")
    flip(vault, definitions)
    steps = Steps()
    vault.backup(steps)
    told = [event.message for event in steps.events if isinstance(event, Noticed)]
    assert any("is damaged, look at it" in text for text in told)
    assert vault.verify().status == "ok"


def test_a_backup_of_which_nothing_is_left_is_refused_by_that_reason(
    vault: Vault, mariadb118: Instance
) -> None:
    (definitions,) = chunks_of(vault, "")
    flip(vault, definitions)
    target = vault.target(Lone({"main": mariadb118}))
    with pytest.raises(IntegrityError, match="nothing of this backup can be restored"):
        vault.restore(target, skip_damaged=True)
    with pytest.raises(IntegrityError, match="its definitions cannot be read") as caught:
        vault.restore(target)
    assert "--skip-damaged" in str(caught.value.hint)


def test_rows_of_a_damaged_chunk_are_read_wrong_by_nobody(vault: Vault) -> None:
    (chunk, *_) = chunks_of(vault, "kept")
    flip(vault, chunk)
    with pytest.raises(IntegrityError):
        open_vault(vault).reader().get(chunk, ChunkKind.ROWS)
