"""Describe retention, prunes and leases for people."""

from __future__ import annotations

from collections.abc import Sequence

from shardvault.cli.page import Column, Page, text
from shardvault.cli.page_catalog import describe_scope, name_scope
from shardvault.model.report import (
    ForgetReport,
    HistoryReport,
    HoldReport,
    LeaseEntry,
    LeasesReport,
    PolicyReport,
    PrunedBackup,
    PruneReport,
)
from shardvault.units import format_duration, format_size

_COLUMNS = (Column("id", is_whole=True), text("fleet"))
_DECISION = (Column("keep", has_color=True), text("why"))
_ALIVE_COLUMNS = 7
_WORK_COLUMNS = 9
_EVERYTHING = "every backup"
_NO_RULE = "no rule keeps it"


def describe_prune(page: Page, report: PruneReport) -> None:
    """Say which backups go, why the others stay, and what is freed."""
    is_dry = report.status == "planned"
    page.heading("prune, dry run: nothing was changed" if is_dry else "prune", report.status)
    page.facts([("policy", report.policy or _EVERYTHING)])
    page.facts([("backups", _count_forgotten(report.backups, is_dry=is_dry))])
    page.facts([("packs", f"{report.packs:,} go"), ("freed", format_size(report.freed_bytes))])
    if report.moved_bytes:
        page.facts([("moved", format_size(report.moved_bytes))])
    page.facts([("time", format_duration(report.seconds))])
    _describe_waiting(page, report.waiting_for)
    if report.backups:
        page.blank()
        _describe_backups(page, report.backups)


def describe_forget(page: Page, report: ForgetReport) -> None:
    """Say which backup goes, and what is freed."""
    is_dry = report.status == "planned"
    title = f"forget {report.id}" + (", dry run: nothing was changed" if is_dry else "")
    page.heading(title, report.status)
    page.facts([("fleet", report.fleet), ("scope", describe_scope(report.scope))])
    if report.is_last:
        page.facts([("the last", "no other complete backup of the fleet is verified")])
    page.facts([("packs", f"{report.packs:,} go"), ("freed", format_size(report.freed_bytes))])
    _describe_waiting(page, report.waiting_for)


def describe_policy(page: Page, report: PolicyReport) -> None:
    """Say how long backups are kept."""
    page.heading("retention")
    page.facts([("policy", report.policy or _EVERYTHING)])
    page.facts(("held", f"{backup}: {reason}") for backup, reason in report.holds.items())


def describe_hold(page: Page, report: HoldReport) -> None:
    """Say whether a backup is held."""
    page.heading(f"backup {report.id} is {'kept' if report.is_held else 'left to the policy'}")
    if report.reason:
        page.facts([("reason", report.reason)])


def describe_leases(page: Page, report: LeasesReport) -> None:
    """Say who is at work."""
    if not report.leases:
        page.prose("nobody has a lease of the repository")
        return
    if any(lease.is_broken for lease in report.leases):
        page.heading("leases broken")
    page.heading(f"{'alive':<{_ALIVE_COLUMNS}}{'work':<{_WORK_COLUMNS}}owner")
    for lease in report.leases:
        _describe_lease(page, lease)


def describe_history(page: Page, report: HistoryReport) -> None:
    """Say what is wrong with the history, and whether it was accepted."""
    if not report.faults:
        page.prose("the history is what this computer saw before; nothing to accept")
        return
    page.heading("history", "accepted" if report.is_accepted else "damaged")
    page.facts(("was wrong", fault) for fault in report.faults)


def _count_forgotten(backups: Sequence[PrunedBackup], *, is_dry: bool) -> str:
    forgotten = sum(not backup.is_kept for backup in backups)
    words = "would be forgotten" if is_dry else "forgotten"
    return f"{forgotten:,} {words}, {len(backups) - forgotten:,} kept"


def _describe_waiting(page: Page, owners: Sequence[str]) -> None:
    for owner in owners:
        page.prose(f"the packs are deleted by the next prune: {owner} is at work")


def _describe_backups(page: Page, backups: Sequence[PrunedBackup]) -> None:
    """Add a column for the scope only where a backup is partial."""
    has_scope = any(backup.scope for backup in backups)
    columns = (*_COLUMNS, *((text("scope"),) if has_scope else ()), *_DECISION)
    page.table(columns, (_describe_backup(one, has_scope=has_scope) for one in backups))


def _describe_backup(backup: PrunedBackup, *, has_scope: bool) -> tuple[str, ...]:
    word = "yes" if backup.is_kept else "no"
    scope = (name_scope(backup.scope),) if has_scope else ()
    why = ", ".join(backup.reasons) or _NO_RULE
    return (backup.id, backup.fleet, *scope, word, why)


def _describe_lease(page: Page, lease: LeaseEntry) -> None:
    """Name the owner in full; what follows the work's name is of no use to people."""
    alive = "yes" if lease.is_alive else "no"
    work = lease.scope.partition("-")[0]
    first = " " * (_ALIVE_COLUMNS - len(alive)) + work
    page.prose(lease.owner, indent=_ALIVE_COLUMNS + _WORK_COLUMNS, first=first, outcome=alive)
