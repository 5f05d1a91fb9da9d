"""Restore: what comes back, where it goes, and what is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shardvault import app
from shardvault.errors import UsageError
from shardvault.load.statistics import analyze_tables
from shardvault.model.target import Scope
from tests.integration.copying import open_session
from tests.integration.operations_support import (
    Vault,
    assert_clean_failure,
    describe,
    describe_account,
    mark_of,
    query,
    run_all,
    schemas,
    wipe,
)
from tests.support import shop
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

ORDERS = 400
EXTRA = (
    "CREATE DATABASE extra CHARACTER SET latin1 COLLATE latin1_german2_ci",
    "USE extra",
    "CREATE SEQUENCE ticket START WITH 7 INCREMENT BY 3 MAXVALUE 1000 CACHE 5 CYCLE",
    "SELECT NEXTVAL(ticket), NEXTVAL(ticket)",
    "CREATE TABLE counted (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT, FULLTEXT KEY words (t))",
    "INSERT INTO counted VALUES (5, 'five'), (9, 'nine')",
    "DELETE FROM counted WHERE id = 9",
    "CREATE TABLE empty_counter (id INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 50",
    "CREATE TABLE parent (a INT, b CHAR(3), PRIMARY KEY (a, b), KEY (b))",
    "CREATE TABLE child (n INT PRIMARY KEY, a INT, b CHAR(3), u INT UNIQUE, KEY later (b, a),"
    " CONSTRAINT family FOREIGN KEY (a, b) REFERENCES parent (a, b)"
    " ON DELETE CASCADE ON UPDATE SET NULL)",
    "INSERT INTO parent VALUES (1, 'x')",
    "INSERT INTO child VALUES (1, 1, 'x', 3), (2, NULL, NULL, NULL)",
)
ALL = Scope(include=("shop.*", "extra.*"))
TO_SPARE = {"s0": "t0", "s2": "t1"}
TWO = ("s0", "s2")
S0 = ("s0",)
ITEMS = {f"order_items_{i}" for i in range(4)}
ORDERS_ONLY = {f"orders_{i}" for i in range(4)}
SINGLE = {"accounts", "account_audit", "country"}
EVERY_TABLE = ITEMS | ORDERS_ONLY | SINGLE


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, mariadb_fleet: Fleet) -> Vault:
    """Hold a shop with one complete backup of it."""
    wipe(*mariadb_fleet.instances)
    shop.create_shop(mariadb_fleet.instances)
    shop.fill_shop(mariadb_fleet.instances, rows=ORDERS)
    for instance in mariadb_fleet.instances:
        run_all(instance, *EXTRA)
    vault = Vault(tmp_path_factory.mktemp("vault"), mariadb_fleet, tables=shop.TABLES)
    vault.backup(scope=ALL)
    return vault


@pytest.fixture(scope="module")
def spare_fleet() -> Iterator[Fleet]:
    with Fleet([Flavour.MARIADB_1011] * 2, prefix="t") as fleet:
        yield fleet


@pytest.fixture
def spare(spare_fleet: Fleet) -> Fleet:
    wipe(*spare_fleet.instances)
    return spare_fleet


@pytest.fixture
def file(vault: Vault, spare: Fleet) -> str:
    return vault.target(spare)


def tables(instance: Instance, schema: str = "shop") -> set[str]:
    return {
        name
        for (name,) in query(
            instance,
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = %s AND table_type <> 'VIEW'",
            (schema,),
        )
    }


def test_other_shards_get_everything_as_it_was(
    vault: Vault, mariadb_fleet: Fleet, spare: Fleet, file: str
) -> None:
    report = vault.restore(file, mapping=TO_SPARE, scope=Scope(shards=TWO), with_accounts=True)
    assert (report.status, report.verified, report.findings) == ("complete", True, ())
    for source, target in TO_SPARE.items():
        for schema in ("shop", "extra"):
            wanted = describe(mariadb_fleet.shards[source], schema)
            assert describe(spare.shards[target], schema) == wanted
        for account in ("app@'%'", "analyst@'10.0.0.%'"):
            wanted_account = describe_account(mariadb_fleet.shards[source], account)
            assert describe_account(spare.shards[target], account) == wanted_account
        assert mark_of(spare.shards[target]) is None


def test_counters_and_sequences_go_on_where_they_were(
    vault: Vault, mariadb_fleet: Fleet, spare: Fleet, file: str
) -> None:
    vault.restore(file, mapping=TO_SPARE, scope=Scope(shards=TWO))
    target = spare.shards["t0"]
    for table in ("counted", "empty_counter"):
        run_all(target, f"INSERT INTO extra.{table} () VALUES ()")
    assert query(target, "SELECT MAX(id) FROM extra.counted") == [(10,)]
    assert query(target, "SELECT id FROM extra.empty_counter") == [(50,)]
    assert query(target, "SELECT NEXTVAL(extra.ticket)") == [(22,)]  # 7 to 19 were cached there


def test_a_foreign_key_works_behind_the_restore(vault: Vault, spare: Fleet, file: str) -> None:
    vault.restore(file, mapping=TO_SPARE, scope=Scope(shards=TWO))
    target = spare.shards["t0"]
    run_all(target, "DELETE FROM extra.parent")
    assert query(target, "SELECT n FROM extra.child") == [(2,)]


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        (Scope(S0, ("orders",)), ORDERS_ONLY),
        (Scope(S0, ("orders", "country")), {*ORDERS_ONLY, "country"}),
        (Scope(S0, ("shop",)), EVERY_TABLE),
        (Scope(S0, ("shop.order_*",)), ITEMS),
        (Scope(S0, ("shop.orders_?",), ("shop.orders_3",)), ORDERS_ONLY - {"orders_3"}),
        (Scope(S0, ("shop.*",), ("orders", "order_items")), SINGLE),
        (Scope(S0, ("s0.shop.accounts",)), {"accounts"}),
    ],
)
def test_only_what_was_chosen_is_restored(
    vault: Vault,
    mariadb_fleet: Fleet,
    spare: Fleet,
    scope: Scope,
    wanted: set[str],
) -> None:
    file = vault.target(spare)
    assert vault.restore(file, mapping={"s0": "t0"}, scope=scope).verified
    source, target = mariadb_fleet.shards["s0"], spare.shards["t0"]
    assert tables(target) == wanted
    assert schemas(target) == ["shop"]
    assert schemas(spare.shards["t1"]) == []
    found, known = describe(target, "shop"), describe(source, "shop")
    assert {name: known.get(name) for name in found} == found


def test_a_table_whose_parent_was_not_chosen_comes_with_a_warning(
    vault: Vault, spare: Fleet, file: str
) -> None:
    scope = Scope(shards=S0, include=("order_items",))
    report = vault.restore(file, mapping={"s0": "t0"}, scope=scope)
    assert (report.status, report.verified) == ("findings", True)
    assert "orders_0" in " ".join(finding.message for finding in report.findings)


def test_triggers_follow_their_tables_and_other_code_its_schema(
    vault: Vault, spare: Fleet, file: str
) -> None:
    scope = Scope(shards=S0, include=("accounts",))
    vault.restore(file, mapping={"s0": "t0"}, scope=scope)
    found = describe(spare.shards["t0"], "shop")
    code = {name for name in found if " " in name and not name.startswith("rows of")}
    assert code == {"TRIGGER audit_balance", "TRIGGER stamp_account"}


def test_a_target_that_is_not_empty_is_refused_and_keeps_what_it_has(
    vault: Vault, spare: Fleet, file: str
) -> None:
    target = spare.shards["t0"]
    run_all(target, "CREATE DATABASE shop", "CREATE TABLE shop.mine SELECT 1 AS n")
    before = describe(target, "shop")
    words = ("restore", vault.newest(), "--target", file, "--map", "s0=t0", "--shards", "s0")
    refused = vault.run(*words)
    assert_clean_failure(refused, 1, "t0", "shop.mine", "--replace")
    assert describe(target, "shop") == before
    assert schemas(target) == ["shop"]
    replaced = vault.run(*words, "--replace", "--yes", "--format", "json")
    assert replaced.code == 0, replaced.err
    assert replaced.report["verified"] is True
    assert tables(target) == EVERY_TABLE


def test_replacing_one_table_keeps_the_others(vault: Vault, spare: Fleet, file: str) -> None:
    target = spare.shards["t0"]
    run_all(
        target,
        "CREATE DATABASE shop",
        "CREATE TABLE shop.mine SELECT 1 AS n",
        "CREATE TABLE shop.orders_0 (n INT)",
        "CREATE VIEW shop.orders_1 AS SELECT 1",
        "CREATE SEQUENCE shop.orders_2",
    )
    scope = Scope(shards=S0, include=("orders",))
    assert vault.restore(file, mapping={"s0": "t0"}, scope=scope, replace=True).verified
    assert tables(target) == {*ORDERS_ONLY, "mine"}


def test_nobody_is_asked_and_nothing_is_replaced_without_yes(vault: Vault, file: str) -> None:
    refused = vault.run("restore", vault.newest(), "--target", file, "--replace")
    assert_clean_failure(refused, 2, "--replace", "--yes")


def test_the_source_is_refused_unless_its_name_is_typed(vault: Vault, mariadb_fleet: Fleet) -> None:
    words = ("restore", vault.newest(), "--tables", "extra.counted", "--replace", "--yes")
    before = [describe(instance, "extra") for instance in mariadb_fleet.instances]
    assert_clean_failure(vault.run(*words), 1, "this is shard s0", "--source-fleet")
    assert_clean_failure(vault.run(*words, "--source-fleet", "shops"), 1, "this is shard s0")
    run_all(mariadb_fleet.shards["s0"], "UPDATE extra.counted SET t = 'lost'")
    typed = vault.run(*words, "--source-fleet", "shop")
    assert typed.code == 0, typed.err
    assert [describe(instance, "extra") for instance in mariadb_fleet.instances] == before


def test_two_shards_into_the_same_tables_are_refused(vault: Vault, spare: Fleet, file: str) -> None:
    refused = vault.run(
        "restore", vault.newest(), "--target", file, "--map", "s0=t0,s1=t0,s2=t1,s3=t1"
    )
    assert_clean_failure(refused, 2, "t0", "same", "--map")
    assert schemas(spare.shards["t0"]) == []


@pytest.mark.parametrize(
    ("mapping", "word"),
    [({"s9": "t0"}, "s9"), ({"s0": "t9"}, "t9"), ({}, "s0")],
    ids=["no such source", "no such target", "no mapping"],
)
def test_a_mapping_that_fits_nothing_is_refused(
    vault: Vault, file: str, mapping: dict[str, str], word: str
) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        vault.restore(file, mapping=mapping, scope=Scope(shards=S0))
    assert caught.value.hint


def test_a_dry_run_changes_nothing_and_tells_what_would_be_done(
    vault: Vault, spare: Fleet, file: str
) -> None:
    words = ("restore", vault.newest(), "--target", file, "--map", "s0=t0", "--shards", "s0")
    plan = vault.run(*words, "--dry-run", "--format", "json")
    assert plan.code == 0, plan.err
    assert {table["name"] for table in plan.report["tables"]} >= EVERY_TABLE
    assert plan.report["rows"] == sum(table["rows"] for table in plan.report["tables"])
    assert schemas(spare.shards["t0"]) == []


@pytest.fixture
def split_schema(vault: Vault, mariadb_fleet: Fleet, tmp_path: Path) -> Iterator[Vault]:
    """Hold a backup of one schema whose tables lie on two shards, each name once."""
    first, second, *_ = mariadb_fleet.instances
    for number, instance in enumerate((first, second)):
        run_all(
            instance,
            "CREATE DATABASE split",
            f"CREATE TABLE split.part_{number} (n INT PRIMARY KEY)",
            f"INSERT INTO split.part_{number} VALUES ({number})",
        )
    yield Vault(tmp_path, mariadb_fleet)
    for instance in (first, second):
        run_all(instance, "DROP DATABASE split")


def test_shards_whose_tables_differ_in_name_may_go_to_one_target(
    split_schema: Vault, spare: Fleet
) -> None:
    target = spare.shards["t0"]
    run_all(target, "CREATE DATABASE split", "CREATE TABLE split.stale (n INT)")
    split_schema.backup(scope=Scope(include=("split.*",)))
    scope = Scope(shards=("s0", "s1"))
    to_one = {"s0": "t0", "s1": "t0"}
    file = split_schema.target(spare)
    assert split_schema.restore(file, mapping=to_one, scope=scope, replace=True).verified
    assert tables(target, "split") == {"part_0", "part_1"}
    assert mark_of(target) is None


def test_shards_with_views_of_one_name_may_not_go_to_one_target(
    split_schema: Vault, mariadb_fleet: Fleet, spare: Fleet
) -> None:
    for instance in mariadb_fleet.instances[:2]:
        run_all(instance, "CREATE VIEW split.same AS SELECT 1")
    split_schema.backup(scope=Scope(include=("split.*",)))
    with pytest.raises(UsageError, match=r"t0: split\.same"):
        split_schema.restore(
            split_schema.target(spare),
            mapping={"s0": "t0", "s1": "t0"},
            scope=Scope(shards=("s0", "s1")),
        )


def test_an_older_backup_can_be_restored_by_its_id(
    split_schema: Vault, mariadb_fleet: Fleet, spare: Fleet
) -> None:
    older = split_schema.backup(scope=Scope(include=("split.*",)))
    run_all(mariadb_fleet.instances[0], "DELETE FROM split.part_0")
    split_schema.backup(scope=Scope(include=("split.*",)))
    app.restore(
        older.id,
        split_schema.config,
        target=split_schema.target(spare),
        mapping={"s0": "t0"},
        scope=Scope(shards=S0),
    )
    assert query(spare.shards["t0"], "SELECT n FROM split.part_0") == [(0,)]


def test_a_restore_of_the_schema_only_has_every_definition_and_no_row(
    vault: Vault, mariadb_fleet: Fleet, spare: Fleet, file: str
) -> None:
    options: dict[str, Any] = {
        "mapping": {"s0": "t0"},
        "scope": Scope(shards=S0),
        "schema_only": True,
    }
    assert app.plan_restore(vault.newest(), vault.config, target=file, **options).rows == 0
    report = vault.restore(file, **options)
    (note,) = report.findings
    assert "are restored without their" in note.message
    assert (report.status, report.verified, report.totals.rows) == ("complete", True, 0)
    target = spare.shards["t0"]
    assert tables(target) == tables(mariadb_fleet.shards["s0"])
    assert query(target, "SELECT COUNT(*) FROM shop.orders_0") == [(0,)]
    definition = "SHOW CREATE TABLE extra.child"
    assert query(target, definition) == query(mariadb_fleet.shards["s0"], definition)
    counter = (
        "SELECT auto_increment FROM information_schema.tables WHERE table_name = 'empty_counter'"
    )
    assert query(target, counter) == [(50,)]
    assert not any(one.is_verified for one in app.list_backups(vault.config).backups)


def test_statistics_are_refreshed_and_what_cannot_be_is_named(
    vault: Vault, spare: Fleet, file: str
) -> None:
    report = vault.restore(file, mapping={"s0": "t0"}, scope=Scope(shards=S0))
    assert "statistics" in (report.seconds_by_phase or {})
    assert report.findings == ()
    with open_session(spare.shards["t0"]) as session:
        (fault,) = analyze_tables(session, [("shop", "orders_0"), ("shop", "nowhere")])
    assert "shop.nowhere" in fault
