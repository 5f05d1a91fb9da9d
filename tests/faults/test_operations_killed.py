"""Kill and interrupt backup and restore at every named step."""

from __future__ import annotations

import itertools
import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from shardvault import failpoints
from tests.integration.operations_support import (
    Result,
    Vault,
    assert_clean_failure,
    assert_free,
    await_stopped,
    describe,
    finish,
    mark_of,
    run_all,
    schemas,
    sessions_on,
    wipe,
)
from tests.support import shop
from tests.support.fleet import Fleet
from tests.support.servers import Flavour

ELSEWHERE = ("key.", "prune.", "repair.", "mirror.")
"""Steps of what needs no fleet; tests of the repository walk them."""
POINTS = sorted(name for name in failpoints.STEPS if not name.startswith(ELSEWHERE))
RESTORE_POINTS = [name for name in POINTS if name.startswith("restore.")]
BACKUP_POINTS = [name for name in POINTS if name.startswith(("cut.", "backup.", "repo."))]
COMMITTED = "backup.after_manifest"
INTERRUPTED = {
    "cut.connected",
    "cut.some_locked",
    "cut.all_locked",
    "cut.snapshots_open",
    "backup.range_read",
    "repo.pack",
    COMMITTED,
    "restore.range_loaded",
    "restore.keys_done",
}
"""Where Ctrl-C is pressed in the default suite; the long one presses it at every step."""
ORDERS = 160
NEW_ACCOUNTS = itertools.count(10_000)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, mariadb_fleet: Fleet) -> Vault:
    """Hold a shop with one complete backup; its source is the shared fleet."""
    wipe(*mariadb_fleet.instances)
    shop.create_shop(mariadb_fleet.instances)
    shop.fill_shop(mariadb_fleet.instances, rows=ORDERS)
    vault = Vault(tmp_path_factory.mktemp("vault"), mariadb_fleet, tables=shop.TABLES)
    vault.backup()
    return vault


@pytest.fixture(scope="module")
def target_fleet() -> Iterator[Fleet]:
    with Fleet([Flavour.MARIADB_1011] * 4) as fleet:
        yield fleet


@pytest.fixture
def target(target_fleet: Fleet) -> Fleet:
    wipe(*target_fleet.instances)
    return target_fleet


def add_row(fleet: Fleet) -> None:
    """Make something new to store."""
    row = f"({next(NEW_ACCOUNTS)}, '{secrets.token_hex(40)}', 1.5)"
    statement = f"INSERT INTO shop.accounts (account_id, owner, balance) VALUES {row}"
    run_all(fleet.instances[0], statement)


