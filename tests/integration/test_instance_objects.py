"""Foreign servers and users' own spatial reference systems come back before what needs them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import TargetRefused
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Scope
from shardvault.operations import survey
from tests.integration.operations_support import Lone, Row, Vault, query, run_all
from tests.support.servers import Flavour, Instance, start_instance

SCHEMA = "instance_objects"
PASSWORD = "s3cr'et\\" + secrets.token_hex(8)
SERVER = (
    "CREATE SERVER `walked ``fs` FOREIGN DATA WRAPPER mysql OPTIONS (USER 'u''x', PASSWORD '{}',"
    " HOST '127.0.0.1', PORT 1, DATABASE 'x')"
)
QUOTED = PASSWORD.replace("\\", "\\\\").replace("'", "''")
DROP_SERVER = "DROP SERVER IF EXISTS `walked ``fs`"
SYSTEM = (
    "CREATE SPATIAL REFERENCE SYSTEM 990001 NAME 'it''s mine' ORGANIZATION 'me' IDENTIFIED BY 7"
    ' DEFINITION \'GEOGCS["x",DATUM["d",SPHEROID["s",6378137,298.25]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925],AXIS["Lat",NORTH],AXIS["Lon",EAST]]\' DESCRIPTION \'it\'\'s\''
)
DROP_SYSTEM = "DROP SPATIAL REFERENCE SYSTEM IF EXISTS 990001"
SPATIAL = (
    "CREATE TABLE places (id INT PRIMARY KEY, g POINT NOT NULL SRID 990001, h GEOMETRY)",
    "INSERT INTO places VALUES (1, ST_GeomFromText('POINT(1 2)', 990001),"
    " ST_GeomFromText('POINT(3 4)', 990001))",
)
FEDERATED = (
    "CREATE TABLE fed (id INT PRIMARY KEY, v VARCHAR(9)) ENGINE=FEDERATED"
    " CONNECTION='walked `fs/remote_t'"
)


@pytest.fixture(scope="module")
def federated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start a MySQL that has FEDERATED tables."""
    folder = tmp_path_factory.mktemp("federated") / "instance"
    instance = start_instance(Flavour.MYSQL_97, folder, options=("--federated",))
    try:
        yield instance
    finally:
        instance.destroy()


