"""Retries have an end, repeat only what may be repeated, and believe no lost answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from shardvault.errors import (
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from shardvault.interfaces import Buffer
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.retrying import RetryingStorage, RetryPolicy

POLICY = RetryPolicy(attempts=4, first_pause_s=1.0, longest_pause_s=3.0, limit_s=100.0)


class Flaky(MemoryStorage):
    """Raises the errors it was given, one per call, before or after it did what was asked."""

    def __init__(self, *errors: Exception, is_done: bool = False) -> None:
        super().__init__()
        self.errors = list(errors)
        self.is_done = is_done
        self.calls = 0

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        self._run(lambda: super(Flaky, self).put_new(name, parts))

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        found = []
        self._run(lambda: found.append(super(Flaky, self).get(name, offset, size)))
        return found[0]

    def delete(self, name: str) -> None:
        self._run(lambda: super(Flaky, self).delete(name))

    def _run(self, action: Callable[[], None]) -> None:
        self.calls += 1
        if self.is_done or not self.errors:
            action()
        if self.errors:
            raise self.errors.pop(0)


class Clock:
    """Goes on by what is slept."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds

    def now(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _wrap(inner: MemoryStorage, clock: Clock, policy: RetryPolicy = POLICY) -> RetryingStorage:
    return RetryingStorage(
        inner, policy, sleep=clock.sleep, now=clock.now, draw=lambda low, high: high
    )


def _later(count: int) -> list[Exception]:
    return [StorageUnavailable("answer 503 SlowDown") for _ in range(count)]


def test_what_the_store_refused_for_now_is_repeated_until_it_works(clock: Clock) -> None:
    inner = Flaky(*_later(3))
    _wrap(inner, clock).put_new("a", [b"x"])
    assert inner.get("a") == b"x"


def test_pauses_grow_up_to_the_longest(clock: Clock) -> None:
    _wrap(Flaky(*_later(3)), clock).put_new("a", [b"x"])
    assert clock.pauses == [2.0, 3.0, 3.0]


def test_pauses_are_drawn_between_nothing_and_their_bound(clock: Clock) -> None:
    bounds: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        bounds.append((low, high))
        return 0.5

    RetryingStorage(Flaky(*_later(1)), POLICY, sleep=clock.sleep, now=clock.now, draw=draw).put_new(
        "a", [b"x"]
    )
    assert bounds == [(0, 2.0)]
    assert clock.pauses == [0.5]


def test_attempts_have_an_end_that_is_reported(clock: Clock) -> None:
    inner = Flaky(*_later(9))
    with pytest.raises(StorageUnavailable, match="SlowDown; gave up after 4 attempts") as caught:
        _wrap(inner, clock).put_new("a", [b"x"])
    assert inner.calls == 4
    assert caught.value.hint


def test_no_attempt_begins_after_the_limit(clock: Clock) -> None:
    inner = Flaky(*_later(9))
    policy = RetryPolicy(attempts=100, first_pause_s=1.0, longest_pause_s=10.0, limit_s=15.0)
    with pytest.raises(StorageUnavailable):
        _wrap(inner, clock, policy).put_new("a", [b"x"])
    assert clock.now_s <= 15.0


@pytest.mark.parametrize(
    "error",
    [
        StorageError("refused (AccessDenied)"),
        StorageFull("no space"),
        ObjectMissing("gone"),
        IntegrityError("damaged"),
    ],
)
def test_an_error_that_time_does_not_heal_is_raised_at_once(clock: Clock, error: Exception) -> None:
    inner = Flaky(error)
    with pytest.raises(type(error)):
        _wrap(inner, clock).get("a")
    assert inner.calls == 1
    assert not clock.pauses


def test_a_write_whose_answer_was_lost_is_a_success(clock: Clock) -> None:
    inner = Flaky(*_later(1), is_done=True)
    _wrap(inner, clock).put_new("a", [b"my", memoryview(b" bytes")])
    assert inner.get("a") == b"my bytes"


@pytest.mark.parametrize("other", [b"my bytez", b"my byte", b"my bytes and more", b""])
def test_a_name_that_another_writer_took_meanwhile_is_taken(clock: Clock, other: bytes) -> None:
    class Taken(Flaky):
        def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
            if not self.calls:
                self._objects[name], self._received[name] = other, 0.0
            super().put_new(name, parts)

    with pytest.raises(ObjectExists):
        _wrap(Taken(*_later(1)), clock).put_new("a", [b"my", b" bytes"])


def test_equal_bytes_that_were_there_before_the_first_attempt_are_no_success(
    clock: Clock,
) -> None:
    inner = Flaky()
    inner.put_new("a", [b"x"])
    with pytest.raises(ObjectExists):
        _wrap(inner, clock).put_new("a", [b"x"])


def test_a_delete_whose_answer_was_lost_is_a_success(clock: Clock) -> None:
    inner = Flaky(is_done=True)
    inner.put_new("a", [b"x"])
    inner.errors = _later(1)
    _wrap(inner, clock).delete("a")
    assert list(inner.list("")) == []


def test_deleting_what_was_never_there_is_reported(clock: Clock) -> None:
    with pytest.raises(ObjectMissing):
        _wrap(Flaky(), clock).delete("a")


def test_locks_of_the_store_inside_can_be_taken(clock: Clock) -> None:
    inner = MemoryStorage()
    storage = _wrap(inner, clock)
    release = storage.hold("writer", b"note")
    assert release is not None
    assert storage.holder("writer") == inner.holder("writer") == b"note"
    release()
    assert storage.sweep() == 0
