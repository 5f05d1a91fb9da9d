from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pymysql
import pytest

from tests.support.binaries import PROJECT
from tests.support.fleet import Fleet
from tests.support.servers import Flavour
from tests.support.workload.check import CheckResult, check_fleet
from tests.support.workload.process import Workload, WorkloadFailed
from tests.support.workload.schema import create_bank, parse_endpoint

Shards = list[pymysql.Connection]

# A small bank that a causal cut could leave: shard 0 has accounts 0…, shard 1 has 1000….
# Transfer 1 is complete; transfer 2 is in flight.
SOUND = (
    (0, "INSERT INTO tickets VALUES (1), (4), (5)"),
    (1, "INSERT INTO tickets VALUES (2), (3)"),
    (0, "INSERT INTO counters VALUES (0, 0), (0, 1), (0, 2)"),
    (1, "INSERT INTO counters VALUES (1, 0)"),
    (0, "INSERT INTO journal VALUES (1, 'debit', 7, 1007, 10), (2, 'debit', 8, 1008, 5)"),
    (0, "UPDATE accounts SET balance = balance - 10 WHERE account = 7"),
    (0, "UPDATE accounts SET balance = balance - 5 WHERE account = 8"),
    (1, "INSERT INTO journal VALUES (1, 'credit', 7, 1007, 10)"),
    (1, "UPDATE accounts SET balance = balance + 10 WHERE account = 1007"),
)
CREDIT = "UPDATE accounts SET balance = balance + 5 WHERE account = 1008"
DAMAGES = {
    "ticket missing: 3": [(1, "DELETE FROM tickets WHERE n = 3")],
    "ticket there twice: 3": [(0, "INSERT INTO tickets VALUES (3)")],
    "ticket below 1: 0": [(0, "INSERT INTO tickets VALUES (0)")],
    "row of counter 0 missing: 1": [(0, "DELETE FROM counters WHERE client = 0 AND k = 1")],
    "row of counter 1 there twice: 0": [(0, "INSERT INTO counters VALUES (1, 0)")],
    "credit without its debit, transfer: 3": [
        (1, "INSERT INTO journal VALUES (3, 'credit', 8, 1008, 5)"),
        (1, CREDIT),
    ],
    "credit unlike its debit, transfer: 2": [
        (1, "INSERT INTO journal VALUES (2, 'credit', 9, 1008, 5)"),
        (1, CREDIT),
    ],
    "debit there twice, transfer: 1": [(1, "INSERT INTO journal VALUES (1, 'debit', 7, 1007, 10)")],
    "credit there twice, transfer: 1": [
        (0, "INSERT INTO journal VALUES (1, 'credit', 7, 1007, 10)")
    ],
    "balance unlike the journal, account: 1008": [(1, CREDIT)],
    "money is not conserved": [(1, CREDIT)],
    "money was created: 1 more": [
        (1, "INSERT INTO journal VALUES (3, 'credit', 8, 1008, 6)"),
    ],
    "a shard has 49 accounts": [(1, "DELETE FROM accounts WHERE account = 1049")],
}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet([Flavour.MARIADB_1011] * 2) as fleet:
        yield fleet


@pytest.fixture
def shards(fleet: Fleet) -> Iterator[Shards]:
    """Give one connection per shard, to a fresh and empty bank."""
    with ExitStack() as stack:
        shards = [stack.enter_context(instance.connect()) for instance in fleet.instances]
        for connection in shards:
            connection.query("DROP DATABASE IF EXISTS bank")
        create_bank(shards)
        for connection in shards:
            connection.select_db("bank")
        yield shards


def run_all(shards: Shards, statements: Sequence[tuple[int, str]]) -> None:
    for shard, statement in statements:
        shards[shard].query(statement)


def test_a_bank_that_a_causal_cut_could_leave_is_sound(shards: Shards) -> None:
    run_all(shards, SOUND)
    result = check_fleet(shards)
    assert result.violations == ()
    assert (result.tickets, result.counters) == (5, {0: 2, 1: 0})
    assert (result.transfers, result.in_flight_transfers, result.in_flight_amount) == (2, 1, 5)


@pytest.mark.parametrize("violation", DAMAGES)
def test_the_check_finds(violation: str, shards: Shards) -> None:
    run_all(shards, SOUND)
    run_all(shards, DAMAGES[violation])
    found = check_fleet(shards).violations
    assert any(text.startswith(violation) for text in found), found


def test_what_was_acknowledged_is_stored_and_sound(
    fleet: Fleet, shards: Shards, tmp_path: Path
) -> None:
    with make_workload(fleet, tmp_path) as workload:
        report = workload.stop()
    result = check_fleet(shards)
    assert result.violations == ()
    assert (result.tickets, result.transfers) == (report["tickets"], report["transfers"])
    assert result.in_flight_amount == 0
    assert result.tickets > 0


def test_a_second_run_goes_on_where_the_first_ended(
    fleet: Fleet, shards: Shards, tmp_path: Path
) -> None:
    for _ in range(2):
        with make_workload(fleet, tmp_path) as workload:
            report = workload.stop()
    result = check_fleet(shards)
    assert result.violations == ()
    assert result.tickets == report["tickets"]


