"""`rows: false` in the fleet file: definitions without rows, recorded as a loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shardvault import app
from shardvault.model.export import ExportForm
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, query, run_all, wipe
from tests.support.servers import Instance

TABLES: list[dict[str, Any]] = [
    {"logical": "log", "nodes": "s0.left_out.log_${0..1}", "rows": False},
    {"logical": "orders", "nodes": "s0.left_out.orders"},
]


@pytest.fixture
def vault(tmp_path: Path, mariadb: Instance) -> Iterator[Vault]:
    run_all(
        mariadb,
        "DROP DATABASE IF EXISTS left_out",
        "CREATE DATABASE left_out",
        "CREATE TABLE left_out.log_0 (id INT AUTO_INCREMENT PRIMARY KEY, t CHAR(9), KEY (t))",
        "CREATE TABLE left_out.log_1 (id INT, n INT AS (id + 1)) ENGINE=MyISAM",
        "CREATE TABLE left_out.orders (id INT PRIMARY KEY)",
        "INSERT INTO left_out.log_0 (t) VALUES ('a'), ('b')",
        "INSERT INTO left_out.log_1 (id) VALUES (7)",
        "INSERT INTO left_out.orders VALUES (1)",
    )
    yield Vault(tmp_path, Lone({"s0": mariadb}), tables=TABLES)
    run_all(mariadb, "DROP DATABASE left_out")


def test_the_definition_comes_back_without_rows_and_the_loss_is_reported(
    vault: Vault, mariadb118: Instance
) -> None:
    report = vault.backup()
    lost = {loss.table: loss.kind for loss in report.allowed_losses}
    assert lost == {"left_out.log_0": "rows", "left_out.log_1": "rows"}
    assert report.totals.rows == 1
    (listed,) = app.list_backups(vault.config).backups
    assert listed.allowed_losses == ("rows",)
    wipe(mariadb118)
    restored = vault.restore(vault.target(Lone({"s0": mariadb118})))
    assert restored.verified
    messages = [finding.message for finding in restored.findings]
    assert sum("`rows: false` in the fleet file" in message for message in messages) == 2
    assert query(mariadb118, "SELECT COUNT(*) FROM left_out.log_0") == [(0,)]
    assert query(mariadb118, "SELECT COUNT(*) FROM left_out.orders") == [(1,)]
    run_all(mariadb118, "INSERT INTO left_out.log_0 (t) VALUES ('c')")
    assert query(mariadb118, "SELECT id FROM left_out.log_0") == [(3,)]
    wipe(mariadb118)


def test_the_dry_run_shows_which_rows_are_left_out(vault: Vault) -> None:
    plan = app.plan_backup(vault.config, scope=Scope())
    actions = {table.name: (table.action, table.rows) for table in plan.tables}
    assert actions["log_0"] == actions["log_1"] == ("keep the definition", 0)
    assert actions["orders"][0] == "read in the snapshot"


@pytest.mark.parametrize("form", list(ExportForm))
def test_a_file_without_these_rows_is_not_taken_for_the_whole_table(
    vault: Vault, tmp_path: Path, form: ExportForm
) -> None:
    vault.backup()
    scope = Scope(include=("left_out.log_0",))
    report = app.export("latest", form, str(tmp_path / "out"), vault.config, scope=scope)
    (notice,) = report.notices
    assert "table left_out.log_0 is backed up without rows, as `rows: false` says" in notice
    assert (notice.encode() in (tmp_path / "out").read_bytes()) is (form is ExportForm.SQL)
