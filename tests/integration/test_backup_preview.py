"""`backup --dry-run`: what it shows, what it refuses, and that it changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, query, run_all
from tests.support.servers import Instance

SCOPE = Scope(include=("preview.*",))
WORDS = ("backup", "--dry-run", "--tables", "preview.*")


@pytest.fixture
def vault(tmp_path: Path, mariadb: Instance) -> Iterator[Vault]:
    run_all(
        mariadb,
        "DROP DATABASE IF EXISTS preview",
        "CREATE DATABASE preview",
        "CREATE TABLE preview.t (id INT PRIMARY KEY)",
        "INSERT INTO preview.t VALUES (1), (2), (3)",
        "CREATE TABLE preview.m (id INT) ENGINE=MyISAM",
        "CREATE SEQUENCE preview.s",
        "CREATE VIEW preview.v AS SELECT 1",
    )
    yield Vault(tmp_path, Lone({"s0": mariadb}))
    run_all(mariadb, "DROP DATABASE preview")


def test_every_table_is_shown_with_what_is_done_and_nothing_is_locked_or_stored(
    vault: Vault, mariadb: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = query(mariadb, "SHOW MASTER STATUS")
    shown = vault.run(*WORDS, "--format", "json", fail_at="cut.connected=kill")
    assert shown.code == 0, shown.err
    plan = json.loads(shown.out)
    assert {table["name"]: table["action"] for table in plan["tables"]} == {
        "t": "read in the snapshot",
        "m": "copy under the barrier",
        "s": "keep the definition",
    }
    (shard,) = plan["shards"]
    assert (shard["tables"], shard["objects"], shard["rows"]) == (3, 1, 3)
    assert vault.listed() == []
    assert query(mariadb, "SHOW MASTER STATUS") == position


def test_what_blocks_a_backup_blocks_its_dry_run_unless_the_loss_is_allowed(
    vault: Vault, mariadb: Instance, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o777)
    run_all(mariadb, f"CREATE TABLE preview.d (id INT) DATA DIRECTORY='{elsewhere}'")
    blocked = vault.run(*WORDS)
    assert blocked.code == 1
    assert "preview.d" in blocked.out
    assert vault.run("backup", "--tables", "preview.*").code == 1
    plan = app.plan_backup(vault.config, scope=SCOPE, allow_loss=["data-directory"])
    assert plan.status == "warnings"
    assert any("loss allowed" in finding.message for finding in plan.findings)
