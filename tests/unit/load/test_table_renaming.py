"""Which names in the definitions of databases and tables follow a renamed schema."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.errors import IntegrityError
from shardvault.load.references import CannotRename
from shardvault.load.renaming import rename_schema, rename_table
from shardvault.model.schema import ForeignKey, Schema, Table, TableKind
from tests.unit.load.renaming_support import AROUND, SHOP

TABLE = b"""CREATE TABLE `shop` (
  `id` int(11) DEFAULT nextval(`shop`.`seq`),
  `shop` int(11) DEFAULT lastval(`shop`.`seq`) COMMENT 'see `shop`.`x`, it''s',
  `b` int(11) DEFAULT setval(`shop`.`seq`,3,1,0),
  `y` int(11) GENERATED ALWAYS AS (extract(year from `shop`.`d`)) STORED,
  KEY `shop` (`shop`),
  CONSTRAINT `shop` FOREIGN KEY (`shop`) REFERENCES `shop`.`p` (`shop`),
  CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `shop` (`a`),
  CONSTRAINT `d` CHECK (`shop`.`a` > 0 and `shop`.`t`.`a` > 0)
) ENGINE=MRG_MyISAM CONNECTION='mysql://h/shop/t' UNION=(`shop`.`a`,`x`,`shop`.`b`)
/*!50100 PARTITION BY LIST (`shop`) (PARTITION `shop` VALUES IN (1) ENGINE = InnoDB) */"""
CHANGED = (
    (b"nextval(`shop`", b"nextval(`new`"),
    (b"lastval(`shop`", b"lastval(`new`"),
    (b"setval(`shop`", b"setval(`new`"),
    (b"REFERENCES `shop`.`p`", b"REFERENCES `new`.`p`"),
    (b"`shop`.`t`.`a`", b"`new`.`t`.`a`"),
    (b"(`shop`.`a`,`x`,`shop`.`b`)", b"(`new`.`a`,`x`,`new`.`b`)"),
)


def make_table(sql: bytes, schema: str = "shop") -> Table:
    return Table(schema, "shop", TableKind.ROWS, "InnoDB", True, sql, ())


def test_a_tables_definition_follows_where_only_a_schema_can_stand() -> None:
    expected = TABLE
    for old, new in CHANGED:
        expected = expected.replace(old, new)
    renamed = rename_table(make_table(TABLE), SHOP, AROUND)
    assert renamed.create_sql == expected
    assert (renamed.schema, renamed.name) == ("new", "shop")


def test_foreign_keys_follow_to_the_new_name() -> None:
    keys = tuple(ForeignKey("k", ("a",), schema, "p", ("id",)) for schema in ("shop", "app"))
    table = replace(make_table(b"", "app"), foreign_keys=keys)
    renamed = rename_table(table, SHOP, AROUND)
    assert [key.ref_schema for key in renamed.foreign_keys] == ["new", "app"]
    assert renamed.schema == "app"


def test_a_table_that_cannot_be_read_is_not_guessed() -> None:
    with pytest.raises(CannotRename, match="cannot be read"):
        rename_table(make_table(b"CREATE TABLE `t (\n  `a` int)"), SHOP, AROUND)


def test_a_database_gets_its_new_name_and_keeps_its_options() -> None:
    options = b" /*!40100 DEFAULT CHARACTER SET utf8mb4 */ COMMENT 'the `shop`'"
    schema = Schema("shop", b"CREATE DATABASE `shop`" + options)
    renamed = rename_schema(schema, SHOP, AROUND)
    assert renamed == Schema("new", b"CREATE DATABASE `new`" + options)


def test_another_database_stays_as_it_is() -> None:
    schema = Schema("app", b"CREATE DATABASE `app`")
    assert rename_schema(schema, SHOP, AROUND) is schema


@pytest.mark.parametrize("sql", [b"", b"CREATE DATABASE shop", b"CREATE DATABASE `shop"])
def test_a_database_that_cannot_be_read_is_damage(sql: bytes) -> None:
    with pytest.raises(IntegrityError, match="database definition"):
        rename_schema(Schema("shop", sql), SHOP, AROUND)
