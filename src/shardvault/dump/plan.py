"""Plan the statements that read a table, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.dump.columns import computed_columns, select_expression, stored_columns
from shardvault.dump.ranges import Border, KeyRange, range_condition, ranges_between
from shardvault.fleet.inventory import has_history
from shardvault.model.schema import Table, TableKind
from shardvault.mysql.quoting import quote_name, quote_table


@dataclass(frozen=True)
class TablePlan:
    """Say how one table is read.

    Attributes:
        columns: names of the stored columns, in order.
        computed: names of the columns that the server computes from them; read for their
            hash only.
        ranges: disjoint ranges that cover the table.
        has_rows: its rows are read; if not, it has no ranges.
        tells_types: reading stops at JSON with types that its text does not tell; False if
            the loss of these types is allowed.
    """

    table: Table
    columns: tuple[str, ...]
    computed: tuple[str, ...]
    ranges: tuple[KeyRange, ...]
    tells_types: bool = True
    has_rows: bool = True

    @property
    def can_miss_rows(self) -> bool:
        """Say whether the ranges can miss rows that lie in a partition where they do not belong.

        For a range of keys the server opens only the partitions that can hold them. A table
        that is read as one range is read from all its partitions.
        """
        return self.table.is_partitioned and len(self.ranges) > 1

    def count_statement(self) -> str:
        """Write the SELECT that counts the rows of every partition."""
        return f"SELECT COUNT(*) FROM {_source(self.table)}"

    def statement(self, key_range: KeyRange, *, computed: bool = False) -> str:
        """Write the SELECT of one range; see ``select_statement``."""
        return select_statement(
            self.table, key_range, computed=computed, tells_types=self.tells_types
        )


def plan_table(
    table: Table, borders: Sequence[Border], *, tells_types: bool = True, has_rows: bool = True
) -> TablePlan:
    """Plan one table; one without rows, or whose rows are not read, gets no range."""
    stored = tuple(column.name for column in stored_columns(table.columns))
    computed = tuple(column.name for column in computed_columns(table.columns))
    has_rows = has_rows and table.kind is TableKind.ROWS
    ranges = ranges_between(borders) if has_rows else ()
    return TablePlan(table, stored, computed, ranges, tells_types, has_rows)


def select_statement(
    table: Table, key_range: KeyRange, *, computed: bool = False, tells_types: bool = True
) -> str:
    """Write the SELECT that reads a range of a table exactly.

    Args:
        table: what to read.
        key_range: which rows.
        computed: behind the stored columns read those that the server computes from them;
            what it computes may hold JSON of any type.
        tells_types: stop at stored JSON with types that its text does not tell.
    """
    wanted = [
        select_expression(column, tells_types=tells_types)
        for column in stored_columns(table.columns)
    ]
    if computed:
        wanted += [
            select_expression(column, tells_types=False)
            for column in computed_columns(table.columns)
        ]
    source = _source(table)
    if table.key:
        source += f" FORCE INDEX ({quote_name(table.key_name)})"
    condition = range_condition(table.key, key_range)
    return f"SELECT {', '.join(wanted)} FROM {source}" + (
        f" WHERE {condition}" if condition else ""
    )


def _source(table: Table) -> str:
    place = quote_table(table.schema, table.name)
    return f"{place} FOR SYSTEM_TIME ALL" if has_history(table) else place
