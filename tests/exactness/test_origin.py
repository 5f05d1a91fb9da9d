"""One case that cannot be laid, backed up or restored affects itself only."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.errors import ShardvaultError
from tests.exactness import origin as origin_module
from tests.exactness.case import Case
from tests.exactness.landing import restore_at_home
from tests.exactness.origin import Builder, Origin
from tests.exactness.reading import read_state
from tests.exactness.round_trip import list_differences
from tests.exactness.runs import Runs
from tests.support.fleet import Fleet
from tests.support.servers import Flavour

OLD = Flavour.MARIADB_1011
ROWS = ("CREATE TABLE t (i INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
GOOD = tuple(Case("D01", f"good_{number}", ROWS) for number in range(3))
IMPOSSIBLE = Case("D01", "impossible", ("CREATE TABLE t (i INT)", "CREATE TABLE t (v NO_TYPE)"))
REFUSED = Case("D01", "refused", ("CREATE TABLE t (g INT AS (1))",))
CASES = (GOOD[0], REFUSED, GOOD[1], IMPOSSIBLE, GOOD[2])
on_old = pytest.mark.parametrize("flavour", [OLD], ids=[OLD.value])


def build(fleet: Fleet, runs: Runs, flavour: Flavour, folder: Path) -> Origin:
    builder = Builder(fleet.instances[0], folder, runs.quirks(flavour))
    return builder.build(CASES, read_state)


def judge(found: Origin) -> None:
    assert [case.id for case in found.cases] == [case.id for case in GOOD]
    assert "NO_TYPE" in found.judged[IMPOSSIBLE.id].unlaid
    assert "only generated columns" in found.judged[REFUSED.id].error


@on_old
@pytest.mark.parametrize("off", ["", "check", "names"])
def test_what_is_refused_by_surprise_is_left_out_of_the_common_backup(
    off: str, flavour: Flavour, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if off:
        monkeypatch.setattr(Builder, "_find_refused", lambda *_: [])
    if off == "names":
        monkeypatch.setattr(origin_module, "pick_named", lambda *_: [])
    with Fleet([flavour]) as fleet:
        found = build(fleet, runs, flavour, tmp_path / "origin")
        judge(found)
        outcomes = restore_at_home(found, runs.target(flavour), tmp_path / "home")
    assert all(list_differences(case, outcomes[case.id]) == [] for case in GOOD)
    assert list_differences(REFUSED, outcomes[REFUSED.id]) != []


@on_old
def test_without_leaving_it_out_it_stops_the_backup_of_all(
    flavour: Flavour, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Builder, "_find_refused", lambda *_: [])
    monkeypatch.setattr(Builder, "_search", lambda *_: [])
    monkeypatch.setattr(origin_module, "pick_named", lambda *_: [])
    with Fleet([flavour]) as fleet, pytest.raises(ShardvaultError, match="refused"):
        build(fleet, runs, flavour, tmp_path / "origin")
