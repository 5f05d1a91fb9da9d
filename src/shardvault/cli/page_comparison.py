"""Describe how backups differ, and what a search found."""

from __future__ import annotations

from shardvault.cli.page import Column, Page, number, text
from shardvault.cli.page_catalog import describe_scope
from shardvault.model.comparison import (
    Change,
    DiffReport,
    FindReport,
    FoundName,
    TableDifference,
)
from shardvault.units import format_size

_TABLES = (
    text("shard"),
    text("table"),
    Column("change", has_color=True),
    text("differs in"),
    number("rows before"),
    number("rows after"),
)
_OBJECTS = (text("shard"), text("kind"), text("name"), Column("change", has_color=True))
_FOUND = (
    text("backup"),
    text("shard"),
    text("name"),
    text("kind"),
    number("rows"),
    number("size"),
    text("changed"),
)


def describe_diff(page: Page, report: DiffReport) -> None:
    """List what is not the same in both backups."""
    page.heading(f"{report.first} and {report.second}", report.status)
    different = f"{len(report.tables):,}"
    page.facts([("equal tables", f"{report.equal_tables:,}"), ("different", different)])
    for backup, scope, change in (
        (report.first, report.first_scope, Change.ADDED),
        (report.second, report.second_scope, Change.REMOVED),
    ):
        if scope:
            named = f"{backup} is partial: {describe_scope(scope)}"
            page.prose(f"{named}; what it leaves out counts as {change}", indent=2)
    if report.tables:
        page.section("tables")
        page.table(_TABLES, map(_describe_table, report.tables))
    if report.objects:
        page.section("objects")
        rows = (
            (one.shard, one.kind, ".".join(filter(None, (one.schema, one.name))), one.change)
            for one in report.objects
        )
        page.table(_OBJECTS, rows)
    for finding in report.findings:
        page.prose(f"repository {finding.where} {finding.message}", outcome="warning", indent=9)


def _describe_table(table: TableDifference) -> tuple[str, ...]:
    before, after = (f"{rows:,}" for rows in table.rows)
    name = f"{table.schema}.{table.name}"
    return table.shard, name, table.change, ", ".join(table.aspects), before, after


def describe_find(page: Page, report: FindReport) -> None:
    """List where the name was found, oldest backup first."""
    if report.found:
        page.table(_FOUND, map(_describe_found, report.found))
    else:
        page.prose(f"nothing matches {report.pattern} in {report.searched:,} backups")
    for backup, reason in report.unreadable.items():
        page.prose(f"{backup}: {reason}", outcome="damaged", indent=9)
    for reason in report.damaged:
        page.prose(reason, outcome="damaged", indent=9)
    for finding in report.findings:
        page.prose(f"repository {finding.where} {finding.message}", outcome="warning", indent=9)


def _describe_found(found: FoundName) -> tuple[str, ...]:
    return (
        found.backup,
        found.shard,
        f"{found.schema}.{found.name}",
        found.kind,
        f"{found.rows:,}" if found.content_hash else "",
        format_size(found.raw_bytes) if found.content_hash else "",
        "changed" if found.is_changed else "",
    )
