"""What fails after the commit, or beside it, never turns done work into a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.errors import UnknownBackup
from tests.integration.operations_support import Lone, Vault, query, run_all
from tests.support.binaries import PROJECT
from tests.support.servers import Instance

SCHEMA = "done_stays"
LIMIT_S = 120
CLOSED = 'exec "$@" >&-'
NO_READER = '"$@" | head -c 0; exit "${PIPESTATUS[0]}"'
FULL = 'exec "$@" > /dev/full'
PLAIN = 'exec "$@"'


@dataclass(frozen=True)
class Done:
    """Hold how a command ended."""

    code: int
    out: bytes
    err: str


@dataclass
class Site:
    """Hold a repository with a copy, its fleet, a target and a state folder of its own."""

    vault: Vault
    target: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, script: str, *words: str, **environment: str) -> Done:
        """Run the program by a shell script that bends its streams."""
        command = [sys.executable, "-m", "shardvault", *words, "--config", self.vault.config]
        done = subprocess.run(
            ["/bin/bash", "-c", script, "bash", *command],
            env=os.environ | self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=LIMIT_S,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def spoil_state(self) -> None:
        """Make the state folder so that nothing can be remembered, also not by root."""
        heads = self.folder / "state" / "heads"
        for path in heads.glob("*.lock"):
            path.unlink()
            path.mkdir()

    @property
    def listed(self) -> list[str]:
        """Give the ids that are listed."""
        done = self.run(PLAIN, "list", "--format", "json", "-q")
        assert done.code == 0, done.err
        return [one["id"] for one in json.loads(done.out)["backups"]]


@pytest.fixture
def site(mariadb: Instance, mariadb118: Instance, tmp_path: Path) -> Iterator[Site]:
    clear(mariadb, mariadb118)
    run_all(
        mariadb,
        f"CREATE DATABASE {SCHEMA}",
        f"CREATE TABLE {SCHEMA}.`tabélle Σ` (id INT PRIMARY KEY)",
        f"INSERT INTO {SCHEMA}.`tabélle Σ` VALUES (1)",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
        vault = Vault(tmp_path, Lone({"s0": mariadb}))
    target = vault.target(Lone({"s0": mariadb118}))
    state = {"SHARDVAULT_STATE": str(tmp_path / "state"), "PYTHONPATH": str(PROJECT / "src")}
    yield Site(vault, target, tmp_path, state)
    clear(mariadb, mariadb118)


def clear(*instances: Instance) -> None:
    for instance in instances:
        for name in (SCHEMA, "_shardvault"):
            run_all(instance, f"DROP DATABASE IF EXISTS {name}")


def commands(site: Site) -> Iterator[Sequence[str]]:
    """Give every command that commits something, each of which must succeed."""
    yield ("backup", "--tables", f"{SCHEMA}.*")
    (backup,) = site.listed
    yield ("verify", backup)
    yield ("keep", backup, "--reason", "é Σ")
    yield ("policy", "daily=7")
    yield ("key", "add", "--label", "two", "--file", str(site.folder / "two"))
    yield ("key", "add-source", "--label", "three", "--out", str(site.folder / "three"))
    yield ("key", "remove", "three", "--yes")
    yield ("restore", backup, "--target", site.target)
    yield ("prune",)


def assert_all_done(site: Site, target: Instance) -> None:
    """Prove that each of the commands did its work."""
    done = site.run(PLAIN, "policy", "--format", "json", "-q")
    report = json.loads(done.out)
    assert report["policy"] == "daily=7", report
    assert list(report["holds"]) == site.listed
    keys = json.loads(site.run(PLAIN, "key", "list", "--format", "json", "-q").out)["keys"]
    assert [key["label"] for key in keys if key["label"] == "two"] == ["two"]
    assert query(target, f"SELECT id FROM {SCHEMA}.`tabélle Σ`") == [(1,)]
    assert query(target, r"SHOW DATABASES LIKE '\_shardvault'") == []
    found = json.loads(site.run(PLAIN, "list", "--format", "json", "-q").out)
    assert [one["is_verified"] for one in found["backups"]] == [True]


def test_every_command_ends_with_success_when_report_and_memory_cannot_be_written(
    site: Site, mariadb118: Instance
) -> None:
    site.spoil_state()
    for words in commands(site):
        done = site.run(FULL, *words)
        assert done.code == 0, (words, done.err)
        assert "notice: the work is done, but not its report" in done.err
        assert done.err.count("cannot remember the state") <= 1
    assert_all_done(site, mariadb118)


@pytest.mark.parametrize("script", [CLOSED, NO_READER], ids=["closed", "no reader"])
def test_an_output_that_is_gone_ends_quietly_with_the_code_of_the_work(
    site: Site, script: str
) -> None:
    done = site.run(script, "policy", "daily=7")
    assert (done.code, done.err) == (0, "")
    assert b"daily=7" in site.run(PLAIN, "policy").out
    assert site.run(script, "show", "nothing").code == UnknownBackup.exit_code


def test_an_output_that_holds_ascii_only_is_written_in_ascii(site: Site) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = site.run(PLAIN, "backup", "--tables", f"{SCHEMA}.*", **ascii_only)
    assert (done.code, done.out.isascii()) == (0, True)
    assert b"B = sum B_i" in done.out
    done = site.run(PLAIN, "keep", *site.listed, "--reason", "é Σ…", **ascii_only)
    assert (done.code, done.out.isascii()) == (0, True)
    assert rb"\xe9 sum ..." in done.out


def test_a_state_folder_that_cannot_be_written_is_a_notice(site: Site) -> None:
    site.spoil_state()
    for words in (("policy", "daily=7"), ("policy",)):
        done = site.run(PLAIN, *words)
        assert (done.code, b"daily=7" in done.out) == (0, True)
    assert "notice: cannot remember the state" in done.err


def test_a_notice_is_an_event_for_programs(site: Site) -> None:
    site.spoil_state()
    done = site.run(PLAIN, "policy", "daily=7", "--format", "json")
    assert done.code == 0
    (event,) = [json.loads(line) for line in done.err.splitlines()]
    assert event["event"] == "noticed"
    assert "cannot remember the state" in event["message"]


def spoil_output(_: Site) -> str:
    return FULL


def spoil_state(site: Site) -> str:
    site.spoil_state()
    return PLAIN


@pytest.mark.parametrize("spoil", [spoil_output, spoil_state])
def test_without_this_safety_done_work_is_reported_as_failed(
    site: Site, spoil: Callable[[Site], str]
) -> None:
    off = {failpoints.VARIABLE: "done.stays_done=off"}
    assert site.run(spoil(site), "policy", "daily=7", **off).code == 1
    assert b"daily=7" in site.run(PLAIN, "policy").out


def test_a_list_that_cannot_be_written_is_a_failure(site: Site) -> None:
    done = site.run(FULL, "list")
    assert done.code == 1
    assert "cannot write the output" in done.err


def test_a_file_that_is_opened_later_never_takes_the_place_of_a_closed_stream(site: Site) -> None:
    done = site.run('exec "$@" <&- >&- 2>&-', "policy", "daily=7")
    assert done.code == 0
    assert b"daily=7" in site.run(PLAIN, "policy").out


def test_an_unknown_home_folder_is_an_error_of_usage(site: Site) -> None:
    script = 'unset HOME SHARDVAULT_STATE XDG_STATE_HOME; exec "$@"'
    program = (
        "import os, pwd\n"
        "def unknown(_): raise KeyError\n"
        "pwd.getpwuid = unknown\n"
        "from shardvault.cli.program import run_program\n"
        f"raise SystemExit(run_program(['list', '--config', {site.vault.config!r}]))\n"
    )
    done = subprocess.run(
        ["/bin/bash", "-c", script, "bash", sys.executable, "-c", program],
        env=os.environ | site.environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 2
    assert "SHARDVAULT_STATE" in done.stderr
