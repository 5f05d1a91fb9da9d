"""Find backups in several repositories that hold copies of them, the nearest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from shardvault.errors import (
    AmbiguousBackup,
    IntegrityError,
    ShardvaultError,
    StorageError,
    TamperDetected,
    UnknownBackup,
)
from shardvault.failpoints import is_off
from shardvault.model.manifest import Manifest
from shardvault.model.report import Finding, Severity
from shardvault.repository.fallback import BackupReader, Holder, Opened, Tell
from shardvault.repository.lookup import Latest, asks_latest
from shardvault.repository.pairs import describe_apart
from shardvault.repository.store import Repository

_Result = TypeVar("_Result")
_CLOSED = (StorageError, TamperDetected)
"""What says that a repository as a whole cannot be trusted to know its latest backup."""


@dataclass
class Site:
    """Name a repository, and open it once when it is first needed."""

    name: str
    open: Callable[[], Repository]
    _repository: Repository | None = field(default=None, repr=False)

    def repository(self) -> Repository:
        """Return the open repository; raises ShardvaultError if it cannot be opened."""
        if self._repository is None:
            self._repository = self.open()
        return self._repository


class Copies:
    """List and open backups in whichever repository has them."""

    def __init__(self, sites: Sequence[Site], tell: Tell = lambda _: None) -> None:
        """Open nothing yet.

        Args:
            sites: the nearest first; never empty.
            tell: takes a sentence whenever another repository has to be asked.
        """
        self._sites = sites[:1] if is_off("repo.copies") else sites
        self._tell = tell
        self._passed: list[tuple[Site, ShardvaultError]] = []

    def first(self, read: Callable[[Repository], _Result]) -> _Result:
        """Return what the first repository gives that can be opened and read.

        Raises:
            ShardvaultError: none can be; says what is wrong with the first.
        """
        for site in self._sites:
            try:
                return read(site.repository())
            except ShardvaultError as error:
                self._pass_over(site, error)
        raise self._passed[0][1]

    def open(self, word: str, narrow: Latest = Latest()) -> BackupReader:  # noqa: B008 - frozen
        """Open a backup in the first repository that holds it; the others may help.

        Args:
            word: an id, its beginning, ``latest`` or ``latest:TAG``.
            narrow: what ``latest`` chooses from.

        Raises:
            ShardvaultError: none holds it; says what is wrong with the first.
            AmbiguousBackup: several ids of a repository begin with the word.
            IntegrityError: ``latest`` was asked for and the first repository cannot tell;
                the latest of a copy may be older.
        """
        for site in self._sites:
            try:
                repository = site.repository()
            except ShardvaultError as error:
                self._pass_over(site, error)
                continue
            try:
                backup = repository.find(word, narrow)
                return self._read(site, repository, repository.load(backup))
            except AmbiguousBackup:  # in a copy that has fewer backups it could be unique
                raise
            except ShardvaultError as error:
                if asks_latest(word) and not isinstance(error, _CLOSED):
                    raise
                self._pass_over(site, error)
        raise self._passed[0][1]

    def findings(self) -> tuple[Finding, ...]:
        """Name the repositories that were passed over, and say why."""
        return tuple(_describe(site, error) for site, error in self._passed)

    def _read(self, site: Site, repository: Repository, manifest: Manifest) -> BackupReader:
        reader = repository.reader()
        home = Holder(site.name, lambda: (manifest, reader))
        passed = {id(one) for one, _ in self._passed}
        others = (one for one in self._sites if one is not site and id(one) not in passed)
        apart = describe_apart(manifest, repository.id)
        copies = [Holder(one.name, partial(_open_copy, one, apart)) for one in others]
        return BackupReader(
            home,
            manifest,
            copies,
            repository=repository,
            tell=self._tell,
            notes=self.findings(),
        )

    def _pass_over(self, site: Site, error: ShardvaultError) -> None:
        self._passed.append((site, error))
        if site is not self._sites[-1]:
            self._tell(f"repository {site.name} is passed over, the next is asked: {error}")


def _open_copy(site: Site, apart: Manifest) -> Opened:
    """Open another repository's copy of a backup; raises ShardvaultError if it has none."""
    repository = site.repository()
    manifest = repository.load(apart.id)
    if describe_apart(manifest, repository.id) != apart:
        raise IntegrityError(f"{site.name} holds another backup {manifest.id}")
    return manifest, repository.reader()


def _describe(site: Site, error: ShardvaultError) -> Finding:
    is_elsewhere = isinstance(error, UnknownBackup)
    severity = Severity.INFO if is_elsewhere else Severity.WARNING
    return Finding(severity, site.name, "copies", f"passed over: {error}", error.hint or "")
