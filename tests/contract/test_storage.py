"""What every store must do; runs over each of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shardvault.errors import ObjectExists, ObjectMissing
from shardvault.interfaces import ObjectStat
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.owners import OwnedStorage

BAD_NAMES = ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".a", "a.", "a..b", "A", "a b", "ä",
             "a\n", "-a", "a/.b", "a\0b"]  # fmt: skip


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> OwnedStorage:
    return LocalStorage(tmp_path / "store") if request.param == "local" else MemoryStorage()


def test_parts_are_read_back_as_one_object(storage: OwnedStorage) -> None:
    storage.put_new("packs/ab/one", [b"first ", bytearray(b""), memoryview(b"second")])
    assert storage.get("packs/ab/one") == b"first second"
    assert storage.stat("packs/ab/one") == ObjectStat("packs/ab/one", 12)


def test_an_object_may_be_empty(storage: OwnedStorage) -> None:
    storage.put_new("empty", [])
    assert storage.get("empty") == b""


def test_more_parts_than_one_system_call_takes_are_stored(storage: OwnedStorage) -> None:
    parts = [bytes([number % 256]) for number in range(2500)]
    storage.put_new("many", parts)
    assert storage.get("many") == b"".join(parts)


def test_buffers_of_wider_items_are_stored_as_bytes(storage: OwnedStorage) -> None:
    storage.put_new("wide", [memoryview(b"12345678").cast("Q")])
    assert storage.get("wide") == b"12345678"


@pytest.mark.parametrize(
    ("offset", "size", "expected"),
    [
        (0, 4, b"0123"),
        (3, None, b"3456789"),
        (8, 9, b"89"),
        (10, 1, b""),
        (99, 1, b""),
        (2, 0, b""),
    ],
)
def test_a_piece_of_an_object_ends_where_the_object_ends(
    storage: OwnedStorage, offset: int, size: int | None, expected: bytes
) -> None:
    storage.put_new("digits", [b"0123456789"])
    assert storage.get("digits", offset, size) == expected


def test_a_name_is_never_written_twice(storage: OwnedStorage) -> None:
    storage.put_new("format", [b"first"])
    with pytest.raises(ObjectExists):
        storage.put_new("format", [b"second"])
    assert storage.get("format") == b"first"


def test_of_racing_writers_of_one_name_exactly_one_wins(storage: OwnedStorage) -> None:
    def put(number: int) -> bool:
        try:
            storage.put_new("race/one", [b"%d" % number])
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(put, range(16)))
    assert won.count(True) == 1
    assert storage.get("race/one") == b"%d" % won.index(True)


@pytest.mark.parametrize("name", ["missing", "folder", "folder/a/b", "folder/a/b/c"])
def test_a_missing_object_is_said_to_be_missing(storage: OwnedStorage, name: str) -> None:
    storage.put_new("folder/a", [b"x"])
    for use in (storage.get, storage.stat, storage.delete):
        with pytest.raises(ObjectMissing):
            use(name)
    assert storage.get("folder/a") == b"x"


def test_a_deleted_object_is_gone_and_its_name_free(storage: OwnedStorage) -> None:
    storage.put_new("a/b", [b"x"])
    storage.delete("a/b")
    assert list(storage.list("")) == []
    storage.put_new("a/b", [b"y"])
    assert storage.get("a/b") == b"y"


def test_listing_is_sorted_by_whole_name_and_narrowed_by_prefix(storage: OwnedStorage) -> None:
    names = ["a-b", "a.b", "a/b", "a/c/d", "ab", "b/a", "b/aa"]
    for name in reversed(names):
        storage.put_new(name, [b"xy"])
    assert [found.name for found in storage.list("")] == sorted(names)
    assert [found.name for found in storage.list("a/")] == ["a/b", "a/c/d"]
    assert [found.name for found in storage.list("b/a")] == ["b/a", "b/aa"]
    assert list(storage.list("b/aa")) == [ObjectStat("b/aa", 2)]
    assert list(storage.list("c/")) == []
    assert list(storage.list("a-b/")) == []


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_outside_the_alphabet_is_refused_by_every_method(
    storage: OwnedStorage, name: str
) -> None:
    with pytest.raises(ValueError, match="not an object name"):
        storage.put_new(name, [b"x"])
    for use in (storage.get, storage.stat, storage.delete):
        with pytest.raises(ValueError, match="not an object name"):
            use(name)
    with pytest.raises(ValueError, match="not an object name"):
        storage.hold(name, b"")
    assert list(storage.list("")) == []


def test_a_lock_has_one_owner_and_can_be_taken_again(storage: OwnedStorage) -> None:
    release = storage.hold("writer", b"note of the first owner")
    assert release is not None
    assert storage.hold("writer", b"second") is None
    assert storage.holder("writer") == b"note of the first owner"
    release()
    assert storage.holder("writer") == b""
    again = storage.hold("writer", b"third")
    assert again is not None
    again()


def test_a_lock_nobody_ever_held_has_no_holder(storage: OwnedStorage) -> None:
    assert storage.holder("writer") == b""


def test_locks_are_no_objects(storage: OwnedStorage) -> None:
    release = storage.hold("writer", b"note")
    assert release is not None
    assert list(storage.list("")) == []
    release()


def test_a_store_without_leftovers_has_nothing_to_sweep(storage: OwnedStorage) -> None:
    storage.put_new("a", [b"x"])
    assert storage.sweep() == 0
    assert storage.get("a") == b"x"


def test_both_stores_state_what_they_can_do(storage: OwnedStorage) -> None:
    assert storage.features.atomic_create
    assert storage.features.owner_lock
