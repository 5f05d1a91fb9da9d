"""Whatever a server has is carried, follows from what is carried, or is named before the lock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shardvault import app
from shardvault.errors import UnsupportedObject
from shardvault.fleet.catalogue import known_tables
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Steps, Vault, query, run_all
from tests.support.servers import Instance

SCHEMA = "walked"
WHAT = "not in the backup"

OWN = {
    "mysql.mine": "CREATE TABLE mysql.mine (id INT PRIMARY KEY)",
    "sys.mine": "CREATE TABLE sys.mine (id INT PRIMARY KEY)",
    "sys.my_view": "CREATE VIEW sys.my_view AS SELECT 1 AS one",
    "sys.my_routine": "CREATE PROCEDURE sys.my_routine() SELECT 1",
    "sys.my_event": "CREATE EVENT sys.my_event ON SCHEDULE EVERY 1 YEAR DO SELECT 1",
}
DROP_OWN = (
    "DROP TABLE IF EXISTS mysql.mine, sys.mine",
    "DROP VIEW IF EXISTS sys.my_view",
    "DROP PROCEDURE IF EXISTS sys.my_routine",
    "DROP EVENT IF EXISTS sys.my_event",
)
FUNCTION = "INSERT INTO mysql.func VALUES ('walked_f', 0, 'walked.so', 'function')"
DROP_FUNCTION = "DELETE FROM mysql.func WHERE name = 'walked_f'"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, mariadb: Instance) -> Vault:
    return Vault(tmp_path_factory.mktemp("walked"), Lone({"main": mariadb}))


@pytest.fixture(params=["mariadb105", "mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    _clear(found)
    run_all(
        found,
        f"CREATE DATABASE {SCHEMA}",
        f"CREATE TABLE {SCHEMA}.t (id INT PRIMARY KEY, n INT)",
        f"CREATE TABLE {SCHEMA}.other (id INT PRIMARY KEY, n INT)",
    )
    yield found
    _clear(found)


def _clear(instance: Instance) -> None:
    run_all(instance, f"DROP DATABASE IF EXISTS {SCHEMA}", *DROP_OWN, DROP_FUNCTION)


def _own(instance: Instance) -> dict[str, str]:
    """Give what can be made in the schemas that the server has; MariaDB 10.5 has no sys."""
    has_sys = bool(query(instance, "SHOW DATABASES LIKE 'sys'"))
    return {name: text for name, text in OWN.items() if has_sys or name.startswith("mysql.")}


def _use(vault: Vault, instance: Instance) -> Vault:
    vault.config = vault.target(Lone({"main": instance}), "source")
    return vault


def _named(vault: Vault, scope: Scope | None = None) -> list[Finding]:
    return [one for one in app.check(vault.config, scope=scope).findings if one.what == WHAT]


def _is_mysql(instance: Instance) -> bool:
    return str(instance.flavour.family) == "mysql"


@pytest.mark.parametrize("schema", ["information_schema", "mysql"])
def test_every_table_of_the_catalogue_was_judged(instance: Instance, schema: str) -> None:
    rows = query(
        instance,
        f"SELECT LOWER(table_name) FROM information_schema.tables WHERE table_schema = '{schema}'",
    )
    assert rows
    missing = {name for (name,) in rows} - known_tables(schema)
    assert sorted(missing) == [], f"judge them in fleet/catalogue.py: {instance.flavour}"


def test_a_fresh_server_has_nothing_to_name(instance: Instance, shared: Vault) -> None:
    assert _named(_use(shared, instance)) == []


def test_what_users_made_in_the_schemas_of_the_server_is_refused_or_allowed(
    instance: Instance, shared: Vault
) -> None:
    own = _own(instance)
    run_all(instance, *own.values())
    vault, steps = _use(shared, instance), Steps()
    found = _named(vault)
    assert {one.table for one in found} == own.keys()
    assert {one.severity for one in found} == {Severity.BLOCKER}
    with pytest.raises(UnsupportedObject) as caught:
        vault.backup(steps)
    assert all(name in str(caught.value) for name in own)
    assert "barrier" not in [getattr(event, "phase", "") for event in steps.events]
    report = vault.backup(allow_loss=("system-schemas",))
    assert {one.table for one in report.allowed_losses} == own.keys()


def test_what_needs_something_of_the_machine_is_named(instance: Instance, shared: Vault) -> None:
    run_all(instance, FUNCTION)
    vault = _use(shared, instance)
    (found,) = _named(vault)
    assert found.severity is Severity.WARNING
    assert found.message == "not in the backup: loadable functions: walked_f (walked.so)"
    assert found.message in " ".join(vault.backup().notices)


def test_a_narrowed_backup_names_only_what_concerns_it(instance: Instance, shared: Vault) -> None:
    run_all(instance, FUNCTION, *_own(instance).values())
    vault, scope = _use(shared, instance), Scope(include=(f"{SCHEMA}.t",))
    assert _named(vault, scope) == []
    vault.backup(scope=scope)


HISTOGRAMS = (
    "SELECT column_name, JSON_REMOVE(histogram, '$.\"last-updated\"')"
    f" FROM information_schema.column_statistics WHERE schema_name = '{SCHEMA}' ORDER BY 1"
)


def test_statistics_of_values_in_scope_come_back_or_are_named(
    instance: Instance, shared: Vault
) -> None:
    run_all(
        instance,
        f"ALTER TABLE {SCHEMA}.t ADD s VARCHAR(20)",
        f"INSERT INTO {SCHEMA}.t VALUES (1, 1, 'a'), (2, 2, 'b''\\\\c'), (3, 5, NULL)",
    )
    vault, scope = _use(shared, instance), Scope(include=(f"{SCHEMA}.t",))
    if not _is_mysql(instance):
        run_all(instance, f"ANALYZE TABLE {SCHEMA}.t PERSISTENT FOR ALL")
        (found,) = _named(vault)
        assert found.message == f"not in the backup: statistics of values, of {SCHEMA}.t"
        assert _named(vault, scope) == [found]
        assert _named(vault, Scope(include=(f"{SCHEMA}.other",))) == []
        return
    run_all(instance, f"ANALYZE TABLE {SCHEMA}.t UPDATE HISTOGRAM ON n, s WITH 3 BUCKETS")
    before = query(instance, HISTOGRAMS)
    assert len(before) == 2
    assert _named(vault) == []
    vault.backup()
    run_all(instance, f"DROP DATABASE {SCHEMA}")
    report = vault.restore(vault.target(Lone({"main": instance})), confirm_source="shop")
    assert [one.message for one in report.findings if one.what == "statistics"] == []
    assert query(instance, HISTOGRAMS) == before


def test_resource_groups_are_named(mysql: Instance, shared: Vault) -> None:
    vault = _use(shared, mysql)
    run_all(mysql, f"CREATE DATABASE {SCHEMA}", "CREATE RESOURCE GROUP walked TYPE = USER")
    try:
        messages = [one.message for one in _named(vault)]
    finally:
        run_all(mysql, "DROP RESOURCE GROUP walked", f"DROP DATABASE {SCHEMA}")
    assert messages == ["not in the backup: resource groups: walked"]
