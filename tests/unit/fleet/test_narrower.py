"""Columns that hold less on the target are named, and only those."""

from __future__ import annotations

import pytest

from shardvault.fleet.narrower import Server, find_narrower
from shardvault.model.position import Family
from shardvault.model.schema import Column, Table, TableKind

OLD: Server = (Family.MARIADB, (10, 11, 19))
NEW: Server = (Family.MARIADB, (11, 8, 6))
MYSQL: Server = (Family.MYSQL, (9, 7, 4))


def _table(data_type: str, column_type: str, sql: bytes = b"") -> Table:
    column = Column("c", data_type, column_type, None, None, True, False)
    return Table("s", "t", TableKind.ROWS, "InnoDB", True, sql, (column,))


def _told(table: Table, source: Server, target: Server) -> list[str]:
    return [found.what for found in find_narrower([table], source, target)]


@pytest.mark.parametrize(
    ("source", "target", "is_told"),
    [(NEW, OLD, True), (NEW, MYSQL, True), (OLD, NEW, False), (OLD, MYSQL, False)],
)
def test_a_timestamp_that_may_lie_behind_2038_is_told(
    source: Server, target: Server, is_told: bool
) -> None:
    table = _table("timestamp", "timestamp(6)")
    assert _told(table, source, target) == ["TIMESTAMP ends on 2038-01-19"] * is_told
    assert _told(_table("datetime", "datetime(6)"), source, target) == []


@pytest.mark.parametrize(("source", "is_told"), [(OLD, True), (NEW, True), (MYSQL, False)])
def test_fractions_of_the_greatest_time_are_told_to_mysql(source: Server, is_told: bool) -> None:
    table = _table("time", "time(3)")
    assert _told(table, source, MYSQL) == ["TIME ends at 838:59:59.000000"] * is_told
    assert _told(_table("time", "time"), source, MYSQL) == []


def test_checks_that_old_rows_may_violate_are_told_to_mysql() -> None:
    table = _table("int", "int(11)", b"CREATE TABLE `t` (\n  `c` int(11) CHECK (`c` > 0)\n)")
    (found,) = find_narrower([table], OLD, MYSQL)
    assert found.places == ("s.t",)
    assert _told(table, OLD, NEW) == _told(table, MYSQL, OLD) == []
    named = _table("int", "int(11)", b"CREATE TABLE `t` (\n  `c CHECK (` int(11)\n)")
    assert _told(named, OLD, MYSQL) == []
