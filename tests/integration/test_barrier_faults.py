from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from shardvault.barrier import BarrierLimits
from shardvault.errors import BarrierTimeout, RefusedError
from shardvault.failpoints import VARIABLE
from shardvault.model.target import Endpoint, Scope
from shardvault.model.target import Fleet as Shards
from shardvault.operations.examination import examine_fleet
from tests.integration.barrier_support import (
    LEASE_S,
    cut_of,
    make_schema,
    session_of,
    shard_of,
    shards_of,
)
from tests.integration.operations_support import set_failpoints
from tests.support.fleet import Fleet
from tests.support.proxy import FaultProxy

ANSWER_LIMIT_S = 30


@contextmanager
def coordinator(fleet: Fleet, failpoints: str) -> Iterator[subprocess.Popen[str]]:
    """Start a process that takes a cut and meets these failpoints."""
    places = [f"{name}={instance.socket}" for name, instance in fleet.shards.items()]
    environment = os.environ | {VARIABLE: failpoints, "SHARD_PASSWORD": fleet.password}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.barrier_child", *places],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def await_frozen(process: subprocess.Popen[str]) -> None:
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)


def write_everywhere(fleet: Fleet, limit_s: int) -> None:
    """Write on every shard; the server itself ends a write that waits longer than the limit."""
    for instance in fleet.instances:
        with session_of(instance) as session:
            session.execute(f"SET lock_wait_timeout = {limit_s}")
            session.execute("INSERT INTO fault.t VALUES (1)")


@pytest.fixture
def fleet(mariadb_fleet: Fleet) -> Fleet:
    for instance in mariadb_fleet.instances:
        make_schema(instance, "fault", "CREATE TABLE t (n INT)")
    return mariadb_fleet


@pytest.mark.parametrize(
    "step",
    [
        "cut.connected",
        "cut.gently_locked",
        "cut.some_locked",
        "cut.all_locked",
        "cut.snapshots_open",
        "cut.probed",
        "cut.released",
    ],
)
def test_a_killed_coordinator_leaves_no_lock(fleet: Fleet, step: str) -> None:
    with coordinator(fleet, f"{step}=kill") as process:
        assert process.wait(ANSWER_LIMIT_S) == -signal.SIGKILL
        write_everywhere(fleet, limit_s=1)


@pytest.mark.parametrize("step", ["cut.some_locked", "cut.all_locked", "cut.snapshots_open"])
def test_a_frozen_coordinator_loses_its_locks_and_rejects_its_cut(fleet: Fleet, step: str) -> None:
    with coordinator(fleet, f"{step}=stop@1") as process:
        await_frozen(process)
        write_everywhere(fleet, limit_s=LEASE_S + 2)
        process.send_signal(signal.SIGCONT)
        answer, _ = process.communicate(timeout=ANSWER_LIMIT_S)
    assert answer == "rejected CutRejected\n"


def test_without_fencing_a_frozen_coordinator_accepts_a_cut_it_lost(fleet: Fleet) -> None:
    with coordinator(fleet, "cut.all_locked=stop@1;cut.fencing=off") as process:
        await_frozen(process)
        write_everywhere(fleet, limit_s=LEASE_S + 2)
        process.send_signal(signal.SIGCONT)
        answer, _ = process.communicate(timeout=ANSWER_LIMIT_S)
    assert answer == "accepted\n"


def test_an_error_under_the_barrier_leaves_no_lock(fleet: Fleet) -> None:
    with coordinator(fleet, "cut.all_locked=error") as process:
        answer, _ = process.communicate(timeout=ANSWER_LIMIT_S)
        write_everywhere(fleet, limit_s=1)
    assert answer == "rejected ShardvaultError\n"


def test_a_shard_too_far_away_is_refused_before_any_lock_is_asked_for(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_failpoints(monkeypatch, "cut.connected=error")
    name, instance = next(iter(fleet.shards.items()))
    near = [shard for shard in shards_of(fleet.shards) if shard.name != name]
    with FaultProxy(instance.socket) as proxy:
        proxy.delay(0.15)
        place = Endpoint(host=proxy.host, port=proxy.port)
        far = replace(shard_of(name, instance), primary=place)
        with (
            pytest.raises(RefusedError, match=f"shard {name}: a round trip takes"),
            cut_of([far, *near], BarrierLimits()),
        ):
            pass
        found = examine_fleet(Shards("shop", (far,)), Scope())
    (blocker,) = [one for one in found if one.what == "round trip"]
    assert "a round trip takes" in blocker.message


def test_lock_tables_elsewhere_is_waited_for_once_not_in_every_attempt(fleet: Fleet) -> None:
    name, instance = next(iter(fleet.shards.items()))
    limits = BarrierLimits(attempts=5, gentle_s=1.0)
    with session_of(instance) as holder:
        holder.execute("LOCK TABLES fault.t WRITE")
        with (
            pytest.raises(BarrierTimeout, match=rf"shard {name}: .*\(attempt 1 of 5\)"),
            cut_of(shards_of(fleet.shards), limits),
        ):
            pass
