"""Two restores into one target: one at a time, and no other one is taken for the first."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.operations_support import (
    Lone,
    Result,
    Vault,
    assert_clean_failure,
    await_stopped,
    describe,
    finish,
    mark_of,
    query,
    run_all,
    schemas,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

LOCK = "shardvault-restore"
OWNER_OFF = "restore.owner=off;"


@pytest.fixture(scope="module", params=[Flavour.MARIADB_1011, Flavour.MYSQL_97])
def pair(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """Hold a source s0 and a target s1."""
    with Fleet([request.param] * 2) as fleet:
        yield fleet


@pytest.fixture
def source(pair: Fleet) -> Instance:
    return pair.shards["s0"]


@pytest.fixture
def target(pair: Fleet) -> Instance:
    return pair.shards["s1"]


@pytest.fixture
def vault(pair: Fleet, source: Instance, tmp_path: Path) -> Vault:
    wipe(*pair.instances)
    run_all(
        source,
        "CREATE DATABASE data",
        "CREATE TABLE data.t (id INT PRIMARY KEY, s VARCHAR(20))",
        "INSERT INTO data.t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        "CREATE VIEW data.v AS SELECT s FROM data.t",
    )
    vault = Vault(tmp_path, Lone({"s0": source}))
    vault.backup()
    return vault


def words(vault: Vault, target: Instance) -> tuple[str, ...]:
    return ("restore", "latest", "--target", vault.target(Lone({"s0": target})), "--format", "json")


def start_stopped(vault: Vault, target: Instance, fail_at: str) -> subprocess.Popen[str]:
    """Start a restore that stops itself at a failpoint."""
    process = vault.start(*words(vault, target), fail_at=fail_at)
    await_stopped(process)
    return process


def let_go_on(process: subprocess.Popen[str]) -> Result:
    os.kill(process.pid, signal.SIGCONT)
    return finish(process)


def kill_lock(target: Instance) -> None:
    """End the session that holds the target, as an administrator can."""
    ((holder,),) = query(target, f"SELECT IS_USED_LOCK('{LOCK}')")
    run_all(target, f"KILL {holder}")


def replace_and_die(vault: Vault, target: Instance, fail_at: str) -> Result:
    return vault.run(*words(vault, target), "--replace", "--yes", fail_at=fail_at)


def test_a_second_restore_is_refused_while_the_first_is_stopped(
    vault: Vault, source: Instance, target: Instance
) -> None:
    first = start_stopped(vault, target, "restore.verified=stop")
    for more in ((), ("--replace", "--yes"), ("--tables", "data.t", "--replace", "--yes")):
        refused = vault.run(*words(vault, target)[:-2], *more)
        assert_clean_failure(refused, 1, "another restore is at work", f"process {first.pid}")
        assert "KILL " in refused.err
    plan = vault.run(*words(vault, target), "--dry-run")
    found: list[Any] = [one for one in plan.report["findings"] if one["what"] == "restores"]
    assert [one["severity"] for one in found] == ["blocker"]
    ended = let_go_on(first)
    assert ended.code == 0, ended.err
    assert ended.report["verified"] is True
    assert mark_of(target) is None
    assert describe(target, "data") == describe(source, "data")


@pytest.mark.parametrize("point", ["restore.marked", "restore.verified", "restore.marked_verified"])
def test_a_restore_that_lost_its_lock_never_ends_as_verified(
    vault: Vault, target: Instance, point: str
) -> None:
    first = start_stopped(vault, target, f"{point}=stop")
    kill_lock(target)
    second = replace_and_die(vault, target, "restore.table_created=kill")
    assert second.code == -signal.SIGKILL, second.err
    ended = let_go_on(first)
    assert_clean_failure(ended, 1, "lost its lock on the target")
    assert '"verified": true' not in ended.out
    assert mark_of(target) == "incomplete"
    again = vault.run(*words(vault, target), "--replace", "--yes")
    assert again.code == 0, again.err
    assert mark_of(target) is None


def test_a_restore_whose_lock_was_lost_without_a_second_one_fails_as_well(
    vault: Vault, target: Instance
) -> None:
    first = start_stopped(vault, target, "restore.rows_done=stop")
    kill_lock(target)
    assert_clean_failure(let_go_on(first), 1, "lost its lock on the target", "run the command")
    assert mark_of(target) == "incomplete"
    assert vault.run(*words(vault, target)).code == 0


def test_without_an_owner_the_first_takes_the_mark_of_the_second_away(
    vault: Vault, target: Instance
) -> None:
    """The negative control: verified, no mark, and no rows."""
    first = start_stopped(vault, target, OWNER_OFF + "restore.verified=stop")
    second = replace_and_die(vault, target, OWNER_OFF + "restore.table_created=kill")
    assert second.code == -signal.SIGKILL, second.err
    ended = let_go_on(first)
    assert ended.code == 0
    assert ended.report["verified"] is True
    assert mark_of(target) is None
    assert query(target, "SELECT COUNT(*) FROM data.t") == [(0,)]


def test_a_mark_whose_owner_was_killed_is_taken_over_by_the_same_command(
    vault: Vault, target: Instance
) -> None:
    first = start_stopped(vault, target, "restore.rows_done=stop")
    ((owner,),) = query(target, "SELECT id FROM _shardvault.owner")
    first.kill()
    finish(first)
    second = start_stopped(vault, target, "restore.keys_done=stop")
    assert query(target, "SELECT id FROM _shardvault.owner") != [(owner,)]
    assert let_go_on(second).code == 0
    assert mark_of(target) is None


def test_of_two_that_plan_at_the_same_time_one_is_refused(
    vault: Vault, source: Instance, target: Instance
) -> None:
    """The second took its plan before the first changed anything."""
    processes = [vault.start(*words(vault, target)) for _ in range(2)]
    ended = [finish(process) for process in processes]
    assert sorted(result.code for result in ended) == [0, 1], [result.err for result in ended]
    assert describe(target, "data") == describe(source, "data")
    assert mark_of(target) is None
    assert "_shardvault" not in schemas(target)
