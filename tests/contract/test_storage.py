"""What every store must do; runs over each of them, against real servers.

Only Google's store has a double: nobody offers a server of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shardvault.errors import ObjectExists, ObjectMissing
from shardvault.interfaces import ObjectStat, Storage
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from tests.support.stores import open_azure, open_gcs, open_s3, open_sftp

BAD_NAMES = ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".a", "a.", "a..b", "A", "a b", "ä",
             "a\n", "-a", "a/.b", "a\0b"]  # fmt: skip


OPENERS: dict[str, Callable[[pytest.FixtureRequest], Storage]] = {
    "memory": lambda request: MemoryStorage(),
    "local": lambda request: LocalStorage(request.getfixturevalue("tmp_path") / "store"),
    "s3": lambda request: open_s3(request.getfixturevalue("ceph")),
    "gcs-double": lambda request: open_gcs(request.getfixturevalue("bucket_server")),
    "azure": lambda request: open_azure(request.getfixturevalue("azurite")),
    "sftp": lambda request: open_sftp(request.getfixturevalue("sshd")),
}


@pytest.fixture(params=OPENERS)
def storage(request: pytest.FixtureRequest) -> Storage:
    return OPENERS[request.param](request)


def test_parts_are_read_back_as_one_object(storage: Storage) -> None:
    storage.put_new("packs/ab/one", [b"first ", bytearray(b""), memoryview(b"second")])
    assert storage.get("packs/ab/one") == b"first second"
    assert storage.stat("packs/ab/one") == ObjectStat("packs/ab/one", 12)


def test_an_object_may_be_empty(storage: Storage) -> None:
    storage.put_new("empty", [])
    assert storage.get("empty") == b""


def test_more_parts_than_one_system_call_takes_are_stored(storage: Storage) -> None:
    parts = [bytes([number % 256]) for number in range(2500)]
    storage.put_new("many", parts)
    assert storage.get("many") == b"".join(parts)


def test_buffers_of_wider_items_are_stored_as_bytes(storage: Storage) -> None:
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
    storage: Storage, offset: int, size: int | None, expected: bytes
) -> None:
    storage.put_new("digits", [b"0123456789"])
    assert storage.get("digits", offset, size) == expected


def test_a_name_is_never_written_twice(storage: Storage) -> None:
    storage.put_new("format", [b"first"])
    with pytest.raises(ObjectExists):
        storage.put_new("format", [b"second"])
    assert storage.get("format") == b"first"


def test_of_racing_writers_of_one_name_exactly_one_wins(storage: Storage) -> None:
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
def test_a_missing_object_is_said_to_be_missing(storage: Storage, name: str) -> None:
    storage.put_new("folder/a", [b"x"])
    for use in (storage.get, storage.stat, storage.delete):
        with pytest.raises(ObjectMissing):
            use(name)
    assert storage.get("folder/a") == b"x"


def test_a_deleted_object_is_gone_and_its_name_free(storage: Storage) -> None:
    storage.put_new("a/b", [b"x"])
    storage.delete("a/b")
    assert list(storage.list("")) == []
    storage.put_new("a/b", [b"y"])
    assert storage.get("a/b") == b"y"


def test_listing_is_sorted_by_whole_name_and_narrowed_by_prefix(storage: Storage) -> None:
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
    storage: Storage, name: str
) -> None:
    with pytest.raises(ValueError, match="not an object name"):
        storage.put_new(name, [b"x"])
    for use in (storage.get, storage.stat, storage.delete):
        with pytest.raises(ValueError, match="not an object name"):
            use(name)
    assert list(storage.list("")) == []


def test_a_large_object_is_read_back_whole_and_in_parts(storage: Storage) -> None:
    data = random.Random(7).randbytes(5 * 1024 * 1024 + 7)
    view = memoryview(data)
    storage.put_new("packs/large", [view[: 3 * 1024 * 1024], view[3 * 1024 * 1024 :]])
    assert storage.get("packs/large") == data
    assert storage.get("packs/large", 100_000, 300_000) == data[100_000:400_000]


def test_more_names_than_one_page_holds_are_listed(storage: Storage) -> None:
    names = [f"many/{number:04}" for number in range(1001)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: storage.put_new(name, [b""]), names))
    assert [found.name for found in storage.list("many/")] == names


def test_every_store_creates_atomically(storage: Storage) -> None:
    assert storage.features.atomic_create
