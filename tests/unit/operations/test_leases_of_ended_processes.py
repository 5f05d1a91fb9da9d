"""A lease whose process has ended is not shown as alive."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shardvault.operations.leases import break_leases, list_leases
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import Repository, open_repository
from shardvault.storage.local import LocalStorage
from tests.support.repositories import make_repository

HOLD = """
import os, sys
from pathlib import Path
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import open_repository
from shardvault.storage.local import LocalStorage
folder = Path(sys.argv[1])
opened = open_repository(LocalStorage(folder / "repo"), read_key_file(folder / "repo.key"))
with opened.leases.hold("backup-x", "backup"):
    print("held", flush=True)
    sys.stdin.read()
os._exit(0)
"""


def opened_in(folder: Path) -> Repository:
    return open_repository(LocalStorage(folder / "repo"), read_key_file(folder / "repo.key"))


@pytest.mark.parametrize("is_killed", [True, False])
def test_only_a_process_that_runs_is_shown_as_alive(tmp_path: Path, is_killed: bool) -> None:
    make_repository(LocalStorage(tmp_path / "repo"), tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": "src"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        if is_killed:
            process.kill()
            process.wait()
        (entry,) = list_leases(opened_in(tmp_path)).leases
        assert entry.is_alive is not is_killed
        assert ("its process has ended" in entry.owner) is is_killed
        process.kill()
    (broken,) = break_leases(opened_in(tmp_path)).leases
    assert broken.is_broken
