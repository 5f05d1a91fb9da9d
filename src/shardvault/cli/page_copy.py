"""Describe copies of a repository for people."""

from __future__ import annotations

from shardvault.cli.page import Page
from shardvault.cli.page_findings import describe_findings
from shardvault.model.report import CopyReport, RepositoryCopy
from shardvault.units import format_duration, format_size


def describe_copy(page: Page, report: CopyReport) -> None:
    """Say what each copy took, and what it could not take."""
    page.heading(f"copies of {report.source}", report.status)
    for copy in report.copies:
        page.section(f"{copy.repository}, {copy.mode}")
        if not copy.exit_code:
            page.facts([*_tell_taken(copy), ("time", format_duration(copy.seconds))])
        if copy.findings:
            describe_findings(page, copy.findings)


def _tell_taken(copy: RepositoryCopy) -> list[tuple[str, str]]:
    if copy.mode == "mirror":
        dropped = f", {copy.dropped:,} dropped" if copy.dropped else ""
        return [("objects", f"{copy.objects:,} sent, {format_size(copy.bytes_stored)}{dropped}")]
    left_out = f", {copy.left_out:,} taken out by its retention" if copy.left_out else ""
    facts = [("backups", f"{len(copy.backups):,} copied, {copy.present:,} there before{left_out}")]
    sent = f"{format_size(copy.bytes_read)} read, {format_size(copy.bytes_stored)} stored"
    return [*facts, ("bytes", sent)]
