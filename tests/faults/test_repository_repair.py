"""Damage a repository, repair it, and read everything that was not lost."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.errors import RefusedError, RepositoryLocked, ShardvaultError, TamperDetected
from shardvault.interfaces import ChunkKind
from shardvault.model.upkeep import RepoCheckReport, RepoRepairReport
from shardvault.operations.repo_check import run_repo_check
from shardvault.operations.repo_repair import RepairOptions, run_repo_repair
from shardvault.repository import repair as repair_module
from shardvault.repository.format import pack_name
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.samples import Sample
from shardvault.repository.store import Repository, open_repository
from shardvault.storage.append_only import AppendOnlyStorage
from shardvault.storage.memory import MemoryStorage
from tests.support.damage import (
    Contents,
    Quiet,
    Remembered,
    add_tables,
    names_of,
    read_lost,
)
from tests.support.repositories import make_repository

ONE: Contents = {"a": [[b"a" * 30, b"b" * 30], [b"c" * 30]], "d": [[b"d" * 30]]}
TWO: Contents = {"a": ONE["a"], "e": [[b"e" * 30]]}
BACKUPS = {"one": ONE, "two": TWO}
STEPS = ("quarantined", "indexed", "doomed", "deleted")


class Vault:
    """Hold a store and the key; every command opens the repository anew."""

    def __init__(self, folder: Path) -> None:
        self.storage = MemoryStorage()
        make_repository(self.storage, folder)
        self.key = read_key_file(folder / "repo.key")
        for backup, contents in BACKUPS.items():
            add_tables(self.open(), backup, contents)

    def open(self, memory: Remembered | None = None) -> Repository:
        return open_repository(self.storage, self.key, memory=memory)

    def names(self, prefix: str) -> list[str]:
        return names_of(self.storage, prefix)

    def spoil(self, name: str, position: int = -1) -> None:
        data = bytearray(self.storage.get(name))
        data[position] ^= 1
        self.storage.delete(name)
        self.storage.put_new(name, [bytes(data)])

    def lose(self, names: Iterable[str]) -> None:
        for name in names:
            self.storage.delete(name)

    def check(self) -> RepoCheckReport:
        return run_repo_check(self.open(), Quiet(), threads=1, sample=Sample())

    def repair(self, *, forget: bool = False, accept: bool = False) -> RepoRepairReport:
        options = RepairOptions(1, True, forget, accept)
        return run_repo_repair(self.open(), Quiet(), options)

    def lost(self) -> frozenset[tuple[str, str]]:
        return read_lost(self.open(), BACKUPS)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path)


def blob_of(vault: Vault, contents: bytes) -> tuple[str, int]:
    """Find the pack and the place of a chunk of rows."""
    repository = vault.open()
    index = repository.insides()
    chunk = index.ring.author.chunk_id(ChunkKind.ROWS, contents)
    place = repository.reader()._index.table.find(chunk)
    assert place is not None
    return pack_name(place.pack), place.offset


def test_a_sound_repository_is_left_alone(vault: Vault) -> None:
    before = names_of(vault.storage)
    assert vault.repair().status == "ok"
    assert names_of(vault.storage) == before


def test_lost_and_damaged_index_objects_are_made_anew_from_the_packs(vault: Vault) -> None:
    first, second = vault.names("index/")
    vault.lose([first])
    vault.spoil(second)
    assert len(vault.lost()) == 4
    report = vault.repair()
    assert (report.status, report.quarantined, report.damage) == ("repaired", (second,), ())
    assert vault.lost() == frozenset()
    assert vault.check().status == "ok"
    assert len(vault.names("quarantine/")) == 1


def test_every_readable_chunk_of_a_damaged_pack_is_saved(vault: Vault) -> None:
    pack, offset = blob_of(vault, b"d" * 30)
    vault.spoil(pack, offset)
    report = vault.repair()
    assert report.status == "damaged"
    assert report.quarantined == (pack,)
    assert [(item.backup, item.table) for item in report.damage] == [("one", "canary_schema.d")]
    assert vault.lost() == {("one", "d")}
    assert pack not in vault.names("packs/")
    assert [one.status for one in vault.open().list()] == ["damaged", "complete"]


def test_a_later_backup_heals_what_an_earlier_one_lost(vault: Vault) -> None:
    pack, offset = blob_of(vault, b"d" * 30)
    vault.spoil(pack, offset)
    vault.repair()
    add_tables(vault.open(), "three", {"d": [[b"d" * 30]]})
    assert vault.lost() == frozenset()
    assert vault.repair().damage == ()
    assert {one.status for one in vault.open().list()} == {"complete"}
    assert vault.check().status == "ok"


def test_a_missing_pack_is_stored_anew_by_the_next_backup(vault: Vault) -> None:
    vault.lose([blob_of(vault, b"a" * 30)[0]])
    assert vault.lost()
    add_tables(vault.open(), "three", ONE)
    assert read_lost(vault.open(), {"three": ONE}) == frozenset()


def test_damaged_backups_leave_the_catalog_only_when_asked(vault: Vault) -> None:
    pack, offset = blob_of(vault, b"d" * 30)
    vault.spoil(pack, offset)
    report = vault.repair(forget=True)
    assert (report.status, report.forgotten) == ("repaired", ("one",))
    assert [one.id for one in vault.open().list()] == ["two"]
    assert vault.check().status == "ok"


def test_a_lost_manifest_is_told_until_it_is_forgotten(vault: Vault) -> None:
    vault.lose([vault.names("manifests/")[0]])
    assert vault.repair().status == "damaged"
    report = vault.repair(forget=True)
    assert len(report.forgotten) == 1
    assert vault.check().status == "ok"


def test_a_repair_waits_for_nobody_and_disturbs_nobody(vault: Vault) -> None:
    vault.spoil(vault.names("index/")[0])
    with vault.open().writer("backup", fleet="f"), pytest.raises(RepositoryLocked):
        vault.repair()


def test_a_computer_that_may_only_add_repairs_nothing(vault: Vault) -> None:
    repository = open_repository(AppendOnlyStorage(vault.storage), vault.key)
    with pytest.raises(RefusedError, match="repair"):
        run_repo_repair(repository, Quiet(), RepairOptions(1))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("step", STEPS)
def test_a_repair_that_fails_at_a_step_is_finished_by_the_next(
    vault: Vault, step: str, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, offset = blob_of(vault, b"d" * 30)
    vault.spoil(pack, offset)
    vault.spoil(vault.names("index/")[which])
    with monkeypatch.context() as patch:
        patch.setitem(failpoints._points, f"repair.{step}", failpoints._Point("error", None))
        with pytest.raises(ShardvaultError, match="failpoint"):
            vault.repair()
    report = vault.repair()
    assert [item.table for item in report.damage] == ["canary_schema.d"]
    assert vault.lost() == {("one", "d")}


def test_without_saving_a_repair_would_lose_readable_tables(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setattr(repair_module, "_pick_readable", lambda *found: iter(()))
    pack, offset = blob_of(vault, b"d" * 30)
    vault.spoil(pack, offset)
    vault.repair()
    assert vault.lost() > {("one", "d")}


def test_index_and_log_are_rebuilt_from_the_objects_alone(vault: Vault) -> None:
    vault.lose([*vault.names("index/"), *vault.names("log/")])
    with pytest.raises(TamperDetected) as refused:
        vault.repair()
    assert "--accept-history" in str(refused.value.hint)
    report = vault.repair(accept=True)
    assert (report.status, sorted(report.taken_in)) == ("repaired", ["one", "two"])
    assert vault.lost() == frozenset()
    assert [one.id for one in vault.open().list()] == ["one", "two"]
    assert vault.check().status == "ok"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_log_with_a_hole_is_accepted_for_everybody_who_comes_new(
    vault: Vault, number: int
) -> None:
    seen = Remembered()
    vault.open(seen).list()
    vault.lose([vault.names("log/")[number]])
    vault.repair(accept=True)
    assert vault.lost() == frozenset()
    assert vault.check().status == "ok"


def test_who_saw_more_still_tells_of_an_accepted_rollback(vault: Vault) -> None:
    seen = Remembered()
    vault.open(seen).list()
    vault.lose(vault.names("log/"))
    vault.repair(accept=True)
    with pytest.raises(TamperDetected):
        vault.open(seen).list()


def test_a_hole_that_nobody_accepted_is_told_after_another_was(vault: Vault) -> None:
    vault.lose([vault.names("log/")[1]])
    vault.repair(accept=True)
    vault.lose([vault.names("log/")[1]])
    with pytest.raises(TamperDetected):
        vault.open().list()