@pytest.fixture(params=["mariadb105", "mariadb", "mariadb118", "federated"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    yield from _empty(found)


@pytest.fixture
def server(federated: Instance) -> Iterator[Instance]:
    yield from _empty(federated)


def _empty(instance: Instance) -> Iterator[Instance]:
    _clear(instance)
    run_all(instance, f"CREATE DATABASE {SCHEMA}", f"CREATE TABLE {SCHEMA}.t (id INT PRIMARY KEY)")
    yield instance
    _clear(instance)


def _clear(instance: Instance) -> None:
    run_all(
        instance,
        *(f"DROP DATABASE IF EXISTS {name}" for name in (SCHEMA, "_shardvault")),
        DROP_SERVER,
        *((DROP_SYSTEM,) if instance.flavour is Flavour.MYSQL_97 else ()),
    )


def _lay(instance: Instance, *statements: str) -> None:
    run_all(instance, SERVER.format(QUOTED), f"USE {SCHEMA}", *statements)


def _servers(instance: Instance) -> list[Row]:
    return query(instance, "SELECT * FROM mysql.servers")


def _vault(instance: Instance, folder: Path) -> Vault:
    return Vault(folder, Lone({"main": instance}))


def _serious(findings: tuple[Finding, ...]) -> list[str]:
    return [one.message for one in findings if one.severity in ("warning", "blocker")]


def test_a_foreign_server_comes_back_with_its_password_and_is_never_shown(
    instance: Instance, tmp_path: Path
) -> None:
    _lay(instance)
    before, vault = _servers(instance), _vault(instance, tmp_path)
    vault.backup()
    run_all(instance, f"DROP DATABASE {SCHEMA}", DROP_SERVER)
    target = vault.target(Lone({"main": instance}))
    report = vault.restore(target, confirm_source="shop")
    assert _serious(report.findings) == []
    assert _servers(instance) == before
    assert PASSWORD in before[0]
    shown = vault.run("show", "latest", "--sql")
    assert "CREATE SERVER `walked ``fs`" in shown.out
    assert "PASSWORD '***'" in shown.out
    assert "s3cr" not in shown.out


def test_a_server_that_the_target_has_otherwise_is_kept_and_reported(
    instance: Instance, tmp_path: Path
) -> None:
    _lay(instance)
    vault = _vault(instance, tmp_path)
    vault.backup()
    run_all(instance, f"DROP DATABASE {SCHEMA}", DROP_SERVER, SERVER.format("another"))
    before, target = _servers(instance), vault.target(Lone({"main": instance}))
    plan = app.plan_restore("latest", vault.config, target=target, confirm_source="shop")
    words = "foreign server walked `fs is there with other options, and is kept as it is"
    assert words in _serious(plan.findings)
    report = vault.restore(target, confirm_source="shop")
    assert words in _serious(report.findings)
    assert _servers(instance) == before


def test_a_narrowed_backup_holds_only_the_servers_that_its_tables_use(
    server: Instance, tmp_path: Path
) -> None:
    _lay(server, FEDERATED)
    vault = _vault(server, tmp_path)
    for table, wanted in (("t", 0), ("fed", 1)):
        backup = vault.backup(scope=Scope(include=(f"{SCHEMA}.{table}",)))
        found = app.show_definitions(backup.id, vault.config).definitions
        assert sum(one.kind == "foreign server" for one in found) == wanted


def test_a_federated_table_comes_back_with_its_server(server: Instance, tmp_path: Path) -> None:
    _lay(server, FEDERATED)
    vault = _vault(server, tmp_path)
    vault.backup()
    run_all(server, f"DROP DATABASE {SCHEMA}", DROP_SERVER)
    report = vault.restore(vault.target(Lone({"main": server})), confirm_source="shop")
    assert report.verified
    assert "FEDERATED" in query(server, f"SHOW CREATE TABLE {SCHEMA}.fed")[0][1]


def test_the_dry_run_names_a_server_that_neither_backup_nor_target_has(
    server: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backups of earlier versions hold no servers."""
    _lay(server, FEDERATED)
    vault = _vault(server, tmp_path)
    monkeypatch.setattr(survey, "read_instance_objects", lambda _: ())
    vault.backup()
    run_all(server, f"DROP DATABASE {SCHEMA}", DROP_SERVER)
    target = vault.target(Lone({"main": server}))
    plan = app.plan_restore("latest", vault.config, target=target, confirm_source="shop")
    (found,) = [one.message for one in plan.findings if one.severity is Severity.BLOCKER]
    assert found == f"{SCHEMA}.fed need the foreign server walked `fs, which is not there"
    with pytest.raises(TargetRefused):
        vault.restore(target, confirm_source="shop")


def test_a_spatial_reference_system_of_ones_own_comes_back(
    server: Instance, tmp_path: Path
) -> None:
    run_all(server, SYSTEM, f"USE {SCHEMA}", *SPATIAL)
    told = "SELECT * FROM information_schema.st_spatial_reference_systems WHERE srs_id = 990001"
    before, vault = query(server, told), _vault(server, tmp_path)
    vault.backup()
    run_all(server, f"DROP DATABASE {SCHEMA}", DROP_SYSTEM)
    report = vault.restore(vault.target(Lone({"main": server})), confirm_source="shop")
    assert _serious(report.findings) == []
    assert query(server, told) == before
    assert query(server, f"SELECT ST_SRID(h) FROM {SCHEMA}.places") == [(990001,)]


def test_the_dry_run_names_a_spatial_reference_system_that_is_not_there(
    server: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(server, SYSTEM, f"USE {SCHEMA}", *SPATIAL)
    vault = _vault(server, tmp_path)
    monkeypatch.setattr(survey, "read_instance_objects", lambda _: ())
    vault.backup()
    run_all(server, f"DROP DATABASE {SCHEMA}", DROP_SYSTEM)
    target = vault.target(Lone({"main": server}))
    plan = app.plan_restore("latest", vault.config, target=target, confirm_source="shop")
    (found,) = [one.message for one in plan.findings if one.severity is Severity.BLOCKER]
    assert found == f"{SCHEMA}.places need the spatial reference system 990001"


def test_a_login_that_cannot_make_them_is_a_blocker_of_the_plan(
    instance: Instance, tmp_path: Path
) -> None:
    _lay(instance)
    vault = _vault(instance, tmp_path)
    vault.backup()
    run_all(instance, f"DROP DATABASE {SCHEMA}", DROP_SERVER)
    is_mysql = instance.flavour is Flavour.MYSQL_97
    lacking = "SUPER" if is_mysql else "FEDERATED ADMIN"
    also = "" if is_mysql else ", SUPER"
    run_all(
        instance,
        "DROP USER IF EXISTS narrow@localhost",
        "CREATE USER narrow@localhost IDENTIFIED BY 'x'",
        "GRANT ALL ON *.* TO narrow@localhost",
        f"REVOKE {lacking}{also} ON *.* FROM narrow@localhost",
    )
    target = Path(vault.target(Lone({"main": instance})))
    (tmp_path / "target.password").write_text("x")
    target.write_text(target.read_text().replace("user: root", "user: narrow"))
    plan = app.plan_restore("latest", vault.config, target=str(target), confirm_source="shop")
    run_all(instance, "DROP USER narrow@localhost")
    found = [one.message for one in plan.findings if one.severity is Severity.BLOCKER]
    assert f"missing: {lacking} (foreign server walked `fs)" in found
