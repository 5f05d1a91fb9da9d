from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demo.proof import Evidence, judge
from demo.volumes import format_volumes
from tests.support.workload.check import CheckResult

BANK = CheckResult(
    tickets=10,
    transfers=4,
    in_flight_transfers=1,
    in_flight_amount=7,
    counters={0: 5, 1: 6},
    violations=(),
)


def shard(name: str, size: int = 100) -> dict[str, Any]:
    return {
        "name": name,
        "rows": 8,
        "bytes_read": size,
        "bytes_stored": 40,
        "target": f"n{name} (/sock)",
    }


def totals(*shards: dict[str, Any]) -> dict[str, Any]:
    names = ("rows", "bytes_read", "bytes_stored")
    return {name: sum(each[name] for each in shards) for name in names}


def restore(name: str, **changes: Any) -> dict[str, Any]:
    only = shard(name)
    return {"verified": True, "shards": [only], "totals": totals(only)} | changes


def backup(*, is_equal: bool = True) -> dict[str, Any]:
    shards = [shard("s0"), shard("s1")]
    return {
        "shards": shards,
        "totals": totals(*shards),
        "logical_tables": [
            {"name": "orders", "broadcast": False, "is_equal": True, "rows": 16},
            {"name": "country", "broadcast": True, "is_equal": is_equal, "rows": 4},
        ],
    }


SOUND = Evidence(
    backup=backup(),
    verify={"status": "ok", "findings": [], "objects": 3},
    restores=[restore("s0"), restore("s1")],
    bank=BANK,
    acknowledged_before=6,
    acknowledged=12,
    orders=16,
)


def with_violation(text: str) -> Evidence:
    return replace(SOUND, bank=replace(BANK, violations=(text,)))


def failed(evidence: Evidence) -> list[str]:
    return [proof.name for proof in judge(evidence) if not proof.holds]


def test_sound_evidence_holds_every_proof() -> None:
    assert failed(SOUND) == []


@pytest.mark.parametrize(
    ("evidence", "name"),
    [
        (replace(SOUND, verify={"status": "damaged", "findings": [], "objects": 3}), "repository"),
        (replace(SOUND, restores=[restore("s0")]), "contents"),
        (replace(SOUND, restores=[restore("s0"), restore("s1", verified=False)]), "contents"),
        (
            replace(SOUND, restores=[restore("s0"), restore("s1", shards=[shard("s1", 99)])]),
            "contents",
        ),
        (with_violation("ticket missing: 3 (1 in all)"), "chain"),
        (replace(SOUND, acknowledged_before=11), "chain"),
        (replace(SOUND, acknowledged=9), "chain"),
        (with_violation("credit without its debit, transfer: 5 (1 in all)"), "money"),
        (with_violation("row of counter 0 missing: 2 (1 in all)"), "counters"),
        (replace(SOUND, backup=backup(is_equal=False)), "broadcast"),
        (replace(SOUND, orders=15), "accounts"),
    ],
)
def test_one_fault_fails_its_own_proof_alone(evidence: Evidence, name: str) -> None:
    assert failed(evidence) == [name]


def test_the_table_of_volumes_ends_with_both_sums() -> None:
    *_, last = format_volumes(SOUND.backup, SOUND.restores)
    assert last.split() == [
        "sum",
        "16",
        "200",
        "B",
        "80",
        "B",
        "200",
        "B",
        "B",
        "=",
        "ΣBᵢ,",
        "R",
        "=",
        "ΣRᵢ",
    ]
