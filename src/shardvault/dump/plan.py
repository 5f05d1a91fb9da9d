"""Plan the statements that read a table, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.dump.columns import select_expression, stored_columns
from shardvault.dump.ranges import Border, KeyRange, range_condition, ranges_between
from shardvault.model.schema import Table, TableKind
from shardvault.mysql.quoting import quote_name, quote_table


@dataclass(frozen=True)
class TablePlan:
    """Say how one table is read.

    Attributes:
        columns: names of the columns each row carries, in order.
        ranges: disjoint ranges that cover the table.
    """

    table: Table
    columns: tuple[str, ...]
    ranges: tuple[KeyRange, ...]

    def statement(self, key_range: KeyRange) -> str:
        """Write the SELECT of one range."""
        return select_statement(self.table, key_range)


def plan_table(table: Table, borders: Sequence[Border]) -> TablePlan:
    """Plan one table; tables that hold no rows of their own get no range."""
    columns = tuple(column.name for column in stored_columns(table.columns))
    has_rows = table.kind is TableKind.ROWS
    return TablePlan(table, columns, ranges_between(borders) if has_rows else ())


def select_statement(table: Table, key_range: KeyRange) -> str:
    """Write the SELECT that reads a range of a table exactly."""
    wanted = ", ".join(select_expression(column) for column in stored_columns(table.columns))
    source = quote_table(table.schema, table.name)
    if table.is_versioned:
        source += " FOR SYSTEM_TIME ALL"
    if table.key:
        source += f" FORCE INDEX ({quote_name(table.key_name)})"
    condition = range_condition(table.key, key_range)
    return f"SELECT {wanted} FROM {source}" + (f" WHERE {condition}" if condition else "")
