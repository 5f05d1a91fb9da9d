"""Take backups, prune and prove what is left, on stores that know no processes or do."""

from __future__ import annotations

from pathlib import Path

from shardvault.app.building import Silent
from shardvault.interfaces import Storage
from shardvault.model.ids import BackupId
from shardvault.model.policy import Keep
from shardvault.model.report import ForgetReport, PruneReport
from shardvault.operations.forget import ForgetOptions, run_forget
from shardvault.operations.prune import PruneOptions, run_prune
from shardvault.operations.retention import note_verified
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import Repository, open_repository
from tests.support.repository_reading import check_backup

LAST = Keep(last=1)


def open_again(storage: Storage, folder: Path) -> Repository:
    """Open the repository of a folder as another command would."""
    return open_repository(storage, read_key_file(folder / "repo.key"))


def prune(repository: Repository, keep: Keep = LAST, *, is_dry: bool = False) -> PruneReport:
    """Prune by a policy, silently."""
    return run_prune(repository, PruneOptions(keep, is_dry), Silent())


def forget(repository: Repository, backup: str, *, confirmed: str = "") -> ForgetReport:
    """Forget a backup by its id, silently."""
    return run_forget(repository, ForgetOptions(BackupId(backup), confirmed), Silent())


def verify(repository: Repository, *backups: str) -> None:
    """Say of backups that they were verified."""
    for backup in backups:
        note_verified(repository, backup, "verify")


def rows_of(number: int, *, common: int = 3) -> list[bytes]:
    """Return the rows of one of a row of backups: some that all share, and one of its own."""
    shared = [b"common row %d " % each * 40 for each in range(common)]
    return [*shared, b"row of backup %d " % number * 40]


def find_unreadable(repository: Repository) -> list[str]:
    """Read every listed backup whole, and say what cannot be read."""
    found = [str(error) for error in repository.damaged()]
    for summary in repository.list():
        manifest = repository.load(BackupId(summary.id))
        found += [
            f"{summary.id}: {one.error}"
            for one in check_backup(repository.reader(), manifest)
            if one.error
        ]
    return found


def ids_of(repository: Repository) -> list[str]:
    """Return the ids of every listed backup."""
    return sorted(summary.id for summary in repository.list())


def names(storage: Storage, prefix: str) -> set[str]:
    """Return the names of objects."""
    return {found.name for found in storage.list(prefix)}
