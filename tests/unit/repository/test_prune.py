from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.app.building import Silent
from shardvault.errors import RefusedError, RepositoryLocked, StorageFull
from shardvault.interfaces import Buffer, ChunkKind
from shardvault.model.policy import Keep
from shardvault.operations.prune import PruneOptions, run_prune
from shardvault.operations.retention import (
    accept_backup,
    hold_backup,
    release_backup,
    set_policy,
)
from shardvault.repository.parts import put_part
from shardvault.repository.store import Repository
from shardvault.storage import local
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from tests.support.faulty_storage import FaultyStorage
from tests.support.pruning import (
    find_unreadable,
    ids_of,
    names,
    open_again,
    prune,
    rows_of,
    verify,
)
from tests.support.repositories import (
    add_backup,
    make_manifest,
    make_part,
    make_repository,
    put_backup,
)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def repository(storage: MemoryStorage, tmp_path: Path) -> Repository:
    """Hold three verified backups that share rows."""
    made = make_repository(storage, tmp_path)
    for number in range(3):
        add_backup(made, f"b{number}", rows_of(number))
        verify(made, f"b{number}")
    return made


def stored_bytes(storage: MemoryStorage) -> int:
    return sum(found.size_bytes for found in storage.list("packs/"))


def switch_off(monkeypatch: pytest.MonkeyPatch, *safeties: str) -> None:
    points = failpoints._parse(";".join(f"{name}=off" for name in safeties))
    monkeypatch.setattr(failpoints, "_points", points)


def test_what_no_rule_keeps_goes_and_the_rest_reads_back(
    repository: Repository, storage: MemoryStorage
) -> None:
    before = stored_bytes(storage)
    report = prune(repository)
    assert report.status == "complete"
    assert ids_of(repository) == ["b2"]
    assert find_unreadable(repository) == []
    assert before - stored_bytes(storage) == report.freed_bytes > 0
    assert len(names(storage, "manifests/")) == 1


def test_a_dry_run_changes_nothing_and_foretells_the_very_bytes(
    repository: Repository, storage: MemoryStorage
) -> None:
    before = names(storage, "")
    planned = prune(repository, is_dry=True)
    assert planned.status == "planned"
    assert names(storage, "") == before
    assert [one.id for one in planned.backups if not one.is_kept] == ["b0", "b1"]
    assert prune(repository).freed_bytes == planned.freed_bytes


def test_a_second_prune_finds_nothing_to_do(repository: Repository, storage: MemoryStorage) -> None:
    prune(repository)
    kept = names(storage, "")
    assert prune(repository).packs == 0
    changed = names(storage, "") ^ kept
    assert {name.split("/")[0] for name in changed} == {"leases"}


def test_without_a_policy_every_backup_stays(repository: Repository) -> None:
    prune(repository, Keep())
    assert ids_of(repository) == ["b0", "b1", "b2"]


def test_the_policy_lives_in_the_repository(
    repository: Repository, storage: MemoryStorage, tmp_path: Path
) -> None:
    set_policy(repository, Keep(last=2))
    report = run_prune(open_again(storage, tmp_path), PruneOptions(), Silent())
    assert report.policy == "last=2"
    assert ids_of(repository) == ["b1", "b2"]


def test_what_is_held_stays_until_it_is_let_go(repository: Repository) -> None:
    hold_backup(repository, "b0", "the audit")
    prune(repository)
    assert ids_of(repository) == ["b0", "b2"]
    release_backup(repository, "b0")
    prune(repository)
    assert ids_of(repository) == ["b2"]


def test_a_hold_that_comes_while_a_prune_decides_counts(
    repository: Repository, storage: MemoryStorage, tmp_path: Path
) -> None:
    pruner = repository.pruner()
    real, other = pruner.mark, open_again(storage, tmp_path)

    def mark(*arguments):  # type: ignore[no-untyped-def]
        found = real(*arguments)
        hold_backup(other, "b0", "at the last moment")
        return found

    pruner.mark = mark  # type: ignore[method-assign]
    repository.pruner = lambda: pruner  # type: ignore[method-assign]
    prune(repository)
    assert ids_of(open_again(storage, tmp_path)) == ["b0", "b2"]
    assert find_unreadable(open_again(storage, tmp_path)) == []


