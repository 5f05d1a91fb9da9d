"""A target whose login has what managed servers give, and neither SUPER nor what was split off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shardvault import app
from shardvault.errors import TargetRefused
from shardvault.model.position import Family
from shardvault.model.report import Finding, RestoreReport, Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, describe_account, query, run_all
from tests.support.servers import Instance

SCHEMA = "managed"
SCOPE = Scope(include=(f"{SCHEMA}.*",))
LOGIN = "mng_admin"
STRONG = "`mng_strong`@`localhost`"
PLAIN = "`mng_plain`@`localhost`"
GIVEN = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER,"
    " SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE,"
    " REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER,"
    " EVENT, TRIGGER"
)
"""What is granted on everything, with the right to grant it on."""
TABLES = (
    f"CREATE DATABASE {SCHEMA}",
    f"USE {SCHEMA}",
    "CREATE TABLE t (id INT PRIMARY KEY)",
    "INSERT INTO t VALUES (1)",
)
CODE = (
    "CREATE DEFINER=`root`@`localhost` VIEW v AS SELECT * FROM t",
    f"CREATE DEFINER={PLAIN} TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id",
    f"CREATE DEFINER=`{LOGIN}`@`localhost` PROCEDURE own() SELECT 1",
)


@dataclass
class Managed:
    """A server, a repository whose target file logs in as on a managed server."""

    instance: Instance
    vault: Vault
    target: str

    def restore(self, *definers: str, with_accounts: bool = False) -> RestoreReport:
        return self.vault.restore(
            self.target,
            scope=SCOPE,
            replace=True,
            confirm_source="shop",
            definers=definers,
            with_accounts=with_accounts,
        )

    def plan(self, *, with_accounts: bool = False) -> list[Finding]:
        plan = app.plan_restore(
            "latest",
            self.vault.config,
            target=self.target,
            scope=SCOPE,
            replace=True,
            confirm_source="shop",
            with_accounts=with_accounts,
        )
        return [item for item in plan.findings if item.severity is not Severity.OK]


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def managed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Managed]:
    instance: Instance = request.getfixturevalue(request.param)
    remove(instance)
    login = f"`{LOGIN}`@`localhost`"
    run_all(
        instance,
        f"CREATE USER {login} IDENTIFIED BY '{instance.password}'",
        f"GRANT {GIVEN} ON *.* TO {login} WITH GRANT OPTION",
        f"CREATE USER {PLAIN} IDENTIFIED BY 'x'",
        "SET GLOBAL log_bin_trust_function_creators = ON",
        *TABLES,
        f"GRANT ALL ON {SCHEMA}.* TO {PLAIN}",
    )
    vault = Vault(tmp_path, Lone({"main": instance}))
    try:
        yield Managed(instance, vault, vault.target(Lone({"main": instance}, user=LOGIN)))
    finally:
        remove(instance)
        run_all(instance, "SET GLOBAL log_bin_trust_function_creators = OFF")


def remove(instance: Instance) -> None:
    users = (f"`{LOGIN}`@`localhost`", STRONG, PLAIN)
    run_all(instance, f"DROP DATABASE IF EXISTS {SCHEMA}",
            *(f"DROP USER IF EXISTS {name}" for name in users))  # fmt: skip


def add_code(managed: Managed) -> None:
    run_all(managed.instance, f"USE {SCHEMA}", *CODE)


def definers_of(instance: Instance) -> set[str]:
    return {
        name
        for (name,) in query(
            instance,
            "SELECT definer FROM information_schema.views WHERE table_schema = %s"
            " UNION ALL SELECT definer FROM information_schema.routines WHERE routine_schema = %s"
            " UNION ALL SELECT definer FROM information_schema.triggers WHERE trigger_schema = %s",
            (SCHEMA,) * 3,
        )
    }


def test_tables_and_rows_need_no_privilege_that_managed_servers_keep(managed: Managed) -> None:
    managed.vault.backup(scope=SCOPE)
    plan = managed.plan()
    assert [item for item in plan if item.severity is Severity.BLOCKER] == []
    left = [item.message.split(" stays")[0] for item in plan if item.what == "session"]
    is_mysql = managed.instance.flavour.family is Family.MYSQL
    assert left == (["innodb_strict_mode", "max_error_count"] if is_mysql else [])
    report = managed.restore()
    assert (report.status, report.verified) == ("complete", True)


def test_definers_that_the_login_is_not_allowed_to_name_stop_the_restore(managed: Managed) -> None:
    add_code(managed)
    managed.vault.backup(scope=SCOPE)
    found = [item for item in managed.plan() if item.what == "definers"]
    assert [item.severity for item in found] == [Severity.BLOCKER] * 2
    named = [item.message.split(" is not the login")[0] for item in found]
    assert named == [PLAIN, "`root`@`localhost`"]
    name = "SET_ANY_DEFINER" if managed.instance.flavour.family is Family.MYSQL else "SET USER"
    assert all(f"this login lacks {name} to name it" in item.message for item in found)
    assert all(item.remedy.startswith(f"GRANT {name} ON *.* TO ") for item in found)
    for rules in ((), ("keep",)):
        with pytest.raises(TargetRefused, match="this login lacks"):
            managed.restore(*rules)
    assert definers_of(managed.instance) == {
        "root@localhost", "mng_plain@localhost", f"{LOGIN}@localhost"
    }  # fmt: skip


def test_the_login_becomes_the_definer_only_if_asked_and_that_is_reported(managed: Managed) -> None:
    add_code(managed)
    managed.vault.backup(scope=SCOPE)
    report = managed.restore("*=CURRENT_USER")
    assert (report.status, report.verified) == ("complete", True)
    own = f"`{LOGIN}`@`localhost`"
    changed = [item.message for item in report.findings if item.what == "definers"]
    assert [text.split(":")[0] for text in changed] == [
        f"{PLAIN} becomes {own}, as asked",
        f"`root`@`localhost` becomes {own}, as asked",
    ]
    assert definers_of(managed.instance) == {f"{LOGIN}@localhost"}
    run_all(managed.instance, f"INSERT INTO {SCHEMA}.t VALUES (2)", f"SELECT * FROM {SCHEMA}.v")


def test_what_has_other_definers_can_be_left_out(managed: Managed) -> None:
    add_code(managed)
    managed.vault.backup(scope=SCOPE)
    report = managed.restore("skip")
    assert report.status == "findings"
    left = [item.message for item in report.findings if item.what == "definers"]
    assert all("left out, as asked" in text for text in left)
    assert definers_of(managed.instance) == {f"{LOGIN}@localhost"}


def test_accounts_come_back_with_what_the_login_can_grant_and_the_rest_is_named(
    managed: Managed,
) -> None:
    instance = managed.instance
    run_all(
        instance,
        f"CREATE USER {STRONG} IDENTIFIED BY 'y'",
        f"GRANT SELECT, FILE, SUPER ON *.* TO {STRONG}",
    )
    plain = describe_account(instance, PLAIN)
    managed.vault.backup(scope=SCOPE)
    run_all(instance, f"DROP USER {STRONG}", f"DROP USER {PLAIN}")
    told = [
        item.message.split(" is left out")[0]
        for item in managed.plan(with_accounts=True)
        if item.what == "accounts" and STRONG in item.message
    ]
    assert told == ["FILE", "SUPER"]
    report = managed.restore(with_accounts=True)
    assert (report.status, report.verified) == ("findings", True)
    found = [item.message for item in report.findings if item.where == STRONG]
    assert any("granted without FILE, SUPER, which this login does not have" in t for t in found)
    grants = str(describe_account(instance, STRONG)[1])
    assert "GRANT SELECT ON *.*" in grants
    assert "SUPER" not in grants
    if instance.flavour.family is Family.MYSQL:
        assert describe_account(instance, PLAIN) == plain


def test_a_grant_that_nobody_expected_to_be_refused_is_a_finding_and_no_end(
    managed: Managed,
) -> None:
    """Grants of roles need more on MySQL; ALL on a schema needs all on MariaDB 11.8."""
    instance = managed.instance
    role = "`mng_role`"
    try:
        run_all(instance, f"CREATE ROLE {role}", f"GRANT {role} TO {PLAIN}")
        managed.vault.backup(scope=SCOPE)
        run_all(instance, f"DROP ROLE {role}", f"DROP USER {PLAIN}")
        report = managed.restore(with_accounts=True)
        assert report.verified
        assert any("SELECT" in str(row) for row in describe_account(instance, PLAIN)[1]) or (
            "ALL PRIVILEGES" in str(describe_account(instance, PLAIN)[1])
        )
    finally:
        run_all(instance, f"DROP ROLE IF EXISTS {role}")
