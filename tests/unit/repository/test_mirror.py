from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from shardvault.errors import RefusedError, StorageError, TamperDetected
from shardvault.model.ids import BackupId
from shardvault.repository.entries import Doomed, Forgotten, KeyChanged, LetGo
from shardvault.repository.format import parse_pack_name
from shardvault.repository.heads import HeadMemory
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.mirror import Mirrored, mirror_repository, remember_mirror
from shardvault.repository.store import open_repository
from tests.support.copies import CountingStorage, Depot, make_depot, read_rows
from tests.support.repositories import ROWS, add_backup


@pytest.fixture
def source(tmp_path: Path) -> Depot:
    depot = make_depot(tmp_path, "source")
    add_backup(depot.repository, "one")
    return depot


def _mirror(source: Depot, storage: CountingStorage, *, drops_pruned: bool = False) -> Mirrored:
    return mirror_repository(source.reopen().insides(), storage, drops_pruned=drops_pruned)


def _assert_readable(source: Depot, storage: CountingStorage, *backups: str) -> None:
    repository = Depot(storage, source.repository, source.key).reopen(is_mirror=True)
    assert [summary.id for summary in repository.list()] == list(backups)
    assert repository.damaged() == ()
    for backup in backups:
        assert read_rows(repository.reader(), repository.load(BackupId(backup)))


def test_a_mirror_is_the_same_bit_by_bit(source: Depot) -> None:
    storage = CountingStorage()
    done = _mirror(source, storage)
    _assert_readable(source, storage, "one")
    names = [name for name in source.storage.names("") if not name.startswith("leases/")]
    assert storage.names("") == names
    assert all(storage.get(name) == source.storage.get(name) for name in names)
    assert (done.objects, done.size_bytes) == (len(names), storage.sent_bytes)
    assert storage.sent[-1] == "format"


def test_a_second_run_sends_nothing_and_a_later_one_what_is_new(source: Depot) -> None:
    storage = CountingStorage()
    _mirror(source, storage)
    storage.reset()
    assert _mirror(source, storage).objects == 0
    assert storage.sent == []
    before = set(source.storage.names(""))
    add_backup(source.reopen(), "two", [*ROWS, b"new"])
    _mirror(source, storage)
    new = {name for name in source.storage.names("") if not name.startswith("leases/")} - before
    assert set(storage.sent) == new
    assert storage.sent[-1].startswith("log/")
    _assert_readable(source, storage, "one", "two")


@pytest.mark.parametrize("number", range(8))
def test_an_interrupted_mirror_is_a_sound_repository_of_an_earlier_time(
    source: Depot, number: int
) -> None:
    storage = CountingStorage()
    _mirror(source, storage)
    add_backup(source.reopen(), "two", [*ROWS, b"new"])
    storage.reset()

    def stop(_: str) -> None:
        if len(storage.sent) == number:
            raise StorageError("gone")

    storage.before_put = stop
    try:
        _mirror(source, storage)
    except StorageError:
        _assert_readable(source, storage, "one")
    storage.before_put = lambda name: None
    _mirror(source, storage)
    _assert_readable(source, storage, "one", "two")


def test_a_manifest_that_does_not_count_is_not_sent(source: Depot) -> None:
    storage = CountingStorage()
    source.storage.put_new("manifests/" + "ab" * 16, [b"of a backup that still runs"])
    _mirror(source, storage)
    _assert_readable(source, storage, "one")
    assert len(storage.names("manifests/")) == 1


@pytest.mark.parametrize("prefix", ["packs/", "manifests/", "index/"])
def test_damage_is_named_and_does_not_spread(source: Depot, prefix: str) -> None:
    storage = CountingStorage()
    (name, *_) = source.storage.names(prefix)
    source.storage.spoil(name)
    done = _mirror(source, storage)
    assert [name in error.message for error in done.damaged] == [True]
    assert name not in storage.names(prefix)