def interrupt(vault: Vault, *words: str, at: str) -> Result:
    """Press Ctrl-C while the program is at a step."""
    process = vault.start(*words, fail_at=f"{at}=stop@1")
    await_stopped(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    return finish(process)


def assert_listed(vault: Vault, before: list[str], point: str) -> None:
    """Prove that what is listed is whole, and that a broken off backup is not."""
    ids = vault.listed()
    assert ids[: len(before)] == before
    assert len(ids) == len(before) + (point == COMMITTED)
    assert vault.verify(ids[-1]).status == "ok"


def test_every_failpoint_is_walked_by_a_test_below() -> None:
    assert sorted(BACKUP_POINTS + RESTORE_POINTS) == POINTS


@pytest.mark.parametrize("point", BACKUP_POINTS)
def test_a_killed_backup_is_not_listed_and_the_next_one_works(
    vault: Vault, mariadb_fleet: Fleet, point: str
) -> None:
    before, known = vault.listed(), sessions_on(mariadb_fleet.instances)
    add_row(mariadb_fleet)
    assert vault.run("backup", fail_at=f"{point}=kill@1").code == -signal.SIGKILL
    assert_free(mariadb_fleet.instances, known)
    assert_listed(vault, before, point)
    assert vault.verify(vault.backup().id).status == "ok"


def mark_long(points: list[str]) -> list[Any]:
    """Leave most points to the long suite."""
    return [
        pytest.param(point, marks=() if point in INTERRUPTED else pytest.mark.long(part="kills"))
        for point in points
    ]


@pytest.mark.parametrize("point", mark_long(BACKUP_POINTS))
def test_an_interrupted_backup_leaves_no_lock_and_ends_with_130(
    vault: Vault, mariadb_fleet: Fleet, point: str
) -> None:
    before, known = vault.listed(), sessions_on(mariadb_fleet.instances)
    add_row(mariadb_fleet)
    stopped = interrupt(vault, "backup", at=point)
    assert stopped.code == 130, stopped.err
    assert "Traceback" not in stopped.err
    assert_free(mariadb_fleet.instances, known)
    assert_listed(vault, before, point)


def test_after_an_interruption_the_next_backup_works(vault: Vault, mariadb_fleet: Fleet) -> None:
    add_row(mariadb_fleet)
    assert interrupt(vault, "backup", at="backup.range_read").code == 130
    again = vault.run("backup", "--format", "json")
    assert again.code == 0, again.err
    assert vault.run("verify", again.report["id"]).code == 0
    assert vault.run("list").code == 0


def describe_all(fleet: Fleet) -> list[dict[str, Any]]:
    return [describe(instance, "shop") for instance in fleet.instances]


def assert_incomplete(target: Fleet, point: str = "") -> None:
    """Prove that every target that was touched says so, until all were verified."""
    touched = [
        instance for instance in target.instances if set(schemas(instance)) - {"_shardvault"}
    ]
    assert touched or any(map(mark_of, target.instances))
    ended = point in {"restore.marked_verified", "restore.event_awake", "restore.mark_removed"}
    told = {"verified", None} if ended else {"incomplete"}
    assert {mark_of(instance) for instance in touched} <= told


def assert_finishes(vault: Vault, source: Fleet, target: Fleet, *words: str) -> None:
    """Prove that the same command again ends what was begun."""
    again = vault.run(*words, "--format", "json")
    assert again.code == 0, again.err
    assert again.report["verified"] is True
    assert {mark_of(instance) for instance in target.instances} == {None}
    assert describe_all(target) == describe_all(source)


@pytest.mark.parametrize("point", RESTORE_POINTS)
def test_a_killed_restore_says_so_on_the_target_and_can_be_finished(
    vault: Vault, mariadb_fleet: Fleet, target: Fleet, point: str
) -> None:
    vault.backup()
    words = ("restore", "latest", "--target", vault.target(target))
    known = sessions_on(target.instances)
    assert vault.run(*words, fail_at=f"{point}=kill@1").code == -signal.SIGKILL
    assert_free(target.instances, known)
    assert_incomplete(target, point)
    other = vault.run(*words, "--tables", "orders")
    assert_clean_failure(other, 1, "not complete", "_shardvault", "finish that restore")
    assert_incomplete(target, point)
    assert_finishes(vault, mariadb_fleet, target, *words)


@pytest.mark.parametrize("point", mark_long(RESTORE_POINTS))
def test_an_interrupted_restore_ends_with_130_and_can_be_finished(
    vault: Vault, mariadb_fleet: Fleet, target: Fleet, point: str
) -> None:
    vault.backup()
    words = ("restore", "latest", "--target", vault.target(target))
    known = sessions_on(target.instances)
    stopped = interrupt(vault, *words, at=point)
    assert stopped.code == 130, stopped.err
    assert "Traceback" not in stopped.err
    assert_free(target.instances, known)
    assert_incomplete(target, point)
    assert_finishes(vault, mariadb_fleet, target, *words)


@pytest.mark.parametrize("point", ["restore.marked", "restore.table_created"])
def test_a_killed_replacement_leaves_nothing_of_what_was_there_before(
    vault: Vault, mariadb_fleet: Fleet, target: Fleet, point: str
) -> None:
    for instance in target.instances:
        run_all(
            instance,
            "CREATE DATABASE shop",
            "CREATE TABLE shop.stale (n INT)",
            "CREATE TABLE shop.open_totals (n INT)",
            "CREATE VIEW shop.country AS SELECT 1",
        )
    vault.backup()
    words = ("restore", "latest", "--target", vault.target(target), "--replace", "--yes")
    assert vault.run(*words, fail_at=f"{point}=kill@1").code == -signal.SIGKILL
    assert_finishes(vault, mariadb_fleet, target, *words)


def test_a_restore_that_was_given_up_does_not_count_for_the_next(
    vault: Vault, mariadb_fleet: Fleet, target: Fleet
) -> None:
    """What a given up restore noted as loaded must not be left out by another one."""
    file = vault.target(target)
    vault.backup()
    begun = ("restore", "latest", "--target", file, "--tables", "orders,accounts")
    assert vault.run(*begun, fail_at="restore.rows_done=kill").code == -signal.SIGKILL
    words = ("restore", "latest", "--target", file, "--replace", "--yes")
    assert vault.run(*words, fail_at="restore.rows_done=kill").code == -signal.SIGKILL
    assert_finishes(vault, mariadb_fleet, target, *words)
