from __future__ import annotations

from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.errors import IntegrityError, RefusedError, ShardvaultError, UsageError, WrongKey
from shardvault.repository.entries import KeyChanged
from shardvault.repository.keychain import Keychain
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.openers import FileSecret
from shardvault.repository.paper import PaperKey, read_paper, write_paper
from shardvault.repository.slots import Slot
from shardvault.repository.store import (
    Repository,
    create_repository,
    open_repository,
    open_with_paper,
)
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import add_backup, put_backup
from tests.support.repository_reading import check_backup

NEW = FileSecret(b"n" * 32)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def repository(storage: MemoryStorage, tmp_path: Path) -> Repository:
    return create_repository(storage, tmp_path / "repo.key")


@pytest.fixture
def chain(repository: Repository) -> Keychain:
    return repository.keychain()


@pytest.fixture
def old_key(repository: Repository, tmp_path: Path) -> bytes:
    return read_key_file(tmp_path / "repo.key")


def _slot(chain: Keychain, reference: str) -> Slot:
    found = chain.find(reference)
    assert isinstance(found, Slot)
    return found


def _reads(repository: Repository) -> list[str]:
    for summary in repository.list():
        results = check_backup(repository.reader(), repository.load(summary.id))
        assert [result.error for result in results if result.error] == []
    return [summary.id for summary in repository.list()]


def test_a_key_that_was_added_opens_the_repository(
    storage: MemoryStorage, chain: Keychain, old_key: bytes
) -> None:
    chain.add(NEW, "second")
    assert [slot.label for slot in sorted(chain.list().slots, key=lambda s: s.label)] == [
        "first",
        "second",
    ]
    for key in (NEW, FileSecret(old_key)):
        open_repository(storage, key).list()


def test_a_key_that_was_removed_opens_nothing(
    storage: MemoryStorage, chain: Keychain, old_key: bytes
) -> None:
    chain.add(NEW, "second")
    chain.remove(chain.find("first"))
    with pytest.raises(WrongKey):
        open_repository(storage, old_key)
    open_repository(storage, NEW)


def test_the_last_key_cannot_be_removed(
    storage: MemoryStorage, chain: Keychain, old_key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RefusedError, match="only key slot") as caught:
        chain.remove(chain.find("first"))
    assert "key add" in str(caught.value.hint)
    open_repository(storage, old_key)
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("key.last_slot=off"))
    chain.remove(chain.find("first"))
    with pytest.raises(IntegrityError, match="no key slot"):
        open_repository(storage, old_key)


def test_a_damaged_slot_does_not_count_as_another_key(
    storage: MemoryStorage, chain: Keychain
) -> None:
    storage.put_new("keys/00", [b"rubbish"])
    with pytest.raises(RefusedError, match="only key slot"):
        chain.remove(chain.find("first"))
    (error,) = chain.list().damaged
    assert "keys/00" in str(error)


def test_a_key_is_rotated_while_a_backup_runs(
    storage: MemoryStorage, repository: Repository, old_key: bytes
) -> None:
    add_backup(repository, "before")
    with repository.writer("backup") as writer:
        chain = open_repository(storage, old_key).keychain()
        chain.rotate(_slot(chain, "first"), NEW)
        put_backup(repository, writer, "during")
    with pytest.raises(WrongKey):
        open_repository(storage, old_key)
    again = open_repository(storage, NEW)
    add_backup(again, "after")
    assert _reads(open_repository(storage, NEW)) == ["before", "during", "after"]


def test_a_rotated_key_keeps_its_label(chain: Keychain) -> None:
    before = _slot(chain, "first")
    name = chain.rotate(before, NEW)
    (after,) = chain.list().slots
    assert (after.name, after.label) == (name, "first")
    assert after.name != before.name


@pytest.mark.parametrize("point", ["key.slot", "key.rotation"])
def test_a_rotation_broken_off_anywhere_locks_nobody_out(
    point: str,
    storage: MemoryStorage,
    chain: Keychain,
    old_key: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failpoints, "_points", failpoints._parse(f"{point}=error"))
    with pytest.raises(ShardvaultError, match=point):
        chain.rotate(_slot(chain, "first"), NEW)
    monkeypatch.setattr(failpoints, "_points", {})
    again = open_repository(storage, old_key).keychain()
    assert len(again.list().slots) == (1 if point == "key.slot" else 2)
    again.add(FileSecret(b"o" * 32), "third")
    again.remove(next(slot for slot in again.list().slots if slot.label == "first"))


def test_a_key_is_found_by_the_begin_of_its_id(chain: Keychain) -> None:
    (slot,) = chain.list().slots
    word = slot.name.removeprefix("keys/")
    assert chain.find(word) == chain.find(word[:4]) == slot


@pytest.mark.parametrize("reference", ["nobody", "", "0", "keys/"])
def test_an_unknown_key_is_refused(chain: Keychain, reference: str) -> None:
    with pytest.raises(UsageError, match="no key is called"):
        chain.find(reference)


def test_two_keys_of_one_label_are_told_apart_by_id(chain: Keychain) -> None:
    chain.add(NEW, "first")
    with pytest.raises(UsageError, match="2 keys are called"):
        chain.find("first")


def test_every_change_of_keys_stands_in_the_log(repository: Repository) -> None:
    chain = repository.keychain()
    name = chain.add(NEW, "second")
    chain.remove(chain.find("second"))
    said = [entry.action for entry in repository.log.read()][-2:]
    assert said == [KeyChanged("added", name, "second"), KeyChanged("removed", name, "second")]


def test_the_master_key_comes_back_from_paper_without_any_slot(
    storage: MemoryStorage, repository: Repository, chain: Keychain
) -> None:
    add_backup(repository, "one")
    lines = write_paper(chain.export())
    for found in list(storage.list("keys/")):
        storage.delete(found.name)
    recovered = open_with_paper(storage, read_paper("\n".join(lines)))
    recovered.keychain().add(NEW, "from paper")
    assert _reads(open_repository(storage, NEW)) == ["one"]


def test_the_paper_of_another_repository_is_refused(
    storage: MemoryStorage, chain: Keychain, tmp_path: Path
) -> None:
    other = create_repository(MemoryStorage(), tmp_path / "other.key")
    with pytest.raises(WrongKey, match=other.id):
        open_with_paper(storage, other.keychain().export())


def test_a_wrong_master_key_on_paper_is_refused(
    storage: MemoryStorage, repository: Repository
) -> None:
    paper = PaperKey(bytes.fromhex(repository.id), bytes(32))
    with pytest.raises(IntegrityError, match="format"):
        open_with_paper(storage, paper)
