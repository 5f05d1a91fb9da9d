"""Wrap a store so that it fails on purpose."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from shardvault.interfaces import Buffer, Storage
from shardvault.storage.wrapper import Wrapper

Fault = Callable[[str], None]


class FaultyStorage(Wrapper):
    """Pass everything on, after asking ``before_put`` and ``before_get`` (they may raise).

    Attributes:
        puts: names of the objects that somebody tried to store, in order.
    """

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
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
        super().put_new(name, parts)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        self.before_get(name)
        return super().get(name, offset, size)
