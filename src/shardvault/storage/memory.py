"""Keep objects in memory, for tests and rehearsals; gone with the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from shardvault.errors import ObjectExists, ObjectMissing
from shardvault.interfaces import Buffer, ObjectStat, StorageFeatures
from shardvault.storage.names import check_name
from shardvault.storage.owners import Release


class MemoryStorage:
    """Keep objects in a dictionary; safe for many threads."""

    def __init__(self, *, now_s: Callable[[], float] = time.time) -> None:
        """Begin empty.

        Args:
            now_s: the store's clock, which stamps every object [s].
        """
        self._now_s = now_s
        self._received: dict[str, float] = {}
        self.features = StorageFeatures(atomic_create=True, owner_lock=True)
        self._objects: dict[str, bytes] = {}
        self._notes: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one object; raises ObjectExists."""
        data = b"".join(parts)
        with self._lock:
            if check_name(name) in self._objects:
                raise ObjectExists(f"object {name} is already there")
            self._objects[name] = data
            self._received[name] = self._now_s()

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it; raises ObjectMissing."""
        data = self._find(name)
        return data[offset:] if size is None else data[offset : offset + size]

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Give every object whose name begins with the prefix, sorted by name."""
        with self._lock:
            names = sorted(name for name in self._objects if name.startswith(prefix))
            found = [self._describe(name) for name in names]
        return iter(found)

    def stat(self, name: str) -> ObjectStat:
        """Describe one object; raises ObjectMissing."""
        self._find(name)
        with self._lock:
            return self._describe(name)

    def delete(self, name: str) -> None:
        """Remove an object; raises ObjectMissing."""
        self._find(name)
        with self._lock:
            self._objects.pop(name, None)

    def hold(self, name: str, note: bytes) -> Release | None:
        """Take the lock of that name at once, or return None if another owner has it."""
        with self._lock:
            if name in self._notes:
                return None
            self._notes[check_name(name)] = note
        return lambda: self._release(name)

    def holder(self, name: str) -> bytes:
        """Return the note of the present owner; empty if there is none."""
        with self._lock:
            return self._notes.get(name, b"")

    def make_reserve(self) -> None:
        """Do nothing: there is no disk that could be full."""

    def spend_reserve(self) -> None:
        """Do nothing."""

    def sweep(self) -> int:
        """Return 0: an interrupted write leaves nothing in memory."""
        return 0

    def _describe(self, name: str) -> ObjectStat:
        return ObjectStat(name, len(self._objects[name]), self._received[name])

    def _find(self, name: str) -> bytes:
        with self._lock:
            data = self._objects.get(check_name(name))
        if data is None:
            raise ObjectMissing(f"object {name} is missing")
        return data

    def _release(self, name: str) -> None:
        with self._lock:
            del self._notes[name]
