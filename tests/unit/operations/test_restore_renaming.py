"""Everything that a target gets is renamed together; what cannot follow is told and missing."""

from __future__ import annotations

from shardvault.fleet.definitions import Contents
from shardvault.load.renaming import Renaming
from shardvault.model.ids import ShardName
from shardvault.model.manifest import TableRecord
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, ObjectKind, Schema, Table, TableKind
from shardvault.operations.restore_renaming import rename_contents
from tests.unit.load.renaming_support import MARIADB, SHOP, make_object

S0 = ShardName("s0")


def record_of(name: str, sql: bytes) -> TableRecord:
    table = Table("shop", name, TableKind.ROWS, "InnoDB", True, sql, ())
    return TableRecord(table, ("id",), 7, "1" * 32, 99, ())


CONTENTS = Contents(
    schemas=(Schema("shop", b"CREATE DATABASE `shop`"), Schema("app", b"CREATE DATABASE `app`")),
    whole=frozenset({"shop", "app"}),
    tables=(
        record_of("t", b"CREATE TABLE `t` (\n  `id` int COMMENT 'of shop'\n) ENGINE=InnoDB"),
        record_of("broken", b"CREATE TABLE `broken"),
    ),
    objects=(
        make_object(b"CREATE VIEW `app`.`v` AS select 1 from `shop`.`t`", ObjectKind.VIEW),
        make_object(b"SELECT shop.id FROM t shop"),
        make_object(b"PREPARE s FROM @x"),
    ),
    accounts=(Account("`u`@`h`", False, b"", (b"GRANT SELECT ON `shop`.* TO `u`@`h`",)),),
)


def renamed() -> tuple[Contents, tuple[Finding, ...]]:
    return rename_contents(CONTENTS, S0, SHOP, MARIADB)


def test_all_that_can_follow_has_the_new_name_and_nothing_else_changed() -> None:
    contents, _ = renamed()
    assert [schema.name for schema in contents.schemas] == ["new", "app"]
    assert contents.whole == {"new", "app"}
    (table,) = contents.tables
    assert (table.table.qualified, table.rows, table.content_hash) == ("new.t", 7, "1" * 32)
    assert [item.create_sql for item in contents.objects] == [
        b"CREATE VIEW `app`.`v` AS select 1 from `new`.`t`",
        b"PREPARE s FROM @x",
    ]
    assert contents.accounts[0].grants == (b"GRANT SELECT ON `new`.* TO `u`@`h`",)


def test_what_is_left_out_is_a_warning_and_what_is_kept_a_note() -> None:
    _, findings = renamed()
    told = [(item.severity, item.where, item.what) for item in findings]
    assert told == [
        (Severity.INFO, "s0: new.t", "table"),
        (Severity.WARNING, "s0: shop.broken", "table"),
        (Severity.WARNING, "s0: shop.o", "procedure"),
        (Severity.INFO, "s0: new.o", "procedure"),
    ]
    assert "may mean" in findings[2].message
    assert "by hand" in findings[2].remedy


def test_a_grant_that_is_left_out_is_a_warning() -> None:
    account = Account("`u`@`h`", False, b"", (b"GRANT SELECT ON `s%`.* TO `u`@`h`",))
    contents, findings = rename_contents(Contents(accounts=(account,)), S0, SHOP, MARIADB)
    assert contents.accounts[0].grants == ()
    assert [(item.severity, item.where) for item in findings] == [(Severity.WARNING, "s0: `u`@`h`")]


def test_without_a_new_name_nothing_is_even_read() -> None:
    assert rename_contents(CONTENTS, S0, Renaming(), MARIADB) == (CONTENTS, ())