def test_a_cut_askew_breaks_the_chain(fleet: Fleet, shards: Shards, tmp_path: Path) -> None:
    with make_workload(fleet, tmp_path):
        broken = [not take_cut(shards, skew_s=0.01).is_sound for _ in range(5)]
    assert any(broken)


def test_a_cut_under_a_barrier_is_sound(fleet: Fleet, shards: Shards, tmp_path: Path) -> None:
    with make_workload(fleet, tmp_path), ExitStack() as stack:
        lockers = [stack.enter_context(i.connect()) for i in fleet.instances]
        for stage in ("START", "BLOCK_DDL", "BLOCK_COMMIT"):
            for locker in lockers:
                locker.query(f"BACKUP STAGE {stage}")
        result = take_cut(shards, skew_s=0.01)
    assert result.violations == ()
    assert result.tickets > 0


def test_a_frozen_shard_is_logged_as_a_stall(fleet: Fleet, shards: Shards, tmp_path: Path) -> None:
    with make_workload(fleet, tmp_path) as workload:
        begin_s = time.monotonic()
        fleet.instances[0].freeze()
        time.sleep(0.3)
        fleet.instances[0].thaw()
        report = workload.stop()
    stalls = [event for event in workload.events() if event["event"] == "stall"]
    assert report["worst_stall_ms"] > 200
    assert any(s["shard"] == 0 and s["ms"] > 200 and s["at_s"] > begin_s - 1 for s in stalls)


def test_a_lost_shard_can_be_tolerated(tmp_path: Path) -> None:
    with (
        Fleet([Flavour.MARIADB_1011] * 2) as fleet,
        make_workload(prepare(fleet), tmp_path, tolerates_loss=True) as workload,
    ):
        fleet.instances[1].kill()
        wait_for(workload, "lost")
        report = workload.stop()
        assert list(report["lost"]) == ["1"]
        assert report["error"] is None


def test_a_lost_shard_is_otherwise_an_error(tmp_path: Path) -> None:
    with (
        Fleet([Flavour.MARIADB_1011] * 2) as fleet,
        make_workload(prepare(fleet), tmp_path) as workload,
    ):
        fleet.instances[1].kill()
        wait_for(workload, "report")
        with pytest.raises(WorkloadFailed, match="shard 1 lost"):
            workload.stop()


def test_a_workload_without_a_bank_says_why_it_did_not_start(
    mariadb_fleet: Fleet, tmp_path: Path
) -> None:
    with pytest.raises(WorkloadFailed, match=r"bank\.tickets"):
        make_workload(mariadb_fleet, tmp_path).start()


def test_the_program_creates_writes_and_checks(
    fleet: Fleet, shards: Shards, tmp_path: Path
) -> None:
    for connection in shards:
        connection.query("DROP DATABASE bank")
    assert call(fleet, "create").returncode == 0
    log = str(tmp_path / "log")
    done = call(fleet, "run", "--seconds", "0.3", "--clients", "1", "--log", log)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    verdict = call(fleet, "check")
    assert verdict.returncode == 0
    assert json.loads(verdict.stdout)["tickets"] == report["tickets"]


def test_the_program_fails_on_a_broken_chain(fleet: Fleet, shards: Shards) -> None:
    run_all(shards, SOUND)
    run_all(shards, DAMAGES["ticket missing: 3"])
    verdict = call(fleet, "check")
    assert verdict.returncode == 1
    assert json.loads(verdict.stdout)["violations"] == ["ticket missing: 3 (1 in all)"]


def test_a_place_is_a_socket_or_a_host_with_its_port() -> None:
    assert parse_endpoint("/run/s0.sock").socket == "/run/s0.sock"
    assert (parse_endpoint("db:3307").host, parse_endpoint("db:3307").port) == ("db", 3307)
    with pytest.raises(ValueError, match="host:port"):
        parse_endpoint("db")


def take_cut(shards: Shards, *, skew_s: float) -> CheckResult:
    """Open a snapshot on one shard after the other and check what they show together."""
    for connection in shards:
        connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        time.sleep(skew_s)
    try:
        return check_fleet(shards)
    finally:
        for connection in shards:
            connection.rollback()


def prepare(fleet: Fleet) -> Fleet:
    with ExitStack() as stack:
        create_bank([stack.enter_context(i.connect()) for i in fleet.instances])
    return fleet


def make_workload(fleet: Fleet, folder: Path, *, tolerates_loss: bool = False) -> Workload:
    return Workload(
        [instance.endpoint for instance in fleet.instances],
        log=folder / "workload.log",
        user=fleet.user,
        password=fleet.password,
        tolerates_loss=tolerates_loss,
    )


def wait_for(workload: Workload, event: str) -> None:
    deadline = time.monotonic() + 20
    while all(line["event"] != event for line in workload.events()):
        assert time.monotonic() < deadline, f"no {event} in the log"
        time.sleep(0.02)


def call(fleet: Fleet, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.support.workload", verb, *options]
    command += ["--user", fleet.user, "--password-env", "BANK_PASSWORD"]
    for instance in fleet.instances:
        command += ["--instance", instance.socket]
    env = os.environ | {"BANK_PASSWORD": fleet.password, "PYTHONPATH": str(PROJECT / "src")}
    return subprocess.run(
        command, capture_output=True, check=False, cwd=PROJECT, env=env, text=True, timeout=60
    )