def test_a_mirror_refuses_every_write_of_its_own(source: Depot) -> None:
    storage = CountingStorage()
    _mirror(source, storage)
    mirror = Depot(storage, source.repository, source.key).reopen(is_mirror=True)
    with pytest.raises(RefusedError, match="mirror"):
        add_backup(mirror, "two")
    with pytest.raises(RefusedError, match="mirror"):
        mirror.log.append(lambda _: LetGo("one"))


def test_a_mirror_that_was_written_to_all_the_same_is_found_out(source: Depot) -> None:
    storage = CountingStorage()
    _mirror(source, storage)
    add_backup(Depot(storage, source.repository, source.key).reopen(), "fork")
    with pytest.raises(TamperDetected, match="not a part"):
        _mirror(source, storage)
    add_backup(source.reopen(), "two")
    with pytest.raises(TamperDetected, match="not a part"):
        _mirror(source, storage)


def test_a_place_that_holds_another_repository_is_refused(source: Depot, tmp_path: Path) -> None:
    other = make_depot(tmp_path, "other")
    other.storage.reset()
    with pytest.raises(RefusedError, match="another repository"):
        _mirror(source, other.storage)
    assert other.storage.sent == []


def test_who_deletes_in_the_repository_deletes_nothing_in_the_mirror(source: Depot) -> None:
    storage = CountingStorage()
    _mirror(source, storage)
    for name in source.packs():
        source.storage.delete(name)
    assert _mirror(source, storage, drops_pruned=True).dropped == 0
    _assert_readable(source, storage, "one")


def test_what_the_log_says_was_pruned_goes_from_the_mirror_if_asked(source: Depot) -> None:
    storage = CountingStorage()
    _mirror(source, storage)
    manifest, packs = source.storage.names("manifests/"), source.packs()
    ids = tuple(filter(None, map(parse_pack_name, packs)))
    log = source.reopen().log
    log.append(lambda _: Forgotten(("one",), "policy"))
    log.append(lambda _: Doomed(ids, tuple(manifest)))
    for name in (*manifest, *packs):
        source.storage.delete(name)
    assert _mirror(source, storage).dropped == 0
    assert storage.names("packs/") == packs
    assert _mirror(source, storage, drops_pruned=True).dropped == len(packs) + 1
    assert (storage.names("packs/"), storage.names("manifests/")) == ([], [])


def test_a_removed_key_does_not_open_the_mirror_either(source: Depot) -> None:
    storage = CountingStorage()
    _mirror(source, storage)
    (slot,) = source.storage.names("keys/")
    source.reopen().log.append(lambda _: KeyChanged("removed", slot, "first"))
    reopened = source.reopen()
    source.storage.delete(slot)
    assert mirror_repository(reopened.insides(), storage, drops_pruned=False).dropped == 1
    assert storage.names("keys/") == []


def _forget(source: Depot) -> HeadMemory:
    """Return the memory of what was at the mirror's place before: another state altogether."""
    memory = HeadMemory(source.key.parent / "heads", "memory://nas")
    memory.remember(replace(source.reopen().log.head, number=1, digest="ab" * 32))
    return memory


def _read(source: Depot, storage: CountingStorage, memory: HeadMemory) -> list[str]:
    key = read_key_file(source.key)
    mirror = open_repository(storage, key, memory=memory, is_mirror=True)
    return [summary.id for summary in mirror.list()]


def test_a_mirror_that_was_made_anew_is_remembered_as_it_is_now(source: Depot) -> None:
    storage, insides = CountingStorage(), source.reopen().insides()
    memory = _forget(source)
    mirror_repository(insides, storage, drops_pruned=False)
    with pytest.raises(TamperDetected, match="rewritten"):
        _read(source, storage, memory)
    remember_mirror(insides, storage, memory)
    assert _read(source, storage, memory) == ["one"]


def test_a_mirror_whose_log_has_a_gap_stays_suspect(source: Depot) -> None:
    storage, insides = CountingStorage(), source.reopen().insides()
    mirror_repository(insides, storage, drops_pruned=False)
    memory = _forget(source)
    storage.delete("log/000000000001")
    mirror_repository(insides, storage, drops_pruned=False)
    remember_mirror(insides, storage, memory)
    with pytest.raises(TamperDetected, match="missing"):
        _read(source, storage, memory)
