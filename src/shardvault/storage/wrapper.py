"""Pass a store on as it is; behaviour is added by overriding, around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from shardvault.interfaces import Buffer, ObjectStat, Storage
from shardvault.storage.owners import OwnedStorage, Release


class Wrapper:
    """Hand every call to the store inside."""

    def __init__(self, inner: Storage) -> None:
        self.inner = inner
        self.features = inner.features

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one object; see ``Storage``."""
        self.inner.put_new(name, parts)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it; see ``Storage``."""
        return self.inner.get(name, offset, size)

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Give every object whose name begins with the prefix; see ``Storage``."""
        return self.inner.list(prefix)

    def stat(self, name: str) -> ObjectStat:
        """Describe one object; see ``Storage``."""
        return self.inner.stat(name)

    def delete(self, name: str) -> None:
        """Remove an object; see ``Storage``."""
        self.inner.delete(name)

    def hold(self, name: str, note: bytes) -> Release | None:
        """Take a lock of the store inside, if it has locks; see ``OwnedStorage``."""
        return self._owned.hold(name, note)

    def holder(self, name: str) -> bytes:
        """Return the note of a lock's owner; see ``OwnedStorage``."""
        return self._owned.holder(name)

    def make_reserve(self) -> None:
        """Occupy a little space; see ``OwnedStorage``."""
        self._owned.make_reserve()

    def spend_reserve(self) -> None:
        """Give that space up; see ``OwnedStorage``."""
        self._owned.spend_reserve()

    def sweep(self) -> int:
        """Remove what interrupted writes left behind [bytes]; see ``OwnedStorage``."""
        return self._owned.sweep()

    @property
    def _owned(self) -> OwnedStorage:
        """Return the store inside; who asks for a lock has looked at ``features`` before."""
        return cast("OwnedStorage", self.inner)
