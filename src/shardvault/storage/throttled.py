"""Bound the bytes per second that go to a store and come from it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from shardvault.clock import monotonic_s
from shardvault.interfaces import Buffer, Storage
from shardvault.storage.wrapper import Wrapper


class Pacer:
    """Let transfers through so that they keep to a rate on average; safe for many threads.

    A transfer starts once those before it are paid for, and then goes at full speed: what is
    sent within a short time may exceed the rate by what is on its way at once.

    Args:
        bytes_s: the rate; None = no bound.
        sleep: waits [s].
        now: a clock that never jumps [s].
    """

    def __init__(
        self,
        bytes_s: float | None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = monotonic_s,
    ) -> None:
        self._bytes_s = bytes_s
        self._sleep = sleep
        self._now = now
        self._lock = threading.Lock()
        self._free_at = now()

    def wait(self) -> None:
        """Wait until what was transferred so far is paid for."""
        with self._lock:
            wait_s = self._free_at - self._now()
        if wait_s > 0:
            self._sleep(wait_s)

    def owe(self, size_bytes: int) -> None:
        """Put bytes on the account; the next transfer waits for them."""
        if self._bytes_s is None:
            return
        with self._lock:
            self._free_at = max(self._free_at, self._now()) + size_bytes / self._bytes_s


class ThrottledStorage(Wrapper):
    """Keep writes and reads to their rates; lists and deletes are small and go free."""

    def __init__(self, inner: Storage, upload: Pacer, download: Pacer) -> None:
        super().__init__(inner)
        self._upload = upload
        self._download = download

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one object, when its turn has come; see ``Storage``."""
        self._upload.wait()
        self._upload.owe(sum(memoryview(part).nbytes for part in parts))
        self.inner.put_new(name, parts)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it, when its turn has come; see ``Storage``."""
        self._download.wait()
        data = self.inner.get(name, offset, size)
        self._download.owe(len(data))
        return data
