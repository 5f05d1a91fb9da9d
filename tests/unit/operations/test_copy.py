from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.errors import RefusedError, StorageError, UnknownBackup, WrongKey
from shardvault.model.ids import BackupId
from shardvault.model.report import Severity
from shardvault.repository.entries import Forgotten
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.pairs import describe_apart
from shardvault.repository.parts import put_part
from shardvault.repository.receipts import read_receipts
from shardvault.repository.store import open_repository
from tests.support.copies import Depot, copy_all, make_depot, read_rows
from tests.support.repositories import ROWS, add_backup, make_manifest, make_part

MORE = [*ROWS, b"row that is new " * 9]


@pytest.fixture
def source(tmp_path: Path) -> Depot:
    depot = make_depot(tmp_path, "source")
    add_backup(depot.repository, "one")
    add_backup(depot.repository, "two", MORE)
    return depot


@pytest.fixture
def copy(tmp_path: Path) -> Depot:
    return make_depot(tmp_path, "copy")


def _rows(depot: Depot, backup: str) -> list[bytes]:
    repository = depot.reopen()
    return read_rows(repository.reader(), repository.load(BackupId(backup)))


def test_a_copy_holds_every_backup_under_its_own_keys_and_ids(source: Depot, copy: Depot) -> None:
    report = copy_all(source, copy)
    assert (report.backups, report.findings) == (("one", "two"), ())
    assert (_rows(copy, "one"), _rows(copy, "two")) == (ROWS, MORE)
    there, here = (depot.reopen().load(BackupId("two")) for depot in (copy, source))
    assert describe_apart(there, copy.repository.id) == describe_apart(here, source.repository.id)
    assert there.copied_from == source.repository.id
    assert not set(there.shards[0].part) & set(here.shards[0].part)
    assert not set(copy.packs()) & set(source.packs())


def test_neither_key_opens_the_other_repository(source: Depot, copy: Depot) -> None:
    copy_all(source, copy)
    for key, depot in ((source.key, copy), (copy.key, source)):
        with pytest.raises(WrongKey):
            open_repository(depot.storage, read_key_file(key))


def test_a_second_copy_sends_nothing_and_reads_no_rows(source: Depot, copy: Depot) -> None:
    copy_all(source, copy)
    copy.storage.reset()
    source.storage.reset()
    report = copy_all(source, copy)
    assert (report.backups, report.present) == ((), 2)
    assert (copy.storage.sent, copy.storage.sent_bytes) == ([], 0)
    assert not [name for name in source.storage.read if name.startswith("packs/")]


def test_a_later_backup_costs_what_is_new_in_it(source: Depot, copy: Depot) -> None:
    copy_all(source, copy, "one")
    report = copy_all(source, copy)
    assert (report.backups, report.present) == (("two",), 1)
    assert report.bytes_read == len(MORE[-1])
    assert _rows(copy, "two") == MORE


def test_chunks_that_are_there_are_not_sent_again_though_they_must_be_read(
    source: Depot, copy: Depot
) -> None:
    copy_all(source, copy, "two")
    report = copy_all(source, copy)
    assert report.backups == ("one",)
    assert report.bytes_stored == 0


@pytest.mark.parametrize("number", range(6))
def test_an_interrupted_copy_goes_on(source: Depot, copy: Depot, number: int) -> None:
    def stop(_: str) -> None:
        if len(copy.storage.sent) == number:
            raise StorageError("gone")

    copy.storage.reset()
    copy.storage.before_put = stop
    with pytest.raises(StorageError, match="gone"):
        copy_all(source, copy)
    copy.storage.before_put = lambda name: None
    assert all(_rows(copy, backup.id) for backup in copy.reopen().list())
    copy_all(source, copy)
    assert (_rows(copy, "one"), _rows(copy, "two")) == (ROWS, MORE)


def test_a_damaged_backup_is_named_and_the_others_are_copied(source: Depot, copy: Depot) -> None:
    before = set(source.packs())
    add_backup(source.reopen(), "three", [b"all of its own"])
    (own, *_) = set(source.packs()) - before
    source.storage.spoil(own)
    report = copy_all(source, copy)
    assert report.backups == ("one", "two")
    (finding,) = report.findings
    assert (finding.where, finding.severity) == ("three", Severity.BLOCKER)
    assert [summary.id for summary in copy.reopen().list()] == ["one", "two"]


def test_what_the_retention_of_the_copy_took_out_stays_out(source: Depot, copy: Depot) -> None:
    copy_all(source, copy, "one")
    copy.reopen().log.append(lambda _: Forgotten(("one",), "policy"))
    report = copy_all(source, copy)
    assert (report.backups, report.left_out) == (("two",), 1)
    with pytest.raises(RefusedError, match="retention"):
        copy_all(source, copy, "one")


def test_another_backup_of_that_id_is_never_taken_for_a_copy(source: Depot, copy: Depot) -> None:
    with copy.repository.writer("backup") as writer:
        part = put_part(writer, make_part(()))
        copy.repository.commit(make_manifest("one", part, begin="2026-11-23T00:00:00Z"))
    report = copy_all(source, copy)
    assert (report.backups, report.present) == (("two",), 0)
    assert [finding.message for finding in report.findings] == [
        "another backup of that id is there"
    ]


def test_what_is_not_there_cannot_be_copied(source: Depot, copy: Depot) -> None:
    with pytest.raises(UnknownBackup):
        copy_all(source, copy, "three")
    with pytest.raises(RefusedError, match="same repository"):
        copy_all(source, source)


def test_a_copy_of_a_copy_names_the_first_repository(
    source: Depot, copy: Depot, tmp_path: Path
) -> None:
    copy_all(source, copy)
    third = make_depot(tmp_path, "third")
    copy_all(copy, third)
    assert third.reopen().load(BackupId("two")).copied_from == source.repository.id


def test_retention_of_a_copy_goes_by_when_the_backup_was_received_first(
    source: Depot, copy: Depot
) -> None:
    copy_all(source, copy)
    times = [_receipts(depot) for depot in (source, copy)]
    assert times[0] == times[1]
    assert set(times[0]) == {"one", "two"}


def _receipts(depot: Depot) -> dict[str, float]:
    repository = depot.reopen()
    history = repository.history()
    assert history is not None
    return read_receipts(depot.storage, repository.log, history)
