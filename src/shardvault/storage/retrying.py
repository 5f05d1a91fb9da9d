"""Try again what a store did not do for now, with an end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from shardvault.clock import monotonic_s
from shardvault.errors import ObjectExists, ObjectMissing, StorageError, StorageUnavailable
from shardvault.interfaces import Buffer, ObjectStat, Storage
from shardvault.storage.wrapper import Wrapper
from shardvault.units import format_duration

_T = TypeVar("_T")


@dataclass(frozen=True)
class RetryPolicy:
    """Bound the attempts in number and time [s].

    Before attempt n + 1 there is a pause of random length, at most ``first_pause_s`` * 2 ** n
    and ``longest_pause_s``: clients that failed together do not come back together.
    """

    attempts: int = 10
    first_pause_s: float = 0.25
    longest_pause_s: float = 20.0
    limit_s: float = 300.0


class RetryingStorage(Wrapper):
    """Repeat calls that ended in a retryable error of the store; any other error ends them.

    A write or delete whose answer was lost may have been done. So a name that is taken, or an
    object that is missing, at a *repeated* attempt is a success if the object is ours, or gone.

    Args:
        inner: the store.
        policy: bounds of the attempts.
        sleep: waits [s].
        now: a clock that never jumps [s].
        draw: gives a random number between two.
    """

    def __init__(
        self,
        inner: Storage,
        policy: RetryPolicy | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = monotonic_s,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        super().__init__(inner)
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._now = now
        self._draw = draw

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one object, all or nothing.

        Raises:
            ObjectExists: the name is taken by other bytes, or was before the first attempt.
            StorageUnavailable: every attempt failed; whether it was stored is unknown.
            StorageError: refused for good.
        """

        def put(is_repeated: bool) -> None:
            try:
                self.inner.put_new(name, parts)
            except ObjectExists:
                if not (is_repeated and _holds(self.inner, name, parts)):
                    raise

        self._repeat(put)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it; raises ObjectMissing."""
        return self._repeat(lambda _: self.inner.get(name, offset, size))

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Give every object whose name begins with the prefix, sorted by name."""
        yield from self._repeat(lambda _: tuple(self.inner.list(prefix)))

    def stat(self, name: str) -> ObjectStat:
        """Describe one object; raises ObjectMissing."""
        return self._repeat(lambda _: self.inner.stat(name))

    def delete(self, name: str) -> None:
        """Remove an object; raises ObjectMissing if it was gone before the first attempt."""

        def delete(is_repeated: bool) -> None:
            try:
                self.inner.delete(name)
            except ObjectMissing:
                if not is_repeated:
                    raise

        self._repeat(delete)

    def _repeat(self, action: Callable[[bool], _T]) -> _T:
        """Run an action until it succeeds; it is told whether it ran before."""
        begin = self._now()
        attempt = 0
        while True:
            try:
                return action(attempt > 0)
            except StorageError as error:
                if not error.retryable:
                    raise
                attempt += 1
                pause_s = self._choose_pause(attempt)
                elapsed_s = self._now() - begin
                if attempt >= self._policy.attempts or elapsed_s + pause_s > self._policy.limit_s:
                    raise _give_up(error, attempt, elapsed_s) from error
            self._sleep(pause_s)

    def _choose_pause(self, attempt: int) -> float:
        policy = self._policy
        return self._draw(0, min(policy.longest_pause_s, policy.first_pause_s * 2**attempt))


def _give_up(error: StorageError, attempts: int, elapsed_s: float) -> StorageUnavailable:
    return StorageUnavailable(
        f"{error.message}; gave up after {attempts} attempts in {format_duration(elapsed_s)}",
        hint=error.hint or "is the store up, and the way to it? then run the command again",
    )


def _holds(storage: Storage, name: str, parts: Sequence[Buffer]) -> bool:
    """Say whether the object is byte for byte what the parts hold."""
    views = [memoryview(part).cast("B") for part in parts]
    if storage.stat(name).size_bytes != sum(view.nbytes for view in views):
        return False
    stored = memoryview(storage.get(name))
    for view in views:
        if stored[: view.nbytes] != view:
            return False
        stored = stored[view.nbytes :]
    return not stored.nbytes
