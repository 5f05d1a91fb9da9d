"""Names in definitions keep, lose or get back their case as the servers' rules ask."""

from __future__ import annotations

import pytest

from shardvault.fleet.definitions import Contents
from shardvault.fleet.name_rule import NameRule
from shardvault.load.name_case import fold_names, restore_case
from shardvault.model.manifest import ServerIdentity, TableRecord
from shardvault.model.schema import CodeObject, ForeignKey, ObjectKind, Table, TableKind
from shardvault.mysql.tokens import Dialect

DIALECT = Dialect(101100)
CHILD = b"""CREATE TABLE `Child` (
  `P` int COMMENT 'REFERENCES `parent`',
  CONSTRAINT `Fk` FOREIGN KEY (`P`) REFERENCES `parent` (`Id`),
  CONSTRAINT `F2` FOREIGN KEY (`P`) REFERENCES `other`.`par2` (`Id`)
) ENGINE=InnoDB"""


def source_of(case_rule: int) -> ServerIdentity:
    return ServerIdentity("10.11.2-MariaDB", "mariadb", "i", case_rule, "", "", "", "")


def record_of(schema: str, name: str, sql: bytes = b"", *keys: ForeignKey) -> TableRecord:
    table = Table(schema, name, TableKind.ROWS, "InnoDB", True, sql, (), foreign_keys=keys)
    return TableRecord(table, (), 0, "0" * 32, 0, ())


def trigger_of(sql: bytes) -> CodeObject:
    return CodeObject(ObjectKind.TRIGGER, "shop", "Tr", sql, "", "utf8mb4", "", table="orders")


def test_only_quoted_names_are_folded_and_texts_are_not() -> None:
    sql = b"CREATE TABLE `Ab` (`Cd` int COMMENT 'the `Ef`') COMMENT='Gh'"
    folded = b"CREATE TABLE `ab` (`cd` int COMMENT 'the `Ef`') COMMENT='Gh'"
    assert fold_names(sql, DIALECT, NameRule(1)) == folded
    assert fold_names(sql, DIALECT, NameRule(2)) == folded
    assert fold_names(sql, DIALECT, NameRule(0)) == sql


def test_a_definition_that_cannot_be_read_is_compared_as_it_is() -> None:
    assert fold_names(b"CREATE `Ab", DIALECT, NameRule(1)) == b"CREATE `Ab"


def test_foreign_keys_find_parents_that_keep_their_case_under_rule_2() -> None:
    keys = (
        ForeignKey("Fk", ("P",), "Shop", "parent", ("Id",)),
        ForeignKey("F2", ("P",), "other", "par2", ("Id",)),
        ForeignKey("F3", ("P",), "gone", "gone", ("Id",)),
    )
    tables = (
        record_of("Shop", "Child", CHILD, *keys),
        record_of("Shop", "Parent"),
        record_of("Other", "Par2"),
    )
    table = restore_case(Contents(tables=tables), source_of(2)).tables[0].table
    assert table.create_sql == CHILD.replace(b"S `parent` (", b"S `Parent` (").replace(
        b"`other`.`par2`", b"`Other`.`Par2`"
    )
    places = [(key.ref_schema, key.ref_table) for key in table.foreign_keys]
    assert places == [("Shop", "Parent"), ("Other", "Par2"), ("gone", "gone")]


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (b"TRIGGER Tr BEFORE INSERT ON Orders FOR EACH ROW SET @a = 1",
         b"TRIGGER Tr BEFORE INSERT ON `orders` FOR EACH ROW SET @a = 1"),
        (b"TRIGGER `Shop`.Tr AFTER DELETE ON SHOP.`Orders` FOR EACH ROW DO ON",
         b"TRIGGER `shop`.`Tr` AFTER DELETE ON `shop`.`orders` FOR EACH ROW DO ON"),
        (b"TRIGGER IF NOT EXISTS Shop.Tr AFTER DELETE ON orders FOR EACH ROW DO 1",
         b"TRIGGER IF NOT EXISTS `shop`.`Tr` AFTER DELETE ON orders FOR EACH ROW DO 1"),
        (b"TRIGGER Tr AFTER DELETE ON orders FOR EACH ROW DO 'ON Orders'",
         b"TRIGGER Tr AFTER DELETE ON orders FOR EACH ROW DO 'ON Orders'"),
    ],
)  # fmt: skip
def test_the_head_of_a_trigger_names_its_table_as_that_is_named(
    typed: bytes, written: bytes
) -> None:
    contents = Contents(objects=(trigger_of(b"CREATE " + typed),))
    assert restore_case(contents, source_of(1)).objects[0].create_sql == b"CREATE " + written
