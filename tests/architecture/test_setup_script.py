"""Prove what the set-up script does on machines where packages, root or sudo are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import PROJECT

_INSTALL = "apt-get install -y -q --no-install-recommends --no-remove gcc libc6-dev"
_REAL = ("bash", "dirname", "env")


class Machine:
    """Pretend a machine without compiler whose package tools only note what they are told.

    Args:
        folder: holds the programs of the machine.
        user_id: who runs the script.
        is_known: whether apt has an index of packages.
    """

    def __init__(self, folder: Path, *, user_id: int, is_known: bool = True) -> None:
        self._folder = folder
        self._log = folder / "log"
        self._log.touch()
        for name in _REAL:
            (folder / name).symlink_to(shutil.which(name) or name)
        self.add("id", f"echo {user_id}")
        self.add("apt-get", f'echo "apt-get $*" >> {self._log}')
        self.add("apt-cache", "echo known" if is_known else "true")
        for name in ("python3", "mariadbd", "mariadb"):
            self.add(name, "true")

    def add(self, name: str, command: str) -> None:
        """Install a program that runs one command."""
        program = self._folder / name
        program.write_text(f"#!/bin/bash\n{command}\n")
        program.chmod(0o755)

    def set_up(self) -> subprocess.CompletedProcess[str]:
        """Run the script on this machine."""
        return subprocess.run(
            ["/bin/bash", PROJECT / "scripts/setup.sh", "packages", "run"],
            env={**os.environ, "PATH": str(self._folder), "PYTHON": "python3"},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """Return the calls of apt-get, in order."""
        return self._log.read_text().splitlines()


def test_a_missing_package_is_named_and_then_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user_id=0)
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    assert "gcc: compiles the kernel" in done.stdout
    assert machine.calls == [_INSTALL]


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user_id=0)
    machine.add("gcc", "true")
    done = machine.set_up()
    assert (done.returncode, done.stdout, machine.calls) == (0, "", [])


def test_the_index_is_fetched_once_where_apt_knows_no_packages(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user_id=0, is_known=False)
    assert machine.set_up().returncode == 0
    assert machine.calls == ["apt-get -qq update", _INSTALL]


def test_sudo_is_used_by_others_than_root_and_is_announced(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user_id=1000)
    machine.add("sudo", '"$@"')
    done = machine.set_up()
    assert f"as root: sudo {_INSTALL}" in done.stdout
    assert machine.calls == [_INSTALL]


def test_without_sudo_the_command_to_run_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user_id=1000)
    done = machine.set_up()
    assert done.returncode == 1
    assert f"run as root: {_INSTALL}" in done.stderr
    assert machine.calls == []


def test_a_failed_installation_fails_the_set_up(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user_id=0)
    machine.add("apt-get", "exit 100")
    done = machine.set_up()
    assert done.returncode == 1
    assert f"try as root: apt-get update && {_INSTALL}" in done.stderr


@pytest.mark.parametrize("words", [[], ["no-such-step"], ["packages", "no-such-group"]])
def test_an_unknown_word_is_refused(words: list[str]) -> None:
    command = ["bash", str(PROJECT / "scripts/setup.sh"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "called" in done.stderr
