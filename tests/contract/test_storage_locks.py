"""What every store with locks must do: locks end with their process."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.owners import OwnedStorage


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> OwnedStorage:
    return LocalStorage(tmp_path / "store") if request.param == "local" else MemoryStorage()


@pytest.mark.parametrize("name", ["", "/a", "..", ".a", "A", "a b"])
def test_a_lock_is_named_like_an_object(storage: OwnedStorage, name: str) -> None:
    with pytest.raises(ValueError, match="not an object name"):
        storage.hold(name, b"")


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


def test_a_store_with_locks_says_so(storage: OwnedStorage) -> None:
    assert storage.features.owner_lock
