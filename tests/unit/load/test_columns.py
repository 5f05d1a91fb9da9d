from __future__ import annotations

import pytest

from shardvault.load.columns import TYPE_BLOB, TYPE_TEXT, write_rule
from shardvault.model.position import Family
from shardvault.model.schema import Column


def rule(data_type: str, column_type: str = "", family: Family = Family.MARIADB) -> tuple[str, int]:
    column = Column("c", data_type, column_type or data_type, None, None, True, False)
    found = write_rule(column, family)
    return found.expression, found.parameter


@pytest.mark.parametrize("data_type", ["varchar", "blob", "geometry", "geomcollection", "vector"])
def test_bytes_go_in_without_conversion(data_type: str) -> None:
    assert rule(data_type) == ("{v}", TYPE_BLOB)


@pytest.mark.parametrize("data_type", ["enum", "set", "bit"])
def test_numbers_of_members_and_bits_go_in_as_numbers(data_type: str) -> None:
    assert rule(data_type) == ("CAST({v} AS UNSIGNED)", TYPE_TEXT)


@pytest.mark.parametrize("data_type", ["int", "decimal", "date", "double", "uuid", "inet6", "year"])
def test_the_server_parses_its_own_text(data_type: str) -> None:
    assert rule(data_type) == ("{v}", TYPE_TEXT)


def test_json_is_text_on_mysql() -> None:
    assert rule("json", family=Family.MYSQL) == ("CONVERT({v} USING utf8mb4)", TYPE_TEXT)


def test_numbers_with_places_stay_within_their_type() -> None:
    expression, parameter = rule("float", "float(7,4) unsigned")
    assert expression == "GREATEST(LEAST({v} + 0e0, 999.9999e0), -999.9999e0)"
    assert parameter == TYPE_TEXT
    assert "99999.e0" in rule("double", "double(5,0)")[0]
