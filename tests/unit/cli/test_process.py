"""What only a process of its own shows: signals, pipes, imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shardvault.cli.program import COMMANDS

HEAVY = {"blake3", "cryptography", "msgspec", "pydantic", "pymysql", "rich", "ruamel", "xxhash"}
LIMIT_S = 60

# Stands in for shardvault.app: it says when it runs, and sleeps until it is stopped.
SLEEPER = """
import sys, time
import shardvault.model.report

def _sleep(*args, **kwargs):
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(600)
"""
WAITING = SLEEPER + "\nbackup = list_backups = _sleep\n"
IMPORTING = SLEEPER + "\n_sleep()\n"
LISTING = """
from shardvault.model.report import CatalogReport

def list_backups(config=None, *, repository=None, tags=()):
    return CatalogReport((), tuple(f"backup {n}" for n in range(100_000)))
"""
# A shell that starts tests in the background may have told them to ignore Ctrl-C.
LAUNCHER = """
import importlib.util, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "shardvault.app":
            return importlib.util.spec_from_file_location(name, {app!r})

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
from shardvault.cli.main import main
sys.exit(main())
"""


@contextmanager
def start(folder: Path, app: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program with another shardvault.app."""
    (folder / "other_app.py").write_text(app)
    code = LAUNCHER.format(app=str(folder / "other_app.py"))
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("app", [WAITING, IMPORTING], ids=["running", "importing"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_with_130_and_one_line(
    tmp_path: Path, app: str, number: signal.Signals
) -> None:
    with start(tmp_path, app, "list", "-v") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "asleep\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out, err) == (130, "", "shardvault: interrupted\n")


def test_a_signal_during_a_backup_is_told_to_programs(tmp_path: Path) -> None:
    with start(tmp_path, WAITING, "backup", "--format", "json", "-q") as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert json.loads(out)["error"]["exit_code"] == 130


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path, form: str) -> None:
    with start(tmp_path, LISTING, "list", "--format", form) as process:
        assert process.stdout is not None
        assert process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(LIMIT_S) == 3


@pytest.mark.parametrize("arguments", [("--help",), ("version",)])
def test_output_that_nobody_reads_is_no_error(arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run_module(*arguments, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_output_on_a_full_disk_is_an_error() -> None:
    with open("/dev/full", "w") as full:
        done = run_module("version", stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr == ("shardvault: error: cannot write the output: No space left on device\n")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("version",), *((str(c.name), "--help") for c in COMMANDS)]
)
def test_an_answer_that_needs_no_library_imports_none(arguments: tuple[str, ...]) -> None:
    assert not imported_by(*arguments) & HEAVY


def test_a_command_that_needs_libraries_imports_them() -> None:
    assert imported_by("-c", "/nonexistent.yaml", "list") & HEAVY


def test_importing_the_package_imports_no_library() -> None:
    code = "import shardvault, sys; print(*(m for m in sys.modules if m.startswith('shardvault.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def run_module(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run ``python -m shardvault``."""
    return subprocess.run(
        [sys.executable, "-m", "shardvault", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def imported_by(*arguments: str) -> set[str]:
    """Give the top names of all modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "shardvault", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    names = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "shardvault.cli.program" in names
    return {name.split(".")[0] for name in names}
