"""What definitions ask of a target, and what its settings allow, is judged without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from shardvault.fleet.definitions import (
    Contents,
    shorten,
    unknown_types,
    unsafe_functions,
    used_charsets,
    used_engines,
)
from shardvault.fleet.target_settings import TargetSettings, examine_target_settings
from shardvault.model.manifest import TableRecord
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject, Column, ObjectKind, Schema, Table, TableKind

COLUMN = Column("name", "varchar", "varchar(9)", "utf8mb4", "utf8mb4_bin", True, False)
TABLE = Table("shop", "orders", TableKind.ROWS, "InnoDB", True, b"", (COLUMN,), key=("id",))
FUNCTION = CodeObject(
    ObjectKind.FUNCTION,
    "shop",
    "f",
    b"CREATE FUNCTION `f`() RETURNS int(11)\n    DETERMINISTIC\nRETURN 1",
    "",
    "utf8mb3",
    "utf8mb3_general_ci",
    "latin1_swedish_ci",
)
SOUND = {
    "event_scheduler": "ON",
    "innodb_default_row_format": "dynamic",
    "innodb_page_size": "16384",
    "local_infile": "ON",
    "log_bin": "ON",
    "log_bin_trust_function_creators": "OFF",
    "max_allowed_packet": str(16 << 20),
    "read_only": "OFF",
    "super_read_only": "OFF",
}


def _record(table: Table, longest_row: int = 0) -> TableRecord:
    return TableRecord(table, ("name",), 0, "0" * 32, 0, (), longest_row)


def _contents(*tables: Table, objects: tuple[CodeObject, ...] = ()) -> Contents:
    schema = Schema("shop", b"CREATE DATABASE `shop`")
    records = tuple(_record(table) for table in tables)
    return Contents((schema,), frozenset({"shop"}), records, objects)


def _judge(
    changed: Mapping[str, str],
    contents: Contents | None = None,
    *,
    family: Family = Family.MYSQL,
    has_super: bool = True,
) -> list[Finding]:
    target = TargetSettings(
        "t0", family, SOUND | dict(changed), has_super, contents or _contents(TABLE)
    )
    return list(examine_target_settings(target))


def _blockers(findings: list[Finding]) -> list[str]:
    return [item.what for item in findings if item.severity is Severity.BLOCKER]


def test_charsets_of_schemas_tables_columns_and_objects_are_found() -> None:
    schema = Schema("shop", b"CREATE DATABASE `shop` /*!40100 DEFAULT CHARACTER SET sjis */")
    table = replace(TABLE, create_sql=b"CREATE TABLE x (\n) DEFAULT CHARSET=gbk COLLATE=gbk_bin")
    contents = replace(_contents(table, objects=(FUNCTION,)), schemas=(schema,))
    used = used_charsets(contents)
    assert used["sjis"] == ["schema shop"]
    assert used["gbk_bin"] == ["table shop.orders"]
    assert used["utf8mb4_bin"] == ["shop.orders column name"]
    assert used["latin1_swedish_ci"] == ["function shop.f"]


def test_the_old_name_of_utf8mb3_is_the_new_one() -> None:
    column = replace(COLUMN, charset="utf8", collation="utf8_general_ci")
    used = used_charsets(_contents(replace(TABLE, columns=(column,))))
    assert used.keys() == {"utf8mb3", "utf8mb3_general_ci"}


def test_a_comment_of_a_table_is_not_taken_for_a_charset_of_a_column() -> None:
    sql = b"CREATE TABLE `x` (\n  `a` int COMMENT 'CHARSET=fancy'\n) ENGINE=InnoDB"
    used = used_charsets(_contents(replace(TABLE, create_sql=sql, columns=())))
    assert not used


def test_engines_are_named_in_upper_case_with_their_tables() -> None:
    aria = replace(TABLE, name="a", engine="Aria")
    assert used_engines(_contents(TABLE, aria)) == {
        "INNODB": ["shop.orders"],
        "ARIA": ["shop.a"],
    }


@pytest.mark.parametrize(
    ("data_type", "family", "version", "is_known"),
    [
        ("uuid", Family.MARIADB, (10, 11, 19), True),
        ("uuid", Family.MARIADB, (10, 6, 0), False),
        ("uuid", Family.MYSQL, (9, 7, 4), False),
        ("inet4", Family.MARIADB, (10, 9, 0), False),
        ("vector", Family.MARIADB, (11, 4, 0), False),
        ("vector", Family.MYSQL, (9, 0, 0), True),
        ("varchar", Family.MYSQL, (8, 0, 0), True),
    ],
)
def test_a_type_is_known_from_its_version_on(
    data_type: str, family: Family, version: tuple[int, int, int], is_known: bool
) -> None:
    table = replace(TABLE, columns=(replace(COLUMN, data_type=data_type),))
    found = unknown_types(_contents(table), family, version)
    assert found == ({} if is_known else {f"type {data_type}": ["shop.orders column name"]})


def test_sequences_are_unknown_to_mysql_only() -> None:
    sequence = replace(TABLE, name="s", kind=TableKind.SEQUENCE, columns=())
    assert unknown_types(_contents(sequence), Family.MYSQL, (9, 7, 4)) == {"sequences": ["shop.s"]}
    assert unknown_types(_contents(sequence), Family.MARIADB, (10, 11, 0)) == {}


def test_a_sequence_of_a_type_is_unknown_to_older_mariadb() -> None:
    sequence = replace(TABLE, name="s", kind=TableKind.SEQUENCE, columns=())
    typed = replace(sequence, create_sql=b"CREATE SEQUENCE `s` as tinyint start with 1")
    named = {"sequences of a type": ["shop.s"]}
    assert unknown_types(_contents(typed), Family.MARIADB, (10, 11, 0)) == named
    assert unknown_types(_contents(typed), Family.MARIADB, (11, 8, 0)) == {}
    assert unknown_types(_contents(sequence), Family.MARIADB, (10, 11, 0)) == {}


def test_a_long_list_is_shortened_and_says_so() -> None:
    assert shorten(["a", "b"]) == "a, b"
    assert shorten(list("abcdefg")) == "a, b, c, d, e and 2 more"


@pytest.mark.parametrize(
    ("body", "is_safe"),
    [
        (b"RETURNS int DETERMINISTIC RETURN 1", True),
        (b"RETURNS int READS SQL DATA RETURN 1", True),
        (b"RETURNS int NOT DETERMINISTIC RETURN 1", False),
        (b"RETURNS int RETURN rand()", False),
    ],
)
def test_a_function_is_safe_when_it_says_so(body: bytes, is_safe: bool) -> None:
    item = replace(FUNCTION, create_sql=b"CREATE FUNCTION `f`() " + body)
    assert unsafe_functions(_contents(objects=(item,))) == ([] if is_safe else ["shop.f"])


def test_sound_settings_block_nothing() -> None:
    assert _blockers(_judge({}, _contents(TABLE, objects=(FUNCTION,)))) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"read_only": "ON"}, "read only"),
        ({"super_read_only": "ON", "read_only": "ON"}, "read only"),
        ({"local_infile": "OFF"}, "local infile"),
    ],
)
def test_a_setting_that_stops_the_load_is_a_blocker(changed: dict[str, str], what: str) -> None:
    assert _blockers(_judge(changed)) == [what]


def test_mariadb_loads_without_local_infile() -> None:
    assert _blockers(_judge({"local_infile": "OFF"}, family=Family.MARIADB)) == []


@pytest.mark.parametrize(
    ("family", "longest_row", "fits"),
    [
        (Family.MARIADB, (1 << 20) - 1025, True),
        (Family.MARIADB, (1 << 20) - 1024, False),
        (Family.MYSQL, (1 << 20) - 1024, True),
        (Family.MYSQL, (1 << 20) - 1023, False),
    ],
)
def test_the_longest_row_must_fit_into_a_packet(
    family: Family, longest_row: int, fits: bool
) -> None:
    contents = replace(_contents(), tables=(_record(TABLE, longest_row),))
    findings = _judge({"max_allowed_packet": str(1 << 20)}, contents, family=family)
    (found,) = [item for item in findings if item.what == "max_allowed_packet"]
    assert (found.severity is Severity.OK) is fits
    assert fits or found.remedy == f"SET GLOBAL max_allowed_packet={2 << 20}"


def test_a_server_that_forces_primary_keys_refuses_tables_without() -> None:
    contents = _contents(replace(TABLE, key=()), replace(TABLE, name="keyed"))
    (found,) = [
        item
        for item in _judge({"innodb_force_primary_key": "ON"}, contents)
        if item.what == "primary keys"
    ]
    assert found.severity is Severity.BLOCKER
    assert "shop.orders" in found.message
    assert "shop.keyed" not in found.message


def test_a_rule_that_our_session_can_turn_off_is_only_told() -> None:
    findings = _judge({"sql_require_primary_key": "ON"}, _contents(replace(TABLE, key=())))
    assert _blockers(findings) == []
    assert "primary keys" in [item.what for item in findings]


def test_compressed_tables_need_a_server_that_writes_them() -> None:
    sql = b"CREATE TABLE `x` (\n  `a` int\n) ENGINE=InnoDB ROW_FORMAT=COMPRESSED"
    contents = _contents(replace(TABLE, create_sql=sql))
    assert _blockers(_judge({"innodb_read_only_compressed": "ON"}, contents)) == ["row format"]
    assert _blockers(_judge({"innodb_read_only_compressed": "ON"})) == []


@pytest.mark.parametrize(
    ("changed", "has_super", "body", "is_refused"),
    [
        ({}, True, FUNCTION.create_sql, False),
        ({}, False, FUNCTION.create_sql, True),
        ({}, True, b"CREATE FUNCTION `f`() RETURNS int RETURN rand()", True),
        ({"log_bin_trust_function_creators": "ON"}, False, FUNCTION.create_sql, False),
        ({"log_bin": "OFF"}, False, FUNCTION.create_sql, False),
    ],
)
def test_functions_need_a_server_that_takes_them(
    changed: dict[str, str], has_super: bool, body: bytes, is_refused: bool
) -> None:
    contents = _contents(objects=(replace(FUNCTION, create_sql=body),))
    found = _blockers(_judge(changed, contents, has_super=has_super))
    assert found == (["functions"] if is_refused else [])


@pytest.mark.parametrize(("scheduler", "word"), [("ON", "on"), ("OFF", "off"), ("DISABLED", "off")])
def test_whether_restored_events_will_run_is_told(scheduler: str, word: str) -> None:
    event = replace(FUNCTION, kind=ObjectKind.EVENT)
    findings = _judge({"event_scheduler": scheduler}, _contents(objects=(event,)))
    (found,) = [item for item in findings if item.what == "events"]
    assert f"scheduler is {word}" in found.message


def test_a_row_format_that_no_definition_names_asks_for_the_targets_default() -> None:
    body = b"CREATE TABLE `x` (\n  `a` int COMMENT ' ROW_FORMAT='\n) ENGINE=InnoDB"
    compact = replace(TABLE, create_sql=body, row_format="Compact")
    named = replace(compact, name="named", create_sql=body + b" ROW_FORMAT=COMPACT")
    packed = replace(TABLE, create_sql=body + b" KEY_BLOCK_SIZE=8", row_format="Compressed")
    (found,) = [
        item for item in _judge({}, _contents(compact, named, packed)) if item.what == "row format"
    ]
    assert found.severity is Severity.WARNING
    assert found.message.endswith("these are compact and do not say so: shop.orders")
    assert found.remedy.endswith("SET GLOBAL innodb_default_row_format=compact")


def test_a_row_format_that_the_target_gives_by_itself_is_not_mentioned() -> None:
    dynamic = replace(TABLE, row_format="Dynamic")
    unrecorded = replace(TABLE, row_format="")
    assert "row format" not in {item.what for item in _judge({}, _contents(dynamic, unrecorded))}
