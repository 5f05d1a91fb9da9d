"""What cannot come back exactly is named before any lock, or lost by permission and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shardvault import app
from shardvault.errors import UnsupportedObject
from shardvault.fleet import preflight
from shardvault.fleet.inventory import Inventory
from shardvault.fleet.untold_json import find_untold_json
from shardvault.model.ids import ShardName
from shardvault.model.loss import AllowedLoss
from shardvault.model.report import Finding, RestoreReport, Severity
from shardvault.model.target import Scope, Shard
from tests.integration.copying import login_of, read_tables, reading
from tests.integration.operations_support import Lone, Steps, Vault, query, run_all
from tests.support.servers import Flavour, Instance

SCHEMA = "losses"
ONLY = Scope(include=(SCHEMA,))
SHARD = ShardName("main")

UNTOLD = "JSON_OBJECT('price', CAST(1.50 AS DECIMAL(10, 2)), 'day', CAST('2024-02-03' AS DATE))"
BIG = (
    "CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, v LONGBLOB) ENGINE=MyISAM",
    "INSERT INTO big (v) VALUES (REPEAT('x', 9000000))",
)
ONLY_GENERATED = ("CREATE TABLE bare (a INT AS (1 + 1) STORED)", "INSERT INTO bare () VALUES ()")
BY_TRANSACTION = (
    "CREATE TABLE old (id INT PRIMARY KEY, a BIGINT UNSIGNED AS ROW START,"
    " b BIGINT UNSIGNED AS ROW END, PERIOD FOR SYSTEM_TIME (a, b)) WITH SYSTEM VERSIONING",
    "INSERT INTO old (id) VALUES (1), (2)",
    "DELETE FROM old WHERE id = 1",
)
ELSEWHERE = (
    "CREATE TABLE far (id INT PRIMARY KEY) DATA DIRECTORY='{D}'",
    "INSERT INTO far VALUES (7)",
)
IN_TABLESPACE = (
    "CREATE TABLESPACE losses ADD DATAFILE 'losses.ibd'",
    "CREATE TABLE far (id INT PRIMARY KEY) TABLESPACE losses",
    "INSERT INTO far VALUES (7)",
)
UNTOLD_JSON = (
    "CREATE TABLE doc (id INT PRIMARY KEY, plain JSON, j JSON)",
    f"INSERT INTO doc VALUES (1, '[1]', NULL), (2, '[2]', {UNTOLD})",
)
MISSPELT = (
    "CREATE TABLE parent (id INT PRIMARY KEY)",
    "CREATE TABLE child (id INT, CONSTRAINT `f``k` FOREIGN KEY (id) REFERENCES parent (id))",
)
FOREIGN = "CREATE TABLE merged (id INT) ENGINE=MERGE"

REFUSED = {
    "bare": ("only generated columns", ONLY_GENERATED),
    "big": ("in no snapshot", BIG),
    "old": ("its history cannot be written back", BY_TRANSACTION),
    "far": ("a place that a target need not have", ELSEWHERE),
}
REFUSED_BY_MYSQL = {
    "bare": REFUSED["bare"],
    "big": REFUSED["big"],
    "far": ("TABLESPACE, a place that a target need not have", IN_TABLESPACE),
    "doc": ("JSON column 'j' holds a DECIMAL, DATE", UNTOLD_JSON),
}
MARIADBS = {**REFUSED, "child": ("misspells a name in the foreign key 'f`k'", MISSPELT)}
REFUSED_ON = {
    Flavour.MARIADB_1011: MARIADBS,
    Flavour.MARIADB_118: MARIADBS,
    Flavour.MYSQL_97: REFUSED_BY_MYSQL,
}
ALLOWED = {"old": "history", "far": "data-directory", "doc": "json-types"}


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    yield from _empty(found)


@pytest.fixture
def server(mysql: Instance) -> Iterator[Instance]:
    yield from _empty(mysql)


def _empty(instance: Instance) -> Iterator[Instance]:
    run_all(instance, f"DROP DATABASE IF EXISTS {SCHEMA}", f"CREATE DATABASE {SCHEMA}")
    yield instance
    run_all(instance, f"DROP DATABASE IF EXISTS {SCHEMA}")
    if instance.flavour is Flavour.MYSQL_97 and query(
        instance, "SELECT 1 FROM information_schema.innodb_tablespaces WHERE name = 'losses'"
    ):
        run_all(instance, "DROP TABLESPACE losses")


def _lay(instance: Instance, *statements: str) -> None:
    filled = (text.replace("{D}", str(instance.folder)) for text in statements)
    run_all(instance, f"USE {SCHEMA}", *filled)


def _lay_refused(instance: Instance) -> dict[str, str]:
    """Lay all that is refused on this server; return the words that name each table's fault."""
    refused = dict(REFUSED_ON[instance.flavour])
    for _, statements in refused.values():
        _lay(instance, *statements)
    _lay(instance, FOREIGN)
    if "child" in refused and not _misspells_keys(instance):
        del refused["child"]
    return {f"{SCHEMA}.{name}": words for name, (words, _) in refused.items()}


