"""Describe the state of a repository for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shardvault.cli.page import Column, Page, number, text
from shardvault.cli.page_findings import describe_findings
from shardvault.model.upkeep import (
    DamagedRange,
    DamagedTable,
    RepoCheckReport,
    RepoRepairReport,
    RepoStatsReport,
    StoredShare,
)
from shardvault.units import format_duration, format_rate, format_size

_RANGES = 3
_MENDABLE = "can be rebuilt from parity: run `shardvault repo repair`"
_LOST = "cannot be restored; everything else can"
_BACKUP_COLUMNS = (
    Column("backup", is_whole=True),
    number("raw"),
    number("own"),
    number("shared"),
    number("new"),
)


def describe_repo_check(page: Page, report: RepoCheckReport) -> None:
    """Describe a check."""
    page.heading(f"repository {report.repository_id}", report.status)
    page.facts(_check_facts(report))
    mendable = [item for item in report.damage if set(item.objects) <= set(report.mendable)]
    _describe_damage(page, mendable, _MENDABLE)
    _describe_damage(page, [item for item in report.damage if item not in mendable], _LOST)
    if report.findings:
        page.section("findings")
        describe_findings(page, report.findings)


def _check_facts(report: RepoCheckReport) -> Iterator[tuple[str, str]]:
    yield "backups", f"{report.backups:,} with {report.tables:,} tables"
    yield "packs", f"{report.packs:,}, of which {report.packs_read:,} were read whole"
    if report.packs_read:
        rate = format_rate(report.bytes_read, report.seconds)
        yield "read", f"{format_size(report.bytes_read)}, {rate}"
    yield "time", format_duration(report.seconds)


def describe_repo_repair(page: Page, report: RepoRepairReport) -> None:
    """Describe a repair."""
    page.heading(f"repository {report.repository_id}", report.status)
    page.facts([("backups", f"{report.backups:,}, {_count_damaged(report):,} of them damaged")])
    done = {
        "moved to quarantine": report.quarantined,
        "rebuilt from parity": report.mended,
        "index built again": report.index,
        "listed again": report.taken_in,
        "forgotten": report.forgotten,
    }
    for words, names in done.items():
        if names:
            page.section(words)
            for name in names:
                page.verbatim(name, indent=2)
    _describe_damage(page, report.damage, _LOST)
    if report.findings:
        page.section("findings")
        describe_findings(page, report.findings)


def describe_forgetting(page: Page, report: RepoRepairReport) -> None:
    """Describe a repair, what is lost if damaged backups are forgotten, and what may heal them."""
    describe_repo_repair(page, report)
    damaged = _count_damaged(report)
    page.section("to be forgotten")
    page.prose(
        f"{damaged:,} of {report.backups:,} backups would go for good, with what is sound in "
        f"them; {report.backups - damaged:,} would remain. Take a backup, then repair again: "
        "rows that did not change since may heal them."
    )


def _count_damaged(report: RepoRepairReport) -> int:
    return len({item.backup for item in report.damage})


def _describe_damage(page: Page, damage: Sequence[DamagedTable], title: str) -> None:
    if not damage:
        return
    page.section(title)
    columns = (
        Column("backup", is_whole=True),
        text("shard"),
        text("table"),
        text("ranges"),
        number("rows"),
    )
    page.table(columns, map(_describe_table, damage))


def _describe_table(item: DamagedTable) -> tuple[str, ...]:
    rows = f"{sum(found.rows for found in item.ranges):,}" if item.table else ""
    shard, table = item.shard or "all", item.table or "all"
    return item.backup, shard, table, _describe_ranges(item.ranges), rows


def _describe_ranges(ranges: Sequence[DamagedRange]) -> str:
    words = [f"{_bound(found.lower)}..{_bound(found.upper)}" for found in ranges[:_RANGES]]
    rest = len(ranges) - _RANGES
    return ", ".join(words) + (f" and {rest} more" if rest > 0 else "")


def _bound(literals: Sequence[str] | None) -> str:
    return "" if literals is None else ",".join(literals)


def describe_repo_stats(page: Page, report: RepoStatsReport) -> None:
    """Describe what a repository takes."""
    page.heading(f"repository {report.repository_id}")
    page.facts(
        [
            ("raw", f"{format_size(report.raw_bytes)} in all backups together"),
            (
                "saved",
                f"{format_size(report.saved_by_dedup_bytes)} by deduplication, "
                f"{format_size(report.saved_by_compression_bytes)} by compression",
            ),
            ("needed", format_size(report.needed_bytes)),
            *_tell_unneeded(report.unneeded_bytes),
            ("stored", format_size(report.stored_bytes)),
        ]
    )
    page.section("backups")
    page.table(
        _BACKUP_COLUMNS,
        (
            (
                one.id,
                *map(format_size, (one.raw_bytes, one.own_bytes)),
                *map(format_size, (one.shared_bytes, one.new_bytes)),
            )
            for one in report.backups
        ),
    )
    _describe_shares(page, "logical tables", report.tables)
    _describe_shares(page, "shards", report.shards)
    for backup in report.unreadable:
        page.prose(f"{backup}: not counted", outcome="damaged", indent=9)


def _tell_unneeded(unneeded_bytes: int) -> Iterator[tuple[str, str]]:
    if unneeded_bytes:
        yield (
            "unneeded",
            f"{format_size(unneeded_bytes)}; a prune frees it where more than half of a pack "
            "is unneeded",
        )


def _describe_shares(page: Page, title: str, shares: Sequence[StoredShare]) -> None:
    page.section(title)
    rows = ((one.name, format_size(one.raw_bytes), format_size(one.stored_bytes)) for one in shares)
    page.table((text("name"), number("raw"), number("stored")), rows)
