"""Databases: their own properties come back, and the last of them is being read only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import ShardvaultError, TargetRefused, VerificationFailed
from shardvault.model.report import RestoreReport, Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import (
    Lone,
    Steps,
    Vault,
    query,
    run_all,
    set_failpoints,
)
from tests.support.servers import Instance

SCHEMA = "closed"
WHOLE, PART = Scope(include=(f"{SCHEMA}.*",)), Scope(include=(f"{SCHEMA}.t",))
READ_ONLY = "/* READ ONLY = 1 */"


@pytest.fixture
def library(mysql: Instance, tmp_path: Path) -> Iterator[Vault]:
    """Hold a backup of a database that is read only, with an event in it."""
    remove(mysql)
    run_all(
        mysql,
        f"CREATE DATABASE {SCHEMA} CHARACTER SET latin1 COLLATE latin1_german2_ci",
        f"CREATE TABLE {SCHEMA}.t (id INT PRIMARY KEY)",
        f"CREATE TABLE {SCHEMA}.u (id INT PRIMARY KEY)",
        f"INSERT INTO {SCHEMA}.t VALUES (1), (2)",
        f"CREATE EVENT {SCHEMA}.e ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01' DO SELECT 1",
        f"ALTER DATABASE {SCHEMA} READ ONLY = 1",
    )
    vault = Vault(tmp_path, Lone({"main": mysql}))
    vault.backup(scope=WHOLE)
    yield vault
    remove(mysql)


@pytest.fixture
def shelf(mariadb: Instance, tmp_path: Path) -> Iterator[Vault]:
    """Hold a backup of a database of MariaDB with a comment."""
    run_all(
        mariadb,
        f"CREATE DATABASE {SCHEMA} CHARACTER SET latin1 COMMENT 'it''s'",
        f"CREATE TABLE {SCHEMA}.t (id INT PRIMARY KEY)",
    )
    vault = Vault(tmp_path, Lone({"main": mariadb}))
    vault.backup(scope=WHOLE)
    yield vault
    run_all(mariadb, f"DROP DATABASE IF EXISTS {SCHEMA}")


def remove(mysql: Instance) -> None:
    if SCHEMA in {name for (name,) in query(mysql, "SHOW DATABASES")}:
        run_all(mysql, f"ALTER DATABASE {SCHEMA} READ ONLY = 0", f"DROP DATABASE {SCHEMA}")


def restore(vault: Vault, scope: Scope = WHOLE, *, replace: bool = True) -> RestoreReport:
    return app.restore(
        vault.newest(), vault.config, scope=scope, replace=replace, confirm_source="shop"
    )


def shown(instance: Instance) -> str:
    return str(query(instance, f"SHOW CREATE DATABASE {SCHEMA}")[0][1])


def test_a_database_that_is_read_only_is_replaced_by_one_that_is(
    library: Vault, mysql: Instance
) -> None:
    before = shown(mysql)
    assert READ_ONLY in before
    report = restore(library)
    assert report.verified
    assert shown(mysql) == before
    (finding,) = report.findings
    assert "left disabled: its database is read only" in finding.message
    with pytest.raises(Exception, match="read only"):
        run_all(mysql, f"INSERT INTO {SCHEMA}.t VALUES (3)")


def test_a_resumed_restore_makes_it_read_only_too(
    library: Vault, mysql: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(mysql)
    set_failpoints(monkeypatch, "restore.marked_verified=error")
    with pytest.raises(ShardvaultError, match="marked_verified"):
        restore(library)
    assert READ_ONLY not in shown(mysql)
    set_failpoints(monkeypatch, "restore.mark_removed=error")
    with pytest.raises(ShardvaultError, match="mark_removed"):
        restore(library)
    set_failpoints(monkeypatch, "")
    assert restore(library).verified
    assert shown(mysql) == before


def test_a_table_of_it_is_not_restored_into_what_is_read_only(library: Vault) -> None:
    with pytest.raises(TargetRefused, match="is read only") as caught:
        restore(library, PART)
    assert caught.value.hint is not None
    assert f"ALTER DATABASE `{SCHEMA}` READ ONLY = 0" in caught.value.hint


def test_a_database_restored_in_part_stays_open_and_that_is_told(
    library: Vault, mysql: Instance
) -> None:
    remove(mysql)
    report = restore(library, PART, replace=False)
    assert READ_ONLY not in shown(mysql)
    (finding,) = report.findings
    assert (finding.where, finding.message) == (
        f"main: {SCHEMA}",
        "was read only and is not any more",
    )


def test_an_empty_database_of_another_character_set_is_refused(
    shelf: Vault, mariadb: Instance
) -> None:
    run_all(mariadb, f"DROP TABLE {SCHEMA}.t", f"ALTER DATABASE {SCHEMA} CHARACTER SET utf8mb4")
    with pytest.raises(TargetRefused, match=r"is there and has .*utf8mb4.*, not .*latin1"):
        restore(shelf, replace=False)
    run_all(mariadb, f"ALTER DATABASE {SCHEMA} CHARACTER SET latin1")
    assert restore(shelf, replace=False).status == "complete"


def test_a_database_of_another_comment_is_told_where_only_a_table_is_restored(
    shelf: Vault, mariadb: Instance
) -> None:
    run_all(mariadb, f"ALTER DATABASE {SCHEMA} COMMENT 'other'")
    report = restore(shelf, PART)
    (finding,) = report.findings
    assert (finding.severity, finding.where) == (Severity.WARNING, f"main: {SCHEMA}")
    assert "comment 'other'" in finding.message


def test_a_database_that_is_changed_during_the_restore_fails_it(
    shelf: Vault, mariadb: Instance
) -> None:
    change = f"ALTER DATABASE {SCHEMA} COLLATE latin1_bin"
    steps = Steps(definitions=lambda: run_all(mariadb, change))
    with pytest.raises(VerificationFailed, match=rf"database {SCHEMA} has .*latin1_bin"):
        app.restore(
            shelf.newest(),
            shelf.config,
            scope=WHOLE,
            replace=True,
            confirm_source="shop",
            sink=steps,
        )
    run_all(mariadb, f"ALTER DATABASE {SCHEMA} COLLATE latin1_swedish_ci")
    assert restore(shelf).status == "complete"
