"""Describe a restore for people: planned, in short, and done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from shardvault.cli.page import Page, number, text
from shardvault.cli.page_backup import (
    describe_notices,
    describe_shards,
    format_objects,
    format_span,
)
from shardvault.cli.page_catalog import describe_scope
from shardvault.cli.page_findings import describe_findings
from shardvault.model.export import ExportReport
from shardvault.model.report import (
    Finding,
    PlannedTable,
    RestorePlanReport,
    RestoreReport,
    Severity,
)
from shardvault.units import format_duration, format_size


def describe_restore(page: Page, report: RestoreReport) -> None:
    """Describe what was restored and whether it was read back equal."""
    page.heading(f"restore of {report.id}", report.status)
    page.heading("  verified", "yes" if report.verified else "no")
    facts = [
        ("fleet", report.fleet),
        ("when", format_span(report.begin, report.end, report.totals.seconds)),
        ("consistency", report.consistency),
    ]
    facts += _describe_gaps(report)
    if report.seconds_by_phase:
        facts.append(("phases", _format_phases(report.seconds_by_phase)))
    page.facts(facts)
    page.section("shards")
    describe_shards(page, report.shards, report.totals, "R = ΣRᵢ")
    _describe_findings(page, report.findings)


def describe_export(page: Page, report: ExportReport) -> None:
    """Describe what was written into a file."""
    page.heading(f"tables of {report.id} as {report.form}", "complete")
    page.facts(
        [
            ("file", report.place),
            ("tables", f"{report.tables:,}"),
            ("rows", f"{report.rows:,}, every range compared with its hash"),
            ("size", format_size(report.bytes_written)),
            ("time", format_duration(report.seconds)),
        ]
    )
    describe_notices(page, report.notices)


def describe_plan(page: Page, plan: RestorePlanReport) -> None:
    """Describe where every table would go and what stands in the way."""
    _head_plan(page, plan)
    page.section("tables")
    columns = (
        text("shard"),
        text("target"),
        text("table"),
        text("action"),
        number("rows"),
        number("size"),
    )
    total = ("R = ΣRᵢ", "", "", "", f"{plan.rows:,}", format_size(plan.raw_bytes))
    rows = (row for table in plan.tables for row in _describe_table(table))
    page.table(columns, rows, total=total)
    _describe_findings(page, plan.findings)


def describe_plan_in_short(page: Page, plan: RestorePlanReport) -> None:
    """Describe what each target gets, for a question that follows."""
    _head_plan(page, plan)
    page.section("targets")
    groups: defaultdict[tuple[str, str], list[PlannedTable]] = defaultdict(list)
    for table in plan.tables:
        groups[table.target, table.action].append(table)
    columns = (text("target"), text("action"), number("tables"), number("rows"), number("size"))
    page.table(columns, (_sum_up(*key, tables) for key, tables in groups.items()))
    serious = [f for f in plan.findings if f.severity in {Severity.WARNING, Severity.BLOCKER}]
    _describe_findings(page, serious)


def _head_plan(page: Page, plan: RestorePlanReport) -> None:
    is_blocked = any(finding.severity is Severity.BLOCKER for finding in plan.findings)
    page.heading(f"plan to restore {plan.id}", "blocked" if is_blocked else "ok")
    objects = format_objects(plan.objects) or "none"
    page.facts([("fleet", plan.fleet), ("objects", objects), *_describe_gaps(plan)])


def _describe_gaps(report: RestoreReport | RestorePlanReport) -> list[tuple[str, str]]:
    """Say that the backup is partial, or that users, roles and grants are left out."""
    partial = [("backup", f"partial: {describe_scope(report.scope)}")] if report.scope else []
    return partial + _describe_accounts(report)


def _describe_accounts(report: RestoreReport | RestorePlanReport) -> list[tuple[str, str]]:
    if report.with_accounts:
        return []
    if not report.accounts_left_out:
        return [("accounts", "none: the backup has none of these shards")]
    return [("accounts", f"not restored: {report.accounts_left_out:,}; --with-accounts does it")]


def _describe_table(table: PlannedTable) -> Iterator[tuple[str, ...]]:
    """Give the row of a table, and one with its new name if it has one."""
    name = f"{table.schema}.{table.name}"
    size = format_size(table.raw_bytes)
    yield table.shard, table.target, name, table.action, f"{table.rows:,}", size
    if (table.target_schema, table.target_name) != (table.schema, table.name):
        yield "", "", f"→ {table.target_schema}.{table.target_name}", "", "", ""


def _sum_up(target: str, action: str, tables: Sequence[PlannedTable]) -> tuple[str, ...]:
    rows = sum(table.rows for table in tables)
    size = format_size(sum(table.raw_bytes for table in tables))
    return target, action, f"{len(tables):,}", f"{rows:,}", size


def _describe_findings(page: Page, findings: Sequence[Finding]) -> None:
    if findings:
        page.section("findings")
        describe_findings(page, findings)


def _format_phases(seconds_by_phase: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {format_duration(s)}" for name, s in seconds_by_phase.items())
