"""A type that no rule covers is refused by name, and never read on faith."""

from __future__ import annotations

import pytest

from shardvault.dump.columns import READ_RULES, select_expression
from shardvault.errors import UnsupportedObject
from shardvault.fleet.inventory import Inventory
from shardvault.fleet.unsupported import examine_tables
from shardvault.load.columns import WRITE_RULES, write_rule
from shardvault.model.column_types import COLUMN_TYPES, TypeGroup
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Column, Table, TableKind


def _column(data_type: str) -> Column:
    return Column("c", data_type, data_type, None, None, True, False)


def _find_blockers(*columns: Column) -> list[Finding]:
    table = Table("shop", "orders", TableKind.ROWS, "InnoDB", True, b"", columns)
    found = examine_tables(ShardName("s0"), Inventory((), (table,), {}), 1000)
    return [finding for finding in found if finding.severity is Severity.BLOCKER]


def test_a_column_of_an_unknown_type_is_refused_by_name() -> None:
    (finding,) = _find_blockers(_column("int"), _column("hologram"))
    assert "shop.orders: column 'c' is of type hologram" in finding.message
    assert "--exclude" in finding.remedy
    assert finding.loss is None


def test_without_the_list_of_types_nothing_would_be_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(COLUMN_TYPES, "hologram", COLUMN_TYPES["int"])
    assert _find_blockers(_column("hologram")) == []


@pytest.mark.parametrize("data_type", COLUMN_TYPES)
def test_every_known_type_is_taken(data_type: str) -> None:
    assert _find_blockers(_column(data_type)) == []


def test_every_group_of_types_has_its_rules() -> None:
    assert set(READ_RULES) == set(TypeGroup)
    assert {family: set(rules) for family, rules in WRITE_RULES.items()} == {
        family: set(TypeGroup) for family in Family
    }
    assert {known.group for known in COLUMN_TYPES.values()} == set(TypeGroup)


def test_neither_dump_nor_load_makes_a_statement_for_an_unknown_type() -> None:
    with pytest.raises(UnsupportedObject, match="hologram"):
        select_expression(_column("hologram"))
    with pytest.raises(UnsupportedObject, match="hologram"):
        write_rule(_column("hologram"), Family.MARIADB)
