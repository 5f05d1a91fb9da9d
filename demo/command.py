"""Run the real command line, follow its progress, and give its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from demo.screen import Screen
from tests.support.binaries import PROJECT

ENVIRONMENT = {"SHARDVAULT_FORMAT": "json"}
_FOR_TESTS = "SHARDVAULT_FAILPOINTS"
_STOP_LIMIT_S = 10.0


class CommandFailed(Exception):
    """Report a command that did not do its work, in its own words."""


@dataclass
class Outcome:
    """Hold what a command brought.

    Attributes:
        begin_s: when it was started, on the machine's monotonic clock [s].
        report: the JSON object that it printed.
        released_s: when it said that the barrier was released, on the same clock [s].
    """

    begin_s: float = field(default_factory=time.monotonic)
    report: dict[str, Any] = field(default_factory=dict)
    released_s: float | None = None


class Commander:
    """Run ``shardvault`` in one folder, where it finds its configuration by itself."""

    def __init__(self, folder: Path, screen: Screen) -> None:
        self._folder = folder
        self._screen = screen

    def run(self, *words: str) -> Outcome:
        """Print a command, run it, and return its report; raises CommandFailed."""
        self._screen.command(("shardvault", *words))
        outcome = Outcome()
        with TemporaryFile() as output, self._screen.waiting(words[0]) as tell:
            with self._started(words, output) as process:
                _follow(_opened(process.stderr), outcome, tell)
                code = process.wait()
            output.seek(0)
            outcome.report = _read_report(words[0], output.read())
        if code != 0:
            raise CommandFailed(f"shardvault {words[0]} ended with {code}: {outcome.report}")
        return outcome

    @contextmanager
    def _started(
        self, words: Sequence[str], output: IO[bytes]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command in a session of its own: Ctrl-C reaches it through us alone."""
        process = subprocess.Popen(
            [sys.executable, "-m", "shardvault", *words],
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            except BaseException:
                _stop(process)
                raise


def _environment() -> dict[str, str]:
    """Keep settings of the user's own shell from changing what the demo shows."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SHARDVAULT_") or name == _FOR_TESTS
    }
    return kept | ENVIRONMENT | {"PYTHONPATH": str(PROJECT / "src")}


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _opened(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "it is a pipe"
    return stream


def _follow(stream: IO[bytes], outcome: Outcome, tell: Callable[[str], None]) -> None:
    """Read events until the command closes the stream."""
    rows: dict[str, int] = {}
    for line in stream:
        event = _parse(line)
        if event.get("event") == "barrier_held":
            outcome.released_s = time.monotonic()
        elif event.get("event") == "phase_started":
            rows.clear()
            tell(f": {event['phase']}")
        elif event.get("event") == "progress":
            rows[event["shard"]] = event["rows"]
            tell(f": {event['phase']}, {sum(rows.values()):,} rows")


def _parse(line: bytes) -> dict[str, Any]:
    """Read an event; what is none, as a warning of Python, is let pass."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _read_report(verb: str, output: bytes) -> dict[str, Any]:
    lines = output.splitlines()
    report: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    if "error" in report:
        error = report["error"]
        where = "".join(f"{error[name]}: " for name in ("shard", "table") if error.get(name))
        hint = f"\n  {error['hint']}" if error.get("hint") else ""
        raise CommandFailed(f"shardvault {verb}: {where}{error['message']}{hint}")
    return report
