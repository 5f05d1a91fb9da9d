"""Global variables of a server change nothing about our sessions: every command still works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from shardvault import app
from shardvault.model.position import Family
from shardvault.model.report import Severity
from shardvault.mysql.session import Session, decode
from shardvault.mysql.variables import LOAD, OPENED, base_state, judgements
from tests.integration.copying import open_session
from tests.integration.operations_support import (
    Lone,
    Vault,
    describe,
    query,
    run_all,
    schemas,
    set_failpoints,
    wipe,
)
from tests.support.fleet import Fleet, write_fleet_file
from tests.support.servers import Flavour, Instance, grant_backup_user

_GLOBAL_ONLY = 1238

HOSTILE = {
    "alter_algorithm": "'INSTANT'",
    "auto_increment_increment": "10",
    "auto_increment_offset": "5",
    "autocommit": "0",
    "binlog_format": "'STATEMENT'",
    "block_encryption_mode": "'aes-256-cbc'",
    "character_set_client": "'latin1'",
    "character_set_collations": "'utf8mb4=utf8mb4_bin'",
    "character_set_connection": "'ucs2'",
    "character_set_results": "'latin1'",
    "check_constraint_checks": "1",
    "collation_connection": "'utf8mb4_bin'",
    "completion_type": "'RELEASE'",
    "default_collation_for_utf8mb4": "'utf8mb4_general_ci'",
    "default_regex_flags": "'EXTENDED'",
    "default_storage_engine": "'MyISAM'",
    "default_week_format": "3",
    "div_precision_increment": "9",
    "enforce_storage_engine": "'Aria'",
    "explicit_defaults_for_timestamp": "0",
    "foreign_key_checks": "1",
    "group_concat_max_len": "4",
    "idle_readonly_transaction_timeout": "1",
    "idle_transaction_timeout": "1",
    "idle_write_transaction_timeout": "1",
    "information_schema_stats_expiry": "86400",
    "innodb_compression_default": "1",
    "innodb_lock_wait_timeout": "1",
    "innodb_strict_mode": "1",
    "lc_messages": "'de_DE'",
    "lc_time_names": "'de_DE'",
    "lock_wait_timeout": "3",
    "max_error_count": "0",
    "max_execution_time": "1",
    "max_join_size": "1",
    "max_session_mem_used": "262144",  # with less, MariaDB 10.11 crashes at a login
    "max_sort_length": "64",
    "max_statement_time": "0.001",
    "net_read_timeout": "1",
    "net_write_timeout": "1",
    "new_mode": "'FIX_DISK_TMPTABLE_COSTS'",
    "note_verbosity": "'all'",
    "old_mode": "'NO_DUP_KEY_WARNINGS_WITH_IGNORE,ZERO_DATE_TIME_CAST'",
    "print_identified_with_as_hex": "1",
    "query_cache_type": "'OFF'",
    "range_optimizer_max_mem_size": "1",
    "restrict_fk_on_non_standard_key": "1",
    "show_create_table_verbosity": "1",
    "show_gipk_in_create_table_and_information_schema": "0",
    "sql_auto_is_null": "1",
    "sql_big_selects": "0",
    "sql_buffer_result": "1",
    "sql_generate_invisible_primary_key": "1",
    "sql_if_exists": "1",
    "sql_mode": "'ANSI,STRICT_ALL_TABLES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES'",
    "sql_notes": "0",
    "sql_quote_show_create": "0",
    "sql_require_primary_key": "1",
    "sql_safe_updates": "1",
    "sql_select_limit": "3",
    "standard_compliant_cte": "0",
    "system_versioning_alter_history": "'ERROR'",
    "system_versioning_asof": "'2001-01-01'",
    "system_versioning_insert_history": "0",
    "terminology_use_previous": "'BEFORE_8_0_26'",
    "time_zone": "'+09:00'",
    "tmp_disk_table_size": "1024",
    "transaction_isolation": "'SERIALIZABLE'",
    "transaction_read_only": "1",
    "tx_isolation": "'READ-UNCOMMITTED'",
    "tx_read_only": "1",
    "unique_checks": "0",
    "wait_timeout": "1",
}
"""For each variable that we set, a value with which something failed, or could."""

ALONE = ("sql_select_limit", "sql_safe_updates", "completion_type", "binlog_format")


def pinned(instance: Instance) -> set[str]:
    """Name the variables that our sessions set on a server."""
    family = instance.flavour.family
    return {*OPENED, *base_state(family, (11, 0, 0)), *LOAD} & names(instance, "GLOBAL")


def names(instance: Instance, scope: str) -> set[str]:
    return {name.lower() for name, _ in query(instance, f"SHOW {scope} VARIABLES")}


@pytest.fixture(scope="module", params=list(Flavour), ids=lambda flavour: flavour.value)
def pair(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """Hold a source s0 and a target s1 whose global variables tests may change."""
    with Fleet([request.param] * 2) as fleet:
        yield fleet


@pytest.fixture
def instance(pair: Fleet) -> Instance:
    return pair.shards["s0"]


def test_every_variable_that_a_session_inherits_is_judged(instance: Instance) -> None:
    judged = judgements(instance.flavour.family)
    with instance.connect() as connection, connection.cursor() as cursor:
        inherited = set()
        for name in names(instance, "SESSION") | names(instance, "GLOBAL"):
            try:
                cursor.execute(f"SELECT @@SESSION.`{name}`")
            except pymysql.MySQLError as error:
                if error.args[0] != _GLOBAL_ONLY:
                    raise
            else:
                inherited.add(name)
    assert len(inherited) > 150
    assert sorted(inherited - judged.keys()) == []


def test_no_variable_is_judged_twice() -> None:
    for family in Family:
        listed = [*OPENED, *base_state(family, (11, 0, 0))]
        assert len(listed) == len(set(listed))
        others = {name for name, told in judgements(family).items() if "pinned" not in told}
        assert not others & {*listed, *LOAD}


def test_there_is_a_hostile_value_for_every_variable_that_we_set(instance: Instance) -> None:
    assert sorted(pinned(instance) - HOSTILE.keys()) == []


@contextmanager
def hostile(fleet: Fleet, values: Mapping[str, str]) -> Iterator[None]:
    """Set global variables of all instances for a while."""
    with contextlib.ExitStack() as undo:
        for instance in fleet.instances:
            cursor = undo.enter_context(instance.connect()).cursor()
            for name, value in values.items():
                cursor.execute(f"SELECT @@GLOBAL.{name}")
                (before,) = cursor.fetchone() or (None,)
                value_before = "DEFAULT" if before == "DEFAULT" else cursor.mogrify("%s", (before,))
                undo.callback(cursor.execute, f"SET GLOBAL {name} = {value_before}")
                cursor.execute(f"SET GLOBAL {name} = {value}")
        yield


STATEMENTS = (
    "CREATE DATABASE data CHARACTER SET utf8mb4",
    "CREATE TABLE data.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT NOT NULL, s VARCHAR(40),"
    " at TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00', q DECIMAL(20,9) AS (n / 7) STORED,"
    " UNIQUE KEY (n), KEY (s), CHECK (n > 0))",
    "INSERT INTO data.t (n, s) VALUES (1, 'ä'), (2, '€'), (3, '\\\\'), (4, NULL), (5, 'x ')",
    "CREATE TABLE data.child (id INT, t INT, FOREIGN KEY (t) REFERENCES data.t (id))",
    "INSERT INTO data.child VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
    "CREATE TABLE data.small (c CHAR(9)) ENGINE=MyISAM",
    "INSERT INTO data.small VALUES ('a'), ('b'), ('c'), ('d')",
    "CREATE VIEW data.v AS SELECT id, CONCAT(s, 'é') AS c FROM data.t",
    "CREATE PROCEDURE data.p() SELECT COUNT(*) FROM data.t",
    "CREATE TRIGGER data.g BEFORE INSERT ON data.t FOR EACH ROW SET NEW.s = NEW.n",
    "CREATE EVENT data.e ON SCHEDULE EVERY 1 DAY DO DO 1",
)
HAS_HISTORY = {Flavour.MARIADB_1011, Flavour.MARIADB_118}
"""Servers that take the history of a system-versioned table back."""
VERSIONED = (
    "CREATE TABLE data.versioned (n INT) WITH SYSTEM VERSIONING",
    "INSERT INTO data.versioned VALUES (1), (2), (3), (4)",
    "DELETE FROM data.versioned WHERE n = 4",
)


@pytest.fixture
def vault(pair: Fleet, tmp_path: Path) -> Vault:
    return fill(pair, tmp_path)


def fill(pair: Fleet, folder: Path) -> Vault:
    source = pair.shards["s0"]
    wipe(*pair.instances)
    more = VERSIONED if source.flavour in HAS_HISTORY else ()
    run_all(source, "SET NAMES utf8mb4", *STATEMENTS, *more)
    return Vault(folder, Lone({"s0": source}))


def run_every_command(vault: Vault, pair: Fleet) -> None:
    """Check, back up, plan and restore; each must succeed without findings."""
    target = vault.target(Lone({"s0": pair.shards["s1"]}))
    assert [one for one in app.check(vault.config).findings if one.severity == "blocker"] == []
    vault.backup()
    plan = app.plan_restore("latest", vault.config, target=target)
    assert [one for one in plan.findings if one.severity is Severity.BLOCKER] == []
    report = vault.restore(target)
    assert report.verified
    assert [one for one in report.findings if one.severity is not Severity.INFO] == []


def test_no_global_variable_changes_what_a_backup_or_a_restore_does(
    vault: Vault, pair: Fleet
) -> None:
    source, target = pair.shards["s0"], pair.shards["s1"]
    before = describe(source, "data")
    here = pinned(source)
    with hostile(pair, {name: value for name, value in HOSTILE.items() if name in here}):
        run_every_command(vault, pair)
    assert describe(source, "data") == before
    assert describe(target, "data") == before


@pytest.mark.parametrize("name", ALONE)
def test_no_single_global_variable_stops_a_command(
    mariadb_fleet: Fleet, tmp_path: Path, name: str
) -> None:
    vault = fill(mariadb_fleet, tmp_path)
    with hostile(mariadb_fleet, {name: HOSTILE[name]}):
        run_every_command(vault, mariadb_fleet)


def test_without_the_state_a_global_variable_stops_a_check(
    mariadb_fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what the issue saw."""
    vault = fill(mariadb_fleet, tmp_path)
    set_failpoints(monkeypatch, "session.state=off")
    with (
        hostile(mariadb_fleet, {"sql_select_limit": HOSTILE["sql_select_limit"]}),
        pytest.raises(KeyError),
    ):
        app.check(vault.config)


