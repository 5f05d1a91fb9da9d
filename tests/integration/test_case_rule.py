"""Source and target have other rules for the case of names: each name is found by the target's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import ShardvaultError, TargetRefused
from shardvault.model.report import Finding, RestoreReport, Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import (
    Lone,
    Vault,
    describe,
    mark_of,
    query,
    run_all,
    schemas,
    set_failpoints,
    wipe,
)
from tests.support.servers import Flavour, Instance, start_instance

LOWERED = "--lower-case-table-names=1"
READER = "`caseReader`@`localhost`"
MIXED = (
    "CREATE DATABASE `Shop` CHARACTER SET latin1",
    "CREATE DATABASE `Other`",
    "CREATE TABLE `Other`.`Par2` (`Id` INT PRIMARY KEY)",
    "CREATE TABLE `Shop`.`Parent` (`Id` INT PRIMARY KEY, `V` INT) COMMENT 'as `Parent`'",
    "CREATE TABLE `Shop`.`Child` (`Id` INT AUTO_INCREMENT PRIMARY KEY, `P` INT,"
    " `N` INT, `G` INT AS (`Child`.`N` + 1), CHECK (`Child`.`N` > 0),"
    " CONSTRAINT `Fk` FOREIGN KEY (`P`) REFERENCES `Shop`.`Parent` (`Id`),"
    " CONSTRAINT `Fk2` FOREIGN KEY (`P`) REFERENCES `Other`.`Par2` (`Id`))",
    "CREATE TABLE `Shop`.`Part` (`Id` INT) ENGINE=MyISAM",
    "CREATE TABLE `Shop`.`Merged` (`Id` INT) ENGINE=MERGE UNION=(`Shop`.`Part`)",
    "CREATE TABLE `Shop`.`İẞΣȺ` (`Ω` INT PRIMARY KEY)",
    "CREATE VIEW `Shop`.`Names` AS SELECT `A`.`Id` AS `Idd`, `Ä`.`V` FROM `Shop`.`Parent` `A`"
    " JOIN `Shop`.`Parent` `Ä` ON `A`.`Id` = `Ä`.`Id`",
    "CREATE FUNCTION `Shop`.`CountAll`() RETURNS INT READS SQL DATA"
    " RETURN (SELECT COUNT(*) FROM `Shop`.`Parent`)",
    "CREATE PROCEDURE `Shop`.`ShowAll`() SELECT * FROM Parent",
    "CREATE TRIGGER `Shop`.`OnIns` BEFORE INSERT ON `Shop`.`Parent` FOR EACH ROW SET NEW.`V` = 7",
    "CREATE EVENT `Shop`.`Clean` ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00'"
    " DO DELETE FROM `Other`.`Par2` WHERE `Id` < 0",
    "INSERT INTO `Other`.`Par2` VALUES (1), (2)",
    "INSERT INTO `Shop`.`Parent` (`Id`) VALUES (1), (2)",
    "INSERT INTO `Shop`.`Child` (`P`) VALUES (1), (2), (NULL)",
    "INSERT INTO `Shop`.`İẞΣȺ` VALUES (5)",
    f"CREATE USER {READER} IDENTIFIED BY 'x'",
    f"GRANT SELECT ON `Shop`.* TO {READER}",
    f"GRANT INSERT, UPDATE (`V`) ON `Shop`.`Parent` TO {READER}",
    f"GRANT EXECUTE ON PROCEDURE `Shop`.`ShowAll` TO {READER}",
)
SEQUENCES = (
    "CREATE SEQUENCE `Shop`.`Ticket` START WITH 5",
    "CREATE TABLE `Other`.`Taken` (`n` INT DEFAULT NEXTVAL(`Shop`.`Ticket`), `a` INT)",
)
FLAVOURS = {"mariadb": Flavour.MARIADB_1011, "mysql": Flavour.MYSQL_97}


@pytest.fixture(scope="module", params=list(FLAVOURS))
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Instance, Instance]]:
    """Give a server to which case counts, and one of the same version that writes lower case."""
    exact: Instance = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("lowered") / "instance"
    lowered = start_instance(
        FLAVOURS[request.param], folder, password=exact.password, options=(LOWERED,)
    )
    try:
        yield exact, lowered
    finally:
        wipe(exact)
        lowered.destroy()


@pytest.fixture
def exact(pair: tuple[Instance, Instance]) -> Instance:
    wipe(pair[0])
    return pair[0]


@pytest.fixture
def lowered(pair: tuple[Instance, Instance]) -> Instance:
    wipe(pair[1])
    return pair[1]


def fill(instance: Instance) -> None:
    has_sequences = instance.flavour is not Flavour.MYSQL_97
    run_all(instance, *MIXED, *(SEQUENCES if has_sequences else ()))


def told(report: RestoreReport) -> list[str]:
    return [f"{item.where} {item.message}" for item in report.findings]


def case_findings(vault: Vault, target: str, **options: object) -> list[Finding]:
    plan = app.plan_restore("latest", vault.config, target=target, **options)  # type: ignore[arg-type]
    return [item for item in plan.findings if item.what == "case rule"]


def test_mixed_names_come_back_where_the_server_writes_lower_case(
    exact: Instance, lowered: Instance, tmp_path: Path
) -> None:
    fill(exact)
    vault = Vault(tmp_path, Lone({"main": exact}))
    vault.backup()
    target = vault.target(Lone({"main": lowered}))
    plan = app.plan_restore("latest", vault.config, target=target)
    names = {(one.schema, one.name): (one.target_schema, one.target_name) for one in plan.tables}
    assert names["Shop", "Parent"] == ("shop", "parent")
    assert names["Shop", "İẞΣȺ"] == ("shop", "iẞσȺ")
    report = vault.restore(target, with_accounts=True)
    assert (told(report), report.status, report.verified) == ([], "complete", True)
    assert mark_of(lowered) is None
    assert schemas(lowered) == ["other", "shop"]
    assert query(lowered, "SELECT `Idd`, `V` FROM `SHOP`.`NAMES`") == [(1, 7), (2, 7)]
    assert query(lowered, "SELECT `shop`.`countall`()") == [(2,)]
    run_all(lowered, "INSERT INTO `Shop`.`Parent` (`Id`) VALUES (3)")
    with pytest.raises(Exception, match="foreign key constraint fails"):
        run_all(lowered, "INSERT INTO `Shop`.`Child` (`P`) VALUES (9)")


def test_what_such_a_server_gives_can_be_restored_to_one_to_which_case_counts(
    exact: Instance, lowered: Instance, tmp_path: Path
) -> None:
    fill(lowered)
    before = {name: describe(lowered, name) for name in ("shop", "other")}
    vault = Vault(tmp_path, Lone({"main": lowered}))
    vault.backup()
    report = vault.restore(vault.target(Lone({"main": exact})), with_accounts=True)
    assert told(report) == []
    assert report.verified
    after = {name: describe(exact, name) for name in ("shop", "other")}
    trigger = "TRIGGER OnIns"
    assert before["shop"].pop(trigger)[0] == after["shop"].pop(trigger)[0]
    assert after == before
    run_all(exact, "INSERT INTO `shop`.`parent` (`Id`) VALUES (3)")
    assert query(exact, "SELECT `V` FROM `shop`.`parent` WHERE `Id` = 3") == [(7,)]


def test_a_restore_that_was_killed_is_finished_by_the_same_names(
    exact: Instance, lowered: Instance, tmp_path: Path
) -> None:
    fill(exact)
    vault = Vault(tmp_path, Lone({"main": exact}))
    vault.backup()
    target = vault.target(Lone({"main": lowered}))
    for step in ("restore.table_loaded", "restore.verified"):
        killed = vault.run("restore", "latest", "--target", target, fail_at=f"{step}=kill")
        assert killed.code < 0
        assert mark_of(lowered) == "incomplete"
    result = vault.run("restore", "latest", "--target", target)
    assert (result.code, result.err.count("KeyError")) == (0, 0), result.err
    assert query(lowered, "SELECT COUNT(*) FROM shop.child") == [(3,)]


def test_tables_in_the_way_are_found_and_replaced_whatever_their_case(
    exact: Instance, lowered: Instance, tmp_path: Path
) -> None:
    run_all(exact, "CREATE DATABASE Shop", "CREATE TABLE Shop.MixedCase (id INT PRIMARY KEY)")
    run_all(lowered, "CREATE DATABASE shop", "CREATE TABLE shop.mixedcase (x INT)")
    vault = Vault(tmp_path, Lone({"main": exact}))
    vault.backup()
    target = vault.target(Lone({"main": lowered}))
    scope = Scope(include=("Shop.MixedCase",))
    for chosen in (Scope(), scope):
        with pytest.raises(TargetRefused, match=r"not empty: shop\.mixedcase"):
            vault.restore(target, scope=chosen)
        assert vault.restore(target, scope=chosen, replace=True).verified
    assert query(lowered, "SELECT column_name FROM information_schema.columns"
                 " WHERE table_schema = 'shop'") == [("id",)]  # fmt: skip


@pytest.mark.parametrize(
    ("makes", "names"),
    [
        (("CREATE TABLE d.T (i INT)", "CREATE TABLE d.t (i INT)"), "d.T and d.t"),
        (("CREATE TABLE d.T (i INT)", "CREATE VIEW d.t AS SELECT 1"), "d.T and d.t"),
        (("CREATE DATABASE D",), "D and d"),
    ],
)
def test_two_names_that_would_become_one_are_refused_before_any_change(
    exact: Instance, lowered: Instance, tmp_path: Path, makes: tuple[str, ...], names: str
) -> None:
    run_all(exact, "CREATE DATABASE d", *makes)
    vault = Vault(tmp_path, Lone({"main": exact}))
    vault.backup()
    target = vault.target(Lone({"main": lowered}))
    (found,) = case_findings(vault, target)
    assert found.severity is Severity.BLOCKER
    assert f"these would become one: {names}" in found.message
    with pytest.raises(TargetRefused, match="would become one"):
        vault.restore(target)
    assert schemas(lowered) == []


def test_two_shards_whose_names_would_become_one_on_their_target_are_refused(
    exact: Instance, lowered: Instance, tmp_path: Path
) -> None:
    run_all(exact, "CREATE DATABASE Shop", "CREATE TABLE Shop.a (i INT)")
    run_all(lowered, "CREATE DATABASE shop", "CREATE TABLE shop.b (i INT)")
    vault = Vault(tmp_path, Lone({"s0": exact, "s1": lowered}))
    vault.backup()
    wipe(lowered)
    target = vault.target(Lone({"t": lowered}))
    found = case_findings(vault, target, mapping={"s0": "t", "s1": "t"}, confirm_source="shop")
    messages = [item.message for item in found if item.severity is Severity.BLOCKER]
    assert messages == ["Shop of shard s0 and shop of shard s1 would become one"]


def test_without_that_check_one_of_two_tables_is_lost(
    exact: Instance, lowered: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(
        exact,
        "CREATE DATABASE d",
        "CREATE TABLE d.T (i INT PRIMARY KEY)",
        "CREATE TABLE d.t (i INT PRIMARY KEY)",
        "INSERT INTO d.T VALUES (1), (2)",
        "INSERT INTO d.t VALUES (3)",
    )
    vault = Vault(tmp_path, Lone({"main": exact}))
    vault.backup()
    set_failpoints(monkeypatch, "restore.case_rule=off")
    with pytest.raises(ShardvaultError):
        vault.restore(vault.target(Lone({"main": lowered})))
    assert mark_of(lowered) == "incomplete"
    assert query(lowered, "SHOW TABLES FROM d") == [("t",)]
