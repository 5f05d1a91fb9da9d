"""Judge what the demo brought to light; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.workload.check import CheckResult

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Hold what the steps brought: reports of the commands, and what was read beside them.

    Attributes:
        restores: the reports of all restores; together they give every shard of the cut once.
        bank: the bank as it is on the restored shards.
        acknowledged_before: last ticket acknowledged before the backup began.
        acknowledged: last ticket acknowledged before the writers were stopped.
        orders: orders that the application's own account sees on all restored shards.
    """

    backup: Report
    verify: Report
    restores: Sequence[Report]
    bank: CheckResult
    acknowledged_before: int
    acknowledged: int
    orders: int


@dataclass(frozen=True)
class Proof:
    """Say whether one claim holds, and what shows it."""

    name: str
    holds: bool
    text: str


def judge(evidence: Evidence) -> Iterator[Proof]:
    """Judge every claim; the demo succeeds only if all hold."""
    yield _judge_stored(evidence.verify)
    yield _judge_restored(evidence)
    yield _judge_tickets(evidence)
    yield _judge_money(evidence.bank)
    yield _judge_counters(evidence.bank)
    yield _judge_broadcast(evidence.backup)
    yield _judge_accounts(evidence)


def _judge_stored(verify: Report) -> Proof:
    holds = verify["status"] == "ok" and not verify["findings"]
    return Proof("repository", holds, f"{verify['objects']} objects read back, status ok")


def _judge_restored(evidence: Evidence) -> Proof:
    """Restored and stored must agree shard by shard, and every read-back must have passed."""
    stored = _volumes([evidence.backup])
    restored = _volumes(evidence.restores)
    holds = stored == restored and all(report["verified"] for report in evidence.restores)
    text = f"{len(restored)} of {len(stored)} shards, every table read back equal"
    return Proof("contents", holds, text if holds else f"{restored} is not {stored}")


def _judge_tickets(evidence: Evidence) -> Proof:
    bank = evidence.bank
    broken = _violations(bank, "ticket")
    m, before, after = bank.tickets, evidence.acknowledged_before, evidence.acknowledged
    is_between = before <= m <= after
    text = (
        f"tickets 1..{m:,} unbroken: {before:,} were acknowledged before the backup began, "
        f"{after:,} in all"
    )
    if broken or not is_between:
        text = "; ".join([*broken, f"last {m:,}, acknowledged {before:,} before, {after:,} in all"])
    return Proof("chain", not broken and is_between, text)


def _judge_money(bank: CheckResult) -> Proof:
    broken = [text for text in bank.violations if not text.startswith(("ticket", "row of counter"))]
    text = (
        f"{bank.transfers:,} transfers, {bank.in_flight_transfers} in flight with "
        f"{bank.in_flight_amount:,}; none lost, none made, no credit without its debit"
    )
    return Proof("money", not broken, "; ".join(broken) or text)


def _judge_counters(bank: CheckResult) -> Proof:
    broken = _violations(bank, "row of counter")
    last = ", ".join(f"0..{k:,}" for k in bank.counters.values())
    return Proof("counters", not broken, "; ".join(broken) or f"no gap: {last}")


def _judge_broadcast(backup: Report) -> Proof:
    tables = [table for table in backup["logical_tables"] if table["broadcast"]]
    unequal = [table["name"] for table in tables if not table["is_equal"]]
    names = ", ".join(table["name"] for table in tables)
    text = f"differs between shards: {', '.join(unequal)}" if unequal else f"{names} equal on all"
    return Proof("broadcast", bool(tables) and not unequal, text)


def _judge_accounts(evidence: Evidence) -> Proof:
    stored = next(t["rows"] for t in evidence.backup["logical_tables"] if t["name"] == "orders")
    text = f"app@'%' logs in with its old password and sees {evidence.orders:,} orders in its view"
    if stored != evidence.orders:
        text += f", not {stored:,}"
    return Proof("accounts", stored == evidence.orders, text)


def _violations(bank: CheckResult, prefix: str) -> list[str]:
    return [text for text in bank.violations if text.startswith(prefix)]


def _volumes(reports: Sequence[Report]) -> dict[str, tuple[int, int]]:
    """Give rows and bytes of each shard."""
    return {
        shard["name"]: (shard["rows"], shard["bytes_read"])
        for report in reports
        for shard in report["shards"]
    }
