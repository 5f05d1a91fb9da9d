"""Wrap a store so that it fails on purpose."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from shardvault.interfaces import Buffer, ObjectStat
from shardvault.storage.owners import OwnedStorage, Release

Fault = Callable[[str], None]


class FaultyStorage:
    """Pass everything on, after asking ``before_put`` and ``before_get`` (they may raise).

    Attributes:
        puts: names of the objects that somebody tried to store, in order.
    """

    def __init__(self, inner: OwnedStorage) -> None:
        self.inner = inner
        self.features = inner.features
        self.puts: list[str] = []
        self.before_put: Fault = lambda name: None
        self.before_get: Fault = lambda name: None
        self._lock = threading.Lock()

    def fail_put(self, number: int, error: Exception) -> None:
        """Let put number n, counted from 0 over the object's life, and all later ones raise."""

        def fault(name: str) -> None:
            if len(self.puts) > number:
                raise error

        self.before_put = fault

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        with self._lock:
            self.puts.append(name)
            self.before_put(name)
        self.inner.put_new(name, parts)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        self.before_get(name)
        return self.inner.get(name, offset, size)

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return self.inner.list(prefix)

    def stat(self, name: str) -> ObjectStat:
        return self.inner.stat(name)

    def delete(self, name: str) -> None:
        self.inner.delete(name)

    def hold(self, name: str, note: bytes) -> Release | None:
        return self.inner.hold(name, note)

    def holder(self, name: str) -> bytes:
        return self.inner.holder(name)

    def make_reserve(self) -> None:
        self.inner.make_reserve()

    def spend_reserve(self) -> None:
        self.inner.spend_reserve()

    def sweep(self) -> int:
        return self.inner.sweep()
