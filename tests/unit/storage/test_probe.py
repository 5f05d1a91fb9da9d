"""Each broken promise of a store is found, and a sound store is left as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from shardvault.errors import ObjectExists, StorageFull
from shardvault.interfaces import Buffer, ObjectStat
from shardvault.model.report import Finding, Severity
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.probe import probe_storage


class DropsWrites(MemoryStorage):
    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        pass


class Overwrites(MemoryStorage):
    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        self._objects[name] = b"".join(parts)


class SpoilsOnRefusal(MemoryStorage):
    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        if name in self._objects:
            self._objects[name] = b"".join(parts)
            raise ObjectExists(name)
        super().put_new(name, parts)


class ListsStale(MemoryStorage):
    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return iter(())


class Truncates(MemoryStorage):
    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, [b"".join(parts)[:-1]])


class IgnoresOffsets(MemoryStorage):
    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        return super().get(name)


class MiscountsSizes(MemoryStorage):
    def stat(self, name: str) -> ObjectStat:
        return ObjectStat(name, 0)


class KeepsDeleted(MemoryStorage):
    def delete(self, name: str) -> None:
        self.stat(name)


class ListsDeleted(MemoryStorage):
    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, ObjectStat] = {}

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        super().put_new(name, parts)
        self._seen[name] = self.stat(name)

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        return iter(self._seen.values())


class IsFull(MemoryStorage):
    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        raise StorageFull("no space left", hint="make room")


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> LocalStorage | MemoryStorage:
    return LocalStorage(tmp_path / "store") if request.param == "local" else MemoryStorage()


def test_a_sound_store_passes_and_keeps_nothing_of_the_probe(
    storage: LocalStorage | MemoryStorage,
) -> None:
    storage.put_new("chunks/own", [b"mine"])
    findings = probe_storage(storage)
    assert {finding.severity for finding in findings} == {Severity.OK}
    assert list(storage.list("")) == [ObjectStat("chunks/own", 4)]


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (DropsWrites, "read after write"),
        (Overwrites, "exclusive create"),
        (SpoilsOnRefusal, "exclusive create"),
        (ListsStale, "list"),
        (Truncates, "read after write"),
        (IgnoresOffsets, "read of a part"),
        (MiscountsSizes, "size"),
        (KeepsDeleted, "delete"),
        (ListsDeleted, "delete"),
        (IsFull, "write"),
    ],
)
def test_a_broken_promise_is_a_blocker_of_its_name(
    broken: Callable[[], MemoryStorage], found: str
) -> None:
    blockers = _blockers(probe_storage(broken()))
    assert found in [finding.what for finding in blockers]


@pytest.mark.parametrize("broken", [Overwrites, ListsStale, MiscountsSizes, KeepsDeleted])
def test_one_broken_promise_does_not_hide_the_sound_ones(
    broken: Callable[[], MemoryStorage],
) -> None:
    findings = probe_storage(broken())
    assert len(_blockers(findings)) == 1
    assert len(findings) == 6


def test_a_store_that_overwrites_is_cleaned_up_all_the_same() -> None:
    storage = Overwrites()
    probe_storage(storage)
    assert list(storage.list("")) == []


def test_the_reason_of_a_refused_write_and_its_remedy_are_reported() -> None:
    (finding,) = probe_storage(IsFull())
    assert (finding.message, finding.remedy) == ("no space left", "make room")


def _blockers(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.BLOCKER]
