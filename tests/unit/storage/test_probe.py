"""Each broken promise of a store is found, and a sound store is left as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from shardvault.interfaces import Buffer, ObjectStat
from shardvault.model.report import Finding, Severity
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.probe import TRIALS, probe_storage
from tests.support import broken_stores as broken

FINDINGS = len(TRIALS)


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> LocalStorage | MemoryStorage:
    return LocalStorage(tmp_path / "store") if request.param == "local" else MemoryStorage()


@pytest.mark.parametrize("is_brief", [True, False])
def test_a_sound_store_passes_and_keeps_nothing_of_the_probe(
    storage: LocalStorage | MemoryStorage, is_brief: bool
) -> None:
    storage.put_new("chunks/own", [b"mine"])
    findings = probe_storage(storage, is_brief=is_brief)
    assert {finding.severity for finding in findings} == {Severity.OK}
    assert is_brief or len(findings) == FINDINGS
    assert list(storage.list("")) == [ObjectStat("chunks/own", 4)]


@pytest.mark.parametrize(
    ("store", "found"),
    [
        (broken.DropsWrites, "read after write"),
        (broken.ReadsStale, "read after write"),
        (broken.Truncates, "read after write"),
        (broken.FlipsBits, "read after write"),
        (broken.IgnoresOffsets, "read of a part"),
        (broken.IgnoresEnds, "read of a part"),
        (broken.MiscountsSizes, "size"),
        (broken.InventsObjects, "missing object"),
        (broken.ListsNothing, "list"),
        (broken.ListsLate, "list"),
        (broken.ListsOnePage, "list of many"),
        (broken.ListsNeighbours, "list of a prefix"),
        (broken.ListsUnsorted, "list of a prefix"),
        (broken.Overwrites, "exclusive create"),
        (broken.SpoilsOnRefusal, "exclusive create"),
        (broken.LetsTwoWin, "race of 16 writers"),
        (broken.LetsNobodyWin, "race of 16 writers"),
        (broken.FailsAfterStoring, "write"),
        (broken.KeepsBrokenUploads, "broken upload"),
        (broken.KeepsDeleted, "delete"),
        (broken.ListsDeleted, "delete"),
        (broken.BringsBack, "clean-up"),
        (broken.DeletesNothing, "delete of nothing"),
        (broken.CutsNames, "long names"),
        (broken.IsFull, "write"),
    ],
)
def test_a_broken_promise_is_a_blocker_of_its_name(
    store: Callable[[], MemoryStorage], found: str
) -> None:
    blockers = _at(Severity.BLOCKER, probe_storage(store()))
    assert blockers[0].what == found


@pytest.mark.parametrize(
    "store", [broken.MiscountsSizes, broken.ListsOnePage, broken.LetsTwoWin, broken.DeletesNothing]
)
def test_one_broken_promise_does_not_hide_the_sound_ones(
    store: Callable[[], MemoryStorage],
) -> None:
    findings = probe_storage(store())
    assert len(_at(Severity.BLOCKER, findings)) == 1
    assert len(findings) == FINDINGS


@pytest.mark.parametrize(
    "store", [broken.Overwrites, broken.ListsNothing, broken.FailsAfterStoring]
)
def test_a_broken_store_is_cleaned_up_all_the_same(store: Callable[[], MemoryStorage]) -> None:
    storage = store()
    probe_storage(storage)
    assert [name for name in storage._objects if "first" in name] == []


def test_a_blocker_says_what_follows_from_it() -> None:
    (blocker,) = _at(Severity.BLOCKER, probe_storage(broken.LetsTwoWin()))
    assert blocker.message.endswith("two could write at once")


def test_a_login_that_may_not_delete_is_warned_of_and_not_refused() -> None:
    findings = probe_storage(broken.RefusesDeletes(), is_brief=True)
    assert _at(Severity.BLOCKER, findings) == []
    assert "prune" in _at(Severity.WARNING, findings)[0].message


def test_a_slow_store_is_not_made_to_hold_many_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardvault.storage.trials.MANY_LIMIT_S", -1.0)
    findings = {finding.what: finding for finding in probe_storage(MemoryStorage())}
    assert findings["list of many"].severity is Severity.INFO
    assert "not tried" in findings["list of many"].message


def test_a_login_that_may_not_delete_is_not_made_to_leave_many_objects() -> None:
    storage = broken.RefusesDeletes()
    probe_storage(storage)
    assert len(storage._objects) < 20


def test_the_reason_of_a_refused_write_and_its_remedy_are_reported() -> None:
    (finding,) = probe_storage(broken.IsFull())
    assert finding.message.startswith("no space left")
    assert finding.remedy == "make room"


@pytest.mark.parametrize(("offset_s", "side"), [(7230, "ahead of"), (-7230, "behind")])
def test_a_clock_that_is_wrong_is_warned_of(offset_s: float, side: str) -> None:
    now_s = MemoryStorage()._now_s
    storage = MemoryStorage(now_s=lambda: now_s() + offset_s)
    (warning,) = _at(Severity.WARNING, probe_storage(storage, is_brief=True))
    assert warning.message.startswith(f"the store's clock is 2 h 00 min {side} ours")


def test_a_store_that_hangs_is_a_blocker_when_the_time_is_up() -> None:
    released = threading.Event()

    class Hangs(MemoryStorage):
        def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
            released.wait(60)

    (finding,) = probe_storage(Hangs(), limit_s=0.05)
    released.set()
    assert finding.severity is Severity.BLOCKER
    assert "time" in finding.message


def _at(severity: Severity, findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is severity]
