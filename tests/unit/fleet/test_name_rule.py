"""Names of databases and tables are written and compared as their server does it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.fleet.definitions import Contents
from shardvault.fleet.name_rule import NameRule, find_collisions, write_contents
from shardvault.model.manifest import TableRecord
from shardvault.model.schema import CodeObject, ForeignKey, ObjectKind, Schema, Table, TableKind

KEY = ForeignKey("Fk", ("P",), "Shop", "Parent", ("Id",))
TABLE = Table("Shop", "Orders", TableKind.ROWS, "InnoDB", True, b"", (), foreign_keys=(KEY,))
VIEW = CodeObject(ObjectKind.VIEW, "Shop", "Names", b"", "", "", "")
TRIGGER = replace(VIEW, kind=ObjectKind.TRIGGER, name="OnIns", table="Orders")
FUNCTION = replace(VIEW, kind=ObjectKind.FUNCTION, name="CountAll")


def contents_of(*tables: Table, objects: tuple[CodeObject, ...] = ()) -> Contents:
    schemas = (Schema("Shop", b"CREATE DATABASE `Shop` /*!40100 DEFAULT CHARACTER SET latin1 */"),)
    records = tuple(TableRecord(table, (), 0, "0" * 32, 0, ()) for table in tables)
    return Contents(schemas, frozenset({"Shop"}), records, objects)


CONTENTS = contents_of(TABLE, objects=(VIEW, TRIGGER, FUNCTION))


def names_of(contents: Contents) -> list[str]:
    (record,) = contents.tables
    (key,) = record.table.foreign_keys
    return [
        *(schema.name for schema in contents.schemas),
        *contents.whole,
        record.table.qualified,
        f"{key.ref_schema}.{key.ref_table}",
        *(f"{item.schema}.{item.name} {item.table}".strip() for item in contents.objects),
    ]


def test_a_server_that_writes_lower_case_has_all_but_the_names_of_code_in_it() -> None:
    written = write_contents(CONTENTS, NameRule(1))
    assert names_of(written) == [
        "shop", "shop", "shop.orders", "shop.parent", "shop.names", "shop.OnIns orders",
        "shop.CountAll",
    ]  # fmt: skip
    assert written.schemas[0].create_sql.startswith(b"CREATE DATABASE `shop` /*!40100 DEFAULT")


def test_a_server_to_which_case_counts_gets_names_as_they_are() -> None:
    assert write_contents(CONTENTS, NameRule(0, schemas=("shop",))) == CONTENTS


def test_a_server_that_keeps_case_but_does_not_compare_it_keeps_its_own_databases_names() -> None:
    assert write_contents(CONTENTS, NameRule(2)) == CONTENTS
    written = write_contents(CONTENTS, NameRule(2, schemas=("mysql", "SHOP")))
    assert names_of(written) == [
        "SHOP", "SHOP", "SHOP.Orders", "SHOP.Parent", "SHOP.Names", "SHOP.OnIns Orders",
        "SHOP.CountAll",
    ]  # fmt: skip
    assert written.schemas[0].create_sql.startswith(b"CREATE DATABASE `SHOP` ")


@pytest.mark.parametrize("case_rule", [1, 2])
def test_names_that_differ_only_by_case_collide(case_rule: int) -> None:
    lower = replace(TABLE, name="orders")
    view = replace(VIEW, name="ORDERS")
    trigger = replace(TRIGGER, name="ONINS")
    contents = contents_of(TABLE, lower, objects=(view, TRIGGER, trigger, FUNCTION))
    assert find_collisions(contents, NameRule(case_rule)) == [
        "Shop.ORDERS and Shop.Orders and Shop.orders",
        "Shop.ONINS and Shop.OnIns",
    ]
    assert find_collisions(contents, NameRule(0)) == []


def test_a_table_and_a_trigger_of_one_name_do_not_collide() -> None:
    contents = contents_of(TABLE, objects=(replace(TRIGGER, name="orders"),))
    assert find_collisions(contents, NameRule(1)) == []


def test_letters_beyond_ascii_get_the_case_that_the_server_gives_them() -> None:
    rule = NameRule(1, {"İ": "i", "Ⱥ": "Ⱥ"})
    assert rule.fold("AİȺÄ") == "aiȺÄ"
