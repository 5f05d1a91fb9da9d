"""DDL and prepared transactions during a backup: found, retried or refused, never mixed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shardvault.errors import DdlDetected, XaInDoubt
from shardvault.events import Retrying
from shardvault.fleet import inventory
from shardvault.model.target import Scope
from shardvault.mysql.session import Session
from tests.integration.operations_support import (
    Lone,
    Steps,
    Vault,
    assert_clean_failure,
    assert_free,
    describe,
    query,
    run_all,
    sessions_on,
    set_failpoints,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

PARTITIONED = (
    "CREATE TABLE data.parts (id INT PRIMARY KEY) PARTITION BY RANGE (id)"
    " (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)"
)
SWAP = "RENAME TABLE data.a TO data.c, data.b TO data.a, data.c TO data.b"
DDL = {
    "instant column": "ALTER TABLE data.a ADD COLUMN more INT DEFAULT 7, ALGORITHM=INSTANT",
    "rebuilt": "ALTER TABLE data.a ENGINE=InnoDB, ALGORITHM=COPY",
    "drop": "DROP TABLE data.a",
    "swap": SWAP,
    "truncate": "TRUNCATE TABLE data.a",
    "drop partition": "ALTER TABLE data.parts DROP PARTITION p0",
    "exchange": "ALTER TABLE data.parts EXCHANGE PARTITION p0 WITH TABLE data.twin",
    "dropped and made again": "CREATE OR REPLACE TABLE data.a (id INT PRIMARY KEY, t CHAR(1))",
}
TABLES = (
    "CREATE DATABASE data",
    "CREATE TABLE data.a (id INT PRIMARY KEY, t CHAR(1))",
    "CREATE TABLE data.b (id INT PRIMARY KEY, t CHAR(1))",
    "INSERT INTO data.a VALUES (1, 'a'), (2, 'a')",
    "INSERT INTO data.b VALUES (1, 'b'), (2, 'b')",
    PARTITIONED,
    "INSERT INTO data.parts VALUES (1), (11)",
    "CREATE TABLE data.twin (id INT PRIMARY KEY)",
)
XID = "'order-4711','branch-1',5"


@pytest.fixture(scope="module")
def trio() -> Iterator[Fleet]:
    """Hold two sources s0 and s1, and a spare instance s2."""
    with Fleet([Flavour.MARIADB_1011] * 3) as fleet:
        yield fleet


@pytest.fixture
def source(trio: Fleet) -> Instance:
    wipe(*trio.instances)
    for name in ("s0", "s1"):
        run_all(trio.shards[name], *TABLES)
    return trio.shards["s0"]


@pytest.fixture
def vault(tmp_path: Path, trio: Fleet, source: Instance) -> Vault:
    return Vault(tmp_path, Lone({name: trio.shards[name] for name in ("s0", "s1")}))


def change(source: Instance, *statements: str) -> None:
    """Run DDL; a lock of ours that it would wait for fails the test."""
    run_all(source, "SET lock_wait_timeout = 5", *statements)


def restore_first(vault: Vault, spare: Instance) -> None:
    """Restore shard s0 into the spare instance."""
    report = vault.restore(vault.target(Lone({"s0": spare})), scope=Scope(shards=("s0",)))
    assert report.verified


@pytest.mark.parametrize("statement", DDL.values(), ids=DDL)
def test_ddl_between_survey_and_cut_leads_to_another_cut(
    vault: Vault, source: Instance, statement: str
) -> None:
    steps = Steps(barrier=lambda: change(source, statement))
    report = vault.backup(steps)
    reasons = [event.reason for event in steps.events if isinstance(event, Retrying)]
    assert len(reasons) == 1
    assert "definitions changed" in reasons[0]
    assert vault.listed() == [report.id]


def test_what_is_backed_up_behind_such_a_retry_is_what_is_there(
    vault: Vault, trio: Fleet, source: Instance
) -> None:
    vault.backup(Steps(barrier=lambda: change(source, SWAP, DDL["instant column"])))
    spare = trio.shards["s2"]
    restore_first(vault, spare)
    assert describe(spare, "data") == describe(source, "data")


@pytest.mark.parametrize("phase", ["dump", "prove definitions"])
@pytest.mark.parametrize("statement", DDL.values(), ids=DDL)
def test_ddl_behind_the_cut_fails_the_backup(
    vault: Vault, trio: Fleet, source: Instance, statement: str, phase: str
) -> None:
    known = sessions_on(trio.instances)
    with pytest.raises(DdlDetected) as caught:
        vault.backup(Steps(**{phase: lambda: change(source, statement)}))
    assert caught.value.shard == "s0"
    assert caught.value.hint
    assert vault.listed() == []
    assert_free(trio.instances, known)
    assert vault.backup().id in vault.listed()


def test_without_the_guard_two_tables_are_mixed_up_silently(
    vault: Vault, trio: Fleet, source: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: what the guard stops is real, and nothing else would notice it."""
    set_failpoints(monkeypatch, "backup.ddl_guard=off")
    vault.backup(Steps(dump=lambda: change(source, SWAP)))
    run_all(source, SWAP)
    spare = trio.shards["s2"]
    assert vault.verify().status == "ok"
    restore_first(vault, spare)
    assert query(spare, "SELECT t FROM data.a") == query(source, "SELECT t FROM data.b")
    assert query(source, "SELECT t FROM data.a") != query(source, "SELECT t FROM data.b")


