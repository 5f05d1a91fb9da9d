from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.errors import (
    IntegrityError,
    ObjectMissing,
    RepositoryMissing,
    ShardvaultError,
    StorageUnavailable,
    UnknownBackup,
)
from shardvault.model.ids import BackupId
from shardvault.model.report import Severity
from shardvault.repository.copies import Copies, Site
from shardvault.repository.fallback import BackupReader
from shardvault.repository.store import Repository
from tests.support.copies import Depot, copy_all, make_depot, read_rows
from tests.support.repositories import ROWS, add_backup

ONE = BackupId("one")
LATEST = BackupId("latest")


@pytest.fixture
def first(tmp_path: Path) -> Depot:
    depot = make_depot(tmp_path, "first")
    for number, row in enumerate(ROWS):  # a pack for each, so that each can be lost alone
        add_backup(depot.repository, f"part{number}", [row])
    add_backup(depot.repository, "one")
    return depot


@pytest.fixture
def second(first: Depot, tmp_path: Path) -> Depot:
    depot = make_depot(tmp_path, "second")
    for number in range(len(ROWS)):
        copy_all(first, depot, f"part{number}")
    copy_all(first, depot)
    return depot


def _open(*depots: Depot, told: list[str] | None = None) -> Copies:
    names = ("first", "second", "third")
    sites = [Site(name, depot.reopen) for name, depot in zip(names, depots, strict=False)]
    return Copies(sites, (told if told is not None else []).append)


def _lose(depot: Depot, name: str) -> None:
    depot.storage.delete(name)


def _spoil(depot: Depot, name: str) -> None:
    depot.storage.spoil(name)


def _rows(backup: BackupReader) -> list[bytes]:
    return read_rows(backup, backup.manifest)


@pytest.mark.parametrize("damage", [_lose, _spoil])
@pytest.mark.parametrize("number", range(10))
def test_any_one_damaged_pack_is_made_up_for_by_the_copy(
    first: Depot, second: Depot, damage: Callable[[Depot, str], None], number: int
) -> None:
    packs = first.packs()
    damage(first, packs[number % len(packs)])
    backup = _open(first, second).open(ONE)
    assert _rows(backup) == ROWS


def test_both_repositories_may_be_damaged_in_different_places(first: Depot, second: Depot) -> None:
    told: list[str] = []
    for depot, backup in ((first, "part0"), (second, "part1")):
        for name in _packs_of_rows(depot, backup):
            depot.storage.spoil(name)
    opened = _open(first, second, told=told).open(ONE)
    assert _rows(opened) == ROWS
    assert [sentence.split(":")[0] for sentence in told] == [
        "repository first is damaged, second helps out"
    ]
    (finding,) = opened.findings()
    assert (finding.severity, finding.where) == (Severity.WARNING, "first")
    assert "1 objects of the backup were taken from second" in finding.message


def test_a_shard_whose_definitions_are_lost_is_read_from_the_copy(
    first: Depot, second: Depot
) -> None:
    for name in _packs_of_rows(first, "one"):
        first.storage.delete(name)
    for name in _packs_of_rows(second, "part0"):
        second.storage.delete(name)
    backup = _open(first, second).open(ONE)
    with pytest.raises(ObjectMissing):  # its ids are the copy's, which lost a row itself
        _rows(backup)
    assert backup.manifest != first.reopen().load(ONE)


def _packs_of_rows(depot: Depot, backup: str) -> list[str]:
    """Name the packs without which the rows of a backup cannot be read, its part's left out."""
    found = []
    for name in depot.packs():
        data = depot.storage.inner.get(name)
        depot.storage.delete(name)
        opened = _open(depot).open(BackupId(backup))
        try:
            _rows(opened)
        except (IntegrityError, ObjectMissing):
            found.append(name)
        depot.storage.inner.put_new(name, [data])
    return found


