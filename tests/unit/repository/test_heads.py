"""Processes of one computer share what is remembered of a repository, and raise no false alarm."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.errors import ObjectMissing, StorageError, TamperDetected
from shardvault.interfaces import ObjectStat
from shardvault.repository import heads
from shardvault.repository.entries import Created, Held
from shardvault.repository.heads import Head, HeadMemory
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.log import Log, begin_log, entry_name
from shardvault.storage.memory import MemoryStorage


class Busy(MemoryStorage):
    """Let another process work just after this one was told that the log ends."""

    def __init__(self) -> None:
        super().__init__()
        self.others: Callable[[], None] = lambda: None

    def stat(self, name: str) -> ObjectStat:
        try:
            return super().stat(name)
        except ObjectMissing:
            work, self.others = self.others, lambda: None
            work()
            raise


class Forgetful(MemoryStorage):
    """Deny once that an object is there."""

    denied = ""

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        if name == self.denied:
            self.denied = ""
            raise ObjectMissing(f"object {name} is missing")
        return super().get(name, offset, size)


@pytest.fixture
def ring() -> KeyRing:
    return make_key_ring(bytes(16), bytes(32))


@pytest.fixture
def memory(tmp_path: Path) -> HeadMemory:
    return HeadMemory(tmp_path / "heads", "file:///r")


@pytest.fixture
def read_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recall after the list, and believe the first look."""
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("repo.head_first=off"))


def _open(storage: MemoryStorage, ring: KeyRing, memory: HeadMemory | None) -> Log:
    return Log(storage, ring, secrets.token_bytes, memory)


def _begin(storage: MemoryStorage, ring: KeyRing, memory: HeadMemory) -> Log:
    begin_log(storage, ring, Created(ring.repository.hex()), secrets.token_bytes)
    log = _open(storage, ring, memory)
    log.read()
    return log


def _append(log: Log, times: int = 1) -> None:
    for _ in range(times):
        log.append(lambda _: Held("a", "why"))


def _read_while_another_appends(ring: KeyRing, memory: HeadMemory) -> None:
    storage = Busy()
    _begin(storage, ring, memory)
    log = _open(storage, ring, memory)
    storage.others = lambda: _append(_open(storage, ring, memory))
    assert len(log.read()) == 1
    assert len(log.read()) == 2


def test_an_entry_that_another_process_adds_meanwhile_is_no_alarm(
    ring: KeyRing, memory: HeadMemory
) -> None:
    _read_while_another_appends(ring, memory)


@pytest.mark.usefixtures("read_late")
def test_the_control_alarms_when_the_head_is_recalled_after_the_list(
    ring: KeyRing, memory: HeadMemory
) -> None:
    with pytest.raises(TamperDetected, match="ends at entry 1, this computer saw entry 2"):
        _read_while_another_appends(ring, memory)


def _read_what_is_denied_once(ring: KeyRing, memory: HeadMemory) -> int:
    storage = Forgetful()
    _append(_begin(storage, ring, memory), 2)
    storage.denied = entry_name(2)
    return len(_open(storage, ring, memory).read())


def test_a_difference_is_looked_at_once_more(ring: KeyRing, memory: HeadMemory) -> None:
    assert _read_what_is_denied_once(ring, memory) == 3


@pytest.mark.usefixtures("read_late")
def test_the_control_alarms_at_the_first_look(ring: KeyRing, memory: HeadMemory) -> None:
    with pytest.raises(TamperDetected, match="entry 2 of the repository's log is missing"):
        _read_what_is_denied_once(ring, memory)


def test_a_difference_that_stays_is_reported(ring: KeyRing, memory: HeadMemory) -> None:
    storage = MemoryStorage()
    _append(_begin(storage, ring, memory), 2)
    storage.delete(entry_name(3))
    with pytest.raises(TamperDetected, match="ends at entry 2, this computer saw entry 3"):
        _open(storage, ring, memory).read()


def test_a_slow_process_does_not_replace_a_later_head(memory: HeadMemory) -> None:
    memory.remember(Head("aa", 5, "ff", {3: "ee"}))
    memory.advance(Head("aa", 4, "dd"))
    assert memory.recall() == Head("aa", 5, "ff", {3: "ee"})
    memory.advance(Head("aa", 6, "cc"))
    assert memory.recall() == Head("aa", 6, "cc", {3: "ee"})


def test_many_writers_leave_the_latest_head(memory: HeadMemory) -> None:
    def work(first: int) -> None:
        for number in range(first, 40, 4):
            memory.advance(Head("aa", number, "ff"))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.recall() == Head("aa", 39, "ff")


def test_a_process_that_is_stopped_in_its_turn_stops_no_other(
    memory: HeadMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "_TURN_LIMIT_S", 0.0)
    memory.remember(Head("aa", 1, "ff"))
    with memory._turn() as is_ours:
        assert is_ours
        memory.advance(Head("aa", 2, "ff"))
        with pytest.raises(StorageError, match="another process is writing it"):
            memory.remember(Head("aa", 2, "ff"))
    assert memory.recall() == Head("aa", 1, "ff")
    memory.advance(Head("aa", 2, "ff"))
    assert memory.recall() == Head("aa", 2, "ff")


def test_a_folder_that_is_a_file_remembers_nothing_and_cannot(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    memory = HeadMemory(tmp_path / "state" / "heads", "file:///r")
    assert memory.recall() is None
    with pytest.raises(StorageError, match="cannot remember the state"):
        memory.advance(Head("aa", 1, "ff"))
