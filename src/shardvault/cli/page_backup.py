"""Describe a backup for people: after it was taken, and in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shardvault.cli.page import Page, number, text
from shardvault.cli.page_catalog import describe_scope
from shardvault.cli.render import describe_barrier
from shardvault.model.loss import AllowedLoss
from shardvault.model.manifest import LogicalTableRecord, Totals
from shardvault.model.position import Position
from shardvault.model.report import (
    BackupReport,
    DefinitionsReport,
    ShardVolume,
    ShowReport,
    TableVolume,
)
from shardvault.units import format_duration, format_rate, format_size

_SHARD_COLUMNS = (
    text("shard"),
    number("tables"),
    number("rows"),
    number("read"),
    number("stored"),
    number("seconds"),
    number("rate"),
)


def describe_backup(page: Page, report: BackupReport) -> None:
    """Describe what a backup holds, what it claims and what it does not."""
    page.heading(f"backup {report.id}", report.status)
    page.facts(_facts(report))
    for claim in report.claims_not:
        page.facts([("not promised", claim)])
    page.section("shards")
    describe_shards(page, report.shards, report.totals, "B = ΣBᵢ")
    page.section("cut")
    positions = ((shard.name, format_position(shard.position)) for shard in report.shards)
    page.table((text("shard"), text("position")), positions)
    _describe_logical_tables(page, report.logical_tables)
    _describe_losses(page, report.allowed_losses)
    describe_notices(page, report.notices)


def describe_show(page: Page, report: ShowReport) -> None:
    """Describe a backup with every table and the number of other objects."""
    shown = replace(report.backup, status="verified") if report.is_verified else report.backup
    describe_backup(page, shown)
    page.section("tables")
    columns = (text("shard"), text("table"), text("kind"), number("rows"), number("size"))
    page.table(columns, map(_describe_table, report.tables))
    if report.objects:
        page.section("objects")
        page.prose(format_objects(report.objects), indent=2)


def describe_definitions(page: Page, report: DefinitionsReport) -> None:
    """Put every stored CREATE statement on the page, a headline before each."""
    for found in report.definitions:
        name = ".".join(filter(None, (found.schema, found.name)))
        page.section(f"{found.shard}: {found.kind} {name}")
        for line in found.sql.splitlines():
            page.verbatim(line)


def describe_shards(
    page: Page, shards: Sequence[ShardVolume], totals: Totals, total_name: str
) -> None:
    """Put the volume of each shard into a table that ends with their sum."""
    summed = _cells(
        total_name,
        totals.tables,
        totals.rows,
        (totals.bytes_read, totals.bytes_stored),
        totals.seconds,
    )
    page.table(_SHARD_COLUMNS, map(_describe_shard, shards), total=summed)


def format_position(position: Position) -> str:
    """Write a position as its GTID set and its place in the binlog."""
    place = f"{position.file}:{position.offset}" if position.file else ""
    return "  ".join(filter(None, (position.gtid_set, place))) or "none, the binlog is off"


def format_objects(objects: Mapping[str, int]) -> str:
    """Write how many there are of each kind."""
    return ", ".join(f"{kind}: {count:,}" for kind, count in objects.items())


def format_span(begin: str, end: str, seconds: float) -> str:
    """Write from when to when."""
    return f"{begin} to {end}, {format_duration(seconds)}"


def _facts(report: BackupReport) -> list[tuple[str, str]]:
    barrier = report.barrier
    return [
        ("fleet", report.fleet),
        ("what", f"{report.type}, {report.mode}"),
        ("scope", describe_scope(report.scope)),
        *((("tags", ", ".join(report.tags)),) if report.tags else ()),
        ("when", format_span(report.begin, report.end, report.totals.seconds)),
        ("cut", describe_barrier(barrier.held_ms, barrier.lock_wait_ms, barrier.attempts)),
        ("consistency", report.consistency),
    ]


def _describe_shard(shard: ShardVolume) -> tuple[str, ...]:
    name = f"{shard.name} -> {shard.target}" if shard.target else shard.name
    volume = (shard.bytes_read, shard.bytes_stored)
    return _cells(name, shard.tables, shard.rows, volume, shard.seconds)


def _cells(
    name: str, tables: int, rows: int, volume: tuple[int, int], seconds: float
) -> tuple[str, ...]:
    read, stored = volume
    return (
        name,
        f"{tables:,}",
        f"{rows:,}",
        format_size(read),
        format_size(stored),
        f"{seconds:,.1f}",
        format_rate(read, seconds),
    )


def _describe_logical_tables(page: Page, tables: Sequence[LogicalTableRecord]) -> None:
    if tables:
        page.section("logical tables")
        columns = (text("table"), text("spread"), number("parts"), number("rows"), number("size"))
        page.table(columns, map(_describe_logical_table, tables))


def _describe_logical_table(table: LogicalTableRecord) -> tuple[str, ...]:
    spread = "sharded"
    if table.broadcast:
        spread = "broadcast, equal" if table.is_equal else "broadcast, NOT EQUAL"
    parts = f"{len(table.nodes):,}"
    return table.name, spread, parts, f"{table.rows:,}", format_size(table.raw_bytes)


def _describe_table(table: TableVolume) -> tuple[str, ...]:
    name = f"{table.schema}.{table.name}"
    return table.shard, name, table.kind, f"{table.rows:,}", format_size(table.raw_bytes)


def _describe_losses(page: Page, losses: Sequence[AllowedLoss]) -> None:
    if losses:
        page.section("not exact")
        columns = (text("shard"), text("table"), text("allowed loss"))
        page.table(columns, ((one.shard, one.table, one.kind) for one in losses))
    for loss in losses:
        page.prose(f"{loss.shard}: {loss.detail}", indent=2)


def describe_notices(page: Page, notices: Sequence[str]) -> None:
    """Describe what a person should know besides."""
    if notices:
        page.section("notices")
    for notice in notices:
        page.prose(notice, indent=2)
