"""Lay out how much was read, stored and loaded, per shard and in all; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shardvault.units import format_duration, format_rate, format_size

_ROW = "{:<6} {:>10} {:>11} {:>11} {:>11}  {}"


def format_volumes(
    backup: Mapping[str, Any], restores: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Give the lines of a table: a row per shard, and the sums B and R."""
    restored = {shard["name"]: shard for report in restores for shard in report["shards"]}
    yield _ROW.format("shard", "rows", "backup Bᵢ", "stored", "restore Rᵢ", "restored on")
    for shard in backup["shards"]:
        goal = restored[shard["name"]]
        yield _row(shard["name"], shard, goal["bytes_read"], goal["target"].split()[0])
    total_bytes = sum(report["totals"]["bytes_read"] for report in restores)
    yield _row("sum", backup["totals"], total_bytes, "B = ΣBᵢ, R = ΣRᵢ")


def format_rates(
    backup: Mapping[str, Any], restores: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Give name and value of each rate."""
    yield "backup", f"{_rate([backup])}, beside the writers"
    yield "restore", f"{_rate(restores)}, keys built and contents verified"


def _row(name: str, stored: Mapping[str, Any], restored_bytes: int, place: str) -> str:
    return _ROW.format(
        name,
        f"{stored['rows']:,}",
        format_size(stored["bytes_read"]),
        format_size(stored["bytes_stored"]),
        format_size(restored_bytes),
        place,
    )


def _rate(reports: Sequence[Mapping[str, Any]]) -> str:
    size_bytes = sum(report["totals"]["bytes_read"] for report in reports)
    seconds = sum(report["totals"]["seconds"] for report in reports)
    rate = format_rate(size_bytes, seconds)
    return f"{format_size(size_bytes)} in {format_duration(seconds)}, {rate}"
