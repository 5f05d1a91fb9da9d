"""Settings, tables and running statements are judged without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import pytest

from shardvault.errors import ServerError
from shardvault.fleet.activity import find_obstacles, find_prepared
from shardvault.fleet.inventory import ROW_END, Inventory
from shardvault.fleet.servers import compare_shards, find_doubles
from shardvault.fleet.settings import examine_settings
from shardvault.fleet.unsupported import examine_tables
from shardvault.model.ids import ShardName
from shardvault.model.loss import LossKind
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Column, ForeignKey, Schema, Table, TableKind
from shardvault.mysql.session import Row, Session

SHARD = ShardName("s0")
SERVER = ServerIdentity("11.8.6", "mariadb", "a", 0, "utf8mb4", "utf8mb4_bin", "", "UTC")
COLUMN = Column("id", "int", "int(11)", None, None, False, False)
TABLE = Table("shop", "orders", TableKind.ROWS, "InnoDB", True, b"", (COLUMN,))
SOUND = {
    "log_bin": "ON",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "wsrep_on": "OFF",
    "read_only": "OFF",
    "lock_wait_timeout": "86400",
}


class ScriptedSession:
    """Answer statements from a table."""

    shard = "s0"
    connection_id = 1

    def __init__(self, family: Family, answers: Mapping[str, list[Row] | ServerError]) -> None:
        self.family = family
        self._answers = answers

    def rows(self, statement: str) -> list[Row]:
        answer = self._answers[statement]
        if isinstance(answer, ServerError):
            raise answer
        return answer


def _processes(family: Family, *rows: Row) -> list[Finding]:
    session = ScriptedSession(family, {"SHOW FULL PROCESSLIST": list(rows)})
    return list(find_obstacles(cast(Session, session)))


def _process(number: int, command: str, seconds: int, state: str, text: str | None) -> Row:
    info = text.encode() if text is not None else None
    return (str(number).encode(), b"app", b"h", b"shop", command.encode(),
            str(seconds).encode(), state.encode(), info)  # fmt: skip


def _settings(
    changed: Mapping[str, str] = {}, family: Family = Family.MARIADB
) -> dict[str, Finding]:
    return {item.what: item for item in examine_settings(SHARD, family, SOUND | dict(changed))}


def _serious(findings: Sequence[Finding]) -> list[Finding]:
    return [item for item in findings if item.severity in {Severity.WARNING, Severity.BLOCKER}]


def test_sound_settings_are_all_reported_as_ok() -> None:
    findings = _settings()
    assert {item.severity for item in findings.values()} == {Severity.OK}
    assert {"binlog", "binlog format", "galera", "read only", "locks"} <= findings.keys()


@pytest.mark.parametrize(
    ("variable", "value", "what", "severity"),
    [
        ("binlog_format", "STATEMENT", "binlog format", Severity.WARNING),
        ("binlog_row_image", "MINIMAL", "row image", Severity.INFO),
        ("gtid_mode", "OFF", "gtid", Severity.WARNING),
        ("gtid_strict_mode", "OFF", "gtid strict mode", Severity.INFO),
        ("wsrep_on", "ON", "galera", Severity.BLOCKER),
        ("read_only", "ON", "read only", Severity.WARNING),
        ("lock_wait_timeout", "0", "locks", Severity.BLOCKER),
        ("binlog_expire_logs_seconds", "3600", "binlog expiry", Severity.WARNING),
        ("binlog_expire_logs_seconds", "86400", "binlog expiry", Severity.OK),
        ("expire_logs_days", "0.500000", "binlog expiry", Severity.WARNING),
        ("expire_logs_days", "10", "binlog expiry", Severity.OK),
    ],
)
def test_a_setting_that_matters_is_reported(
    variable: str, value: str, what: str, severity: Severity
) -> None:
    assert _settings({variable: value})[what].severity is severity


@pytest.mark.parametrize(
    ("family", "severity"),
    [(Family.MARIADB, Severity.BLOCKER), (Family.MYSQL, Severity.WARNING)],
)
def test_without_binlog_only_mysql_can_be_backed_up(family: Family, severity: Severity) -> None:
    finding = _settings({"log_bin": "OFF"}, family)["binlog"]
    assert finding.severity is severity
    assert finding.remedy


def _refused(*tables: Table) -> list[str]:
    findings = examine_tables(SHARD, Inventory((), tables, {}), 0)
    return [item.message for item in findings if item.severity is Severity.BLOCKER]


def test_a_system_versioned_table_is_refused_only_if_its_periods_are_no_times() -> None:
    period = replace(COLUMN, name="b", data_type="timestamp", extra=ROW_END)
    times = replace(TABLE, columns=(COLUMN, period), is_versioned=True)
    ids = replace(times, columns=(COLUMN, replace(period, data_type="bigint", is_generated=True)))
    assert _refused(times) == []
    assert "transaction ids" in _refused(ids)[0]


def test_a_table_of_generated_columns_only_is_refused() -> None:
    generated = replace(COLUMN, is_generated=True)
    assert _refused(replace(TABLE, columns=(COLUMN, generated))) == []
    assert "only generated" in _refused(replace(TABLE, columns=(generated,)))[0]


@pytest.mark.parametrize(
    ("name", "written", "is_refused"),
    [
        ("a`b", b"`a``b`", False),
        ("a`b", b"`a`b`", True),
        ("#mysql50#a", b"`#mysql50#a`", False),
        ("#mysql50#a", b"`a`", True),
    ],
)
def test_a_foreign_key_that_the_server_misspells_is_refused(
    name: str, written: bytes, is_refused: bool
) -> None:
    key = ForeignKey("f", ("id",), "shop", name, ("id",))
    create = b"CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES " + written + b" (`id`)"
    assert bool(_refused(replace(TABLE, create_sql=create, foreign_keys=(key,)))) is is_refused


def test_small_tables_outside_the_snapshot_are_named_but_not_refused() -> None:
    small = replace(TABLE, engine="MyISAM", is_transactional=False, data_bytes=1000)
    findings = examine_tables(SHARD, Inventory((), (small,), {}), 1000)
    assert [item.severity for item in findings] == [Severity.OK, Severity.INFO]
    assert "shop.orders: MyISAM" in findings[1].message


@pytest.mark.parametrize(("count", "told"), [(1, "1 in 1 schema,"), (2, "1 in 2 schemas,")])
def test_tables_are_counted_in_good_english(count: int, told: str) -> None:
    schemas = tuple(Schema(f"d{number}", b"") for number in range(count))
    (finding,) = examine_tables(SHARD, Inventory(schemas, (TABLE,), {}), 0)
    assert finding.message.startswith(told)


def test_a_table_without_data_of_its_own_is_named_definition_only() -> None:
    remote = replace(TABLE, kind=TableKind.DEFINITION, engine="FEDERATED")
    findings = examine_tables(SHARD, Inventory((), (remote,), {}), 0)
    assert findings[1].message == "shop.orders: FEDERATED, definition only"


@pytest.mark.parametrize(
    ("engine", "create", "loss"),
    [
        ("InnoDB", b"\n) ENGINE=InnoDB DATA DIRECTORY='/x/'", LossKind.DATA_DIRECTORY),
        ("InnoDB", b"\n) /*!50100 TABLESPACE `ts` */ ENGINE=InnoDB", LossKind.DATA_DIRECTORY),
        ("CONNECT", b"\n) ENGINE=CONNECT `TABLE_TYPE`='CSV'", LossKind.CONNECT_ROWS),
    ],
)
def test_what_may_be_lost_is_refused_with_the_kind_that_allows_it(
    engine: str, create: bytes, loss: LossKind
) -> None:
    kind = TableKind.DEFINITION if engine == "CONNECT" else TableKind.ROWS
    table = replace(TABLE, engine=engine, create_sql=create, kind=kind)
    (_, finding) = examine_tables(SHARD, Inventory((), (table,), {}), 0)
    assert finding.severity is Severity.BLOCKER
    assert (finding.table, finding.loss) == ("shop.orders", loss)
    assert f"--allow-loss {loss}" in finding.remedy


def test_a_connect_table_whose_rows_are_elsewhere_is_named_definition_only() -> None:
    create = b"\n) ENGINE=CONNECT `TABLE_TYPE`='ODBC'"
    table = replace(TABLE, engine="CONNECT", create_sql=create, kind=TableKind.DEFINITION)
    (_, finding) = examine_tables(SHARD, Inventory((), (table,), {}), 0)
    assert finding.severity is Severity.INFO


def test_one_instance_given_as_two_shards_is_a_blocker() -> None:
    (found,) = find_doubles([(ShardName("s0"), ShardName("s1")), (ShardName("s2"),)])
    assert found.severity is Severity.BLOCKER
    assert "s0 and s1" in found.message


def test_shards_that_differ_are_named() -> None:
    servers = {
        ShardName("s0"): SERVER,
        ShardName("s1"): replace(
            SERVER, identity="b", version="10.11.19", lower_case_table_names=1
        ),
    }
    findings = {item.what: item for item in compare_shards(servers)}
    assert findings["version"].message == "differs: 11.8.6 on s0; 10.11.19 on s1"
    assert findings["case rule"].severity is Severity.WARNING


def test_equal_shards_and_single_shards_have_nothing_to_warn_of() -> None:
    servers = {ShardName("s0"): SERVER, ShardName("s1"): replace(SERVER, identity="b")}
    assert not _serious(compare_shards(servers))
    assert compare_shards({SHARD: SERVER}) == ()


@pytest.mark.parametrize(
    ("family", "row", "found"),
    [
        (Family.MYSQL, _process(7, "Query", 11, "executing", "SELECT 1"), "read lock would wait"),
        (Family.MYSQL, _process(7, "Query", 9, "executing", "SELECT 1"), None),
        (Family.MARIADB, _process(7, "Query", 11, "Sending data", "SELECT 1"), None),
        (Family.MARIADB, _process(7, "Query", 0, "", " /* x */ alter table t"), "DDL is running"),
        (Family.MYSQL, _process(7, "Query", 0, "", "CREATE TABLE t SELECT 1"), "DDL is running"),
        (Family.MARIADB, _process(7, "Query", 0, "Waiting for table metadata lock", "SELECT 1"),
         "waiting for table metadata lock"),
        (Family.MYSQL, _process(7, "Sleep", 9999, "", None), None),
        (Family.MYSQL, _process(7, "Binlog Dump GTID", 9999, "", "x"), None),
        (Family.MYSQL, _process(1, "Query", 9999, "executing", "SELECT 1"), None),
    ],
)  # fmt: skip
def test_a_statement_in_the_way_is_named(family: Family, row: Row, found: str | None) -> None:
    (finding,) = _processes(family, row)
    if found is None:
        assert finding.severity is Severity.OK
    else:
        assert finding.severity is Severity.WARNING
        assert found in finding.message
        assert "connection 7 of app" in finding.message


def test_prepared_transactions_are_named_by_their_xid() -> None:
    rows: list[Row] = [(b"1", b"2", b"1", b"abc")]
    session = ScriptedSession(Family.MARIADB, {"XA RECOVER": rows})
    (finding,) = find_prepared(cast(Session, session))
    assert finding.severity is Severity.WARNING
    assert "X'6162',X'63',1" in finding.message


def test_a_refused_xa_recover_is_left_to_the_check_of_privileges() -> None:
    refused = ServerError("refused", code=1401)
    session = ScriptedSession(Family.MYSQL, {"XA RECOVER": refused})
    assert list(find_prepared(cast(Session, session))) == []


def test_another_failure_of_xa_recover_is_not_swallowed() -> None:
    session = ScriptedSession(Family.MYSQL, {"XA RECOVER": ServerError("broken", code=1105)})
    with pytest.raises(ServerError):
        list(find_prepared(cast(Session, session)))
