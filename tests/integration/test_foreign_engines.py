"""Tables whose rows live elsewhere: kept as a definition, and the backup says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, query, run_all
from tests.support.servers import Flavour, Instance, start_instance

SCHEMA = "elsewhere"
SCOPE = Scope(include=(f"{SCHEMA}.*",))
TABLES = {
    "MRG_MyISAM": "CREATE TABLE t (id INT, KEY (id)) ENGINE=MERGE UNION=(a)",
    "BLACKHOLE": "CREATE TABLE t (id INT PRIMARY KEY, v TEXT) ENGINE=BLACKHOLE",
    "FEDERATED": "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=FEDERATED"
    " CONNECTION='mysql://nobody:word@127.0.0.1:1/away/t'",
}


@pytest.fixture(scope="module")
def federated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start a MySQL that has the engine switched on; it is off unless asked for."""
    folder = tmp_path_factory.mktemp("federated") / "instance"
    instance = start_instance(Flavour.MYSQL_97, folder, options=["--federated"])
    yield instance
    instance.destroy()


@pytest.mark.parametrize(
    ("server", "engine"),
    [
        ("mariadb", "MRG_MyISAM"),
        ("mariadb118", "MRG_MyISAM"),
        ("federated", "MRG_MyISAM"),
        ("federated", "BLACKHOLE"),
        ("federated", "FEDERATED"),
    ],
)
def test_a_table_of_a_foreign_engine_comes_back_as_a_definition_and_that_is_said(
    server: str, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    instance: Instance = request.getfixturevalue(server)
    run_all(
        instance,
        f"DROP DATABASE IF EXISTS {SCHEMA}",
        f"CREATE DATABASE {SCHEMA}",
        f"USE {SCHEMA}",
        "CREATE TABLE a (id INT, KEY (id)) ENGINE=MyISAM",
        TABLES[engine],
    )
    before = query(instance, f"SHOW CREATE TABLE {SCHEMA}.t")
    vault = Vault(tmp_path, Lone({"main": instance}))
    report = vault.backup(scope=SCOPE)
    said = f"table {SCHEMA}.t ({engine}) is kept as a definition; its rows live elsewhere"
    assert [notice for notice in report.notices if said.lower() in notice.lower()]
    restored = app.restore(
        vault.newest(), vault.config, scope=SCOPE, replace=True, confirm_source="shop"
    )
    assert restored.status == "complete"
    assert query(instance, f"SHOW CREATE TABLE {SCHEMA}.t") == before
    run_all(instance, f"DROP DATABASE {SCHEMA}")
