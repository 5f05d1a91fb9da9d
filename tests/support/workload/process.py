"""Run the workload as a program of its own beside a test or the demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from shardvault.model.target import Endpoint
from tests.support.binaries import PROJECT
from tests.support.processes import kill_process, spawn, stop_process

START_LIMIT_S = 30.0
STOP_LIMIT_S = 20.0
_PASSWORD_VARIABLE = "SHARDVAULT_WORKLOAD_PASSWORD"
_POLL_S = 0.02


class WorkloadFailed(Exception):
    """Report a workload that did not run to its end, with its last words."""


class Workload:
    """Hold one run in the background; leaving the ``with`` block ends it in any case."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        log: Path,
        user: str,
        password: str,
        clients: int = 2,
        tolerates_loss: bool = False,
    ) -> None:
        """Describe the run; the bank must have been created.

        Args:
            log: takes the JSON lines, and whatever the program says when it fails.
            clients: how many clients do transfers at once.
            tolerates_loss: go on without a shard whose server has gone.
        """
        self._log = log
        self._password = password
        self._command = [sys.executable, "-m", "tests.support.workload", "run", "--user", user]
        self._command += ["--password-env", _PASSWORD_VARIABLE, "--log", str(log)]
        self._command += ["--clients", str(clients)]
        self._command += ["--tolerate-lost"] if tolerates_loss else []
        for endpoint in endpoints:
            self._command += ["--instance", str(endpoint)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            kill_process(self._process)

    def start(self) -> None:
        """Start the program and wait until it writes; raises WorkloadFailed."""
        self._log.unlink(missing_ok=True)
        env = os.environ | {_PASSWORD_VARIABLE: self._password}
        env["PYTHONPATH"] = os.pathsep.join([str(PROJECT), str(PROJECT / "src")])
        self._process = spawn(self._command, log=self._output, cwd=PROJECT, env=env)
        deadline = time.monotonic() + START_LIMIT_S
        while not any(event["event"] == "mark" for event in self.events()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                kill_process(self._process)
                raise self._failure("the workload did not start")
            time.sleep(_POLL_S)

    def stop(self) -> dict[str, Any]:
        """Let every client finish its write; return the report; raises WorkloadFailed."""
        if self._process is None:
            raise WorkloadFailed("the workload was never started")
        if stop_process(self._process, limit_s=STOP_LIMIT_S) != 0:
            raise self._failure("the workload failed")
        return list(self.events())[-1]

    def events(self) -> Iterator[dict[str, Any]]:
        """Give what was logged so far; see ``board.Board`` for the lines."""
        if self._log.exists():
            for line in self._log.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    yield json.loads(line)

    @property
    def _output(self) -> Path:
        return self._log.with_suffix(".out")

    def _failure(self, what: str) -> WorkloadFailed:
        words = self._output.read_text(errors="replace")[-2000:]
        return WorkloadFailed(f"{what}:\n{words}")