def _misspells_keys(instance: Instance) -> bool:
    """Ask the server: some patches of MariaDB lose a backtick in the name of a key."""
    return (
        "CONSTRAINT `f``k` FOREIGN"
        not in query(instance, f"SHOW CREATE TABLE {SCHEMA}.child")[0][1]
    )


def _shard(instance: Instance) -> Shard:
    return Shard(SHARD, instance.endpoint, login_of(instance))


def _restore(vault: Vault, instance: Instance) -> RestoreReport:
    """Restore onto the source itself; what was lost is lost there too."""
    target = vault.target(Lone({SHARD: instance}))
    return vault.restore(target, scope=ONLY, replace=True, confirm_source="shop")


def _back_up(vault: Vault, *kinds: str, sink: Steps | None = None) -> tuple[AllowedLoss, ...]:
    return vault.backup(sink, scope=ONLY, allow_loss=kinds).allowed_losses


def _phases(steps: Steps) -> list[str]:
    return [getattr(event, "phase", "") for event in steps.events]


def test_check_names_each_kind_of_table_that_is_refused(instance: Instance, tmp_path: Path) -> None:
    wanted = _lay_refused(instance)
    report = app.check(Vault(tmp_path, Lone({SHARD: instance})).config)
    found = [one for one in report.findings if one.severity is Severity.BLOCKER]
    blockers = {one.table: one for one in found if one.what == "tables"}
    assert report.status == "blocked"
    assert blockers.keys() == wanted.keys()
    for table, words in wanted.items():
        assert words in blockers[table].message
        kind = ALLOWED.get(table.split(".")[1])
        assert (kind is None) or blockers[table].remedy.endswith(f"--allow-loss {kind}")
    merged = next(one for one in report.findings if one.table == f"{SCHEMA}.merged")
    assert (merged.severity, "definition only" in merged.message) == (Severity.INFO, True)


def test_a_backup_refuses_all_of_them_before_the_lock(instance: Instance, tmp_path: Path) -> None:
    wanted = _lay_refused(instance)
    steps = Steps()
    with pytest.raises(UnsupportedObject) as caught:
        _back_up(Vault(tmp_path, Lone({SHARD: instance})), *ALLOWED.values(), sink=steps)
    assert "barrier" not in _phases(steps)
    for table, words in wanted.items():
        is_allowable = table.split(".")[1] in ALLOWED
        assert (words in str(caught.value)) is not is_allowable


def test_an_allowed_loss_is_recorded_shown_listed_and_told_at_the_restore(
    instance: Instance, tmp_path: Path
) -> None:
    refused = REFUSED_ON[instance.flavour]
    names = sorted(ALLOWED.keys() & refused.keys())
    for name in names:
        _lay(instance, *refused[name][1])
    vault = Vault(tmp_path, Lone({SHARD: instance}))
    found = _back_up(vault, *ALLOWED.values())
    assert sorted((loss.table, loss.kind) for loss in found) == [
        (f"{SCHEMA}.{name}", ALLOWED[name]) for name in names
    ]
    assert app.show(vault.newest(), vault.config).backup.allowed_losses == found
    (listed,) = app.list_backups(vault.config).backups
    assert listed.allowed_losses == tuple(sorted(ALLOWED[name] for name in names))
    report = _restore(vault, instance)
    assert (report.verified, report.status) == (True, "findings")
    told = {item.table for item in report.findings if item.what == "allowed loss"}
    assert told == {f"{SCHEMA}.{name}" for name in names}


