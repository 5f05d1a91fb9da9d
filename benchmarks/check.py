"""Measure `repo check --read-data` against `zstd -t` plus AES over the same bytes.

The packs of a repository are read once; their blobs are decrypted by AES-GCM, and the frames
inside, one after the other, are tested by the command `zstd -t`. That is the least that any
check of all bytes must do. Ours also proves the name of each pack and the id of each chunk.

    python -m benchmarks.check [--mebibytes N] [--rounds N] [--threads N]
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from shardvault.events import Event
from shardvault.interfaces import ChunkKind
from shardvault.operations.repo_check import run_repo_check
from shardvault.repository.crypto import decrypt
from shardvault.repository.format import (
    ENTRY,
    HEADER,
    KIND_BYTES,
    NONCE_BYTES,
    ObjectType,
    pack_name,
)
from shardvault.repository.inspection import inspect_repository
from shardvault.repository.objects import read_header
from shardvault.repository.packs import blob_binding
from shardvault.repository.samples import Sample
from shardvault.repository.store import Repository, create_repository
from shardvault.storage.local import LocalStorage

_CHUNK_BYTES = 1 << 20
_GOAL = 0.8
_KINDS = {byte: kind for kind, byte in KIND_BYTES.items()}
_WORDS = [b"customer", b"2026-11-22 11:30:00", b"pending", b"DE", b"%08d", b"0.00", b"invoice"]


class _Quiet:
    def emit(self, event: Event) -> None:
        pass


def main() -> None:
    """Print medians and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check")
    parser.add_argument("--mebibytes", type=int, default=512, help="plain rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    print_check(options.mebibytes, options.rounds, options.threads)


def print_check(mebibytes: int, rounds: int, threads: int) -> None:
    """Compare the two on a repository of rows that are made for it, and print the ratio."""
    with tempfile.TemporaryDirectory(prefix="shardvault-bench-") as folder:
        repository = _fill(Path(folder), mebibytes)
        _compare(repository, Path(folder) / "frames.zst", rounds, threads)


def _fill(folder: Path, mebibytes: int) -> Repository:
    repository = create_repository(LocalStorage(folder / "repo"), folder / "key")
    with repository.writer("backup") as writer:
        for number in range(mebibytes):
            writer.put(_rows(number), ChunkKind.ROWS)
        writer.flush()
    return repository


def _rows(number: int) -> bytes:
    """Make rows that compress about as rows of a shop do, three to four times."""
    choose = random.Random(number)
    words = [*_WORDS, *(choose.randbytes(6).hex().encode() for _ in range(2000))]
    return b",".join(choose.choices(words, k=_CHUNK_BYTES // 10))[:_CHUNK_BYTES]


def _compare(repository: Repository, frames: Path, rounds: int, threads: int) -> None:
    ours, least, stored = [], [], 0
    for _ in range(rounds):
        begin = _now()
        stored = _check(repository, threads)
        ours.append(_since(begin))
        aes = _decrypt_all(repository, frames)
        begin = _now()
        subprocess.run(["zstd", "-t", "-q", frames], check=True)
        least.append(tuple(map(sum, zip(aes, _since(begin), strict=True))))
    print(f"{stored / 1e6:.0f} MB stored, {threads} threads:\n")
    for number, what in enumerate(("wall", "processor")):
        ours_s, least_s = (statistics.median(one[number] for one in side) for side in (ours, least))
        print(
            f"- {what} time: check --read-data {ours_s:.2f} s, AES and `zstd -t` {least_s:.2f} s; "
            f"{least_s / ours_s:.2f} × its speed (goal: at least {_GOAL} × of wall time)"
        )


def _now() -> tuple[float, float]:
    """Return wall time and the processor time of this process and its children [s] [s]."""
    return time.perf_counter(), sum(os.times()[:4])


def _since(begin: tuple[float, float]) -> tuple[float, float]:
    wall, processor = _now()
    return wall - begin[0], processor - begin[1]


def _check(repository: Repository, threads: int) -> int:
    report = run_repo_check(repository, _Quiet(), threads=threads, sample=Sample())
    assert report.status == "ok", report.findings
    return report.bytes_read


def _decrypt_all(repository: Repository, frames: Path) -> tuple[float, float]:
    """Write all frames into one file; return the times of decrypting alone [s] [s]."""
    seconds = 0.0
    with frames.open("wb") as file:
        for decrypt_one in _blobs(repository):
            begin = time.thread_time()
            frame = decrypt_one()
            seconds += time.thread_time() - begin
            file.write(frame)
    return seconds, seconds


def _blobs(repository: Repository) -> Iterator[Callable[[], bytes]]:
    insides = repository.insides()
    for pack, record in inspect_repository(insides).packs.items():
        data = memoryview(insides.storage.get(pack_name(pack)))
        salt = read_header(insides.ring, ObjectType.PACK, bytes(data[: HEADER.size]))
        cipher, end = insides.ring.object_cipher(ObjectType.PACK, salt), HEADER.size
        for number, (chunk, kind, size, _) in enumerate(ENTRY.iter_unpack(record.directory)):
            begin, end = end, end + size
            nonce = number.to_bytes(NONCE_BYTES, "big")
            binding = blob_binding(insides.ring, _KINDS[kind], chunk)
            yield partial(decrypt, cipher, nonce, data[begin:end], binding)


if __name__ == "__main__":
    main()
