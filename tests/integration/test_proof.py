"""The main promise: a cut taken under live cross-shard writers is causal after its restore."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from shardvault import app
from shardvault.model.report import BackupReport
from shardvault.model.target import Scope
from tests.integration.operations_support import Steps, Vault, set_failpoints, wipe
from tests.support.fleet import Fleet
from tests.support.servers import Flavour
from tests.support.workload.check import CheckResult, check_fleet
from tests.support.workload.process import Workload
from tests.support.workload.schema import create_bank

CUTS = 10
ROUNDS_LONG = 10
CUTS_MYSQL = 3
CUTS_WITHOUT_BARRIER = 6
LEAST_BROKEN = 5  # of them; the load is too weak to prove anything if fewer break
LOST_BARRIER = "cut.barrier=off;cut.some_locked=sleep:0.02"
BANK = Scope(include=("bank",))

Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Taken:
    """Hold one backup and the last ticket that was acknowledged before its barrier."""

    report: BackupReport
    acknowledged: int


def take_cuts(vault: Vault, source: Fleet, cuts: int) -> list[Taken]:
    """Take one backup after another while the workload runs on a fresh bank."""
    wipe(*source.instances)
    with ExitStack() as stack:
        create_bank([stack.enter_context(each.connect()) for each in source.instances])
    workload = Workload(
        [instance.endpoint for instance in source.instances],
        log=vault.folder / "workload.log",
        user=source.user,
        password=source.password,
    )
    with workload:
        taken = [_take_cut(vault, workload) for _ in range(cuts)]
        workload.stop()
    return taken


def _take_cut(vault: Vault, workload: Workload) -> Taken:
    begin_s: list[float] = []
    sink = Steps(barrier=lambda: begin_s.append(time.monotonic()))
    report = vault.backup(sink, scope=BANK)
    marks = [event for event in workload.events() if event["event"] == "mark"]
    return Taken(report, max(each["tickets"] for each in marks if each["at_s"] < begin_s[0]))


def restore_and_check(vault: Vault, cut: Taken, target: Fleet) -> CheckResult:
    file = vault.target(target)
    assert app.restore(cut.report.id, vault.config, target=file, replace=True).verified
    return check(target)


def check(fleet: Fleet) -> CheckResult:
    with ExitStack() as stack:
        return check_fleet([stack.enter_context(each.connect()) for each in fleet.instances])


def prove_cuts(vault: Vault, source: Fleet, target: Fleet, cuts: int, record: Record) -> None:
    """Take cuts under load, restore each, and let no rule be broken in any."""
    wipe(*target.instances)
    taken = take_cuts(vault, source, cuts)
    for number, cut in enumerate(taken):
        found = restore_and_check(vault, cut, target)
        assert found.violations == (), f"cut {number + 1}"
        assert found.tickets >= cut.acknowledged > 0
    assert {cut.report.consistency for cut in taken} == {"barrier+xa"}
    held_ms = max(cut.report.barrier.held_ms for cut in taken)
    record("cuts", cuts)
    record("worst_hold_ms", round(held_ms, 1))
    print(f"{cuts} cuts, 0 violations, barrier held {held_ms:.1f} ms at most")


@pytest.fixture(scope="module")
def mariadb_target() -> Iterator[Fleet]:
    with Fleet([Flavour.MARIADB_1011] * 4) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def mysql_source() -> Iterator[Fleet]:
    with Fleet([Flavour.MYSQL_97] * 2) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def mysql_target() -> Iterator[Fleet]:
    with Fleet([Flavour.MYSQL_97] * 2) as fleet:
        yield fleet


def test_ten_cuts_under_load_restore_unbroken(
    tmp_path: Path, mariadb_fleet: Fleet, mariadb_target: Fleet, record_property: Record
) -> None:
    vault = Vault(tmp_path, mariadb_fleet)
    prove_cuts(vault, mariadb_fleet, mariadb_target, CUTS, record_property)


@pytest.mark.long(part="proof")
def test_a_hundred_cuts_under_load_restore_unbroken(
    tmp_path: Path, mariadb_fleet: Fleet, mariadb_target: Fleet, record_property: Record
) -> None:
    vault = Vault(tmp_path, mariadb_fleet)
    for _ in range(ROUNDS_LONG):
        prove_cuts(vault, mariadb_fleet, mariadb_target, CUTS, record_property)


@pytest.mark.long(part="proof")
def test_without_the_barrier_nearly_every_cut_is_broken(
    tmp_path: Path,
    mariadb_fleet: Fleet,
    mariadb_target: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Record,
) -> None:
    """Negative control: the load is strong enough for the tests above to mean something.

    One cut without the barrier is broken in each short run, by tests of the demo and of
    MariaDB 10.5.
    """
    vault = Vault(tmp_path, mariadb_fleet)
    wipe(*mariadb_target.instances)
    set_failpoints(monkeypatch, LOST_BARRIER)
    taken = take_cuts(vault, mariadb_fleet, CUTS_WITHOUT_BARRIER)
    found = [restore_and_check(vault, cut, mariadb_target) for cut in taken]
    broken = sum(not result.is_sound for result in found)
    record_property("broken_cuts", broken)
    print(f"without the barrier {broken} of {CUTS_WITHOUT_BARRIER} cuts are broken")
    assert broken >= LEAST_BROKEN


def test_cuts_of_mysql_under_load_restore_unbroken(
    tmp_path: Path, mysql_source: Fleet, mysql_target: Fleet, record_property: Record
) -> None:
    vault = Vault(tmp_path, mysql_source)
    prove_cuts(vault, mysql_source, mysql_target, CUTS_MYSQL, record_property)
