"""Do each kind of work on a small repository in a folder, and look whether it is sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shardvault.errors import WrongKey
from shardvault.interfaces import ChunkKind, Storage
from shardvault.model.ids import BackupId
from shardvault.operations.repo_repair import RepairOptions, run_repo_repair
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.openers import FileSecret
from shardvault.repository.store import Repository, open_repository
from shardvault.storage.local import LocalStorage
from tests.support.damage import Quiet
from tests.support.pruning import prune, verify
from tests.support.repositories import add_backup, make_repository, put_backup
from tests.support.repository_reading import ChunkResult, check_backup

OLD = [b"1" * 700, b"first" * 300]
NEW = [b"2" * 900, b"1" * 700, b"second" * 200]
CONTENTS = {"old": OLD, "middle": NEW, "new": NEW, "again": NEW}
"""Rows of every backup there may be, by its id."""
_NEW_KEY = b"n" * 32


@dataclass(frozen=True)
class Work:
    """Describe one command on a repository.

    Attributes:
        prepare: brings a new folder into the state that the work begins with.
        run: does the work, in a folder; once more is as good as once.
        kept: ids of the backups that are listed before, after and all the time.
        repairs: index objects may be missing before.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path], None]
    kept: frozenset[str] = frozenset({"old"})
    repairs: bool = False


def open_in(root: Path) -> Repository:
    """Open the repository in a folder, with the new key if the old one is gone."""
    storage = LocalStorage(root / "r")
    try:
        return open_repository(storage, read_key_file(root / "repo.key"))
    except WrongKey:
        return open_repository(storage, _NEW_KEY)


def list_ids(repository: Repository) -> set[str]:
    """Return the ids of all listed backups."""
    return {str(summary.id) for summary in repository.list()}


def back_up(repository: Repository) -> None:
    """Take a backup in several packs and index objects."""
    backup = "again" if "new" in list_ids(repository) else "new"
    with repository.writer("backup") as writer:
        for row in NEW:
            writer.put(row, ChunkKind.ROWS)
            writer.flush()
        put_backup(repository, writer, backup, NEW)


def find_inexact(repository: Repository) -> list[str]:
    """Read every listed backup whole, and name those whose rows are not what was stored."""
    return [backup for backup in sorted(list_ids(repository)) if not _is_exact(repository, backup)]


def _is_exact(repository: Repository, backup: str) -> bool:
    results = list(check_backup(repository.reader(), repository.load(BackupId(backup))))
    rows = [result.data for result in results if isinstance(result, ChunkResult)]
    return rows == CONTENTS[backup]


def assert_sound(root: Path, work: Work) -> None:
    """Make sure that every backup that must be listed is, and that all listed ones are exact."""
    repository = open_in(root)
    assert list_ids(repository) >= work.kept
    if not work.repairs:
        assert repository.damaged() == ()
        assert find_inexact(repository) == []


def assert_done(root: Path, work: Work) -> None:
    """Make sure that the repository is sound after a work that ended well."""
    repository = open_in(root)
    assert list_ids(repository) >= work.kept
    assert repository.damaged() == ()
    assert find_inexact(repository) == []


def _make(root: Path) -> None:
    add_backup(make_repository(LocalStorage(root / "r"), root), "old", OLD)


def _make_several(root: Path) -> None:
    """Make two backups that go and one that stays and shares chunks with them."""
    _make(root)
    repository = open_in(root)
    add_backup(repository, "middle", NEW)
    add_backup(repository, "new", NEW)
    verify(repository, "old", "middle", "new")


def _make_broken(root: Path) -> None:
    """Lose all index objects."""
    _make(root)
    storage: Storage = LocalStorage(root / "r")
    for found in list(storage.list("index/")):
        storage.delete(found.name)


def _rotate_keys(root: Path) -> None:
    """Put another key in the place of each that there is."""
    keychain = open_in(root).keychain()
    for slot in keychain.list().slots:
        keychain.rotate(slot, FileSecret(_NEW_KEY))


def _prune(root: Path) -> None:
    prune(open_in(root))


def _repair(root: Path) -> None:
    run_repo_repair(open_in(root), Quiet(), RepairOptions(threads=1))


WORKS = {
    "backup": Work(_make, lambda root: back_up(open_in(root))),
    "key rotate": Work(_make, _rotate_keys),
    "prune": Work(_make_several, _prune, frozenset({"new"})),
    "repair": Work(_make_broken, _repair, repairs=True),
}
