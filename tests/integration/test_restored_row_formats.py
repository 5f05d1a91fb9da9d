"""Row formats of InnoDB that no definition names: told before and behind a restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, query, run_all
from tests.support.servers import Instance

SCHEMA = "formatted"
WHAT = "row format"
DEFAULT = "SET GLOBAL innodb_default_row_format = {}"


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    run_all(
        found,
        DEFAULT.format("compact"),
        f"CREATE DATABASE {SCHEMA}",
        f"CREATE TABLE {SCHEMA}.silent (id INT PRIMARY KEY, v VARCHAR(9))",
        f"CREATE TABLE {SCHEMA}.named (id INT PRIMARY KEY) ROW_FORMAT=COMPACT",
        f"CREATE TABLE {SCHEMA}.packed (id INT PRIMARY KEY) KEY_BLOCK_SIZE=8",
    )
    yield found
    run_all(found, DEFAULT.format("dynamic"), f"DROP DATABASE IF EXISTS {SCHEMA}")


@pytest.fixture
def vault(instance: Instance, tmp_path: Path) -> Vault:
    vault = Vault(tmp_path, Lone({"main": instance}))
    vault.backup(scope=Scope(include=(f"{SCHEMA}.*",)))
    return vault


def restore(vault: Vault) -> list[str]:
    report = app.restore(vault.newest(), vault.config, replace=True, confirm_source="shop")
    return [f"{item.where} {item.message}" for item in report.findings if item.what == WHAT]


def formats(instance: Instance) -> dict[str, str]:
    rows = query(
        instance,
        "SELECT table_name, row_format FROM information_schema.tables WHERE table_schema = %s",
        (SCHEMA,),
    )
    return dict(rows)


def test_a_target_of_the_same_default_gives_the_same_row_formats(
    vault: Vault, instance: Instance
) -> None:
    before = formats(instance)
    assert before == {"silent": "Compact", "named": "Compact", "packed": "Compressed"}
    assert restore(vault) == []
    assert formats(instance) == before


def test_another_default_is_told_before_the_restore_and_for_each_table_behind_it(
    vault: Vault, instance: Instance
) -> None:
    run_all(instance, DEFAULT.format("dynamic"))
    plan = app.plan_restore(vault.newest(), vault.config, replace=True, confirm_source="shop")
    (warned,) = [item for item in plan.findings if item.what == WHAT]
    assert warned.remedy.endswith("SET GLOBAL innodb_default_row_format=compact")
    assert [text for text in restore(vault) if text.startswith("main: ")] == [
        f"main: {SCHEMA}.silent rows are stored as Dynamic, not as Compact: "
        "the target's innodb_default_row_format decides"
    ]
    assert formats(instance)["silent"] == "Dynamic"
    assert formats(instance)["named"] == "Compact"
