"""Describe findings, and the reports that are little else, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shardvault.cli.escape import escape, measure, shorten
from shardvault.cli.page import Page
from shardvault.model.report import CheckReport, Finding, ProbeReport, VerifyReport
from shardvault.units import format_duration, format_rate, format_size

_SEVERITY_COLUMNS = 9
_NAME_COLUMNS = 18
_REMEDY_INDENT = 11


def describe_check(page: Page, report: CheckReport) -> None:
    """Describe a look at fleet and store."""
    page.heading("check", report.status)
    page.blank()
    describe_findings(page, report.findings)


def describe_probe(page: Page, report: ProbeReport) -> None:
    """Describe what a store does."""
    page.heading(f"store {report.url}", report.status)
    page.facts([("time", format_duration(report.seconds))])
    page.blank()
    describe_findings(page, report.findings)


def describe_verify(page: Page, report: VerifyReport) -> None:
    """Describe a reading of every object."""
    page.heading(f"backup {report.id}", report.status)
    rate = format_rate(report.bytes, report.seconds)
    page.facts(
        [
            ("objects", f"{report.objects:,} read"),
            ("bytes", f"{format_size(report.bytes)} in {format_duration(report.seconds)}, {rate}"),
            ("rows", f"{report.rows:,}"),
        ]
    )
    if report.findings:
        page.section("findings")
        describe_findings(page, report.findings)


def describe_findings(page: Page, findings: Sequence[Finding]) -> None:
    """Put each finding on a line, and its remedy below it as it is, ready to be copied."""
    where_columns = _fit(finding.where for finding in findings)
    what_columns = _fit(finding.what for finding in findings)
    for finding in findings:
        where = _pad(finding.where, where_columns)
        what = _pad(finding.what, what_columns)
        outcome = finding.severity.value
        page.prose(
            finding.message,
            indent=_SEVERITY_COLUMNS + where_columns + what_columns,
            first=" " * (_SEVERITY_COLUMNS - len(outcome)) + where + what,
            outcome=outcome,
        )
        for line in filter(None, finding.remedy.split("\n")):
            page.verbatim(f"-> {line}", indent=_REMEDY_INDENT)


def _fit(names: Iterable[str]) -> int:
    """Choose columns for names, a gap of two behind them included."""
    widest = max((measure(escape(name)) for name in names), default=0)
    return min(widest, _NAME_COLUMNS) + 2


def _pad(name: str, columns: int) -> str:
    short = shorten(escape(name), columns - 2)
    return short + " " * (columns - measure(short))
