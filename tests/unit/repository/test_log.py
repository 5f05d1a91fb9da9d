from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from shardvault.errors import IntegrityError, StorageError, TamperDetected
from shardvault.interfaces import Buffer, ObjectStat
from shardvault.repository.entries import Claimed, Created, Entry, Held, LetGo
from shardvault.repository.heads import Head, HeadMemory
from shardvault.repository.history import read_history
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.log import Log, begin_log, entry_name
from shardvault.storage.memory import MemoryStorage


@pytest.fixture
def ring() -> KeyRing:
    return make_key_ring(bytes(16), bytes(32))


@pytest.fixture
def storage(ring: KeyRing) -> MemoryStorage:
    storage = MemoryStorage()
    begin_log(storage, ring, Created(ring.repository.hex()), secrets.token_bytes)
    return storage


def open_log(storage: MemoryStorage, ring: KeyRing, memory: HeadMemory | None = None) -> Log:
    return Log(storage, ring, secrets.token_bytes, memory)


def append(log: Log, *words: str) -> None:
    for word in words:
        log.append(partial(_hold, word))


def _hold(word: str, _: Sequence[Entry]) -> Held:
    return Held(word, "why")


def replace(storage: MemoryStorage, name: str, data: bytes) -> None:
    storage.delete(name)
    storage.put_new(name, [data])


def test_entries_come_back_in_order(storage: MemoryStorage, ring: KeyRing) -> None:
    append(open_log(storage, ring), "a", "b")
    entries = open_log(storage, ring).read()
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert read_history(entries).holds == {"a": "why", "b": "why"}


def test_two_writers_are_put_into_one_order(storage: MemoryStorage, ring: KeyRing) -> None:
    first, second = open_log(storage, ring), open_log(storage, ring)
    first.read()
    second.read()
    append(first, "a")
    seen: list[int] = []

    def decide(entries: Sequence[Entry]) -> Held:
        seen.append(len(entries))
        return Held("b", "")

    second.append(decide)
    assert seen == [2]
    first.append(lambda entries: LetGo("b") if len(entries) == 3 else None)
    assert read_history(second.read()).holds == {"a": "why"}


def test_a_decision_on_an_old_state_is_made_again(storage: MemoryStorage, ring: KeyRing) -> None:
    slow, fast = open_log(storage, ring), open_log(storage, ring)
    seen: list[int] = []

    def decide(entries: Sequence[Entry]) -> Held:
        seen.append(len(entries))
        if len(seen) == 1:
            append(fast, "first")
        return Held("second", "")

    entry = slow.append(decide)
    assert entry is not None
    assert (seen, entry.number) == ([1, 2], 3)


def test_nothing_to_say_adds_nothing(storage: MemoryStorage, ring: KeyRing) -> None:
    assert open_log(storage, ring).append(lambda _: None) is None
    assert len(open_log(storage, ring).read()) == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_entry_is_reported(storage: MemoryStorage, ring: KeyRing, number: int) -> None:
    append(open_log(storage, ring), "a", "b", "c")
    storage.delete(entry_name(number))
    with pytest.raises(TamperDetected, match=f"entry {number} of the repository's log is missing"):
        open_log(storage, ring).read()


def test_an_entry_under_another_number_is_refused(storage: MemoryStorage, ring: KeyRing) -> None:
    append(open_log(storage, ring), "a", "b")
    replace(storage, entry_name(2), storage.get(entry_name(3)))
    with pytest.raises(IntegrityError, match="is damaged"):
        open_log(storage, ring).read()


def test_an_altered_past_is_refused(ring: KeyRing) -> None:
    """Two true logs of one repository: an entry of the one does not fit into the other."""
    one, other = MemoryStorage(), MemoryStorage()
    for storage, word in ((one, "a"), (other, "z")):
        begin_log(storage, ring, Created(ring.repository.hex()), secrets.token_bytes)
        log = open_log(storage, ring)
        append(log, word, "b")
    replace(one, entry_name(2), other.get(entry_name(2)))
    with pytest.raises(TamperDetected, match="does not follow the one before"):
        open_log(one, ring).read()


def test_a_rollback_is_found_by_who_saw_more(
    storage: MemoryStorage, ring: KeyRing, tmp_path: Path
) -> None:
    memory = HeadMemory(tmp_path / "heads", "file:///r")
    append(open_log(storage, ring, memory), "a", "b")
    storage.delete(entry_name(3))
    with pytest.raises(TamperDetected, match="ends at entry 2, this computer saw entry 3"):
        open_log(storage, ring, memory).read()


def test_without_memory_a_rollback_goes_unseen(storage: MemoryStorage, ring: KeyRing) -> None:
    append(open_log(storage, ring), "a", "b")
    storage.delete(entry_name(3))
    assert len(open_log(storage, ring).read()) == 2


