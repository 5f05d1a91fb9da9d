"""Run `diff` and `find` on a real, small repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_repo import Home


@pytest.fixture
def home(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    return Home(tmp_path, run)


def test_a_difference_is_shown_and_is_the_exit_code(home: Home) -> None:
    outcome = home.run("diff", "one", "two")
    assert outcome.code == 3
    (line,) = [line for line in outcome.out.splitlines() if ".items" in line]
    assert "added" in line
    report = home.run("diff", "one", "two", "--format=json").json
    assert (report["status"], report["equal_tables"]) == ("different", 1)
    assert home.run("diff", "two", "two").code == 0


def test_a_name_is_found_in_the_backups_that_have_it(home: Home) -> None:
    outcome = home.run("find", "items")
    assert outcome.code == 0
    assert [line.split()[0] for line in outcome.out.splitlines()[1:]] == ["two"]
    found = home.run("find", "orders", "--format=json").json["found"]
    assert [(one["backup"], one["is_changed"]) for one in found] == [("one", True), ("two", False)]
    assert "nothing matches" in home.run("find", "nowhere").out


def test_a_search_that_missed_a_damaged_backup_is_no_success(home: Home) -> None:
    spoilt = home.spoil("manifests/")
    outcome = home.run("find", "orders")
    assert outcome.code == 3
    assert spoilt in outcome.out


def test_a_backup_that_is_not_there_is_an_error_of_usage(home: Home) -> None:
    assert home.run("diff", "one", "three").code == 2
