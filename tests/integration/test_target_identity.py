"""A live server of the source fleet is never overwritten unless its fleet's name is typed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shardvault import app
from shardvault.model.position import Family
from shardvault.model.report import Finding, RestorePlanReport, Severity
from tests.integration.operations_support import (
    Lone,
    Vault,
    assert_clean_failure,
    query,
    run_all,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

START_LIMIT_S = 30.0
REPLACE = ("restore", "latest", "--replace", "--yes")


@pytest.fixture(
    scope="module",
    params=[Flavour.MARIADB_1011, Flavour.MYSQL_97],
    ids=lambda flavour: flavour.value,
)
def pair(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """Hold a source s0 and a spare server s1."""
    with Fleet([request.param] * 2) as fleet:
        yield fleet


@pytest.fixture
def source(pair: Fleet) -> Instance:
    return pair.shards["s0"]


@pytest.fixture
def spare(pair: Fleet) -> Instance:
    return pair.shards["s1"]


@pytest.fixture
def vault(pair: Fleet, source: Instance, tmp_path: Path) -> Vault:
    """Hold a backup; the source has one row more than it."""
    wipe(*pair.instances)
    run_all(source, "CREATE DATABASE data", "CREATE TABLE data.t (id INT PRIMARY KEY)")
    vault = Vault(tmp_path, Lone({"s0": source}))
    vault.backup()
    run_all(source, "INSERT INTO data.t VALUES (1)")
    return vault


@contextmanager
def other_identity(source: Instance) -> Iterator[None]:
    """Change what the backup remembers of a server, as a move to another host does."""
    ((before,),) = query(source, "SELECT @@GLOBAL.server_id")
    run_all(source, "SET GLOBAL server_id = 77")
    try:
        yield
    finally:
        run_all(source, f"SET GLOBAL server_id = {before}")


def by_port(vault: Vault, instance: Instance, **shards: Instance) -> str:
    """Write a file of targets that names a server by its port."""
    path = Path(vault.target(Lone(shards or {"s0": instance}), "by-port"))
    socket = rf"( *)socket: {re.escape(instance.socket)}\n"
    before, indent, after = re.split(socket, path.read_text(), maxsplit=1)
    place = f"{indent}host: 127.0.0.1\n{indent}port: {instance.port}\n"
    path.write_text(before + place + after)
    return str(path)


def rows(source: Instance) -> list[tuple[int]]:
    return list(query(source, "SELECT id FROM data.t"))


def test_a_source_with_another_server_id_is_still_the_source(
    vault: Vault, source: Instance
) -> None:
    with other_identity(source):
        for words in (REPLACE, (*REPLACE, "--target", by_port(vault, source))):
            refused = vault.run(*words)
            assert_clean_failure(refused, 1, "this is shard s0 of the fleet shop", "--source-fleet")
            assert rows(source) == [(1,)]
        typed = vault.run(*REPLACE, "--source-fleet", "shop")
        assert typed.code == 0, typed.err
    assert rows(source) == []


def test_remembered_settings_alone_let_the_source_be_overwritten(
    mariadb_fleet: Fleet, tmp_path: Path
) -> None:
    """The negative control: on MariaDB they change with the server_id."""
    source = mariadb_fleet.shards["s0"]
    wipe(source)
    run_all(source, "CREATE DATABASE data", "CREATE TABLE data.t (id INT PRIMARY KEY)")
    vault = Vault(tmp_path, Lone({"s0": source}))
    vault.backup()
    run_all(source, "INSERT INTO data.t VALUES (1)")
    with other_identity(source):
        overwritten = vault.run(*REPLACE, fail_at="restore.identity=off")
    assert overwritten.code == 0, overwritten.err
    assert rows(source) == []


def test_a_source_that_does_not_answer_is_named_and_what_is_remembered_counts(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    file = Path(vault.config)
    file.write_text(file.read_text().replace(source.socket, "/nowhere/socket"))
    plan = plan_into(vault, vault.target(Lone({"s0": spare})))
    (told,) = of_kind(plan, "source")
    assert told.severity is Severity.WARNING
    assert "shard s0 of the fleet shop cannot be asked" in told.message
    (blocker,) = of_kind(plan_into(vault, vault.target(Lone({"s0": source}))), "identity")
    assert blocker.severity is Severity.BLOCKER
    assert "came from" in blocker.message


def plan_into(vault: Vault, target: str, **options: dict[str, str]) -> RestorePlanReport:
    return app.plan_restore("latest", vault.config, target=target, replace=True, **options)  # type: ignore[arg-type]


def of_kind(plan: RestorePlanReport, what: str) -> list[Finding]:
    return [finding for finding in plan.findings if finding.what == what]


def test_another_server_is_no_source(vault: Vault, spare: Instance) -> None:
    plan = plan_into(vault, vault.target(Lone({"s0": spare})))
    found = [*of_kind(plan, "identity"), *of_kind(plan, "source"), *of_kind(plan, "instances")]
    assert found == []


def test_a_server_under_two_names_of_targets_is_found(
    pair: Fleet, source: Instance, spare: Instance, tmp_path: Path
) -> None:
    wipe(*pair.instances)
    run_all(source, "CREATE DATABASE data", "CREATE TABLE data.t (id INT PRIMARY KEY)")
    run_all(spare, "CREATE DATABASE more", "CREATE TABLE more.t (id INT PRIMARY KEY)")
    vault = Vault(tmp_path, pair)
    vault.backup()
    plan = plan_into(vault, by_port(vault, spare, s0=spare, s1=spare))
    found = of_kind(plan, "instances")
    assert [one.severity for one in found] == [Severity.BLOCKER] * 2
    assert "the same server instance as s1" in found[0].message


@contextmanager
def replicating(replica: Instance, primary: Instance) -> Iterator[None]:
    """Let one server replicate from another for a while."""
    is_mariadb = replica.flavour.family is Family.MARIADB
    word, verb = ("MASTER", "SLAVE") if is_mariadb else ("SOURCE", "REPLICA")
    change = "CHANGE MASTER TO" if is_mariadb else "CHANGE REPLICATION SOURCE TO"
    more = "" if is_mariadb else ", GET_SOURCE_PUBLIC_KEY = 1"
    run_all(
        replica,
        f"{change} {word}_HOST = '127.0.0.1', {word}_PORT = {primary.port}, {word}_USER = 'root',"
        f" {word}_PASSWORD = '{primary.password}'{more}",
        f"START {verb}",
    )
    try:
        await_replication(replica, verb)
        yield
    finally:
        run_all(replica, f"STOP {verb}", f"RESET {verb} ALL")


def await_replication(replica: Instance, verb: str) -> None:
    deadline_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline_s:
        row = query(replica, f"SHOW {verb} STATUS")[0]
        if row[10] == "Yes":
            return
        time.sleep(0.1)
    raise AssertionError(row)


def test_a_target_that_replicates_from_the_source_is_refused(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    with replicating(spare, source):
        (found,) = of_kind(plan_into(vault, vault.target(Lone({"s0": spare}))), "replication")
    assert found.severity is Severity.BLOCKER
    assert (
        f"it replicates from shard s0 of the fleet shop (127.0.0.1:{source.port})" in found.message
    )


def test_a_target_from_which_the_source_replicates_is_as_good_as_the_source(
    vault: Vault, source: Instance, spare: Instance
) -> None:
    wipe(spare)
    with replicating(source, spare):
        plan = plan_into(vault, vault.target(Lone({"s0": spare})))
    (found,) = of_kind(plan, "identity")
    assert found.severity is Severity.BLOCKER
    assert found.message == "shard s0 of the fleet shop replicates from this server"
