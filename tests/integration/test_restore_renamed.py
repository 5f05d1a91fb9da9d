"""Schemas come back under other names: all that names them follows, the originals stay."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pymysql
import pytest

from shardvault import app
from shardvault.errors import TargetRefused, UsageError
from shardvault.model.report import Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import (
    Lone,
    Vault,
    describe,
    mark_of,
    query,
    quote,
    run_all,
    schemas,
    wipe,
)
from tests.support.servers import Flavour, Instance

NEW = {"shop": "sh`op 2", "app": "select"}
WORDS = {"shop": "`sh``op 2`", "app": "select"}
"""The new names as the command line and the API take them: one has a backtick."""

PAIR = (
    "CREATE DATABASE `shop` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "CREATE DATABASE `app`",
    "CREATE TABLE `shop`.`person` (`id` INT PRIMARY KEY, `shop` VARCHAR(9) COMMENT 'in `shop`')",
    "CREATE TABLE `app`.`log` (`id` INT AUTO_INCREMENT PRIMARY KEY, `person` INT,"
    " CONSTRAINT `who` FOREIGN KEY (`person`) REFERENCES `shop`.`person` (`id`))",
    "CREATE TABLE `shop`.`last` (`id` INT PRIMARY KEY, `log` INT,"
    " CONSTRAINT `back` FOREIGN KEY (`log`) REFERENCES `app`.`log` (`id`))",
    "CREATE TABLE `shop`.`shop` (`id` INT, `n` INT CHECK (`shop`.`n` > 0),"
    " `m` INT AS (`shop`.`n` + 1)) PARTITION BY RANGE (`id`)"
    " (PARTITION `shop` VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE `shop`.`part` (`id` INT) ENGINE=MyISAM",
    "CREATE TABLE `app`.`merged` (`id` INT) ENGINE=MERGE UNION=(`shop`.`part`)",
    "CREATE FUNCTION `shop`.`persons`() RETURNS INT READS SQL DATA"
    " RETURN (SELECT COUNT(*) FROM `shop`.`person`)",
    "CREATE VIEW `app`.`names` AS SELECT `p`.`shop` AS `shop`, `shop`.`persons`() AS `all`,"
    " 'see shop' AS `text` FROM `shop`.`person` `p`",
    "CREATE VIEW `shop`.`above` AS SELECT `app`.`names`.`shop` FROM `app`.`names`"
    " WHERE `shop` IN (SELECT `shop`.`person`.`shop` FROM `shop`.`person`)",
    "CREATE TRIGGER `shop`.`note` AFTER INSERT ON `shop`.`person` FOR EACH ROW"
    " INSERT INTO `app`.`log` (`person`) VALUES (NEW.`id`)",
    "CREATE PROCEDURE `app`.`add_one`(IN `new` INT) COMMENT 'of `shop`'"
    " INSERT INTO `shop`.`person` VALUES (`new`, 'in shop')",
    "CREATE PROCEDURE `shop`.`add_two`(IN `first` INT) BEGIN"
    " CALL `app`.`add_one`(`first`); CALL `app`.`add_one`(`first` + 1); END",
    "CREATE EVENT `app`.`clean` ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01 00:00:00'"
    " DO DELETE FROM `shop`.`last` WHERE `id` < 0",
    "INSERT INTO `shop`.`person` VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO `shop`.`shop` (`id`, `n`) VALUES (1, 2)",
)
SEQUENCES = (
    "CREATE SEQUENCE `shop`.`ticket` START WITH 5",
    "CREATE TABLE `app`.`taken` (`n` INT DEFAULT NEXTVAL(`shop`.`ticket`), `a` INT)",
    "CREATE VIEW `shop`.`next` AS SELECT LASTVAL(`shop`.`ticket`) AS `n`",
)


@pytest.fixture(scope="module", params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> Instance:
    """Give a server; the tests restore next to the originals, onto the source itself."""
    found: Instance = request.getfixturevalue(request.param)
    wipe(found)
    run_all(found, *PAIR, *(SEQUENCES if found.flavour is not Flavour.MYSQL_97 else ()))
    return found


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, server: Instance) -> Vault:
    """Hold a backup of two schemas that refer to each other."""
    made = Vault(tmp_path_factory.mktemp("renamed"), Lone({"s0": server}))
    made.backup()
    return made


@pytest.fixture(autouse=True)
def originals(server: Instance) -> dict[str, Any]:
    """Drop what other tests restored and give what the originals are."""
    for name in schemas(server):
        if name not in NEW:
            run_all(server, "SET foreign_key_checks = 0", f"DROP DATABASE {quote(name)}")
    return {name: describe(server, name) for name in NEW}


def restore(vault: Vault, **options: Any) -> Any:
    return app.restore("latest", vault.config, confirm_source="shop", **options)


def translate(found: Any) -> Any:
    """Write the new names wherever a server told an old one in front of a dot."""
    if isinstance(found, dict):
        return {key: translate(value) for key, value in found.items() if key != "schema"}
    if isinstance(found, list | tuple):
        return type(found)(map(translate, found))
    for old, new in NEW.items():
        if isinstance(found, str):
            found = found.replace(f"`{old}`.", f"{quote(new)}.")
            found = found.replace(f"{old}.", f"{new}.") if found.startswith(f"{old}.") else found
    return found


def without_schema(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "schema"}


def test_everything_follows_and_the_originals_stay_as_they_are(
    vault: Vault, server: Instance, originals: dict[str, Any]
) -> None:
    report = restore(vault, rename=WORDS)
    assert report.verified
    assert [item for item in report.findings if item.severity is not Severity.INFO] == []
    for old, new in NEW.items():
        restored = describe(server, new)
        assert without_schema(restored) == translate(originals[old])
        expected = originals[old]["schema"][0][1].replace(quote(old), quote(new))
        assert restored["schema"][0] == (new, expected)
        assert describe(server, old) == originals[old]


def test_texts_that_hold_an_old_name_are_kept_and_named(vault: Vault) -> None:
    notes = [item for item in restore(vault, rename=WORDS).findings if item.what != "identity"]
    told = {item.where for item in notes if "a text in it holds shop" in item.message}
    assert told == {"s0: sh`op 2.person", "s0: select.names", "s0: select.add_one"}


def test_the_restored_code_works_on_the_restored_schemas_only(
    vault: Vault, server: Instance, originals: dict[str, Any]
) -> None:
    restore(vault, rename=WORDS)
    new_shop, new_app = (quote(name) for name in NEW.values())
    run_all(server, f"CALL {new_shop}.add_two(10)")
    assert query(server, f"SELECT person FROM {new_app}.log WHERE id > 2") == [(10,), (11,)]
    assert query(server, f"SELECT DISTINCT `all`, `text` FROM {new_app}.names") == [(4, "see shop")]
    assert len(query(server, f"SELECT * FROM {new_shop}.above")) == 4
    if server.flavour is not Flavour.MYSQL_97:
        run_all(server, f"INSERT INTO {new_app}.taken (a) VALUES (1)")
        assert query(server, f"SELECT n FROM {new_app}.taken") == [(5,)]
    with pytest.raises(pymysql.IntegrityError):
        run_all(server, f"INSERT INTO {new_app}.log (person) VALUES (99)")
    assert {name: describe(server, name) for name in NEW} == originals


def test_two_schemas_swap_their_names(vault: Vault, server: Instance) -> None:
    words = {**WORDS, "shop": "select", "app": WORDS["shop"]}
    assert restore(vault, rename=words).verified
    assert query(server, "SELECT COUNT(*) FROM `select`.person") == [(2,)]
    run_all(server, "CALL `select`.add_two(10)")
    assert query(server, "SELECT COUNT(*) FROM `sh``op 2`.log") == [(4,)]
    swap = {"shop": "app", "app": "shop"}
    plan = app.plan_restore("latest", vault.config, confirm_source="shop", rename=swap)
    assert {(t.schema, t.target_schema) for t in plan.tables} == {("shop", "app"), ("app", "shop")}


def test_a_plan_names_the_old_and_the_new_name_and_changes_nothing(
    vault: Vault, server: Instance
) -> None:
    words = ("restore", "latest", "--source-fleet", "shop", "--rename", f"shop={WORDS['shop']}")
    planned = vault.run(*words, "--dry-run", "--scope", "shop.person")
    assert planned.code == 0, planned.err
    lines = [line.split() for line in planned.out.splitlines()]
    number = next(at for at, line in enumerate(lines) if "shop.person" in line)
    assert " ".join(lines[number + 1]) == "→ sh`op 2.person"
    assert sorted(schemas(server)) == ["app", "shop"]


def test_a_restore_is_finished_only_with_the_names_that_it_was_begun_with(
    vault: Vault, server: Instance
) -> None:
    words = ("restore", "latest", "--source-fleet", "shop", "--exclude", "app", "--rename")
    killed = vault.run(*words, "shop=one", fail_at="restore.rows_done=kill")
    assert killed.code == -signal.SIGKILL
    other = vault.run(*words, "shop=two")
    assert other.code == 1
    assert "not complete" in other.err
    assert mark_of(server) == "incomplete"
    assert vault.run(*words, "shop=one").code in (0, 3)
    assert mark_of(server) is None
    assert query(server, "SELECT COUNT(*) FROM one.person") == [(2,)]


def test_a_name_that_is_taken_on_the_target_is_refused(vault: Vault, server: Instance) -> None:
    run_all(server, "CREATE DATABASE taken", "CREATE TABLE taken.t (n INT)")
    with pytest.raises(TargetRefused, match=r"not empty: taken\.t"):
        restore(vault, rename={"shop": "taken", "app": "b"})
    with pytest.raises(UsageError, match="would both be"):
        restore(vault, rename={"shop": "app"})
    assert query(server, "SHOW TABLES FROM taken") == [("t",)]


UNSURE = (
    "CREATE DATABASE unsure",
    "CREATE TABLE unsure.t (id INT)",
    "CREATE PROCEDURE unsure.alias() SELECT unsure.id FROM unsure.t AS unsure",
    "CREATE PROCEDURE unsure.runs() BEGIN SET @a = 'DELETE FROM unsure.t'; PREPARE s FROM @a;"
    " EXECUTE s; END",
    "CREATE PROCEDURE unsure.runs_any() BEGIN PREPARE s FROM @a; EXECUTE s; END",
    "CREATE PROCEDURE unsure.sure() SELECT unsure.t.id FROM unsure.t",
    "CREATE USER reader@h",
    "GRANT SELECT ON unsure.* TO reader@h",
    "GRANT SELECT ON `unsur_`.* TO reader@h",
    "GRANT INSERT (id) ON unsure.t TO reader@h",
)


def test_what_cannot_follow_is_left_out_and_named(
    tmp_path: Path, server: Instance, originals: dict[str, Any]
) -> None:
    run_all(server, "DROP USER IF EXISTS reader@h", *UNSURE)
    vault = Vault(tmp_path, Lone({"s0": server}))
    scope = Scope(include=("unsure",))
    vault.backup(scope=scope)
    report = restore(vault, rename={"unsure": "safe"}, scope=scope, with_accounts=True)
    assert (report.status, report.verified) == ("findings", True)
    warned = {item.where for item in report.findings if item.severity is Severity.WARNING}
    assert warned >= {"s0: unsure.alias", "s0: unsure.runs", "s0: `reader`@`h`"}
    assert "s0: safe.runs_any" in {item.where for item in report.findings}
    names = "SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'safe'"
    assert sorted(query(server, names)) == [("runs_any",), ("sure",)]
    grants = [row[0] for row in query(server, "SHOW GRANTS FOR reader@h")]
    assert "GRANT SELECT ON `safe`.* TO `reader`@`h`" in grants
    assert "GRANT INSERT (`id`) ON `safe`.`t` TO `reader`@`h`" in grants
