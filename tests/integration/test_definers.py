"""A restore says which definers the target lacks, and what it makes of them can be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pymysql
import pytest

from shardvault import app
from shardvault.errors import TargetRefused
from shardvault.model.report import Finding, RestoreReport, Severity
from shardvault.model.target import Scope
from tests.integration.operations_support import Lone, Vault, query, run_all, set_failpoints
from tests.support.servers import Instance

SCHEMA = "defined"
SCOPE = Scope(include=(f"{SCHEMA}.*",))
GONE = "`def_gone`@`10.%`"
OTHER = "`def_other`@`localhost`"
OBJECTS = (
    f"CREATE DATABASE {SCHEMA}",
    f"USE {SCHEMA}",
    "CREATE TABLE t (id INT PRIMARY KEY)",
    "INSERT INTO t VALUES (1)",
    f"CREATE USER {GONE} IDENTIFIED BY 'x'",
    f"GRANT ALL ON {SCHEMA}.* TO {GONE}",
    f"CREATE DEFINER={GONE} VIEW v AS SELECT * FROM t",
    f"CREATE DEFINER={GONE} SQL SECURITY INVOKER VIEW free AS SELECT * FROM t",
    f"CREATE DEFINER={GONE} TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id",
    f"CREATE DEFINER={GONE} EVENT e ON SCHEDULE EVERY 1 HOUR DO DELETE FROM t WHERE id = 99",
    f"CREATE DEFINER={GONE} PROCEDURE p() SELECT 1",
    f"CREATE DEFINER={GONE} FUNCTION f() RETURNS INT DETERMINISTIC SQL SECURITY INVOKER RETURN 1",
    "SET sql_mode = 'ANSI_QUOTES'",
    f"CREATE DEFINER={GONE} PROCEDURE quoted() SELECT 1",
)
NEEDING = ("v", "g", "e", "p", "quoted")


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    remove(found)
    run_all(found, *OBJECTS)
    yield found
    remove(found)


@pytest.fixture
def vault(instance: Instance, tmp_path: Path) -> Vault:
    """Hold a backup whose definer has gone since."""
    vault = Vault(tmp_path, Lone({"main": instance}))
    vault.backup(scope=SCOPE)
    remove(instance)
    return vault


def remove(instance: Instance) -> None:
    run_all(instance, f"DROP DATABASE IF EXISTS {SCHEMA}",
            *(f"DROP USER IF EXISTS {name}" for name in (GONE, OTHER)))  # fmt: skip


def restore(vault: Vault, *definers: str, with_accounts: bool = False) -> RestoreReport:
    return app.restore(
        vault.newest(),
        vault.config,
        scope=SCOPE,
        replace=True,
        confirm_source="shop",
        with_accounts=with_accounts,
        definers=definers,
    )


def about_definers(findings: Sequence[Finding]) -> list[tuple[Severity, str]]:
    return [(item.severity, item.message) for item in findings if item.what == "definers"]


def definers_of(instance: Instance) -> set[str]:
    return {
        name
        for (name,) in query(
            instance,
            "SELECT definer FROM information_schema.views WHERE table_schema = %s"
            " UNION ALL SELECT definer FROM information_schema.routines WHERE routine_schema = %s"
            " UNION ALL SELECT definer FROM information_schema.triggers WHERE trigger_schema = %s"
            " UNION ALL SELECT definer FROM information_schema.events WHERE event_schema = %s",
            (SCHEMA,) * 4,
        )
    }


def test_a_definer_that_the_target_lacks_stops_the_restore_before_any_change(
    vault: Vault, instance: Instance
) -> None:
    plan = app.plan_restore(
        vault.newest(), vault.config, scope=SCOPE, replace=True, confirm_source="shop"
    )
    ((severity, message),) = about_definers(plan.findings)
    assert severity is Severity.BLOCKER
    assert message.startswith(f"{GONE} does not exist there; it is the definer of ")
    assert "2 procedures, 1 view, 1 trigger, 1 event: " in message
    for name in NEEDING:
        assert f"{SCHEMA}.{name}" in message
    with pytest.raises(TargetRefused, match="does not exist there") as caught:
        restore(vault)
    told = f"{caught.value}\n{caught.value.hint}"
    for choice in ("--with-accounts", "--definer keep", "--definer skip", "=NEW"):
        assert choice in told
    assert query(instance, f"SHOW DATABASES LIKE '{SCHEMA}'") == []


def test_without_that_check_a_restore_ends_and_rows_cannot_be_inserted(
    vault: Vault, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_failpoints(monkeypatch, "restore.definers=off;objects.trial=off")
    report = restore(vault)
    assert (report.status, report.verified) == ("complete", True)
    with pytest.raises(pymysql.MySQLError, match="1449"):
        run_all(instance, f"INSERT INTO {SCHEMA}.t VALUES (2)")


def test_kept_definers_are_reported_with_the_objects_that_fail(
    vault: Vault, instance: Instance
) -> None:
    report = restore(vault, "keep")
    assert (report.status, report.verified) == ("findings", True)
    ((severity, message),) = about_definers(report.findings)
    assert severity is Severity.WARNING
    assert message.startswith(f"{GONE} does not exist; these fail with error 1449: ")
    assert all(f"{SCHEMA}.{name}" in message for name in NEEDING)
    assert definers_of(instance) == {"def_gone@10.%"}
    run_all(instance, f"CREATE USER {GONE}", f"GRANT ALL ON {SCHEMA}.* TO {GONE}")
    run_all(instance, f"INSERT INTO {SCHEMA}.t VALUES (2)")


def test_accounts_that_come_along_are_definers(vault: Vault, instance: Instance) -> None:
    report = restore(vault, with_accounts=True)
    assert (report.status, about_definers(report.findings)) == ("complete", [])
    run_all(instance, f"INSERT INTO {SCHEMA}.t VALUES (2)")
    assert query(instance, f"SELECT COUNT(*) FROM {SCHEMA}.v") == [(2,)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (f"{GONE}=def_other@localhost", "def_other@localhost"),
        ("*='def_other'@'localhost'", "def_other@localhost"),
        ("*=CURRENT_USER", "root@localhost"),
    ],
)
def test_another_definer_takes_the_place_of_a_missing_one(
    vault: Vault, instance: Instance, rule: str, expected: str
) -> None:
    run_all(instance, f"CREATE USER {OTHER}", f"GRANT ALL ON {SCHEMA}.* TO {OTHER}")
    report = restore(vault, rule)
    assert report.status == "complete"
    ((severity, message),) = about_definers(report.findings)
    assert severity is Severity.INFO
    assert message.startswith(f"{GONE} becomes `{expected.replace('@', '`@`')}`, as asked: ")
    assert definers_of(instance) == {expected}
    run_all(instance, f"INSERT INTO {SCHEMA}.t VALUES (2)", f"CALL {SCHEMA}.quoted()")


def test_a_new_definer_that_does_not_exist_either_is_refused(vault: Vault) -> None:
    with pytest.raises(TargetRefused, match="`def_other`@`localhost` does not exist there"):
        restore(vault, "*=def_other@localhost")


def test_objects_without_their_definer_can_be_left_out(vault: Vault, instance: Instance) -> None:
    report = restore(vault, "skip")
    assert report.status == "findings"
    ((severity, message),) = about_definers(report.findings)
    assert severity is Severity.WARNING
    assert "left out, as asked: 1 function, 2 procedures, 2 views, 1 trigger, 1 event" in message
    assert definers_of(instance) == set()
    run_all(instance, f"INSERT INTO {SCHEMA}.t VALUES (2)")


def test_what_was_broken_at_the_source_is_no_reason_to_stop(
    instance: Instance, tmp_path: Path
) -> None:
    run_all(instance, f"DROP USER {GONE}", f"CREATE USER {OTHER}")
    vault = Vault(tmp_path, Lone({"main": instance}))
    vault.backup(scope=SCOPE)
    plan = app.plan_restore(
        vault.newest(), vault.config, scope=SCOPE, replace=True, confirm_source="shop"
    )
    assert "nor did it at the source" in about_definers(plan.findings)[0][1]
    assert restore(vault).status == "findings"


def test_a_view_that_its_definer_is_not_allowed_to_read_is_found_after_the_restore(
    vault: Vault, instance: Instance
) -> None:
    run_all(instance, f"CREATE USER {GONE}")
    report = restore(vault)
    found, *more = (item for item in report.findings if item.what == "views")
    assert more == []
    assert (found.severity, report.status) == (Severity.WARNING, "findings")
    assert found.message.startswith(f"view {SCHEMA}.v cannot be used: ")
    run_all(instance, f"GRANT ALL ON {SCHEMA}.* TO {GONE}")
    assert restore(vault).status == "complete"
