"""The coordinator dies or freezes while every shard is locked: the writers must go on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.barrier_support import wait_until
from tests.integration.operations_support import (
    Result,
    Vault,
    assert_clean_failure,
    assert_free,
    await_stopped,
    finish,
    sessions_on,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.workload.process import Workload
from tests.support.workload.schema import create_bank

LEASE_S = 3  # the default of the configuration
SLACK_S = 2  # for a machine that has other things to do
FAIL_EARLY = "backup:\n  barrier: {attempts: 1}\n"

Record = Callable[[str, object], None]


@pytest.fixture
def vault(tmp_path: Path, mariadb_fleet: Fleet) -> Vault:
    wipe(*mariadb_fleet.instances)
    with ExitStack() as stack:
        create_bank([stack.enter_context(each.connect()) for each in mariadb_fleet.instances])
    return Vault(tmp_path, mariadb_fleet)


@contextmanager
def writers(vault: Vault, fleet: Fleet) -> Iterator[Workload]:
    workload = Workload(
        [instance.endpoint for instance in fleet.instances],
        log=vault.folder / "workload.log",
        user=fleet.user,
        password=fleet.password,
    )
    with workload:
        yield workload


def await_writes(workload: Workload, since_s: float) -> None:
    """Wait until every client has gone on behind a moment."""

    def has_gone_on() -> bool:
        marks = [e for e in workload.events() if e["event"] == "mark" and e["at_s"] > since_s]
        return bool(marks) and marks[-1]["tickets"] > marks[0]["tickets"]

    wait_until(has_gone_on)


def report_stall(report: dict[str, Any], what: str, record: Record) -> float:
    stall_ms = float(report["worst_stall_ms"])
    record("worst_stall_ms", round(stall_ms, 1))
    print(f"coordinator {what} with every shard locked: writers waited {stall_ms:.0f} ms at most")
    return stall_ms / 1000


def assert_next_backup_works(vault: Vault) -> None:
    done = vault.backup()
    assert vault.listed() == [done.id]
    assert vault.verify().status == "ok"


def test_writers_go_on_when_the_coordinator_is_killed(
    vault: Vault, mariadb_fleet: Fleet, record_property: Record
) -> None:
    with writers(vault, mariadb_fleet) as workload:
        known = sessions_on(mariadb_fleet.instances)
        killed = finish(vault.start("backup", fail_at="cut.all_locked=kill@1"))
        await_writes(workload, time.monotonic())
        assert_free(mariadb_fleet.instances, known)
        report = workload.stop()
    assert killed.code == -signal.SIGKILL
    assert report_stall(report, "killed", record_property) < 1 + SLACK_S
    assert vault.listed() == []
    assert_next_backup_works(vault)


def freeze_and_wake(vault: Vault, workload: Workload) -> Result:
    process = vault.start("backup", fail_at="cut.all_locked=stop@1")
    await_stopped(process)
    await_writes(workload, time.monotonic())
    process.send_signal(signal.SIGCONT)
    return finish(process)


def test_writers_go_on_when_the_coordinator_freezes_and_it_rejects_its_cut(
    vault: Vault, mariadb_fleet: Fleet, record_property: Record
) -> None:
    vault.configure(FAIL_EARLY)
    with writers(vault, mariadb_fleet) as workload:
        known = sessions_on(mariadb_fleet.instances)
        woken = freeze_and_wake(vault, workload)
        assert_free(mariadb_fleet.instances, known)
        report = workload.stop()
    assert_clean_failure(woken, 1, "shard s", "attempt 1 of 1")
    assert report_stall(report, "frozen", record_property) < LEASE_S + 1 + SLACK_S
    assert vault.listed() == []
    assert_next_backup_works(vault)


def test_a_woken_coordinator_with_tries_left_takes_another_cut(
    vault: Vault, mariadb_fleet: Fleet
) -> None:
    with writers(vault, mariadb_fleet) as workload:
        woken = freeze_and_wake(vault, workload)
        workload.stop()
    assert woken.code == 0, woken.err
    assert len(vault.listed()) == 1
