"""Compare a backup to an object store on this machine with one to its disk.

    python -m benchmarks.object_store [--scale N] [--rounds N]

The store is Ceph's gateway over loopback, without TLS, with its objects in memory: what is
measured is the way there, and not the disks of a store.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.measure import Run, folder_bytes, median_s, run, spread
from benchmarks.shard import Bench, opened_bench
from benchmarks.sides import THREADS, Result, shardvault_backup
from shardvault.storage import open_storage
from tests.support.ceph import ACCESS_KEY, SECRET_KEY, CephGateway
from tests.support.stores import BUCKET, s3_settings

LOCAL, REMOTE = "local disk", "Ceph RGW on loopback"
GOAL = 0.8
_SECRET_VARIABLE = "SHARDVAULT_BENCH_STORE_SECRET"
_URL = f"s3://{BUCKET}/bench"


def main() -> None:
    """Run the comparison alone and print its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.object_store")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 2.3 million rows, 348 MB")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side")
    options = parser.parse_args()
    with opened_bench(options.scale) as bench:
        print_stores(compare_stores(bench, options.rounds))


def print_stores(results: Mapping[str, Result]) -> None:
    """Print the times, and the speed of the remote backup as a share of the local one's."""
    print("## Backup to an object store, 2 threads\n")
    print("| store | median (range) | client CPU | stored | speed | goal |")
    print("|---|---|---|---|---|---|")
    local_s = median_s(results[LOCAL].runs)
    for name, result in results.items():
        share = f"{local_s / median_s(result.runs):.2f} ×" if name != LOCAL else ""
        goal = f"{GOAL:g} ×" if name != LOCAL else ""
        print(
            f"| {name} | {spread(result.runs)} | {result.runs[-1].cpu_s:.1f} s "
            f"| {result.stored_bytes / 1e6:.0f} MB | {share} | {goal} |"
        )
    print(flush=True)


def compare_stores(bench: Bench, rounds: int) -> dict[str, Result]:
    """Back up the same data to both stores in turn, each time into a fresh repository."""
    results = {LOCAL: Result(), REMOTE: Result()}
    with opened_gateway(bench.folder) as gateway:
        config = _write_config(bench, gateway)
        for _ in range(rounds):
            results[LOCAL].runs.append(shardvault_backup(bench))
            results[LOCAL].stored_bytes = folder_bytes(bench.folder / "repo")
            found, stored_bytes = _remote_backup(bench, gateway, config)
            results[REMOTE].runs.append(found)
            results[REMOTE].stored_bytes = stored_bytes
    return results


@contextlib.contextmanager
def opened_gateway(folder: Path) -> Iterator[CephGateway]:
    """Start the gateway with one bucket, and stop it at the end."""
    gateway = CephGateway(folder / "ceph")
    try:
        gateway.start()
        gateway.make_bucket(BUCKET)
        yield gateway
    finally:
        gateway.stop()


def _write_config(bench: Bench, gateway: CephGateway) -> Path:
    """Write the fleet file of the source with the bucket as repository."""
    content = YAML().load(bench.config)
    content["repository"] = {
        "url": _URL,
        "endpoint": gateway.endpoint,
        "region": "default",
        "credentials": {"user": ACCESS_KEY, "secret": {"env": _SECRET_VARIABLE}},
        "key": {"file": str(bench.folder / "remote.key")},
    }
    path = bench.folder / "remote.yaml"
    YAML().dump(content, path)
    path.chmod(0o600)
    return path


def _remote_backup(bench: Bench, gateway: CephGateway, config: Path) -> tuple[Run, int]:
    """Back up everything into a fresh repository in the bucket, and empty the bucket again."""
    program = [sys.executable, "-m", "shardvault", "-c", str(config)]
    env = {**bench.env, _SECRET_VARIABLE: SECRET_KEY}
    bench.forget_repositories()
    run([*program, "init"], env=env)
    found = run([*program, "backup", "-j", str(THREADS), "--format", "json"], env=env)
    return found, _empty(gateway)


def _empty(gateway: CephGateway) -> int:
    """Delete every object and return how many bytes there were."""
    storage = open_storage(_URL, s3_settings(gateway.endpoint))
    stored = list(storage.list(""))
    for one in stored:
        storage.delete(one.name)
    return sum(one.size_bytes for one in stored)


if __name__ == "__main__":
    main()
