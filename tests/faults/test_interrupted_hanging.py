"""Ctrl-C while a server hangs: the program leaves, whatever its threads wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.operations_support import run_all
from tests.support.fleet import write_fleet_file
from tests.support.servers import Flavour, start_instance

LEAVE_LIMIT_S = 30  # far above the three seconds that it has, far below any read timeout


@pytest.mark.parametrize("verb", ["check", "backup"])
def test_a_hanging_server_does_not_keep_the_program(tmp_path: Path, verb: str) -> None:
    instance = start_instance(Flavour.MARIADB_1011, tmp_path / "i")
    try:
        run_all(instance, "CREATE DATABASE data", "CREATE TABLE data.t (n INT)")
        config = write_fleet_file(
            tmp_path / "shardvault.yaml",
            {"s0": instance},
            user="root",
            password={"env": "HANGING_PASSWORD"},
            repository=tmp_path / "repository",
            key=tmp_path / "key",
        )
        command = [sys.executable, "-m", "shardvault", "-c", str(config)]
        env = {**os.environ, "HANGING_PASSWORD": instance.password}
        subprocess.run([*command, "init"], env=env, check=True, capture_output=True)
        env["SHARDVAULT_FAILPOINTS"] = "backup.discovered=stop@1"
        if verb == "check":
            instance.freeze()
        process = subprocess.Popen([*command, verb], env=env, stderr=subprocess.PIPE, text=True)
        if verb == "backup":
            os.waitpid(process.pid, os.WUNTRACED)  # the cut is taken; the dump comes next
            instance.freeze()
            process.send_signal(signal.SIGCONT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=2)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=LEAVE_LIMIT_S)
        assert process.returncode == 130
        assert "Traceback" not in told
    finally:
        instance.thaw()
        instance.destroy()
