"""Break one promise of a store each; the docstring says which, and how stores came to do so."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence

from shardvault.errors import ObjectExists, ObjectMissing, StorageError, StorageFull
from shardvault.interfaces import Buffer, ObjectStat
from shardvault.storage.memory import MemoryStorage


class _Broken(MemoryStorage):
    """Give broken stores a way past the checks of a sound one."""

    def force(self, name: str, data: bytes) -> None:
        """Store bytes whatever is there."""
        self._received[name] = self._now_s()
        self._objects[name] = data


class DropsWrites(_Broken):
    """Acknowledges a write and forgets it."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        pass


class ReadsStale(_Broken):
    """Serves the first read after a write from a replica that does not have it yet."""

    def __init__(self) -> None:
        super().__init__()
        self._fresh: set[str] = set()

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, parts)
        self._fresh.add(name)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        if name in self._fresh:
            self._fresh.remove(name)
            raise ObjectMissing(f"object {name} is missing")
        return super().get(name, offset, size)


class Truncates(_Broken):
    """Loses the end of an object and says that all is well."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, [b"".join(parts)[:-1]])


class FlipsBits(_Broken):
    """Returns other bytes than were stored."""

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        return super().get(name, offset, size).replace(b"a", b"b")


class IgnoresOffsets(_Broken):
    """Answers a request for a part with the whole."""

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        return super().get(name)


class IgnoresEnds(_Broken):
    """Begins a part where it should, and goes on to the end."""

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        return super().get(name, offset)


class MiscountsSizes(_Broken):
    """Tells a wrong size."""

    def stat(self, name: str) -> ObjectStat:
        return ObjectStat(name, super().stat(name).size_bytes + 1)


class InventsObjects(_Broken):
    """Reads as empty what was never stored."""

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        try:
            return super().get(name, offset, size)
        except ObjectMissing:
            return b""


class ListsNothing(_Broken):
    """Answers a list with a page that parses as empty."""

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return iter(())


class ListsLate(_Broken):
    """Lists a new object only from the second list on."""

    def __init__(self) -> None:
        super().__init__()
        self._listed: set[str] = set()

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        found = list(super().list(prefix))
        known = [stat for stat in found if stat.name in self._listed]
        self._listed |= {stat.name for stat in found}
        return iter(known)


class ListsOnePage(_Broken):
    """Forgets to say that there are more than a thousand."""

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return itertools.islice(super().list(prefix), 1000)


class ListsNeighbours(_Broken):
    """Narrows a list by folder only."""

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return super().list(prefix.rpartition("/")[0])


class ListsUnsorted(_Broken):
    """Lists folders behind files, as a file server does."""

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return iter(sorted(super().list(prefix), key=lambda stat: stat.name, reverse=True))


class Overwrites(_Broken):
    """Ignores the condition of a conditional create."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        self.force(name, b"".join(parts))


class SpoilsOnRefusal(_Broken):
    """Says that the name is taken, after having written over it."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        is_taken = name in self._objects
        self.force(name, b"".join(parts))
        if is_taken:
            raise ObjectExists(name)


class LetsTwoWin(_Broken):
    """Looks whether the name is free, and only then writes: sound but for a race."""

    def __init__(self) -> None:
        super().__init__()
        self._others = threading.Barrier(2)

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        if name in self._objects:
            raise ObjectExists(name)
        if "/race" in name:
            try:
                self._others.wait(0.2)
            except threading.BrokenBarrierError:
                self._others.reset()
        self.force(name, b"".join(parts))


class LetsNobodyWin(_Broken):
    """Stores the object of one writer and tells every one that the name was taken."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, parts)
        if "/race" in name:
            raise ObjectExists(name)


class FailsAfterStoring(_Broken):
    """Answers a write that it did with an error."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, parts)
        raise StorageError("internal error")


class KeepsBrokenUploads(_Broken):
    """Shows what had arrived when an upload broke off."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        arrived = b""
        try:
            for part in parts:
                arrived += bytes(part)
        finally:
            super().put_new(name, [arrived])


class KeepsDeleted(_Broken):
    """Acknowledges a delete and does nothing."""

    def delete(self, name: str) -> None:
        self.stat(name)


class ListsDeleted(_Broken):
    """Lists for ever what was once there."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, ObjectStat] = {}

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, parts)
        self._seen[name] = self.stat(name)

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return (self._seen[name] for name in sorted(self._seen) if name.startswith(prefix))


class BringsBack(_Broken):
    """Brings a deleted object back later, as a replica that was away does."""

    def __init__(self) -> None:
        super().__init__()
        self._deleted: dict[str, bytes] = {}

    def delete(self, name: str) -> None:
        self._deleted[name] = self.get(name)
        super().delete(name)

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, parts)
        if "aaaa" in name:  # much later
            for old, data in self._deleted.items():
                self.force(old, data)


class DeletesNothing(_Broken):
    """Acknowledges the delete of what is not there."""

    def delete(self, name: str) -> None:
        try:
            super().delete(name)
        except ObjectMissing:
            return


class CutsNames(_Broken):
    """Keeps the first 150 letters of a name."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name[:150], parts)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        return super().get(name[:150], offset, size)

    def delete(self, name: str) -> None:
        super().delete(name[:150])


class IsFull(_Broken):
    """Has no space."""

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        raise StorageFull("no space left", hint="make room")


class RefusesDeletes(_Broken):
    """Lets a login add objects and delete none, as a policy of the store may."""

    def delete(self, name: str) -> None:
        raise StorageError("refused (AccessDenied)", hint="look at what the login may do")