def test_another_repository_in_its_place_is_found(
    storage: MemoryStorage, ring: KeyRing, tmp_path: Path
) -> None:
    memory = HeadMemory(tmp_path / "heads", "file:///r")
    open_log(storage, ring, memory).read()
    other, other_ring = MemoryStorage(), make_key_ring(bytes(15) + b"\1", bytes(32))
    begin_log(other, other_ring, Created(other_ring.repository.hex()), secrets.token_bytes)
    with pytest.raises(TamperDetected, match="another repository is in its place"):
        open_log(other, other_ring, memory).read()


def test_a_rewritten_log_of_the_same_length_is_found(ring: KeyRing, tmp_path: Path) -> None:
    memory = HeadMemory(tmp_path / "heads", "file:///r")
    stores = []
    for word in ("a", "z"):
        storage = MemoryStorage()
        begin_log(storage, ring, Created(ring.repository.hex()), secrets.token_bytes)
        append(open_log(storage, ring), word)
        stores.append(storage)
    open_log(stores[0], ring, memory).read()
    with pytest.raises(TamperDetected, match="rewritten at or before entry 2"):
        open_log(stores[1], ring, memory).read()


def test_an_emptied_log_is_found(storage: MemoryStorage, ring: KeyRing, tmp_path: Path) -> None:
    memory = HeadMemory(tmp_path / "heads", "file:///r")
    open_log(storage, ring, memory).read()
    storage.delete(entry_name(1))
    with pytest.raises(TamperDetected, match="the repository's log is gone"):
        open_log(storage, ring, memory).read()


def test_what_is_remembered_is_private_and_comes_back(tmp_path: Path) -> None:
    memory = HeadMemory(tmp_path / "state" / "heads", "s3://bucket")
    assert memory.recall() is None
    memory.remember(Head("aa", 3, "ff"))
    assert memory.recall() == Head("aa", 3, "ff")
    assert memory.path.stat().st_mode & 0o777 == 0o600
    assert memory.path.parent.stat().st_mode & 0o777 == 0o700
    assert HeadMemory(tmp_path / "state" / "heads", "s3://other").recall() is None


def test_a_broken_memory_is_never_taken_for_none(tmp_path: Path) -> None:
    memory = HeadMemory(tmp_path, "s3://bucket")
    memory.path.write_text("{")
    with pytest.raises(StorageError, match="cannot read what was remembered"):
        memory.recall()


def test_the_newest_epoch_of_a_lease_counts(storage: MemoryStorage, ring: KeyRing) -> None:
    log = open_log(storage, ring)
    log.append(lambda _: Claimed("s", 4))
    log.append(lambda _: Claimed("s", 3))
    assert read_history(log.read()).epochs == {"s": 4}


def test_what_somebody_accepted_is_not_told_again(
    storage: MemoryStorage, ring: KeyRing, tmp_path: Path
) -> None:
    memory = HeadMemory(tmp_path, "file:///r")
    append(open_log(storage, ring, memory), "a", "b")
    storage.delete(entry_name(2))
    log = open_log(storage, ring, memory)
    assert log.accept() == ("entry 2 of the repository's log is missing",)
    append(open_log(storage, ring, memory), "c")
    assert read_history(log.read()).holds == {"b": "why", "c": "why"}
    replace(storage, entry_name(3), b"rubbish")
    with pytest.raises(TamperDetected, match="damaged"):
        open_log(storage, ring, memory).read()


class Stale(MemoryStorage):
    """Leave the newest object out of every list, as a store that is slow to list may."""

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        yield from list(super().list(prefix))[:-1]


def test_an_entry_that_a_list_leaves_out_is_read_all_the_same(ring: KeyRing) -> None:
    storage = Stale()
    begin_log(storage, ring, Created(ring.repository.hex()), secrets.token_bytes)
    log = open_log(storage, ring)
    append(log, "a", "b")
    assert len(log.read()) == 3
    assert len(open_log(storage, ring).read()) == 3


class Cutting(MemoryStorage):
    """Store half of an object, when told to."""

    is_cutting = False

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        data = b"".join(parts)
        super().put_new(name, [data[: len(data) // 2] if self.is_cutting else data])


def test_an_entry_that_the_store_cuts_does_not_stay(ring: KeyRing) -> None:
    storage = Cutting()
    begin_log(storage, ring, Created(ring.repository.hex()), secrets.token_bytes)
    storage.is_cutting = True
    with pytest.raises(IntegrityError, match="bytes"):
        append(open_log(storage, ring), "a")
    storage.is_cutting = False
    append(open_log(storage, ring), "b")
    assert read_history(open_log(storage, ring).read()).holds == {"b": "why"}