def test_without_the_safety_a_damaged_chunk_stays_lost(
    first: Depot, second: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _packs_of_rows(first, "part0"):
        first.storage.spoil(name)
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("repo.copies=off"))
    backup = _open(first, second).open(ONE)
    with pytest.raises(IntegrityError):
        _rows(backup)


def test_what_is_lost_everywhere_is_told_as_the_first_tells_it(first: Depot, second: Depot) -> None:
    for depot in (first, second):
        for name in depot.packs():
            depot.storage.spoil(name)
    backup = _open(first, second).open(ONE)
    with pytest.raises(IntegrityError):
        _rows(backup)


def test_a_store_that_goes_down_in_the_middle_is_not_asked_again(
    first: Depot, second: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = _open(first, second).open(ONE)
    asked: list[str] = []

    def fail(name: str, *_: object) -> bytes:
        asked.append(name)
        raise StorageUnavailable("no answer")

    monkeypatch.setattr(first.storage, "get", fail)
    assert _rows(backup) == ROWS
    assert len(asked) == 1


def _gone() -> Repository:
    raise RepositoryMissing("there is no repository")


def test_a_repository_that_is_gone_is_passed_over_and_named(first: Depot, second: Depot) -> None:
    told: list[str] = []
    sites = [Site("first", _gone), Site("second", second.reopen)]
    copies = Copies(sites, told.append)
    assert copies.open(LATEST).manifest.id == "one"
    told.clear()
    backup = Copies(sites, told.append).open(ONE)
    assert backup.manifest.copied_from == first.repository.id
    assert _rows(backup) == ROWS
    assert told == ["repository first is passed over, the next is asked: there is no repository"]
    assert [finding.where for finding in backup.findings()] == ["first"]
    assert len(Copies(sites).first(lambda repository: repository.list())) == 4


def test_when_nothing_can_be_opened_the_first_error_counts() -> None:
    def down() -> Repository:
        raise StorageUnavailable("no answer")

    for sites in ([Site("first", _gone), Site("second", down)], [Site("first", _gone)]):
        with pytest.raises(RepositoryMissing):
            Copies(sites).open(ONE)
        with pytest.raises(RepositoryMissing):
            Copies(sites).first(lambda repository: repository.id)


def test_what_only_a_copy_still_holds_is_read_there(first: Depot, second: Depot) -> None:
    add_backup(second.repository, "older")
    backup = _open(first, second).open(BackupId("older"))
    assert _rows(backup) == ROWS
    assert [finding.severity for finding in backup.findings()] == [Severity.INFO]
    with pytest.raises(UnknownBackup, match="nowhere"):
        _open(first, second).open(BackupId("nowhere"))


def test_the_latest_of_a_copy_never_stands_in_for_one_that_cannot_be_read(
    first: Depot, second: Depot
) -> None:
    latest = first.reopen().list()[-1].id
    first.storage.spoil(first.reopen().insides().catalog.name_of(latest))
    with pytest.raises(IntegrityError, match="which backup is the latest"):
        _open(first, second).open(LATEST)


def test_a_damaged_manifest_is_made_up_for_by_that_of_the_copy(first: Depot, second: Depot) -> None:
    for name in first.storage.names("manifests/"):
        first.storage.spoil(name)
    assert _rows(_open(first, second).open(ONE)) == ROWS


def test_a_lost_index_is_made_up_for_by_the_copy(first: Depot, second: Depot) -> None:
    for name in first.storage.names("index/"):
        first.storage.delete(name)
    backup = _open(first, second).open(ONE)
    assert _rows(backup) == ROWS


def test_a_stranger_with_the_same_backup_id_helps_nobody(first: Depot, tmp_path: Path) -> None:
    stranger = make_depot(tmp_path, "stranger")
    add_backup(stranger.repository, "one", [b"wrong", *ROWS[1:]])
    for name in first.packs():
        first.storage.spoil(name)
    backup = _open(first, stranger).open(ONE)
    with pytest.raises(ShardvaultError):
        _rows(backup)
