from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.binaries import PROJECT

LIMIT_S = 120
ROWS = "1000"
PROOFS = ("repository", "contents", "chain", "money", "counters", "broadcast", "accounts")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Give a folder with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="sv-"))
    yield folder
    shutil.rmtree(folder)


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "demo", "--rows", ROWS, *options]


def environment(temporary: Path, failpoints: str = "") -> dict[str, str]:
    paths = {"PYTHONPATH": str(PROJECT / "src"), "TMPDIR": str(temporary)}
    return os.environ | paths | {"SHARDVAULT_FAILPOINTS": failpoints}


def run_demo(
    temporary: Path, *options: str, failpoints: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options),
        cwd=PROJECT,
        env=environment(temporary, failpoints),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@contextmanager
def started_demo(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(),
        cwd=PROJECT,
        env=environment(temporary),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def list_processes(folder: Path) -> list[str]:
    """List the processes that work in a folder or name it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            text = (entry / "cmdline").read_bytes().decode(errors="replace")
            text += os.readlink(entry / "cwd")
        except OSError:
            continue  # it has ended, or it is the kernel's own
        if str(folder) in text:
            found.append(text)
    return found


def assert_nothing_is_left(temporary: Path) -> None:
    assert list_processes(temporary) == []
    assert list(temporary.iterdir()) == []


def test_the_demo_holds_every_proof_and_leaves_nothing_behind(temporary: Path) -> None:
    done = run_demo(temporary)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in PROOFS:
        assert f"   ok     {name}" in done.stdout
    for evidence in ("barrier      held ", "tickets 1..", "B = ΣBᵢ, R = ΣRᵢ", "All 7 proofs hold"):
        assert evidence in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert_nothing_is_left(temporary)


def test_without_the_barrier_the_demo_finds_the_chain_broken(temporary: Path) -> None:
    done = run_demo(temporary, failpoints="cut.barrier=off;cut.some_locked=sleep:0.02")
    assert done.returncode == 1
    assert "   FAILED chain" in done.stdout
    assert "   ok     contents" in done.stdout
    assert "\nFAILED: chain" in done.stdout
    assert_nothing_is_left(temporary)


def test_a_step_that_fails_ends_the_demo_and_is_named(temporary: Path) -> None:
    done = run_demo(temporary, failpoints="backup.before_manifest=error")
    assert done.returncode == 1
    assert "demo: shardvault backup: failpoint backup.before_manifest" in done.stderr
    assert "Traceback" not in done.stderr
    assert_nothing_is_left(temporary)


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "1. A sharded shop"),
        (signal.SIGTERM, "$ shardvault backup"),
        (signal.SIGINT, "$ shardvault restore"),
    ],
)
def test_an_interrupted_demo_leaves_nothing_behind(
    temporary: Path, number: signal.Signals, moment: str
) -> None:
    with started_demo(temporary) as process:
        assert process.stdout is not None
        assert any(moment in line for line in process.stdout)
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(LIMIT_S) == 130, rest
    assert "Traceback" not in rest
    assert_nothing_is_left(temporary)


def test_a_kept_demo_can_be_reached_and_stopped(temporary: Path) -> None:
    done = run_demo(temporary, "--keep")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = temporary.iterdir()
    try:
        logins = [line for line in done.stdout.splitlines() if "mariadb --defaults" in line]
        assert len(logins) == 6
        for login in logins:
            words = ["sh", "-c", login.partition("#")[0] + " -e 'SELECT 1'"]
            subprocess.run(words, cwd=folder, check=True, capture_output=True)
    finally:
        subprocess.run(["sh", "stop"], cwd=folder, check=True)
    assert_nothing_is_left(temporary)