def test_an_init_connect_leaves_nothing_in_our_sessions(vault: Vault, pair: Fleet) -> None:
    """A temporary table of a table's name would hide its rows from the dump."""
    source = pair.shards["s0"]
    grant_backup_user(source, pair.password)
    run_all(source, "GRANT CREATE TEMPORARY TABLES ON *.* TO backup@localhost")
    config = as_user(vault, "backup", source)
    hiding = "'CREATE TEMPORARY TABLE data.t (id INT); SET @@timestamp = 1'"
    with hostile(pair, {"init_connect": hiding}):
        report = app.backup(config)
        with open_as(source, "backup", pair.password) as session:
            assert session.value("SELECT COUNT(*) FROM data.t") == b"5"
            assert session.value("SELECT @@timestamp > 1000") == b"1"
    assert report.totals.rows == count_rows(source)


def as_user(vault: Vault, user: str, source: Instance) -> str:
    """Write the file of the fleet for another login with the same password."""
    path = vault.folder / f"{user}.yaml"
    return str(
        write_fleet_file(
            path,
            {"s0": source},
            user=user,
            password={"file": str(vault.folder / "source.password")},
            repository=vault.repository,
            key=vault.key,
        )
    )


def open_as(instance: Instance, user: str, password: str) -> Session:
    from shardvault.model.target import Endpoint, Login

    return Session.open(Endpoint(socket=instance.socket), Login(user, lambda: password), shard="s0")


