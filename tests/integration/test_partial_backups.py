"""Scope is part of what a backup is: partial backups beside complete ones, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import ConfigError, RefusedError, UnknownBackup, UsageError
from shardvault.model.target import Scope
from tests.integration.operations_support import (
    Vault,
    assert_clean_failure,
    run_all,
    set_failpoints,
    wipe,
)
from tests.support.fleet import Fleet
from tests.support.servers import Flavour

ORDERS = {"logical": "orders", "nodes": "s${0..1}.shop.orders_${0..1}", "key": "id"}
ONE_TABLE = Scope(include=("shop.orders_1",))


@pytest.fixture(scope="module")
def pair() -> Iterator[Fleet]:
    """Hold the two shards of a fleet."""
    with Fleet([Flavour.MARIADB_1011] * 2) as fleet:
        yield fleet


@pytest.fixture
def fleet(pair: Fleet) -> Fleet:
    wipe(*pair.instances)
    return pair


@pytest.fixture
def shop(fleet: Fleet) -> Fleet:
    """Fill the shards: two parts of the orders and a table of its own on each."""
    for instance in fleet.instances:
        tables = ("orders_0", "orders_1", "notes")
        run_all(
            instance,
            "CREATE DATABASE shop",
            *(f"CREATE TABLE shop.{name} (id INT PRIMARY KEY)" for name in tables),
            *(f"INSERT INTO shop.{name} VALUES (1), (2)" for name in tables),
        )
    return fleet


@pytest.fixture
def vault(tmp_path: Path, shop: Fleet) -> Vault:
    return Vault(tmp_path, shop, tables=[ORDERS])


def kept(vault: Vault, rules: str) -> list[str]:
    """Prune by rules and return what is left."""
    app.prune(vault.config, keep=rules)
    return vault.listed()


@pytest.mark.parametrize("rules", ["last=1", "daily=7"])
def test_a_verified_backup_of_one_table_pushes_no_complete_one_out(
    vault: Vault, rules: str
) -> None:
    whole, part = vault.backup(), vault.backup(scope=ONE_TABLE)
    for report in (whole, part):
        vault.verify(report.id)
    assert (whole.scope, part.scope) == ((), ("--tables shop.orders_1",))
    assert kept(vault, rules) == [whole.id, part.id]


def test_without_the_rule_the_only_complete_backup_is_lost(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    whole, part = vault.backup(), vault.backup(scope=ONE_TABLE)
    for report in (whole, part):
        vault.verify(report.id)
    set_failpoints(monkeypatch, "retention.scope=off")
    assert kept(vault, "last=1") == [part.id]


def test_the_latest_backup_is_the_complete_one_in_every_command(vault: Vault) -> None:
    whole = vault.backup()
    vault.backup(scope=ONE_TABLE)
    assert vault.verify().id == whole.id
    assert app.show("latest", vault.config).backup.id == whole.id
    assert app.plan_restore("latest", vault.config).id == whole.id
    assert app.keep("latest", "a test", vault.config).id == whole.id
    assert app.release("latest", vault.config).id == whole.id


def test_a_restore_that_names_a_scope_takes_the_newest_backup_of_it(vault: Vault) -> None:
    vault.backup()
    part = vault.backup(scope=ONE_TABLE)
    assert app.plan_restore("latest", vault.config, scope=ONE_TABLE).id == part.id
    whole = vault.backup()
    assert app.plan_restore("latest", vault.config, scope=ONE_TABLE).id == whole.id


def test_where_only_partial_backups_are_latest_is_refused_and_names_one(vault: Vault) -> None:
    part = vault.backup(scope=ONE_TABLE)
    with pytest.raises(UnknownBackup, match=f"no complete backup.*{part.id}"):
        vault.verify()


def test_options_that_leave_nothing_out_make_a_complete_backup(vault: Vault) -> None:
    for scope in (Scope(shards=("s0", "s1")), Scope(include=("shop",))):
        assert vault.backup(scope=scope).scope == ()
    assert vault.backup(scope=Scope(exclude=("shop.notes",))).scope == ("--exclude shop.notes",)


def test_scope_and_tags_are_shown_to_people_and_programs(vault: Vault) -> None:
    vault.backup()
    assert "scope" not in vault.run("list").out
    part = vault.run("backup", "--tables", "shop.orders_1", "--tag", "one,two", "--format=json")
    assert (part.report["scope"], part.report["tags"]) == (
        ["--tables shop.orders_1"],
        ["one", "two"],
    )
    listed = vault.run("list").out
    assert f"{part.report['id']}: partial, --tables shop.orders_1\n" in listed
    assert f"{part.report['id']}: tags: one, two\n" in listed
    (tagged,) = vault.run("list", "--tag", "two", "--format=json").report["backups"]
    assert (tagged["id"], tagged["scope"]) == (part.report["id"], ["--tables shop.orders_1"])
    assert vault.run("list", "--tag", "none").out == "no backup has the tag none\n"
    shown = vault.run("show", "latest:one").out
    assert "--tables shop.orders_1" in shown
    assert "one, two" in shown


def test_a_tag_is_found_and_kept_by_the_policy(vault: Vault) -> None:
    first = vault.backup(tags=["eoy"])
    last = vault.backup()
    for report in (first, last):
        vault.verify(report.id)
    assert app.show("latest:eoy", vault.config).backup.id == first.id
    assert kept(vault, "last=1,tag=eoy") == [first.id, last.id]
    assert kept(vault, "last=1") == [last.id]


@pytest.mark.parametrize("tag", ["", "two words", "-x", "a,b", "é" * 65, "a:b"])
def test_what_is_no_tag_is_refused_before_anything_else(vault: Vault, tag: str) -> None:
    with pytest.raises(UsageError, match="is not a tag"):
        vault.backup(tags=[tag])


def test_one_shard_of_a_fleet_with_logical_tables_is_backed_up_and_restored(
    vault: Vault, shop: Fleet
) -> None:
    report = vault.backup(scope=Scope(shards=("s0",)))
    assert report.scope == ("--shards s0",)
    assert [table.rows for table in report.logical_tables] == [4]
    wipe(shop.shards["s0"])
    restored = app.restore(report.id, vault.config, confirm_source=report.fleet)
    assert (restored.verified, restored.totals.tables) == (True, 3)
    assert restored.scope == ("--shards s0",)


def test_without_the_rule_a_shard_that_was_not_asked_is_taken_for_empty(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    set_failpoints(monkeypatch, "backup.asked_shards=off")
    with pytest.raises(ConfigError, match=r"tables that do not exist: s1\.shop"):
        vault.backup(scope=Scope(shards=("s0",)))


def test_a_table_that_is_missing_on_a_shard_that_was_asked_is_refused(
    vault: Vault, shop: Fleet
) -> None:
    run_all(shop.shards["s0"], "DROP TABLE shop.orders_1")
    with pytest.raises(ConfigError, match=r"do not exist: s0\.shop\.orders_1$"):
        vault.backup(scope=Scope(shards=("s0",)))
    assert vault.backup(scope=Scope(shards=("s1",))).totals.tables == 3


def test_a_pattern_for_a_shard_that_was_not_asked_says_so(vault: Vault) -> None:
    with pytest.raises(UsageError) as caught:
        vault.backup(scope=Scope(shards=("s0",), exclude=("s1.shop.notes",)))
    assert "s1 is not among the shards in scope" in str(caught.value.hint)


def test_tables_are_chosen_by_their_bare_name(vault: Vault) -> None:
    report = vault.backup(scope=Scope(include=("note?",)))
    assert (report.scope, report.totals.tables) == (("--tables note?",), 2)
    assert app.plan_restore("latest", vault.config, scope=Scope(include=("note?",))).rows == 4


def test_a_restore_without_accounts_says_how_many_it_left_out(vault: Vault, shop: Fleet) -> None:
    run_all(shop.shards["s0"], "CREATE USER ann", "CREATE USER bob", "CREATE ROLE clerk")
    run_all(shop.shards["s1"], "CREATE USER ann")
    report = vault.backup()
    words = {"replace": True, "confirm_source": report.fleet}
    plan = app.plan_restore(report.id, vault.config, **words)  # type: ignore[arg-type]
    assert (plan.with_accounts, plan.accounts_left_out) == (False, 3)
    done = app.restore(report.id, vault.config, **words)  # type: ignore[arg-type]
    assert (done.with_accounts, done.accounts_left_out) == (False, 3)
    plan = app.plan_restore(report.id, vault.config, with_accounts=True)
    assert (plan.with_accounts, plan.accounts_left_out) == (True, 0)


def test_a_fleet_without_any_schema_is_refused(tmp_path: Path, fleet: Fleet) -> None:
    vault = Vault(tmp_path, fleet)
    checked = app.check(vault.config)
    blockers = [found for found in checked.findings if found.severity == "blocker"]
    assert [found.message.partition(":")[0] for found in blockers] == [
        "the fleet has no schema to back up"
    ]
    assert_clean_failure(vault.run("backup"), 1, "no schema to back up")
    assert vault.listed() == []


def test_without_the_rule_a_fleet_without_any_schema_is_a_complete_backup(
    tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    vault = Vault(tmp_path, fleet)
    set_failpoints(monkeypatch, "backup.empty=off")
    assert vault.backup().totals.tables == 0
    with pytest.raises((RefusedError, UsageError)):
        app.plan_restore("latest", vault.config)


def test_a_shard_without_a_schema_is_part_of_a_complete_backup(tmp_path: Path, shop: Fleet) -> None:
    wipe(shop.shards["s1"])
    vault = Vault(tmp_path, shop)
    assert vault.backup().scope == ()
    assert app.check(vault.config).status != "blocked"
