"""Break a prune off at every step, alone and beside a backup: nothing that is listed is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.errors import IntegrityError, ShardvaultError, StorageError
from shardvault.model.policy import Keep
from shardvault.repository.entries import Forgotten
from shardvault.repository.sources import read_source_file
from shardvault.repository.store import Repository, open_for_source
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.owners import OwnedStorage
from tests.support.faulty_storage import FaultyStorage
from tests.support.pruning import find_unreadable, ids_of, open_again, prune, rows_of, verify
from tests.support.repositories import add_backup, make_repository, put_backup

STEPS = sorted(name for name in failpoints.STEPS if name.startswith("prune."))
_LOST = r"which is not stored|is in no index"
WITHIN = Keep(last=1, within_s=3600)


def fill(storage: OwnedStorage, folder: Path) -> Repository:
    """Make a repository with packs that go whole, packs that are moved, and one that stays."""
    repository = make_repository(storage, folder)
    for number in range(4):
        rows = [os.urandom(3000), *rows_of(number)] if number == 1 else rows_of(number)
        add_backup(repository, f"b{number}", rows)
        verify(repository, f"b{number}")
    return repository


def fail_at(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    monkeypatch.setattr(failpoints, "_points", failpoints._parse(";".join(steps)))


def assert_ends_well(storage: OwnedStorage, folder: Path, *expected: str) -> None:
    """Prune again, undisturbed: exactly the backups expected are there, and read back."""
    assert find_unreadable(open_again(storage, folder)) == []
    assert prune(open_again(storage, folder)).status == "complete"
    assert ids_of(open_again(storage, folder)) == sorted(expected)
    assert find_unreadable(open_again(storage, folder)) == []
    assert not open_again(storage, folder).history().doomed  # type: ignore[union-attr]
    assert prune(open_again(storage, folder)).packs == 0


@pytest.mark.parametrize("step", STEPS)
def test_a_prune_that_fails_at_a_step_goes_on_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    storage = MemoryStorage()
    repository = fill(storage, tmp_path)
    fail_at(monkeypatch, f"{step}=error@1")
    with pytest.raises(ShardvaultError, match=step):
        prune(repository)
    fail_at(monkeypatch)
    assert_ends_well(storage, tmp_path, "b3")


@pytest.mark.parametrize("step", STEPS)
def test_a_backup_beside_a_prune_that_fails_at_a_step_reads_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    storage = MemoryStorage()
    repository = fill(storage, tmp_path)
    other = open_again(storage, tmp_path)
    with other.writer("backup", fleet="other") as writer:
        fail_at(monkeypatch, f"{step}=error@1")
        try:
            prune(repository)
        except ShardvaultError as error:
            assert step in str(error)  # noqa: PT017 - waiting for the backup it may end before
        fail_at(monkeypatch)
        put_backup(other, writer, "b9", rows_of(0))
    verify(open_again(storage, tmp_path), "b9")
    assert_ends_well(storage, tmp_path, "b9")


def test_a_store_that_fails_at_every_request_in_turn_loses_nothing(tmp_path: Path) -> None:
    number = 0
    while True:
        folder = tmp_path / str(number)
        folder.mkdir()
        storage = FaultyStorage(MemoryStorage())
        repository = fill(storage, folder)
        storage.fail_put(len(storage.puts) + number, StorageError("gone"))
        try:
            prune(repository)
        except StorageError:
            storage.before_put = lambda name: None
            assert_ends_well(storage, folder, "b3")
            number += 1
        else:
            break
    assert number > 6


@pytest.mark.parametrize("step", ["prune.forgotten", "prune.doomed", "prune.pack_deleted"])
def test_a_killed_prune_goes_on_the_next_time(tmp_path: Path, step: str) -> None:
    storage = LocalStorage(tmp_path / "r")
    fill(storage, tmp_path)
    code = (
        "from pathlib import Path; from shardvault.storage.local import LocalStorage; "
        "from tests.support.pruning import open_again, prune; "
        f"folder = Path({str(tmp_path)!r}); prune(open_again(LocalStorage(folder / 'r'), folder))"
    )
    environment = {
        **os.environ,
        "SHARDVAULT_FAILPOINTS": f"{step}=kill",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    child = subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False)
    assert child.returncode == -signal.SIGKILL
    assert_ends_well(storage, tmp_path, "b3")


def prune_beside_a_source(storage: OwnedStorage, folder: Path) -> Repository:
    """Prune away the chunks that a running backup of a source relies on."""
    repository = fill(storage, folder)
    repository.keychain().add_source("web", folder / "web.source")
    key = read_source_file(folder / "web.source")
    source = open_for_source(storage, key, folder / "state")
    with source.writer("backup", fleet="other") as writer:
        put_backup(source, writer, "s0", rows_of(7))
    add_backup(repository, "b4", rows_of(4))
    verify(repository, "s0", "b4")
    repository.log.append(lambda _: Forgotten(("s0",), "by name"))
    source = open_for_source(storage, key, folder / "state")
    with source.writer("backup", fleet="other") as writer:
        prune(repository)
        put_backup(source, writer, "s9", rows_of(7))
    return open_again(storage, folder)


def test_a_source_that_cannot_save_what_it_needs_is_saved_by_the_prune(tmp_path: Path) -> None:
    storage = MemoryStorage()
    repository = prune_beside_a_source(storage, tmp_path)
    assert "s9" in ids_of(repository)
    assert find_unreadable(repository) == []
    prune(repository, WITHIN)
    assert "s9" in ids_of(repository)
    assert find_unreadable(repository) == []


def test_a_backup_that_starts_alone_leaves_doomed_packs_to_the_prune(tmp_path: Path) -> None:
    storage = MemoryStorage()
    repository = prune_beside_a_source(storage, tmp_path)
    add_backup(repository, "b10", rows_of(10))
    assert find_unreadable(repository) == []


def test_without_that_safety_the_source_would_lose_its_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the tests above."""
    storage = MemoryStorage()
    repository = prune_beside_a_source(storage, tmp_path)
    fail_at(monkeypatch, "prune.late=off")
    prune(repository, WITHIN)
    assert find_unreadable(repository)


def test_without_waiting_for_a_running_backup_it_could_not_be_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the backup finds that what it relied on is gone."""
    storage = MemoryStorage()
    repository = fill(storage, tmp_path)
    other = open_again(storage, tmp_path)
    fail_at(monkeypatch, "prune.waiting=off")
    with other.writer("backup", fleet="other") as writer:
        prune(repository)
        with pytest.raises(IntegrityError, match="is missing"):
            put_backup(other, writer, "b9", rows_of(0))
