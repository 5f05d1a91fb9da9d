"""Print medians and ratios as Markdown: ``python -m benchmarks [--scale N] [--rounds N]``."""

from __future__ import annotations

import argparse
import os
import platform
from datetime import UTC, datetime

from benchmarks.check import print_check
from benchmarks.hashing import measure_hash
from benchmarks.measure import run, spread
from benchmarks.object_store import compare_stores, print_stores
from benchmarks.prune import print_prune
from benchmarks.shard import Bench, opened_bench
from benchmarks.sides import (
    Result,
    compare_backups,
    compare_restores,
    ratio,
    second_backup_share,
    shardvault_backup,
    shardvault_restore,
)

_BACKUP_GOALS = {"mydumper": 1.1, "mydumper gzip": 5.0, "mariadb-dump zstd": 4.0}
_RESTORE_GOALS = {"myloader": 2.0}
_PEAK_GOAL_MIB = 300
_AGAIN_GOAL = 0.01
_HASH_GOAL = 0.1


def main() -> None:
    """Run the comparison and print its page."""
    options = _parse()
    print(_heading(options))
    with opened_bench(options.scale) as bench:
        _print_comparison(
            "Backup of one shard, 2 threads", compare_backups(bench, options.rounds), _BACKUP_GOALS
        )
        _print_comparison(
            "Restore, keys rebuilt", compare_restores(bench, options.rounds), _RESTORE_GOALS
        )
        _print_again(bench)
        print_stores(compare_stores(bench, options.rounds))
        _print_hash(bench, options.rounds)
        _print_memory(bench)
    print("\n## Check of every byte, against the least that any must do\n")
    print_check(round(512 * options.scale), options.rounds, os.cpu_count() or 1)
    print("\n## Prune of a repository of many backups\n", flush=True)
    print_prune(round(1_000 * options.scale), round(1_000_000 * options.scale))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 2.3 million rows, 348 MB")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side")
    return parser.parse_args()


def _heading(options: argparse.Namespace) -> str:
    cpus = os.cpu_count()
    today = datetime.now(UTC).date()
    return (
        f"{today}, {platform.machine()}, {cpus} cores, Python {platform.python_version()}; "
        f"`python -m benchmarks --scale {options.scale:g} --rounds {options.rounds}`\n"
    )


def _print_comparison(title: str, results: dict[str, Result], goals: dict[str, float]) -> None:
    print(f"## {title}\n")
    print(
        "| side | median (range) | client CPU | peak memory | stored | ours is faster by | goal |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, result in results.items():
        last = result.runs[-1]
        times = f"{ratio(results, name):.2f} ×" if name in goals else ""
        goal = f"{goals[name]:g} ×" if name in goals else ""
        print(
            f"| {name} | {spread(result.runs)} | {last.cpu_s:.1f} s "
            f"| {last.peak_bytes >> 20} MiB | {result.stored_bytes / 1e6:.0f} MB "
            f"| {times} | {goal} |"
        )
    print(flush=True)


def _print_again(bench: Bench) -> None:
    share, seconds = second_backup_share(bench)
    print("## Second backup of unchanged data\n")
    print(f"Stores {share:.3%} of the first (goal: under {_AGAIN_GOAL:.0%}), in {seconds:.2f} s.\n")


def _print_hash(bench: Bench, rounds: int) -> None:
    cost = measure_hash(bench, rounds)
    print("## Content hash\n")
    print(
        f"Hashing all rows, {cost.raw_bytes / 1e6:.0f} MB, takes {cost.hash_s:.3f} s of "
        f"{cost.backup_s:.2f} s of the client's processor time in a backup: {cost.share:.1%} "
        f"(goal: at most {_HASH_GOAL:.0%}).\n"
    )


def _print_memory(bench: Bench) -> None:
    backup = shardvault_backup(bench, threads=4)
    restore = shardvault_restore(bench, threads=4)
    print(f"## Peak memory at 4 threads (goal: under {_PEAK_GOAL_MIB} MiB)\n")
    print(f"Backup {backup.peak_bytes >> 20} MiB, restore {restore.peak_bytes >> 20} MiB.\n")
    run(bench.shardvault("verify", "latest", "-j", "4"), env=bench.env)


if __name__ == "__main__":
    main()