MAKE_AGAIN = "CREATE TABLE data.b (id INT PRIMARY KEY)"


@pytest.mark.parametrize(
    "step",
    [("_read_columns", "DROP TABLE data.b", MAKE_AGAIN), ("_read_tables", "", "DROP TABLE data.b")],
)
def test_a_table_dropped_while_definitions_are_read_leads_to_another_survey(
    vault: Vault,
    source: Instance,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[str, str, str],
) -> None:
    reader, before, after = step
    read = getattr(inventory, reader)
    ddl = [after, before]

    def read_beside_ddl(session: Session, schemas: tuple[str, ...]) -> object:
        is_first = session.shard == "s0" and bool(ddl)
        if is_first:
            change(source, *filter(None, [ddl.pop()]))
        found = read(session, schemas)
        if is_first:
            change(source, ddl.pop())
        return found

    monkeypatch.setattr(inventory, reader, read_beside_ddl)
    steps = Steps()
    report = vault.backup(steps)
    (reason,) = [event.reason for event in steps.events if isinstance(event, Retrying)]
    assert "data.b" in reason
    assert vault.listed() == [report.id]


@pytest.mark.parametrize("phase", ["dump", "prove definitions"])
def test_a_binlog_that_is_reset_during_the_backup_is_named(
    vault: Vault, source: Instance, phase: str
) -> None:
    run_all(source, "FLUSH BINARY LOGS")
    with pytest.raises(DdlDetected, match="the binlog was reset during the backup") as caught:
        vault.backup(Steps(**{phase: lambda: change(source, "RESET MASTER")}))
    assert caught.value.shard == "s0"
    assert vault.listed() == []
    assert vault.backup().id in vault.listed()


def test_ddl_on_what_is_not_in_scope_is_no_harm(vault: Vault, source: Instance) -> None:
    run_all(source, "CREATE DATABASE other", "CREATE TABLE other.t (n INT)")
    steps = Steps(dump=lambda: change(source, "DROP TABLE other.t"))
    report = vault.backup(steps, scope=Scope(include=("data",)))
    assert vault.listed() == [report.id]


@contextmanager
def prepared(instance: Instance) -> Iterator[None]:
    """Keep an XA transaction prepared, as a transaction manager that has gone does."""
    run_all(
        instance,
        f"XA START {XID}",
        "INSERT INTO data.a VALUES (3, 'x')",
        f"XA END {XID}",
        f"XA PREPARE {XID}",
    )
    try:
        yield
    finally:
        run_all(instance, f"XA ROLLBACK {XID}")


def test_a_prepared_transaction_is_named_and_nothing_stays_locked(
    vault: Vault, trio: Fleet
) -> None:
    known = sessions_on(trio.instances)
    with prepared(trio.shards["s1"]):
        refused = vault.run("backup")
        assert_free(trio.instances, known)
    xid = ("s1", b"order-4711".hex(), b"branch-1".hex(), "XA RECOVER", "XA COMMIT")
    assert_clean_failure(refused, 1, *xid)
    assert vault.listed() == []
    assert vault.run("backup").code == 0


def test_a_transaction_that_is_finished_in_time_is_waited_for(vault: Vault, trio: Fleet) -> None:
    with prepared(trio.shards["s1"]):
        steps = Steps()
        with pytest.raises(XaInDoubt):
            vault.backup(steps)
    waits = [event.wait_s for event in steps.events if isinstance(event, Retrying)]
    assert len(waits) == 4
    assert all(0.05 <= wait <= 0.2 for wait in waits)
