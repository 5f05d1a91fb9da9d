"""Prune a repository of many backups: ``python -m benchmarks.prune [--backups N] [--chunks N]``.

The repository is made by the real writer on a local store; the prune runs in a process of its
own, whose time and peak of memory are printed as Markdown.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

from shardvault.app.building import Silent
from shardvault.clock import monotonic_s
from shardvault.interfaces import ChunkKind
from shardvault.model.ids import BackupId, ChunkId, ShardName
from shardvault.model.manifest import (
    BarrierRecord,
    Consistency,
    Manifest,
    RangeRecord,
    ServerIdentity,
    ShardPart,
    ShardRecord,
    TableRecord,
    Totals,
)
from shardvault.model.policy import Keep
from shardvault.model.position import Family, Position
from shardvault.model.schema import Table, TableKind
from shardvault.operations.prune import PruneOptions, run_prune
from shardvault.operations.retention import note_verified
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.parts import put_part
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage.local import LocalStorage

_SHARDS = 4
_CHUNKS_PER_RANGE = 8
_GOAL_S, _GOAL_MIB = 60, 500


def main() -> None:
    """Print the figures, or be the process that prunes."""
    options = _parse()
    if options.child is not None:
        _prune(Path(options.child), options.backups)
        return
    print_prune(options.backups, options.chunks)


def print_prune(backups: int, chunks: int) -> None:
    """Build a repository, prune it in a process of its own, and print the figures."""
    with tempfile.TemporaryDirectory(prefix="shardvault-prune-") as folder:
        _build(Path(folder), backups, chunks)
        words = [sys.executable, "-m", "benchmarks.prune", "--child", folder]
        subprocess.run([*words, "--backups", str(backups)], check=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prune", description=__doc__)
    parser.add_argument("--backups", type=int, default=1000)
    parser.add_argument("--chunks", type=int, default=1_000_000, help="different ones in all")
    parser.add_argument("--child", help="prune the repository in that folder")
    return parser.parse_args()


def _build(folder: Path, backups: int, chunks: int) -> None:
    """Take backups that each replace a tenth of the one before, in one session."""
    repository = create_repository(LocalStorage(folder / "r"), folder / "key")
    new = chunks // backups // _SHARDS
    held: list[list[ChunkId]] = [[] for _ in range(_SHARDS)]
    with repository.writer("backup", fleet="bench") as writer:
        for number in range(backups):
            shards = [
                _put_shard(writer, shard, _renew(writer, number, shard, present, new))
                for shard, present in enumerate(held)
            ]
            repository.commit(_manifest(number, tuple(shards)))
            note_verified(repository, _name(number), "benchmark")


def _renew(
    writer: ChunkWriter, number: int, shard: int, present: list[ChunkId], new: int
) -> list[ChunkId]:
    """Add new chunks to those of a shard, and drop its oldest."""
    for each in range(new):
        row = b"%08d %d %08d" % (number, shard, each)
        present.append(writer.put(row, ChunkKind.ROWS).chunk)
    del present[: max(0, len(present) - 10 * new)]
    return present


def _put_shard(writer: ChunkWriter, number: int, chunks: list[ChunkId]) -> ShardRecord:
    name = ShardName(f"s{number}")
    table = Table("shop", "orders", TableKind.ROWS, "InnoDB", True, b"CREATE TABLE", ())
    ranges = tuple(
        RangeRecord(None, None, 1, "00" * 16, 1, tuple(chunks[at : at + _CHUNKS_PER_RANGE]))
        for at in range(0, len(chunks), _CHUNKS_PER_RANGE)
    )
    record = TableRecord(table, ("id",), 1, "00" * 16, 1, ranges)
    part = put_part(writer, ShardPart(name, (), (record,), (), ()))
    server = ServerIdentity("11.8", "mariadb", "id", 0, "utf8mb4", "utf8mb4_bin", "", "SYSTEM")
    position = Position(Family.MARIADB, "0-1-2", "binlog.000001", 4)
    return ShardRecord(name, server, position, 1.0, 1, 1, 1, 1, 0.1, part)


def _manifest(number: int, shards: tuple[ShardRecord, ...]) -> Manifest:
    time = f"2026-11-22T11:30:00.{number:06d}Z"
    return Manifest(
        version=1,
        id=BackupId(_name(number)),
        fleet="bench",
        type="full",
        mode="hot-logical",
        tool_version="0",
        begin=time,
        end=time,
        consistency=Consistency.BARRIER,
        claims_not=(),
        barrier=BarrierRecord(1.0, 1.0, 1),
        scope=(),
        shards=shards,
        logical_tables=(),
        totals=Totals(_SHARDS, _SHARDS, _SHARDS, 1, 1, 0.1),
    )


def _name(number: int) -> str:
    return f"b{number:06d}"


def _prune(folder: Path, backups: int) -> None:
    """Keep half of the backups, and print what that took."""
    repository = _open(folder)
    begin_s, begin_cpu_s = monotonic_s(), process_time()
    report = run_prune(repository, PruneOptions(Keep(last=backups // 2)), Silent())
    seconds, cpu_s = monotonic_s() - begin_s, process_time() - begin_cpu_s
    peak_mib = _peak_mib()
    gone = sum(not one.is_kept for one in report.backups)
    print("| backups | gone | packs gone | time | goal | processor time | peak memory | goal |")
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| {backups} | {gone} | {report.packs} | {seconds:.1f} s | {_GOAL_S} s "
        f"| {cpu_s:.1f} s | {peak_mib:.0f} MiB | {_GOAL_MIB} MiB |"
    )


def _peak_mib() -> float:
    """Return the peak of this process; getrusage would count its parent's before the exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _open(folder: Path) -> Repository:
    return open_repository(LocalStorage(folder / "r"), read_key_file(folder / "key"))


if __name__ == "__main__":
    main()
