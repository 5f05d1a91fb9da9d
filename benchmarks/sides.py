"""Run shardvault and the tools that Debian has in turn, on the same work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.measure import Run, folder_bytes, median_s, run
from benchmarks.shard import Bench

THREADS = 2

Side = Callable[[Bench], Run]


@dataclass
class Result:
    """Collect the runs of one side and what it left on the disk [bytes]."""

    runs: list[Run] = field(default_factory=list)
    stored_bytes: int = 0


def shardvault_backup(bench: Bench, threads: int = THREADS) -> Run:
    """Back up everything into a fresh repository."""
    bench.clear_repository()
    run(bench.shardvault("init"), env=bench.env)
    return run(bench.shardvault("backup", "-j", str(threads), "--format", "json"), env=bench.env)


def _peer_backup(command: str) -> Side:
    def side(bench: Bench) -> Run:
        folder = bench.folder / "peer"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        text = command.format(socket=bench.source.socket, folder=folder, threads=THREADS)
        return run(f"set -o pipefail; {text}", env=bench.env)

    return side


_MYDUMPER = (
    "mydumper -S {socket} -u root -p $MYSQL_PWD -B bench -t {threads} -r 100000 "
    "-o {folder}/dump --triggers --routines --events"
)

BACKUPS: Mapping[str, Side] = {
    "shardvault": shardvault_backup,
    "mydumper": _peer_backup(_MYDUMPER),
    "mydumper gzip": _peer_backup(_MYDUMPER + " -c"),
    "mariadb-dump zstd": _peer_backup(
        "mariadb-dump -S {socket} -u root --single-transaction --routines --events bench "
        "| zstd -1 -q -o {folder}/dump.zst"
    ),
}


def shardvault_restore(bench: Bench, threads: int = THREADS) -> Run:
    """Restore the latest backup, keys rebuilt and contents verified."""
    bench.clear_target()
    target = ("--target", str(bench.target_config), "-j", str(threads), "--format", "json")
    return run(bench.shardvault("restore", "latest", *target), env=bench.env)


def myloader(bench: Bench) -> Run:
    """Load an uncompressed dump of mydumper; nothing is verified."""
    bench.clear_target()
    return run(
        f"myloader -S {bench.target.socket} -u root -p $MYSQL_PWD -t {THREADS} "
        f"-d {bench.folder}/peer/dump",
        env=bench.env,
    )


RESTORES: Mapping[str, Side] = {"shardvault": shardvault_restore, "myloader": myloader}


def compare_backups(bench: Bench, rounds: int) -> dict[str, Result]:
    """Run every side once a round, one after another."""
    results = {name: Result() for name in BACKUPS}
    for _ in range(rounds):
        for name, side in BACKUPS.items():
            results[name].runs.append(side(bench))
            folder = "repo" if name == "shardvault" else "peer"
            results[name].stored_bytes = folder_bytes(bench.folder / folder)
    return results


def compare_restores(bench: Bench, rounds: int) -> dict[str, Result]:
    """Run both sides once a round; each needs its own backup, made once."""
    shardvault_backup(bench)
    BACKUPS["mydumper"](bench)
    results = {name: Result() for name in RESTORES}
    for _ in range(rounds):
        for name, side in RESTORES.items():
            results[name].runs.append(side(bench))
    return results


def second_backup_share(bench: Bench) -> tuple[float, float]:
    """Back up unchanged data again; return what it stored as a share of the first, and time."""
    shardvault_backup(bench)
    first = folder_bytes(bench.folder / "repo")
    again = run(bench.shardvault("backup", "-j", str(THREADS), "--format", "json"), env=bench.env)
    return (folder_bytes(bench.folder / "repo") - first) / first, again.seconds


def ratio(results: Mapping[str, Result], peer: str) -> float:
    """Say how many times as fast shardvault was as a peer."""
    return median_s(results[peer].runs) / median_s(results["shardvault"].runs)
