"""Describe the catalog for people."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.cli.page import Column, Page, number, text
from shardvault.model.report import BackupSummary, CatalogReport
from shardvault.units import format_size

_COLUMNS = (
    Column("id", is_whole=True),
    Column("status", has_color=True),
)
_FIGURES = (
    text("consistency"),
    number("rows"),
    number("read"),
    number("stored"),
)


def describe_catalog(page: Page, report: CatalogReport) -> None:
    """List the backups, and what cannot be read."""
    if report.backups:
        _describe_backups(page, report.backups)
    elif report.tags:
        page.prose(f"no backup has the tag {' or '.join(report.tags)}")
    else:
        page.prose("no backups yet; take one with: shardvault backup")
    for backup in report.backups:
        if backup.allowed_losses:
            page.prose(f"{backup.id}: not exact, allowed: {', '.join(backup.allowed_losses)}")
    for backup in report.backups:
        if backup.hold:
            page.prose(f"{backup.id}: kept, {backup.hold}")
    for backup in report.backups:
        if backup.source:
            removed = ", whose key was removed" if backup.is_source_removed else ""
            page.prose(f"{backup.id}: taken by source {backup.source}{removed}")
    for name in report.damaged:
        page.prose(f"{name}: the manifest cannot be read", outcome="damaged", indent=9)
    for finding in report.findings:
        page.prose(f"repository {finding.where} {finding.message}", outcome="warning", indent=9)
    for finding in report.ignored:
        page.prose(finding.message, outcome="warning", indent=9)


def _describe_backups(page: Page, backups: Sequence[BackupSummary]) -> None:
    """Add a column for the scope only where a backup is partial."""
    has_scope = any(backup.scope for backup in backups)
    columns = (*_COLUMNS, *((text("scope"),) if has_scope else ()), *_FIGURES)
    page.table(columns, (_describe_row(backup, has_scope=has_scope) for backup in backups))
    for backup in backups:
        if backup.scope:
            page.prose(f"{backup.id}: partial, {describe_scope(backup.scope)}")
        if backup.tags:
            page.prose(f"{backup.id}: tags: {', '.join(backup.tags)}")


def name_scope(scope: Sequence[str]) -> str:
    """Write in one word how much a backup holds, for a column."""
    return "partial" if scope else "all"


def describe_scope(scope: Sequence[str]) -> str:
    """Write what a backup holds; ``everything`` if no option narrowed it."""
    return " ".join(scope) or "everything"


def _describe_row(backup: BackupSummary, *, has_scope: bool) -> tuple[str, ...]:
    totals = backup.totals
    is_verified = backup.is_verified and backup.status == "complete"
    scope = (name_scope(backup.scope),) if has_scope else ()
    return (
        backup.id,
        "verified" if is_verified else backup.status,
        *scope,
        backup.consistency,
        f"{totals.rows:,}",
        format_size(totals.bytes_read),
        format_size(totals.bytes_stored),
    )
