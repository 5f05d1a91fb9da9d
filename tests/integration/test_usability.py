"""Views, triggers, routines and events that cannot be used are found, and sound ones are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest

from shardvault import app
from shardvault.events import Noticed
from shardvault.fleet.usability import examine_objects
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.model.target import Endpoint, Login, Scope
from shardvault.mysql.session import Session
from tests.integration.barrier_support import wait_until
from tests.integration.operations_support import Lone, Steps, Vault, query, run_all, set_failpoints
from tests.support.servers import Instance, grant_backup_user

SCHEMA = "usable"
SCOPE = Scope(include=(f"{SCHEMA}.*",))
GONE = "`use_gone`@`localhost`"
POOR = "`use_poor`@`localhost`"
SOUND = (
    "CREATE TABLE t (id INT PRIMARY KEY, c INT)",
    "CREATE TABLE log (n INT)",
    "CREATE FUNCTION noted() RETURNS INT DETERMINISTIC MODIFIES SQL DATA"
    " BEGIN INSERT INTO log VALUES (1); RETURN 1; END",
    "CREATE VIEW plain AS SELECT * FROM t",
    "CREATE VIEW above AS SELECT id FROM plain WHERE noted() = 1",
    "CREATE SQL SECURITY INVOKER VIEW free AS SELECT id, noted() AS n FROM t",
    "CREATE VIEW `od'd ``name` AS SELECT 1 AS a",
    f"CREATE DEFINER={GONE} SQL SECURITY INVOKER VIEW unowned AS SELECT * FROM t",
    "CREATE PROCEDURE later() SELECT * FROM made_at_run_time",
    "INSERT INTO t VALUES (1, 1)",
)
BROKEN = (
    "CREATE TABLE x (id INT PRIMARY KEY, c INT)",
    "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE VIEW no_table AS SELECT * FROM x",
    "CREATE VIEW no_column AS SELECT c FROM t",
    "CREATE VIEW no_function AS SELECT f() AS a",
    "CREATE VIEW on_broken AS SELECT * FROM no_table",
    "CREATE SQL SECURITY INVOKER VIEW free_broken AS SELECT * FROM x",
    f"CREATE DEFINER={POOR} VIEW not_allowed AS SELECT * FROM t",
    f"CREATE DEFINER={GONE} VIEW no_definer AS SELECT * FROM t",
    f"CREATE DEFINER={POOR} TRIGGER powerless AFTER INSERT ON log FOR EACH ROW SET @a = 1",
    f"CREATE DEFINER={GONE} TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id",
    f"CREATE DEFINER={GONE} EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    "DROP TABLE x",
    "DROP FUNCTION f",
    "ALTER TABLE t DROP COLUMN c",
)
VIEWS = {"no_table", "no_column", "no_function", "on_broken", "free_broken", "not_allowed"}


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Iterator[Instance]:
    found: Instance = request.getfixturevalue(request.param)
    remove(found)
    users = (f"CREATE USER {name}" for name in (GONE, POOR))
    run_all(found, *users, f"CREATE DATABASE {SCHEMA}", f"USE {SCHEMA}", *SOUND)
    yield found
    remove(found)


def remove(instance: Instance) -> None:
    run_all(instance, f"DROP DATABASE IF EXISTS {SCHEMA}",
            *(f"DROP USER IF EXISTS {name}" for name in (GONE, POOR)))  # fmt: skip


def break_all(instance: Instance) -> None:
    run_all(instance, f"USE {SCHEMA}", *BROKEN, f"DROP USER {GONE}")


@pytest.fixture
def vault(instance: Instance, tmp_path: Path) -> Vault:
    """Log in with what a backup needs, and nothing more."""
    grant_backup_user(instance, instance.password)
    return Vault(tmp_path, Lone({"main": instance}, user="backup"))


def about_objects(findings: Sequence[Finding]) -> list[Finding]:
    return [item for item in findings if item.what in ("views", "definers", "objects")]


def views_in(messages: Sequence[str]) -> set[str]:
    return {name for name in VIEWS for message in messages if f"{SCHEMA}.{name}" in message}


def test_sound_objects_give_no_warning_and_run_nothing(vault: Vault, instance: Instance) -> None:
    run_all(instance, f"DROP USER {GONE}")
    found = about_objects(app.check(vault.config, scope=SCOPE).findings)
    assert [item for item in found if item.severity is not Severity.INFO] == []
    assert query(instance, f"SELECT COUNT(*) FROM {SCHEMA}.log") == [(0,)]


def test_check_names_each_view_that_cannot_be_used_and_each_missing_definer(
    vault: Vault, instance: Instance
) -> None:
    break_all(instance)
    found = about_objects(app.check(vault.config, scope=SCOPE).findings)
    views = [item for item in found if item.what == "views"]
    broken = [item.message for item in views if item.severity is Severity.WARNING]
    assert views_in(broken) == VIEWS
    assert all("cannot be used" in message for message in broken)
    (untried,) = (item.message for item in views if item.severity is Severity.INFO)
    assert untried.startswith(f"view {SCHEMA}.free could not be tried: ")
    definers = [item.message for item in found if item.what == "definers"]
    named = "1 view, 1 trigger, 1 event: usable.no_definer, usable.g, usable.e"
    assert definers == [
        f"{GONE} does not exist; these fail with error 1449: {named}",
        f"{POOR} lacks TRIGGER; these fail: 1 trigger: usable.powerless",
    ]
    with pytest.raises(pymysql.MySQLError, match="TRIGGER command denied"):
        run_all(instance, f"INSERT INTO {SCHEMA}.log VALUES (1)")


@pytest.mark.parametrize(
    "grant",
    [f"TRIGGER ON {SCHEMA}.log", f"TRIGGER ON {SCHEMA}.*", "TRIGGER ON *.*",
     f"ALL ON {SCHEMA}.*", "TRIGGER ON `usa%`.*"],
)  # fmt: skip
def test_a_definer_that_has_its_privilege_by_any_grant_is_sound(
    vault: Vault, instance: Instance, grant: str
) -> None:
    trigger = "TRIGGER allowed AFTER INSERT ON log FOR EACH ROW SET @a = 1"
    run_all(
        instance, f"USE {SCHEMA}", f"GRANT {grant} TO {POOR}", f"CREATE DEFINER={POOR} {trigger}"
    )
    found = about_objects(app.check(vault.config, scope=SCOPE).findings)
    assert [item for item in found if item.severity is not Severity.INFO] == []
    run_all(instance, f"INSERT INTO {SCHEMA}.log VALUES (1)")


def test_a_view_that_waits_for_ddl_is_not_waited_for(vault: Vault, instance: Instance) -> None:
    with instance.connect() as reader, instance.connect() as changer, ThreadPoolExecutor() as pool:
        run(reader, "START TRANSACTION", f"SELECT * FROM {SCHEMA}.t")
        change = pool.submit(run, changer, f"ALTER TABLE {SCHEMA}.t ADD COLUMN d INT")
        wait_until(lambda: "metadata lock" in str(query(instance, "SHOW PROCESSLIST")))
        with Session.open(
            Endpoint(socket=instance.socket), Login("root", lambda: instance.password), shard="s"
        ) as session:
            found = examine_objects(session, [view_named("plain"), view_named("od'd `name")])
            assert session.text("SELECT @@lock_wait_timeout") == "60"
        run(reader, "COMMIT")
        change.result()
    told = [item.message for item in found if item.what == "views"]
    assert told == ["not all of 2 views could be tried: a statement holds a lock on what they read"]


def run(connection: pymysql.Connection, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def view_named(name: str) -> CodeObject:
    text = b"CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW x"
    return CodeObject(ObjectKind.VIEW, SCHEMA, name, text, "", "utf8mb4", "")


def test_a_backup_notes_what_is_broken_and_records_it(vault: Vault, instance: Instance) -> None:
    break_all(instance)
    steps = Steps()
    report = vault.backup(steps, scope=SCOPE)
    told = [event.message for event in steps.events if isinstance(event, Noticed)]
    for notices in (told, report.notices, app.show(vault.newest(), vault.config).backup.notices):
        assert views_in([text for text in notices if "cannot be used" in text]) == VIEWS
        assert any(f"{GONE} does not exist" in text for text in notices)


def test_without_the_trial_nobody_hears_of_it(
    vault: Vault, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_all(instance)
    set_failpoints(monkeypatch, "objects.trial=off")
    assert about_objects(app.check(vault.config, scope=SCOPE).findings) == []
    assert not any("cannot be used" in text for text in vault.backup(scope=SCOPE).notices)


def test_many_views_are_tried_many_at_a_time(vault: Vault, instance: Instance) -> None:
    views = (f"CREATE VIEW {SCHEMA}.v{n} AS SELECT {n} AS n" for n in range(120))
    run_all(instance, *views)
    before = prepared(instance)
    app.check(vault.config, scope=SCOPE)
    assert prepared(instance) - before < 40


def prepared(instance: Instance) -> int:
    ((_, count),) = query(instance, "SHOW GLOBAL STATUS LIKE 'Com_prepare_sql'")
    return int(count)
