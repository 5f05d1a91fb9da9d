"""A state that no server takes again is reported before the lock and restored as near as can be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shardvault import app
from shardvault.errors import ServerError, VerificationFailed
from shardvault.load import foreign_keys
from shardvault.model.report import Finding, RestoreReport, Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import (
    Lone,
    Vault,
    query,
    run_all,
    set_failpoints,
)
from tests.support.servers import Instance

SCHEMA = "nearest"
SCOPE = Scope(include=(SCHEMA,))

LOW_COUNTER = (
    "CREATE TABLE p (id INT AUTO_INCREMENT PRIMARY KEY, n INT) PARTITION BY HASH (id) PARTITIONS 3",
    "INSERT INTO p (n) VALUES (1), (2)",
    "UPDATE p SET id = 100 WHERE id = 2",
    "FLUSH TABLES",  # until then the server remembers a higher counter
)
PARENT = "CREATE TABLE parent (id INT PRIMARY KEY, u INT, UNIQUE KEY u (u))"
CHILD = (
    "CREATE TABLE child (id INT PRIMARY KEY, p INT, q INT, KEY p (p), KEY q (q),"
    " CONSTRAINT unfit FOREIGN KEY (p) REFERENCES parent (u),"
    " CONSTRAINT sound FOREIGN KEY (q) REFERENCES parent (id))"
)
UNCHECKED = "SET foreign_key_checks = 0"
UNFIT = {
    "no index in the parent": (PARENT, CHILD, UNCHECKED, "ALTER TABLE parent DROP INDEX u"),
    "no such column in the parent": (
        UNCHECKED,
        CHILD,
        "CREATE TABLE parent (id INT PRIMARY KEY)",
    ),
    "another type in the parent": (
        UNCHECKED,
        CHILD,
        "CREATE TABLE parent (id INT PRIMARY KEY, u BIGINT, UNIQUE KEY u (u))",
    ),
}
WORDS = {
    "no index in the parent": "its parent lacks an index",
    "no such column in the parent": "its parent lacks a column",
    "another type in the parent": "differ in type",
}
NO_OWN_INDEX = (PARENT, CHILD, UNCHECKED, "ALTER TABLE child DROP INDEX p")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, mariadb: Instance) -> Vault:
    return Vault(tmp_path_factory.mktemp("nearest"), Lone({"main": mariadb}))


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    run_all(found, f"DROP DATABASE IF EXISTS {SCHEMA}", f"CREATE DATABASE {SCHEMA}")
    yield found
    run_all(found, f"DROP DATABASE IF EXISTS {SCHEMA}", "DROP DATABASE IF EXISTS _shardvault")


def _lay(instance: Instance, *statements: str) -> None:
    run_all(instance, f"USE {SCHEMA}", *statements)


def _use(vault: Vault, instance: Instance) -> None:
    vault.config = vault.target(Lone({"main": instance}), "source")


def _warnings(vault: Vault, what: str) -> list[Finding]:
    found = app.check(vault.config, scope=SCOPE).findings
    return [one for one in found if one.severity is Severity.WARNING and one.what == what]


def _restore(vault: Vault, instance: Instance) -> RestoreReport:
    """Restore onto the source itself: what it could not take again, no server can."""
    target = vault.target(Lone({"main": instance}))
    return vault.restore(target, scope=SCOPE, replace=True, confirm_source="shop")


def _told(report: RestoreReport) -> list[str]:
    return [one.message for one in report.findings if one.severity is Severity.WARNING]


def _keys(instance: Instance) -> list[str]:
    rows = query(
        instance,
        "SELECT constraint_name FROM information_schema.referential_constraints"
        f" WHERE constraint_schema = '{SCHEMA}' ORDER BY 1",
    )
    return [name for (name,) in rows]


@pytest.mark.parametrize("instance", ["mariadb105", "mariadb", "mariadb118"], indirect=True)
def test_a_counter_below_its_largest_value_comes_back_as_the_lowest_possible(
    instance: Instance, shared: Vault
) -> None:
    _lay(instance, *LOW_COUNTER)
    _use(shared, instance)
    (found,) = _warnings(shared, "counters")
    assert found.table == "nearest.p"
    assert "AUTO_INCREMENT is 3, and 100 is in use" in found.message
    assert found.message in " ".join(shared.backup(scope=SCOPE).notices)
    report = _restore(shared, instance)
    assert (report.verified, report.status) == (True, "findings")
    (told,) = _told(report)
    assert "AUTO_INCREMENT is 101, not 3" in told
    run_all(instance, "INSERT INTO nearest.p (n) VALUES (9)")
    assert query(instance, "SELECT id FROM nearest.p WHERE n = 9") == [(101,)]


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_the_remedy_for_a_low_counter_is_enough(instance: Instance, shared: Vault) -> None:
    _lay(instance, *LOW_COUNTER)
    _use(shared, instance)
    (found,) = _warnings(shared, "counters")
    run_all(instance, found.remedy, "FLUSH TABLES")
    assert _warnings(shared, "counters") == []


@pytest.mark.parametrize("instance", ["mysql"], indirect=True)
def test_mysql_has_no_such_counter(instance: Instance, shared: Vault) -> None:
    _lay(instance, *LOW_COUNTER)
    _use(shared, instance)
    assert _warnings(shared, "counters") == []
    shared.backup(scope=SCOPE)
    assert _restore(shared, instance).status == "complete"


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_without_the_nearest_state_such_a_table_can_never_be_restored(
    instance: Instance, shared: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    set_failpoints(monkeypatch, "restore.nearest_state=off")
    _lay(instance, *LOW_COUNTER)
    _use(shared, instance)
    shared.backup(scope=SCOPE)
    with pytest.raises(VerificationFailed, match="AUTO_INCREMENT is 101, not 3"):
        _restore(shared, instance)


@pytest.mark.parametrize(
    ("instance", "name"), [("mariadb", name) for name in UNFIT], indirect=["instance"]
)
def test_a_foreign_key_that_no_server_takes_is_left_out_and_the_others_are_made(
    instance: Instance, name: str, shared: Vault
) -> None:
    _lay(instance, *UNFIT[name])
    _use(shared, instance)
    assert _keys(instance) == ["sound", "unfit"]
    (found,) = _warnings(shared, "foreign keys")
    assert WORDS[name] in found.message
    assert found.message in " ".join(shared.backup(scope=SCOPE).notices)
    report = _restore(shared, instance)
    assert (report.verified, report.status) == (True, "findings")
    (told,) = _told(report)
    assert told.startswith("unfit is left out, no server takes it as the source has it: ")
    assert _keys(instance) == ["sound"]


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_a_foreign_key_without_an_index_of_its_own_gets_one(
    instance: Instance, shared: Vault
) -> None:
    _lay(instance, *NO_OWN_INDEX)
    _use(shared, instance)
    (found,) = _warnings(shared, "foreign keys")
    assert "its table lacks an index; a restore makes one" in found.message
    shared.backup(scope=SCOPE)
    (told,) = _told(_restore(shared, instance))
    assert told.startswith("the source has no index for unfit")
    assert _keys(instance) == ["sound", "unfit"]


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_keys_whose_parents_are_sound_or_not_there_are_not_reported(
    instance: Instance, shared: Vault
) -> None:
    _lay(
        instance,
        UNCHECKED,
        PARENT,
        CHILD,
        "CREATE TABLE text_parent (c VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY)",
        "CREATE TABLE text_child (c CHAR(5) CHARACTER SET latin1 PRIMARY KEY,"
        " FOREIGN KEY (c) REFERENCES text_parent (c))",
        "CREATE TABLE lonely (a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES nowhere (a))",
    )
    _use(shared, instance)
    assert _warnings(shared, "foreign keys") == []


@pytest.mark.parametrize("instance", ["mariadb"], indirect=True)
def test_if_every_refusal_counted_the_restore_would_stop_half_way(
    instance: Instance, shared: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: only keys that do not fit are left out."""
    monkeypatch.setattr(foreign_keys, "_UNFIT", frozenset())
    _lay(instance, *UNFIT["no index in the parent"])
    _use(shared, instance)
    shared.backup(scope=SCOPE)
    with pytest.raises(ServerError, match="Missing index for constraint"):
        _restore(shared, instance)