def count_rows(instance: Instance) -> int:
    tables = query(
        instance,
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'data' AND table_type != 'VIEW'",
    )
    system_time = " FOR SYSTEM_TIME ALL"
    return sum(
        query(
            instance,
            f"SELECT COUNT(*) FROM data.{name}{system_time if name == 'versioned' else ''}",
        )[0][0]
        for (name,) in tables
    )


def test_what_a_login_cannot_set_stops_the_plan(mariadb_fleet: Fleet, tmp_path: Path) -> None:
    """Only a login with BINLOG ADMIN leaves MariaDB's statement format."""
    spare = mariadb_fleet
    source, target = spare.shards["s0"], spare.shards["s1"]
    wipe(*spare.instances)
    run_all(source, "CREATE DATABASE data", "CREATE TABLE data.t (id INT PRIMARY KEY)")
    vault = Vault(tmp_path, Lone({"s0": source}))
    vault.backup()
    run_all(
        target,
        f"CREATE USER loader@localhost IDENTIFIED BY '{spare.password}'",
        "GRANT SELECT, SHOW VIEW, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, CREATE VIEW,"
        " CREATE ROUTINE, ALTER ROUTINE, TRIGGER, EVENT, PROCESS, SET USER ON *.*"
        " TO loader@localhost",
    )
    words = ("restore", "latest", "--target", as_user(vault, "loader", target))
    with hostile(spare, {"binlog_format": "'STATEMENT'"}):
        for more in ((), ("--dry-run",)):
            refused = vault.run(*words, *more)
            shown = refused.out + refused.err
            assert refused.code == 1 or more, shown
            assert "binlog_format is 'STATEMENT'" in shown
            assert "SET GLOBAL binlog_format = 'ROW'" in shown
        assert schemas(target) == []
    assert vault.run(*words).code == 0
    run_all(target, "DROP USER loader@localhost")


def test_the_state_is_read_back_in_every_session(instance: Instance) -> None:
    wanted: dict[str, Any] = {"completion_type": "NO_CHAIN", "sql_safe_updates": "0"}
    with open_session(instance) as session:
        for name, value in wanted.items():
            assert decode(session.value(f"SELECT @@SESSION.{name}") or b"") == value