def test_a_kind_that_meets_nothing_is_not_recorded(instance: Instance, tmp_path: Path) -> None:
    _lay(instance, "CREATE TABLE plain (id INT PRIMARY KEY)")
    vault = Vault(tmp_path, Lone({SHARD: instance}))
    assert _back_up(vault, *ALLOWED.values()) == ()
    assert _restore(vault, instance).status == "complete"


def test_json_comes_back_as_its_text_when_that_is_allowed(server: Instance, tmp_path: Path) -> None:
    _lay(server, *UNTOLD_JSON)
    vault = Vault(tmp_path, Lone({SHARD: server}))
    _back_up(vault, "json-types")
    _restore(vault, server)
    kinds = "SELECT j, JSON_TYPE(j->'$.price'), JSON_TYPE(j->'$.day') FROM losses.doc WHERE id = 2"
    assert query(server, kinds) == [('{"day": "2024-02-03", "price": 1.5}', "DOUBLE", "STRING")]
    assert query(server, "SELECT plain FROM losses.doc WHERE id = 1") == [("[1]",)]


def test_a_history_that_is_given_up_leaves_the_current_rows(
    mariadb: Instance, tmp_path: Path
) -> None:
    for instance in _empty(mariadb):
        _lay(instance, *BY_TRANSACTION)
        vault = Vault(tmp_path, Lone({SHARD: instance}))
        _back_up(vault, "history")
        _restore(vault, instance)
        assert query(instance, "SELECT id FROM losses.old FOR SYSTEM_TIME ALL") == [(2,)]


def test_a_table_with_a_place_of_its_own_comes_back_in_the_default_one(
    instance: Instance, tmp_path: Path
) -> None:
    _lay(instance, *REFUSED_ON[instance.flavour]["far"][1])
    vault = Vault(tmp_path, Lone({SHARD: instance}))
    _back_up(vault, "data-directory")
    assert _restore(vault, instance).verified
    ((_, created),) = query(instance, "SHOW CREATE TABLE losses.far")
    assert not any(word in created for word in ("DIRECTORY", "TABLESPACE"))
    assert query(instance, "SELECT id FROM losses.far") == [(7,)]


def test_json_that_comes_after_the_check_still_stops_the_backup(
    server: Instance, tmp_path: Path
) -> None:
    _lay(server, "CREATE TABLE doc (id INT PRIMARY KEY, j JSON)")
    vault = Vault(tmp_path, Lone({SHARD: server}))
    late = Steps(barrier=lambda: _lay(server, f"INSERT INTO doc VALUES (1, {UNTOLD})"))
    with pytest.raises(UnsupportedObject, match=r"table losses\.doc: a JSON value"):
        _back_up(vault, sink=late)
    assert vault.listed() == []


def test_without_the_look_into_json_only_the_reading_stops_it(
    server: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: it is the look that refuses before the lock."""
    _lay(server, *UNTOLD_JSON)
    monkeypatch.setattr(preflight, "find_untold_json", lambda *_: ())
    steps = Steps()
    with pytest.raises(UnsupportedObject, match="a JSON value"):
        _back_up(Vault(tmp_path, Lone({SHARD: server})), sink=steps)
    assert "barrier" in _phases(steps)


def _look(instance: Instance, **limits: Any) -> tuple[Finding, ...]:
    with reading(instance) as session:
        schemas, tables = read_tables(session, SCHEMA)
    return find_untold_json(_shard(instance), Inventory(schemas, tables, {}), **limits)


def test_json_that_the_server_computes_is_not_looked_into(server: Instance) -> None:
    _lay(server, "CREATE TABLE doc (id DECIMAL(5, 2), j JSON AS (JSON_ARRAY(id)) STORED)",
         "INSERT INTO doc (id) VALUES (1.5)")  # fmt: skip
    assert _look(server) == ()


@pytest.mark.parametrize("limit_s", [0.0, 0.001])
def test_json_that_is_not_looked_through_in_time_is_a_warning(
    server: Instance, limit_s: float
) -> None:
    _lay(server, "SET cte_max_recursion_depth = 50000",
         "CREATE TABLE doc (id INT PRIMARY KEY, j JSON)",
         "INSERT INTO doc WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n"
         " WHERE i < 20000) SELECT i, JSON_ARRAY(i, JSON_OBJECT('a', i)) FROM n")  # fmt: skip
    assert _look(server) == ()
    (finding,) = _look(server, limit_s=limit_s)
    assert finding.severity is Severity.WARNING
    assert "not looked through" in finding.message
