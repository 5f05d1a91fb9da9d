"""Forget one backup by name: what it alone needs is freed, and the guards of a prune hold."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.app.building import Silent
from shardvault.errors import RefusedError, UnknownBackup
from shardvault.model.ids import BackupId
from shardvault.operations.forget import ForgetOptions, run_forget
from shardvault.operations.retention import accept_backup, hold_backup
from shardvault.repository.store import Repository
from shardvault.storage.memory import MemoryStorage
from tests.support.pruning import find_unreadable, forget, ids_of, names, rows_of, verify
from tests.support.repositories import add_backup, make_manifest, make_repository
from tests.support.sources import Raided, Thief

ORDERS = ("--tables shop.orders_1",)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def repository(storage: MemoryStorage, tmp_path: Path) -> Repository:
    """Hold two complete backups and a partial one, all verified."""
    made = make_repository(storage, tmp_path)
    for number, scope in enumerate([(), (), ORDERS]):
        add_backup(made, f"b{number}", rows_of(number), scope=scope)
        verify(made, f"b{number}")
    return made


def test_a_backup_goes_by_its_name_and_what_it_alone_needs_is_freed(
    repository: Repository, storage: MemoryStorage
) -> None:
    before = sum(found.size_bytes for found in storage.list("packs/"))
    report = forget(repository, "b0")
    assert (report.id, report.status, report.is_last) == ("b0", "complete", False)
    assert report.freed_bytes > 0
    assert ids_of(repository) == ["b1", "b2"]
    assert sum(found.size_bytes for found in storage.list("packs/")) == before - report.freed_bytes
    assert find_unreadable(repository) == []
    with pytest.raises(UnknownBackup):
        forget(repository, "b0")


def test_a_partial_backup_goes_though_it_is_the_last_of_its_scope(repository: Repository) -> None:
    assert forget(repository, "b2").scope == ORDERS
    assert ids_of(repository) == ["b0", "b1"]


def test_a_backup_that_is_held_stays(repository: Repository) -> None:
    hold_backup(repository, "b0", "the audit")
    with pytest.raises(RefusedError, match="held: the audit"):
        forget(repository, "b0")
    assert ids_of(repository) == ["b0", "b1", "b2"]


def test_the_last_verified_complete_backup_stays_unless_its_id_is_typed(
    repository: Repository,
) -> None:
    add_backup(repository, "b3", rows_of(3))  # not verified: no other can rely on it
    forget(repository, "b0")
    for typed in ("", "b", "b3"):
        with pytest.raises(RefusedError, match="no other complete backup"):
            forget(repository, "b1", confirmed=typed)
    assert ids_of(repository) == ["b1", "b2", "b3"]
    assert forget(repository, "b1", confirmed="b1").is_last
    assert ids_of(repository) == ["b2", "b3"]


def test_without_the_guard_the_last_verified_complete_backup_goes(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("forget.last=off"))
    forget(repository, "b0")
    forget(repository, "b1")
    assert ids_of(repository) == ["b2"]


def test_a_bad_newest_backup_goes_while_an_older_one_is_verified(repository: Repository) -> None:
    add_backup(repository, "b3", rows_of(3))
    assert not forget(repository, "b3").is_last


def test_a_dry_run_changes_nothing_and_says_whether_it_is_the_last(
    repository: Repository, storage: MemoryStorage
) -> None:
    forget(repository, "b0")
    before = names(storage, "")
    report = run_forget(repository, ForgetOptions(BackupId("b1"), is_dry=True), Silent())
    assert (report.status, report.is_last) == ("planned", True)
    assert names(storage, "") == before


def test_the_backup_before_one_that_is_much_smaller_stays_until_that_is_accepted(
    repository: Repository,
) -> None:
    totals = make_manifest("x", ()).totals
    small = type(totals)(**{**vars(totals), "rows": 1})
    add_backup(repository, "b3", rows_of(3), totals=small)
    verify(repository, "b3")
    with pytest.raises(RefusedError, match="b3 is much smaller"):
        forget(repository, "b1")
    accept_backup(repository, "b3", "a table was dropped")
    assert forget(repository, "b1").status == "complete"


def test_a_backup_that_is_much_smaller_goes_itself(repository: Repository) -> None:
    totals = make_manifest("x", ()).totals
    small = type(totals)(**{**vars(totals), "rows": 1})
    add_backup(repository, "b3", rows_of(3), totals=small)
    forget(repository, "b3")
    assert ids_of(repository) == ["b0", "b1", "b2"]


def test_nothing_is_forgotten_while_something_is_damaged(
    repository: Repository, storage: MemoryStorage
) -> None:
    storage.delete(min(names(storage, "index/")))
    with pytest.raises(RefusedError, match="could lose data"):
        forget(repository, "b0")


def test_a_damaged_backup_of_a_source_is_refused_by_its_name_and_stops_no_other(
    tmp_path: Path,
) -> None:
    raided = Raided(tmp_path)
    add_backup(raided.owner(), "own")
    thief = Thief(raided)
    thief.commit("bad", digest=sha256(b"rubbish" * 40).hexdigest())
    thief.put(f"manifests/{thief.ring.hidden_name('bad')}", b"rubbish" * 40)
    with pytest.raises(RefusedError, match="the manifest of backup bad cannot be read"):
        forget(raided.owner(), "bad")
    assert forget(raided.owner(), "own", confirmed="own").status == "complete"


def test_a_hold_that_comes_after_the_plan_counts(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shardvault.repository.prune import Pruner

    real = Pruner.forget

    def hold_first(self: Pruner, *words: object) -> object:
        hold_backup(repository, "b0", "the audit")
        return real(self, *words)  # type: ignore[arg-type]

    monkeypatch.setattr(Pruner, "forget", hold_first)
    with pytest.raises(RefusedError, match="held"):
        forget(repository, "b0")
    assert ids_of(repository) == ["b0", "b1", "b2"]
