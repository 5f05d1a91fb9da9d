from __future__ import annotations

import dataclasses
import secrets
from datetime import UTC, datetime

import pytest

from shardvault.errors import IntegrityError, RefusedError, UnknownBackup, UsageError
from shardvault.model.ids import LATEST, BackupId
from shardvault.repository.catalog import Catalog, new_backup_id
from shardvault.repository.keys import make_key_ring
from shardvault.repository.lookup import Latest
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import counted_bytes, make_manifest

NOW = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def catalog(storage: MemoryStorage) -> Catalog:
    return Catalog(storage, make_key_ring(bytes(16), b"m" * 32), counted_bytes(), lambda: None)


def _damage(storage: MemoryStorage, name: str, data: bytes = b"rubbish" * 40) -> None:
    storage.delete(name)
    storage.put_new(name, [data])


def test_an_id_says_when_and_what() -> None:
    assert (
        new_backup_id(NOW, "full", lambda _: False, secrets.token_bytes) == "20261122T113000Z-full"
    )


def test_ids_of_one_second_are_numbered() -> None:
    ids: list[BackupId] = []
    for _ in range(3):
        ids.append(new_backup_id(NOW, "full", ids.__contains__, secrets.token_bytes))
    assert ids[1:] == ["20261122T113000Z-full-2", "20261122T113000Z-full-3"]


def test_a_manifest_is_loaded_as_it_was_committed(catalog: Catalog) -> None:
    manifest = make_manifest("one", ())
    catalog.put(manifest, ["ab"])
    assert catalog.load(BackupId("one")) == manifest
    assert catalog.scan().index == {"ab"}


def test_an_id_is_used_once(catalog: Catalog) -> None:
    catalog.put(make_manifest("one", ()), [])
    with pytest.raises(RefusedError):
        catalog.put(make_manifest("one", (), "2026-11-23T00:00:00Z"), [])
    assert catalog.load(BackupId("one")).begin == "2026-11-22T11:30:00Z"


def test_backups_are_listed_oldest_first(catalog: Catalog) -> None:
    for backup, begin in [("c", "2026-03-01"), ("a", "2026-01-01"), ("b", "2026-02-01")]:
        catalog.put(make_manifest(backup, (), begin), [])
    summaries = catalog.scan().summaries
    assert [summary.id for summary in summaries] == ["a", "b", "c"]
    assert {summary.status for summary in summaries} == {"complete"}
    assert catalog.find(LATEST, Latest()) == "c"


def test_near_ids_are_offered_for_an_unknown_one(catalog: Catalog) -> None:
    catalog.put(make_manifest("20261122T113000Z-full", ()), [])
    with pytest.raises(UnknownBackup) as caught:
        catalog.load(BackupId("20261122T113001Z-full"))
    assert "20261122T113000Z-full" in str(caught.value.hint)
    with pytest.raises(UnknownBackup) as caught:
        catalog.find("lastest", Latest())
    assert "latest" in str(caught.value.hint)
    with pytest.raises(UnknownBackup) as caught:
        catalog.find("../../etc/passwd", Latest())
    assert "shardvault list" in str(caught.value.hint)


def test_an_empty_catalog_has_no_latest(catalog: Catalog) -> None:
    with pytest.raises(UnknownBackup):
        catalog.find(LATEST, Latest())


def test_a_damaged_manifest_is_named_and_hides_no_other(
    catalog: Catalog, storage: MemoryStorage
) -> None:
    catalog.put(make_manifest("one", ()), [])
    (name,) = (found.name for found in storage.list("manifests/"))
    catalog.put(make_manifest("two", ()), [])
    _damage(storage, name)
    scan = catalog.scan()
    assert [summary.id for summary in scan.summaries] == ["two"]
    assert name in str(scan.damaged[0])
    with pytest.raises(IntegrityError):
        catalog.load(BackupId("one"))
    assert catalog.load(BackupId("two")).id == "two"


def test_latest_is_not_guessed_while_a_manifest_is_damaged(
    catalog: Catalog, storage: MemoryStorage
) -> None:
    catalog.put(make_manifest("one", ()), [])
    storage.put_new("manifests/00", [b"rubbish" * 40])
    with pytest.raises(IntegrityError) as caught:
        catalog.find(LATEST, Latest())
    assert "manifests/00" in str(caught.value)


def test_a_manifest_moved_to_another_name_is_refused(
    catalog: Catalog, storage: MemoryStorage
) -> None:
    catalog.put(make_manifest("one", ()), [])
    (name,) = (found.name for found in storage.list("manifests/"))
    storage.put_new("manifests/00", [storage.get(name)])
    assert len(catalog.scan().damaged) == 1


def test_a_manifest_of_a_newer_version_asks_for_a_newer_program(catalog: Catalog) -> None:
    catalog.put(dataclasses.replace(make_manifest("one", ()), version=99), [])
    with pytest.raises(UsageError, match="version 99"):
        catalog.load(BackupId("one"))


def test_a_key_holder_who_signs_something_else_is_refused(
    catalog: Catalog, storage: MemoryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = make_manifest("one", ())
    with monkeypatch.context() as patch:
        patch.setattr("shardvault.repository.catalog.msgspec.json.encode", lambda record: b"{}")
        catalog.put(manifest, [])
    with pytest.raises(IntegrityError, match="not a manifest"):
        catalog.load(BackupId("one"))


def test_a_manifest_signed_under_the_name_of_another_id_is_refused(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = catalog._name(BackupId("one"))
    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "_name", lambda self, backup: name)
        catalog.put(make_manifest("two", ()), [])
    with pytest.raises(IntegrityError, match="manifest of two"):
        catalog.load(BackupId("one"))
