"""The main promise, proven: a cut taken under live cross-shard writers is causal after a restore."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from shardvault.model.target import Scope
from tests.integration.operations_support import Steps, Vault, run_all, set_failpoints, wipe
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance
from tests.support.workload.check import CheckResult, check_fleet
from tests.support.workload.process import Workload
from tests.support.workload.schema import create_bank

CUTS = 10
CUTS_LONG = 100
CUTS_MYSQL = 3
CUTS_WITHOUT_BARRIER = 6
LEAST_BROKEN = 5  # of them; the load is too weak to prove anything if fewer break
LOST_BARRIER = "cut.barrier=off;cut.some_locked=sleep:0.02"
BANK = Scope(include=("bank",))


class Proof:
    """Hold a fleet under load and a target, and take one cut after another."""

    def __init__(self, vault: Vault, target: Fleet, workload: Workload) -> None:
        self._vault = vault
        self._target = target
        self._file = vault.target(target)
        self._workload = workload
        self.held_ms: list[float] = []
        self.levels: set[str] = set()

    def take_cut(self) -> tuple[CheckResult, int]:
        """Back up, restore and check; also give the last ticket acknowledged before the barrier."""
        begin_s: list[float] = []
        report = self._vault.backup(
            Steps(barrier=lambda: begin_s.append(time.monotonic())), scope=BANK
        )
        self.held_ms.append(report.barrier.held_ms)
        self.levels.add(report.consistency)
        assert self._vault.restore(self._file, replace=True).verified
        return check(self._target), self._acknowledged(begin_s[-1])

    def _acknowledged(self, before_s: float) -> int:
        marks = [event for event in self._workload.events() if event["event"] == "mark"]
        return max(mark["tickets"] for mark in marks if mark["at_s"] < before_s)


def check(fleet: Fleet) -> CheckResult:
    with ExitStack() as stack:
        return check_fleet([stack.enter_context(each.connect()) for each in fleet.instances])


@contextmanager
def proof(folder: Path, source: Fleet, target: Fleet) -> Iterator[Proof]:
    wipe(*source.instances, *target.instances)
    with ExitStack() as stack:
        create_bank([stack.enter_context(each.connect()) for each in source.instances])
    endpoints = [instance.endpoint for instance in source.instances]
    log = folder / "workload.log"
    login = {"user": source.user, "password": source.password}
    with Workload(endpoints, log=log, **login) as workload:
        yield Proof(Vault(folder, source), target, workload)
        workload.stop()


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


def prove_cuts(running: Proof, cuts: int, record: Callable[[str, object], None]) -> None:
    tickets = 0
    for number in range(cuts):
        found, acknowledged = running.take_cut()
        assert found.violations == (), f"cut {number + 1}"
        assert found.tickets >= acknowledged > tickets
        tickets = acknowledged
    assert running.levels == {"barrier+xa"}
    record("cuts", cuts)
    record("worst_hold_ms", round(max(running.held_ms), 1))
    print(f"{cuts} cuts, 0 violations, barrier held {max(running.held_ms):.1f} ms at most")


def test_ten_cuts_under_load_restore_unbroken(
    tmp_path: Path,
    mariadb_fleet: Fleet,
    mariadb_target: Fleet,
    record_property: Callable[[str, object], None],
) -> None:
    with proof(tmp_path, mariadb_fleet, mariadb_target) as running:
        prove_cuts(running, CUTS, record_property)


@pytest.mark.long
def test_a_hundred_cuts_under_load_restore_unbroken(
    tmp_path: Path,
    mariadb_fleet: Fleet,
    mariadb_target: Fleet,
    record_property: Callable[[str, object], None],
) -> None:
    with proof(tmp_path, mariadb_fleet, mariadb_target) as running:
        prove_cuts(running, CUTS_LONG, record_property)


def test_without_the_barrier_nearly_every_cut_is_broken(
    tmp_path: Path,
    mariadb_fleet: Fleet,
    mariadb_target: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """Negative control: the load is strong enough for the tests above to mean something."""
    set_failpoints(monkeypatch, LOST_BARRIER)
    with proof(tmp_path, mariadb_fleet, mariadb_target) as running:
        found = [running.take_cut()[0] for _ in range(CUTS_WITHOUT_BARRIER)]
    broken = sum(not result.is_sound for result in found)
    record_property("broken_cuts", broken)
    print(f"without the barrier {broken} of {CUTS_WITHOUT_BARRIER} cuts are broken")
    assert broken >= LEAST_BROKEN


def test_cuts_of_mysql_under_load_restore_unbroken(
    tmp_path: Path,
    mysql_source: Fleet,
    mysql_target: Fleet,
    record_property: Callable[[str, object], None],
) -> None:
    with proof(tmp_path, mysql_source, mysql_target) as running:
        prove_cuts(running, CUTS_MYSQL, record_property)


def test_a_lost_row_of_the_restored_bank_is_found(
    tmp_path: Path, mariadb_fleet: Fleet, mariadb_target: Fleet
) -> None:
    """Negative control of the check: a row that is not there breaks the chain."""
    with proof(tmp_path, mariadb_fleet, mariadb_target) as running:
        running.take_cut()
    instance: Instance = mariadb_target.instances[0]
    run_all(instance, "DELETE FROM bank.tickets ORDER BY n LIMIT 1")
    assert "ticket missing" in check(mariadb_target).violations[0]
