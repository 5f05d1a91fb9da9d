"""Kill the process before each request to the file system: nothing that counts is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shardvault.errors import WrongKey
from shardvault.interfaces import ChunkKind
from shardvault.model.ids import BackupId
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.openers import FileSecret
from shardvault.repository.store import Repository, open_repository
from shardvault.storage.local import LocalStorage
from tests.support.killing import copies_after_each_death
from tests.support.repositories import add_backup, make_repository, put_backup
from tests.support.repository_reading import ChunkResult, check_backup

OLD = [b"1" * 700, b"first" * 300]
NEW = [b"2" * 900, b"1" * 700, b"second" * 200]
NEW_KEY = b"n" * 32
CONTENTS = {"old": OLD, "new": NEW}
EVERY = 1_000_000


def open_copy(root: Path) -> Repository:
    """Open the repository in a copied folder, with the new key if the old one is gone."""
    storage = LocalStorage(root / "r")
    try:
        return open_repository(storage, read_key_file(root / "repo.key"))
    except WrongKey:
        return open_repository(storage, NEW_KEY)


def back_up(root: Path) -> None:
    """Take a backup in several packs and index objects."""
    repository = open_copy(root)
    with repository.writer("backup") as writer:
        for row in NEW:
            writer.put(row, ChunkKind.ROWS)
            writer.flush()
        put_backup(repository, writer, "new", NEW)


def rotate_key(root: Path) -> None:
    """Put another key in the place of each that there is."""
    keychain = open_copy(root).keychain()
    for slot in keychain.list().slots:
        keychain.rotate(slot, FileSecret(NEW_KEY))


ACTIONS: dict[str, Callable[[Path], None]] = {"backup": back_up, "key rotate": rotate_key}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Give a folder with a repository that holds one backup."""
    root = tmp_path / "template"
    root.mkdir()
    add_backup(make_repository(LocalStorage(root / "r"), root), "old", OLD)
    return root


def assert_sound(root: Path) -> None:
    """Make sure that the old backup is listed, and that all that is listed is exact."""
    repository = open_copy(root)
    listed = {summary.id for summary in repository.list()}
    assert "old" in listed
    assert repository.damaged() == ()
    for backup in listed:
        manifest = repository.load(BackupId(backup))
        results = list(check_backup(repository.reader(), manifest))
        assert [one.data for one in results if isinstance(one, ChunkResult)] == CONTENTS[backup]


def check_deaths(name: str, template: Path, folder: Path, most: int) -> int:
    """Kill an action at so many places, look at what is left, and run it again."""
    count = 0
    for _, copy in copies_after_each_death(ACTIONS[name], template, folder, most=most):
        assert_sound(copy)
        if name != "backup" or len(open_copy(copy).list()) == 1:
            ACTIONS[name](copy)
        assert_sound(copy)
        count += 1
    return count


@pytest.mark.parametrize("name", ACTIONS)
def test_a_death_at_any_of_many_places_loses_nothing(
    name: str, template: Path, tmp_path: Path
) -> None:
    assert check_deaths(name, template, tmp_path, 100) >= 20


@pytest.mark.long
@pytest.mark.parametrize("name", ACTIONS)
def test_a_death_at_every_place_loses_nothing(name: str, template: Path, tmp_path: Path) -> None:
    assert check_deaths(name, template, tmp_path, EVERY) >= 20
