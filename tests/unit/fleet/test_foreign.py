"""What one family's definitions mean to the other is judged by their own words, not by text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.fleet.foreign import (
    find_foreign_accounts,
    find_foreign_code,
    find_foreign_schemas,
    find_foreign_tables,
)
from shardvault.model.position import Family
from shardvault.model.schema import (
    Account,
    CodeObject,
    Column,
    ObjectKind,
    Schema,
    Table,
    TableKind,
)

COLUMN = Column("a", "int", "int", None, None, True, False)
TABLE = Table("shop", "t", TableKind.ROWS, "InnoDB", True, b"", (COLUMN,))
CODE = CodeObject(ObjectKind.FUNCTION, "shop", "f", b"CREATE FUNCTION `f`()", "", "utf8mb4", "")


def _table(body: bytes, tail: bytes = b"\n) ENGINE=InnoDB", **more: object) -> Table:
    sql = b"CREATE TABLE `t` (\n  " + body + tail
    return replace(TABLE, create_sql=sql, **more)  # type: ignore[arg-type]


def _judge(table: Table, target: Family) -> list[str]:
    return [found.what for found in find_foreign_tables([table], target)]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"`a` decimal(38,38) DEFAULT NULL", "more than 30 decimals"),
        (b"`a` float NOT NULL AUTO_INCREMENT", "counters that are no integers"),
        (b"`a` int DEFAULT nextval(`shop`.`s`)", "defaults from sequences"),
        (b"`a` int,\n  PERIOD FOR `p` (`b`, `c`)", "periods"),
        (b"`a` text,\n  UNIQUE KEY `u` (`a`) USING HASH", "unique keys over whole texts"),
        (b"`a` vector(3),\n  VECTOR KEY `v` (`a`)", "keys over vectors"),
        (b"`g` int AS (concat_operator_oracle(`a`,1))", "functions of Oracle's mode"),
    ],
)
def test_what_mysql_cannot_hold_is_found(body: bytes, what: str) -> None:
    assert _judge(_table(body), Family.MYSQL) == [what]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"`a` int,\n  KEY `k` ((abs(`a`)))", "keys over expressions"),
        (b"`a` point /*!80003 SRID 4326 */", "columns of one spatial reference system"),
        (
            b"`a` int,\n  CONSTRAINT `c` CHECK ((`a` > 0)) /*!80016 NOT ENFORCED */",
            "checks that are not enforced",
        ),
        (
            b"`a` int GENERATED ALWAYS AS (1) STORED NOT NULL",
            "generated columns that are NOT NULL",
        ),
        (b"`a` int /*!80099 NEW */", "marks for MySQL only"),
    ],
)
def test_what_mariadb_cannot_hold_is_found(body: bytes, what: str) -> None:
    assert _judge(_table(body), Family.MARIADB) == [what]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize(
    "body",
    [
        b"`a` int DEFAULT NULL,\n  KEY `k` (`a`)",
        b"`a` int COMMENT 'nextval( PERIOD FOR x decimal(38,38) /*!80099 NEW */'",
        b"`nextval(` int,\n  KEY `k ((` (`nextval(`)",
        b"`a` int /*!80023 INVISIBLE */,\n  KEY `k` (`a`) /*!80000 INVISIBLE */",
    ],
)
def test_what_both_hold_is_not_refused_and_text_is_not_taken_for_it(
    body: bytes, family: Family
) -> None:
    assert _judge(_table(body), family) == []


@pytest.mark.parametrize(("data_type", "what"), [("json", "binary JSON"), ("vector", "vectors")])
def test_types_whose_values_mariadb_keeps_otherwise_are_refused(data_type: str, what: str) -> None:
    table = _table(b"`a` x", columns=(replace(COLUMN, data_type=data_type),))
    (found,) = find_foreign_tables([table], Family.MARIADB)
    assert found.what.startswith(what)
    assert found.places == ("shop.t",)
    assert "change the columns" in found.remedy


def test_partitions_of_another_engine_are_refused_by_mysql_only() -> None:
    table = _table(b"`a` int", is_partitioned=True, engine="MyISAM")
    assert _judge(table, Family.MYSQL) == ["partitions of other engines than InnoDB"]
    assert _judge(table, Family.MARIADB) == []


def test_page_compression_is_left_out_but_encryption_is_refused() -> None:
    (found,) = find_foreign_tables(
        [_table(b"`a` int", b"\n) ENGINE=InnoDB `PAGE_COMPRESSED`='ON'")], Family.MYSQL
    )
    assert (found.what, found.is_left_out) == ("page compression", True)
    (found,) = find_foreign_tables(
        [_table(b"`a` int", b"\n) ENGINE=InnoDB `ENCRYPTED`=YES")], Family.MYSQL
    )
    assert (found.what, found.is_left_out) == ("options of an engine", False)


@pytest.mark.parametrize(("flag", "wanted"), [("Y", ["encryption of tables"]), ("N", [])])
def test_only_a_table_that_is_encrypted_is_refused(flag: str, wanted: list[str]) -> None:
    table = _table(b"`a` int", f"\n) ENGINE=InnoDB ENCRYPTION='{flag}'".encode())
    assert _judge(table, Family.MARIADB) == wanted
    comment = _table(b"`a` int", b"\n) ENGINE=InnoDB COMMENT='x ENCRYPTION=''Y''.'")
    assert _judge(comment, Family.MARIADB) == []


@pytest.mark.parametrize(("flag", "is_told"), [("Y", True), ("N", False)])
def test_a_default_of_encryption_is_left_out_by_mariadb(flag: str, is_told: bool) -> None:
    sql = f"CREATE DATABASE `shop` /*!80016 DEFAULT ENCRYPTION='{flag}' */"
    found = list(find_foreign_schemas([Schema("shop", sql.encode())], Family.MARIADB))
    assert [one.what for one in found] == ["defaults of encryption of databases"] * is_told


def test_a_comment_of_a_database_is_left_out_by_mysql() -> None:
    schema = Schema("shop", b"CREATE DATABASE `shop` /*!40100 x */ COMMENT 'it''s'")
    named = Schema("s", b"CREATE DATABASE ` COMMENT ''` /*!40100 x */")
    (found,) = find_foreign_schemas([schema, named], Family.MYSQL)
    assert (found.places, found.is_left_out) == (("shop",), True)
    assert list(find_foreign_schemas([schema], Family.MARIADB)) == []


@pytest.mark.parametrize(
    ("item", "what"),
    [
        (replace(CODE, kind=ObjectKind.PACKAGE), "packages"),
        (replace(CODE, create_sql=b"CREATE AGGREGATE FUNCTION `f`()"), "aggregate functions"),
        (replace(CODE, sql_mode="ANSI_QUOTES,ORACLE"), "sql_mode ORACLE"),
    ],
)
def test_code_that_mysql_has_no_kind_of_is_refused(item: CodeObject, what: str) -> None:
    (found,) = find_foreign_code([item], Family.MYSQL)
    assert (found.what, found.places) == (what, (f"{item.kind} shop.f",))
    assert list(find_foreign_code([item], Family.MARIADB)) == []


def test_accounts_are_refused_by_name() -> None:
    (found,) = find_foreign_accounts([Account("`a`@`%`", False, b"", ())])
    assert found.places == ("`a`@`%`",)
    assert list(find_foreign_accounts([])) == []
