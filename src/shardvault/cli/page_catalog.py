"""Describe the catalog for people."""

from __future__ import annotations

from shardvault.cli.page import Column, Page, number, text
from shardvault.model.report import BackupSummary, CatalogReport
from shardvault.units import format_size

_COLUMNS = (
    text("id"),
    Column("status", has_color=True),
    text("consistency"),
    number("rows"),
    number("read"),
    number("stored"),
)


def describe_catalog(page: Page, report: CatalogReport) -> None:
    """List the backups, and what cannot be read."""
    if report.backups:
        page.table(_COLUMNS, map(_describe_row, report.backups))
    else:
        page.prose("no backups yet; take one with: shardvault backup")
    for backup in report.backups:
        if backup.allowed_losses:
            page.prose(f"{backup.id}: not exact, allowed: {', '.join(backup.allowed_losses)}")
    for backup in report.backups:
        if backup.hold:
            page.prose(f"{backup.id}: kept, {backup.hold}")
    for name in report.damaged:
        page.prose(f"{name}: the manifest cannot be read", outcome="damaged", indent=9)
    for finding in report.findings:
        page.prose(f"repository {finding.where} {finding.message}", outcome="warning", indent=9)


def _describe_row(backup: BackupSummary) -> tuple[str, ...]:
    totals = backup.totals
    return (
        backup.id,
        "verified" if backup.is_verified and backup.status == "complete" else backup.status,
        backup.consistency,
        f"{totals.rows:,}",
        format_size(totals.bytes_read),
        format_size(totals.bytes_stored),
    )