def test_a_much_smaller_backup_stops_it_until_somebody_looked(repository: Repository) -> None:
    with repository.writer("backup") as writer:
        rows = writer.put(b"one row", ChunkKind.ROWS).chunk
        part = put_part(writer, make_part((rows,)))
        manifest = make_manifest("b3", part)
        repository.commit(replace(manifest, totals=replace(manifest.totals, rows=1)))
    verify(repository, "b3")
    with pytest.raises(RefusedError, match=r"b3 is much smaller .* rows fell from 3 in b2 to 1"):
        prune(repository)
    with pytest.raises(RefusedError):
        prune(repository, is_dry=True)
    accept_backup(repository, "b3", "a table was archived")
    prune(repository)
    assert ids_of(repository) == ["b3"]


@pytest.mark.parametrize("prefix", ["manifests/", "index/", "packs/"])
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_damage_of_anything_stops_it(
    repository: Repository, storage: MemoryStorage, prefix: str, how: str
) -> None:
    name = min(names(storage, prefix))
    storage.delete(name)
    if how == "damaged":
        storage.put_new(name, [b"rubbish" * 20])
    before = names(storage, prefix)
    with pytest.raises(RefusedError, match="pruning could lose data"):
        prune(repository)
    assert names(storage, prefix) == before
    assert len(repository.history().forgotten) == 0  # type: ignore[union-attr]


def test_one_prune_at_a_time(
    repository: Repository, storage: MemoryStorage, tmp_path: Path
) -> None:
    with repository.pruner().hold(), pytest.raises(RepositoryLocked, match="prune on"):
        prune(open_again(storage, tmp_path))


def test_a_running_backup_keeps_packs_from_being_deleted_and_the_next_prune_does_it(
    repository: Repository, storage: MemoryStorage, tmp_path: Path
) -> None:
    with open_again(storage, tmp_path).writer("backup", fleet="other"):
        before = names(storage, "packs/")
        report = prune(repository)
        assert report.status == "waiting"
        assert "backup on" in report.waiting_for[0]
        assert names(storage, "packs/") >= before
        assert ids_of(repository) == ["b2"]
        assert find_unreadable(repository) == []
    assert prune(repository).status == "complete"
    assert not before <= names(storage, "packs/")
    assert find_unreadable(repository) == []


def back_up_beside_a_prune(repository: Repository, other: Repository) -> None:
    """Begin a backup that finds the rows of b0 stored; prune b0; complete the backup."""
    with other.writer("backup", fleet="other") as writer:
        prune(repository)
        put_backup(other, writer, "b9", rows_of(0))
    prune(repository, Keep(last=1, within_s=3600))


def test_a_running_backup_saves_what_a_prune_takes(
    repository: Repository, storage: MemoryStorage, tmp_path: Path
) -> None:
    back_up_beside_a_prune(repository, open_again(storage, tmp_path))
    assert "b9" in ids_of(repository)
    assert find_unreadable(open_again(storage, tmp_path)) == []


