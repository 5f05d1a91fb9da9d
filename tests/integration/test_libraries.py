"""Libraries of MySQL come back with the routines that import them; so do views of JSON duality."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shardvault import app
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Row, Vault, query, run_all
from tests.support.servers import Instance, grant_backup_user

SCHEMA = "lib"
SCOPE = Scope(include=(SCHEMA,))
LAY = (
    "CREATE TABLE t (id INT PRIMARY KEY, n INT)",
    "INSERT INTO t VALUES (1, 2)",
    "CREATE LIBRARY lib1 LANGUAGE JAVASCRIPT COMMENT 'it''s Σ'"
    " AS $$ export function f(n) { let a = n; return a + 1; } $$",
    "CREATE LIBRARY `odd ``name` LANGUAGE JAVASCRIPT AS $q$ let a = '$$ ; `'; $q$",
    "CREATE FUNCTION uf(n INT) RETURNS INT NO SQL LANGUAGE JAVASCRIPT USING (lib1 AS l)"
    " AS $$ return l.f(n) $$",
    "CREATE JSON DUALITY VIEW jv AS"
    " SELECT JSON_DUALITY_OBJECT(WITH (INSERT, UPDATE) '_id': id, 'n': n) FROM t",
)

NO_LANGUAGE = "created with a warning: Language component: Not available."


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, mysql: Instance) -> Vault:
    return Vault(tmp_path_factory.mktemp("libraries"), Lone({"main": mysql}))


@pytest.fixture
def server(mysql: Instance) -> Iterator[Instance]:
    _clear(mysql)
    run_all(mysql, f"CREATE DATABASE {SCHEMA}", f"USE {SCHEMA}", *LAY)
    yield mysql
    _clear(mysql)


def _clear(instance: Instance) -> None:
    run_all(
        instance,
        *(f"DROP DATABASE IF EXISTS {name}" for name in (SCHEMA, "lib2", "_shardvault")),
    )


def _describe(instance: Instance, schema: str) -> list[Row]:
    libraries = query(
        instance,
        "SELECT library_name, library_definition, language, sql_mode, library_comment"
        f" FROM information_schema.libraries WHERE library_schema = '{schema}' ORDER BY 1",
    )
    return [
        *libraries,
        query(instance, f"SHOW CREATE FUNCTION {schema}.uf")[0],
        query(instance, f"SHOW CREATE VIEW {schema}.jv")[0],
        *query(instance, f"SELECT * FROM {schema}.jv"),
    ]


def test_libraries_and_what_imports_them_come_back(server: Instance, shared: Vault) -> None:
    before = _describe(server, SCHEMA)
    shared.backup(scope=SCOPE)
    run_all(server, f"DROP DATABASE {SCHEMA}")
    target = shared.target(Lone({"main": server}))
    report = shared.restore(target, scope=SCOPE, confirm_source="shop")
    # The server under test takes JavaScript, and cannot run it: it says so of each text.
    assert {one.message for one in report.findings} == {NO_LANGUAGE}
    assert _describe(server, SCHEMA) == before
    assert len(before) == 5


def test_they_follow_their_schema_to_a_new_name(server: Instance, shared: Vault) -> None:
    shared.backup(scope=SCOPE)
    target = shared.target(Lone({"main": server}))
    report = shared.restore(target, scope=SCOPE, rename={SCHEMA: "lib2"}, confirm_source="shop")
    assert report.verified
    ((_, _, text, *_),) = query(server, "SHOW CREATE FUNCTION lib2.uf")
    assert "USING (`lib2`.`lib1` AS `l`)" in text
    names = "SELECT library_name FROM information_schema.libraries WHERE library_schema = '{}'"
    assert query(server, names.format("lib2")) == query(server, names.format(SCHEMA))


def test_a_library_in_the_way_is_found_and_replaced(server: Instance, shared: Vault) -> None:
    shared.backup(scope=SCOPE)
    run_all(server, f"USE {SCHEMA}", "DROP FUNCTION uf", "DROP TABLE t", "DROP VIEW jv")
    target = shared.target(Lone({"main": server}))
    plan = app.plan_restore(
        "latest", shared.config, target=target, scope=SCOPE, confirm_source="shop"
    )
    (found,) = [one for one in plan.findings if one.what == "contents"]
    assert "lib.lib1" in found.message
    report = shared.restore(target, scope=SCOPE, replace=True, confirm_source="shop")
    assert report.verified


@dataclass
class _Login:
    shards: dict[str, Instance]
    user: str
    password: str


def test_the_account_of_the_readme_sees_them(server: Instance, shared: Vault) -> None:
    password = secrets.token_hex(8)
    grant_backup_user(server, password)
    login = _Login({"main": server}, "backup", password)
    config, shared.config = shared.config, shared.target(login, "readme")
    try:
        backup = shared.backup(scope=SCOPE)
        found = app.show_definitions(backup.id, shared.config).definitions
    finally:
        shared.config = config
    kinds = {(one.kind, one.name) for one in found}
    assert {("library", "lib1"), ("library", "odd `name"), ("view", "jv")} <= kinds


def test_a_table_alone_comes_without_libraries(server: Instance, shared: Vault) -> None:
    backup = shared.backup(scope=Scope(include=(f"{SCHEMA}.t",)))
    found = app.show_definitions(backup.id, shared.config).definitions
    assert [one for one in found if one.kind == "library"] == []
