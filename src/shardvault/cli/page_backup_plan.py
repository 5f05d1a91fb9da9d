"""Describe what a backup would hold."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.cli.page import Page, number, text
from shardvault.cli.page_findings import describe_findings
from shardvault.model.backup_plan import BackupPlanReport, ShardToBackUp, TableToBackUp
from shardvault.model.report import Severity
from shardvault.units import format_size

_MOST_TABLES = 20
_QUIET = {Severity.OK, Severity.INFO}
_SHARDS = (
    text("shard"),
    number("tables"),
    number("objects"),
    number("rows, about"),
    number("size, about"),
)
_TABLES = (
    text("shard"),
    text("table"),
    text("rows are"),
    number("rows, about"),
    number("size, about"),
)


def describe_backup_plan(page: Page, plan: BackupPlanReport) -> None:
    """Put problems first, then shards, then the largest tables."""
    page.heading(f"plan to back up {plan.fleet}", plan.status)
    page.facts([("sizes", "estimates of the servers, which can be old; indexes are not counted")])
    problems = [finding for finding in plan.findings if finding.severity not in _QUIET]
    if problems:
        page.section("findings")
        describe_findings(page, problems)
    page.section("shards")
    page.table(_SHARDS, map(_describe_shard, plan.shards), total=_sum_up(plan.shards))
    _describe_tables(page, plan.tables)


def _describe_tables(page: Page, tables: Sequence[TableToBackUp]) -> None:
    largest = sorted(tables, key=lambda table: -table.data_bytes)
    page.section("tables" if len(tables) <= _MOST_TABLES else "largest tables")
    page.table(_TABLES, map(_describe_table, largest[:_MOST_TABLES]))
    if len(tables) > _MOST_TABLES:
        more = len(tables) - _MOST_TABLES
        page.prose(f"and {more:,} more; --format json lists all of them", indent=2)


def _describe_shard(shard: ShardToBackUp) -> tuple[str, ...]:
    counts = (shard.tables, shard.objects, shard.rows)
    return (shard.shard, *(f"{count:,}" for count in counts), format_size(shard.data_bytes))


def _sum_up(shards: Sequence[ShardToBackUp]) -> tuple[str, ...]:
    counts = (
        sum(shard.tables for shard in shards),
        sum(shard.objects for shard in shards),
        sum(shard.rows for shard in shards),
    )
    size = format_size(sum(shard.data_bytes for shard in shards))
    return ("B = ΣBᵢ", *(f"{count:,}" for count in counts), size)


def _describe_table(table: TableToBackUp) -> tuple[str, ...]:
    name = f"{table.schema}.{table.name}"
    return table.shard, name, table.action, f"{table.rows:,}", format_size(table.data_bytes)