def test_without_both_safeties_the_running_backup_would_be_lost(
    repository: Repository,
    storage: MemoryStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control of the test above: neither the backup nor the prune saves chunks."""
    switch_off(monkeypatch, "repo.rescue", "prune.late")
    with pytest.raises(RefusedError, match=r"is not stored|is in no index"):
        back_up_beside_a_prune(repository, open_again(storage, tmp_path))
    assert find_unreadable(open_again(storage, tmp_path))


def test_a_prune_saves_what_a_backup_did_not(
    repository: Repository,
    storage: MemoryStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switch_off(monkeypatch, "repo.rescue")  # as a source, which cannot read what it saves
    back_up_beside_a_prune(repository, open_again(storage, tmp_path))
    assert find_unreadable(open_again(storage, tmp_path)) == []


def test_packs_are_rewritten_of_which_less_than_half_is_needed(
    tmp_path: Path, storage: MemoryStorage
) -> None:
    made = make_repository(storage, tmp_path)
    kept, gone = os.urandom(1000), os.urandom(5000)
    add_backup(made, "b0", [kept, gone])
    add_backup(made, "b1", [kept])
    verify(made, "b0", "b1")
    before = stored_bytes(storage)
    report = prune(made)
    assert 0 < report.moved_bytes < 3000
    assert before - stored_bytes(storage) == report.freed_bytes > 4000
    assert find_unreadable(made) == []


def test_a_reader_that_began_before_finds_what_was_moved(
    tmp_path: Path, storage: MemoryStorage
) -> None:
    made = make_repository(storage, tmp_path)
    kept, gone = os.urandom(1000), os.urandom(5000)
    add_backup(made, "b0", [kept, gone])
    with made.writer("backup") as writer:
        chunk = writer.put(kept, ChunkKind.ROWS).chunk
        put_backup(made, writer, "b1", [kept])
    verify(made, "b0", "b1")
    reader = open_again(storage, tmp_path).reader()
    prune(made)
    assert reader.get(chunk, ChunkKind.ROWS) == kept


def test_a_full_store_frees_whole_packs_and_moves_nothing(
    tmp_path: Path, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = FaultyStorage(storage)
    made = make_repository(faulty, tmp_path)
    kept = os.urandom(1000)
    add_backup(made, "b0", [kept, os.urandom(5000)])
    add_backup(made, "b1", [os.urandom(9000)])
    add_backup(made, "b2", [kept])
    verify(made, "b0", "b1", "b2")

    def refuse(name: str) -> None:
        if name.startswith("packs/"):
            raise StorageFull("no space left")

    faulty.before_put = refuse
    report = prune(made)
    assert report.moved_bytes == 0
    assert report.freed_bytes > 9000
    assert find_unreadable(made) == []


def test_what_a_killed_session_listed_goes_once_nobody_is_at_work(
    repository: Repository, storage: MemoryStorage
) -> None:
    before = names(storage, "packs/")
    with repository.writer("backup") as writer:
        writer.put(b"never committed" * 100, ChunkKind.ROWS)
        writer.flush()
    assert len(names(storage, "packs/")) > len(before)
    prune(repository, Keep())
    assert names(storage, "packs/") == before
    assert find_unreadable(repository) == []


def test_a_full_disk_can_be_pruned_with_what_the_store_holds_in_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_repository(LocalStorage(tmp_path / "r"), tmp_path)
    for number in range(3):
        add_backup(made, f"b{number}", rows_of(number))
        verify(made, f"b{number}")
    disk = FullDisk(tmp_path / "r", monkeypatch)
    with pytest.raises(StorageFull):
        add_backup(made, "b3", [os.urandom(50_000)])
    assert prune(made).status == "complete"
    assert ids_of(made) == ["b2"]
    assert find_unreadable(made) == []
    disk.grow()
    prune(made)
    assert (tmp_path / "r" / ".reserve").stat().st_size > 1 << 20


def test_without_the_reserve_nothing_could_be_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    made = make_repository(LocalStorage(tmp_path / "r"), tmp_path)
    add_backup(made, "b0")
    (tmp_path / "r" / ".reserve").unlink()
    FullDisk(tmp_path / "r", monkeypatch)
    with pytest.raises(StorageFull):
        prune(made)


class FullDisk:
    """Let the local store have the space that its folder takes now, and no more."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.limit_bytes = self.used()
        real = local._write_durably

        def write(path: Path, parts: Sequence[Buffer]) -> None:
            if self.used() + sum(memoryview(part).nbytes for part in parts) > self.limit_bytes:
                raise OSError(errno.ENOSPC, "no space left")
            real(path, parts)

        monkeypatch.setattr(local, "_write_durably", write)

    def used(self) -> int:
        return sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())

    def grow(self) -> None:
        self.limit_bytes += 16 << 20
