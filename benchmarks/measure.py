"""Run commands and measure them."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_RUN_LIMIT_S = 3600


@dataclass(frozen=True)
class Run:
    """Hold one measured run [s] [s] [bytes]."""

    seconds: float
    cpu_s: float
    peak_bytes: int
    output: str


class RunFailed(Exception):
    """Say that a measured command failed, with what it wrote."""


def run(command: Sequence[str] | str, *, env: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end and measure it; a string goes through the shell.

    Dirty pages of whatever ran before are written out first, so that no side pays for
    another's.
    """
    os.sync()
    begin = time.monotonic()
    process = subprocess.Popen(
        command if isinstance(command, str) else list(command),
        shell=isinstance(command, str),
        executable="/bin/bash" if isinstance(command, str) else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(env or {})},
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RunFailed(f"{command}: exit {process.returncode}\n{output[-2000:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


def folder_bytes(folder: Path) -> int:
    """Add up the sizes of all files below a folder [bytes]."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def median_s(runs: Sequence[Run]) -> float:
    """Return the median wall time [s]."""
    return statistics.median(found.seconds for found in runs)


def spread(runs: Sequence[Run]) -> str:
    """Write median and range of the wall times."""
    times = [found.seconds for found in runs]
    return f"{statistics.median(times):.2f} s ({min(times):.2f}–{max(times):.2f})"
