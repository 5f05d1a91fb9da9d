"""Commands that run side by side on one computer share what it remembers, and lose no backup."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shardvault import app, failpoints
from shardvault.repository.heads import HeadMemory
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import create_repository, open_repository
from shardvault.storage.local import LocalStorage
from tests.integration.operations_support import Result, finish, run_all, start_program, wipe
from tests.support.binaries import PROJECT
from tests.support.fleet import Fleet, write_fleet_file
from tests.support.servers import Instance

PROCESSES = 8
COMMANDS = 6
"""Of each process."""
TAMPERED = 15
SLOW = "repo.log_listed=sleep:0.01"
"""Widens the time between the list of the log and what follows."""


def _append_side_by_side(folder: Path, fail_at: str) -> tuple[list[int], str]:
    """Let processes append to one log; return their exit codes and what they printed."""
    repository, key, state = folder / "repository", folder / "repo.key", folder / "state"
    memory = HeadMemory(state / "heads", str(repository))
    create_repository(LocalStorage(repository), key, memory=memory)
    environment = os.environ | {"PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}
    environment[failpoints.VARIABLE] = fail_at
    command = [sys.executable, "-m", "tests.support.appending"]
    command += [str(repository), str(key), str(state), str(COMMANDS)]
    children = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    printed = [child.communicate(timeout=120)[0] for child in children]
    return [child.returncode for child in children], "".join(printed)


def test_eight_processes_that_share_a_state_folder_raise_no_alarm(tmp_path: Path) -> None:
    codes, printed = _append_side_by_side(tmp_path, SLOW)
    assert codes == [0] * PROCESSES, printed
    memory = HeadMemory(tmp_path / "state" / "heads", str(tmp_path / "repository"))
    key = read_key_file(tmp_path / "repo.key")
    opened = open_repository(LocalStorage(tmp_path / "repository"), key)
    seen = memory.recall()
    assert len(opened.log.read()) == 1 + PROCESSES * COMMANDS
    assert seen is not None
    assert (seen.number, seen.digest) == (opened.log.head.number, opened.log.head.digest)


def test_the_control_alarms_when_the_head_is_recalled_after_the_list(tmp_path: Path) -> None:
    codes, printed = _append_side_by_side(tmp_path, f"{SLOW};repo.head_first=off")
    assert TAMPERED in codes
    assert "the repository went back to an older state" in printed


class Fleets:
    """Hold fleets of one shard each that back up into one repository."""

    def __init__(self, folder: Path, shards: Fleet) -> None:
        self.folder, self.repository = folder, folder / "repository"
        self.configs = [self._write(f"fleet{n}", i) for n, i in enumerate(shards.instances)]
        app.init(self.configs[0])

    def _write(self, name: str, instance: Instance) -> str:
        password = self.folder / f"{name}.password"
        password.touch(mode=0o600)
        password.write_text(instance.password)
        path = write_fleet_file(
            self.folder / f"{name}.yaml",
            {"s0": instance},
            user=instance.user,
            password={"file": str(password)},
            name=name,
            repository=self.repository,
            key=self.folder / "key",
        )
        return str(path)

    def back_up_together(self) -> list[Result]:
        """Take a backup of each fleet at the same time."""
        words = ("backup", "--format", "json", "--config")
        return [
            finish(one)
            for one in [start_program(*words, path, fail_at=SLOW) for path in self.configs]
        ]


def test_four_fleets_that_back_up_in_the_same_second_lose_no_backup(
    tmp_path: Path, mariadb_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    wipe(*mariadb_fleet.instances)
    for instance in mariadb_fleet.instances:
        run_all(instance, "CREATE DATABASE d", "CREATE TABLE d.t SELECT 1 AS n")
    fleets = Fleets(tmp_path, mariadb_fleet)
    results = fleets.back_up_together()
    assert [result.code for result in results] == [0] * 4, "".join(one.err for one in results)
    listed = {one.id for one in app.list_backups(fleets.configs[0]).backups}
    assert listed == {result.report["id"] for result in results}
    assert len(listed) == 4
