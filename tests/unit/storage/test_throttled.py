"""Transfers keep to their rate on average."""

from __future__ import annotations

import pytest

from shardvault.storage import open_storage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.settings import StoreSettings
from shardvault.storage.throttled import Pacer, ThrottledStorage
from tests.unit.storage.test_retrying import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(clock: Clock) -> ThrottledStorage:
    def pace(bytes_s: float) -> Pacer:
        return Pacer(bytes_s, sleep=clock.sleep, now=clock.now)

    return ThrottledStorage(MemoryStorage(), upload=pace(100), download=pace(50))


def test_uploads_take_the_time_that_their_bytes_need_at_the_rate(
    storage: ThrottledStorage, clock: Clock
) -> None:
    for number in range(11):
        storage.put_new(f"a{number}", [b"x" * 150, b"y" * 50])
    assert clock.now_s == pytest.approx(20.0)


def test_downloads_have_a_rate_of_their_own(storage: ThrottledStorage, clock: Clock) -> None:
    storage.put_new("a", [b"x" * 100])
    for _ in range(11):
        storage.get("a")
    assert clock.now_s == pytest.approx(20.0)


def test_time_that_was_not_used_is_not_saved_up(storage: ThrottledStorage, clock: Clock) -> None:
    clock.now_s = 1000.0
    for number in range(3):
        storage.put_new(f"a{number}", [b"x" * 100])
    assert clock.now_s == pytest.approx(1002.0)


def test_without_a_rate_nothing_waits(clock: Clock) -> None:
    pacer = Pacer(None, sleep=clock.sleep, now=clock.now)
    pacer.owe(10**12)
    pacer.wait()
    assert not clock.pauses


def test_a_rate_is_put_around_a_store_of_any_kind(tmp_path: object) -> None:
    storage = open_storage(str(tmp_path), StoreSettings(upload_bytes_s=1024.0))
    assert isinstance(storage, ThrottledStorage)
    assert storage.features.owner_lock
