"""Accounts in a whole restore: their order, what the target must allow, and what is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import TargetRefused
from shardvault.model.report import RestoreReport
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, describe_account, query, run_all
from tests.support.servers import Instance

SCHEMA = "owned"
SCOPE = Scope(include=(f"{SCHEMA}.*",))
OWNER = "`owned_owner`@`localhost`"
OBJECTS = (
    f"CREATE DATABASE {SCHEMA}",
    f"USE {SCHEMA}",
    "CREATE TABLE t (id INT PRIMARY KEY, secret INT)",
    f"CREATE USER {OWNER} IDENTIFIED BY 'x'",
    f"CREATE DEFINER={OWNER} VIEW v AS SELECT id FROM t",
    f"CREATE DEFINER={OWNER} PROCEDURE p() SELECT 1",
    f"CREATE DEFINER={OWNER} FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
    f"GRANT SELECT ON v TO {OWNER}",
    f"GRANT SELECT (id) ON t TO {OWNER}",
    f"GRANT EXECUTE ON PROCEDURE p TO {OWNER}",
    f"GRANT EXECUTE ON FUNCTION f TO {OWNER} WITH GRANT OPTION",
)


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    remove(found)
    run_all(found, *OBJECTS)
    yield found
    remove(found)


@pytest.fixture
def vault(instance: Instance, tmp_path: Path) -> Vault:
    vault = Vault(tmp_path, Lone({"main": instance}))
    vault.backup(scope=SCOPE)
    return vault


def remove(instance: Instance) -> None:
    run_all(instance, f"DROP DATABASE IF EXISTS {SCHEMA}", f"DROP USER IF EXISTS {OWNER}")


def restore(vault: Vault, *, with_accounts: bool = True) -> RestoreReport:
    return app.restore(
        vault.newest(),
        vault.config,
        scope=SCOPE,
        replace=True,
        confirm_source="shop",
        with_accounts=with_accounts,
    )


def told(report: RestoreReport) -> list[str]:
    return [f"{item.where} {item.message}" for item in report.findings if "owned" in item.where]


def test_grants_on_routines_and_views_follow_the_routines_and_views(
    vault: Vault, instance: Instance
) -> None:
    before = describe_account(instance, OWNER)
    remove(instance)
    assert told(restore(vault)) == []
    created, grants = describe_account(instance, OWNER)
    assert (created, sorted(grants)) == (before[0], sorted(before[1]))


def test_definers_are_there_before_what_they_define(vault: Vault, instance: Instance) -> None:
    remove(instance)
    assert told(restore(vault)) == []
    definers = query(
        instance, "SELECT definer FROM information_schema.views WHERE table_schema = %s", (SCHEMA,)
    )
    assert definers == [("owned_owner@localhost",)]


def test_an_account_that_was_there_and_differs_is_told(vault: Vault, instance: Instance) -> None:
    run_all(instance, f"ALTER USER {OWNER} WITH MAX_QUERIES_PER_HOUR 7")
    assert told(restore(vault)) == [f"{OWNER} reads back differently; was it there before?"]


def test_partial_revokes_need_a_target_that_knows_them(mysql: Instance, tmp_path: Path) -> None:
    part = "`owned_part`@`localhost`"
    run_all(
        mysql,
        f"CREATE DATABASE {SCHEMA}",
        "SET GLOBAL partial_revokes = ON",
        f"CREATE USER {part}",
        f"GRANT SELECT ON *.* TO {part}",
        f"REVOKE SELECT ON mysql.* FROM {part}",
    )
    try:
        before = describe_account(mysql, part)
        vault = Vault(tmp_path, Lone({"main": mysql}))
        vault.backup(scope=SCOPE)
        run_all(mysql, f"DROP USER {part}", "SET GLOBAL partial_revokes = OFF")
        with pytest.raises(TargetRefused, match=r"partial_revokes is off.*owned_part") as caught:
            restore(vault)
        assert caught.value.hint == "SET GLOBAL partial_revokes=ON"
        assert restore(vault, with_accounts=False).verified
        run_all(mysql, "SET GLOBAL partial_revokes = ON")
        assert told(restore(vault)) == []
        assert describe_account(mysql, part) == before
    finally:
        run_all(mysql, f"DROP USER IF EXISTS {part}", "SET GLOBAL partial_revokes = OFF")
        run_all(mysql, f"DROP DATABASE IF EXISTS {SCHEMA}")


def test_every_property_of_an_account_of_mariadb_comes_back(
    mariadb: Instance, tmp_path: Path
) -> None:
    """Lay an expired password, two ways to log in, demands on TLS, and every limit."""
    accounts = {
        "`owned_a`@`localhost`": "IDENTIFIED BY 'x' PASSWORD EXPIRE",
        "`owned_b`@`localhost`": "IDENTIFIED VIA unix_socket OR mysql_native_password"
        " USING PASSWORD('y') REQUIRE SUBJECT '/CN=x' AND ISSUER '/CN=y' AND CIPHER 'AES'",
        "`owned_c`@`%`": "REQUIRE X509 WITH MAX_QUERIES_PER_HOUR 1 MAX_UPDATES_PER_HOUR 2"
        " MAX_CONNECTIONS_PER_HOUR 3 MAX_USER_CONNECTIONS 4 MAX_STATEMENT_TIME 5.5",
        "`owned_d`@`%`": "IDENTIFIED BY 'z' PASSWORD EXPIRE NEVER ACCOUNT LOCK",
    }
    run_all(mariadb, f"CREATE DATABASE {SCHEMA}")
    run_all(mariadb, *(f"CREATE USER {name} {how}" for name, how in accounts.items()))
    try:
        before = [describe_account(mariadb, name) for name in accounts]
        vault = Vault(tmp_path, Lone({"main": mariadb}))
        vault.backup(scope=SCOPE)
        run_all(mariadb, *(f"DROP USER {name}" for name in accounts))
        assert told(restore(vault)) == []
        assert [describe_account(mariadb, name) for name in accounts] == before
    finally:
        run_all(mariadb, *(f"DROP USER IF EXISTS {name}" for name in accounts))
        run_all(mariadb, f"DROP DATABASE IF EXISTS {SCHEMA}")
