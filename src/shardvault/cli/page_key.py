"""Describe keys for people."""

from __future__ import annotations

from shardvault.cli.page import Page, text
from shardvault.cli.page_findings import describe_findings
from shardvault.model.report import (
    IdentityReport,
    KeyChangeReport,
    KeyEntry,
    KeysReport,
    PaperReport,
)

_COLUMNS = (text("id"), text("kind"), text("label"), text("created"), text("state"))
_SHOWN_DIGITS = 12


def describe_keys(page: Page, report: KeysReport) -> None:
    """List the keys, and what is wrong with them."""
    page.facts([("repository", report.repository_id), ("fingerprint", report.fingerprint)])
    page.blank()
    page.table(_COLUMNS, map(_describe_row, report.keys))
    if report.findings:
        page.section("findings")
        describe_findings(page, report.findings)


def describe_change(page: Page, report: KeyChangeReport) -> None:
    """Say which key was added, replaced or removed."""
    key = report.key
    page.heading(f"key {report.change}")
    page.facts([("id", key.id), ("kind", key.kind), ("label", key.label)])
    if report.file:
        page.facts([("file", report.file)])
    if report.change == "removed":
        page.blank()
        page.prose(
            "Whoever copied the master key while this key was valid still has it. Against that "
            "helps only a new repository."
            if key.kind != "source"
            else _describe_rest(report)
        )


def _describe_rest(report: KeyChangeReport) -> str:
    """Say what becomes of the backups of a removed source."""
    if not report.forgotten:
        return "Its backups so far stay; what it adds from now on is refused."
    held = f" {len(report.held)} that are held stay." if report.held else ""
    return (
        f"{len(report.forgotten)} backups that it took are no longer listed; the next prune frees "
        f"their space.{held} What it adds from now on is refused."
    )


def describe_paper(page: Page, report: PaperReport) -> None:
    """Write the lines for paper, and how to use them."""
    page.heading("master key of a shardvault repository: keep this paper locked away")
    page.facts([("repository", report.repository_id), ("fingerprint", report.fingerprint)])
    page.blank()
    for line in report.lines:
        page.verbatim(line, indent=2)
    page.blank()
    page.prose(
        "Whoever reads this can read every backup, whatever keys are removed later. To open the "
        "repository with it, type the six lines into a file, with their numbers, and run:"
    )
    page.verbatim("shardvault key recover FILE --label paper --out new.key", indent=2)
    page.prose("A wrong letter is found, and its line named. 0, 1 and 8 never occur.")


def describe_identity(page: Page, report: IdentityReport) -> None:
    """Say what was made, and what may be shown to others."""
    page.heading("identity made")
    page.facts([("file", report.file)])
    page.prose("The file is secret. Save this line, which is not, for key add --recipient:")
    page.verbatim(report.recipient, indent=2)


def _describe_row(key: KeyEntry) -> tuple[str, ...]:
    state = "revoked" if key.is_revoked else "valid"
    return (key.id[:_SHOWN_DIGITS], key.kind, key.label, key.created, state)
