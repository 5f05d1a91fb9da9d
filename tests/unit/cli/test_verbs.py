from __future__ import annotations

import json
from dataclasses import asdict
from unittest.mock import Mock

import pytest

from shardvault.cli.output import use_color
from shardvault.cli.settings import Settings
from shardvault.errors import UnknownBackup
from shardvault.model.target import Scope
from tests.unit.cli import samples
from tests.unit.cli.conftest import Run

COMMANDS = {
    "init": ("init",),
    "check": ("check",),
    "backup": ("backup",),
    "list_backups": ("list",),
    "show": ("show", samples.ID),
    "verify": ("verify", samples.ID),
    "probe": ("repo", "probe"),
    "restore": ("restore", samples.ID),
    "plan_restore": ("restore", samples.ID, "--dry-run"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_json_is_one_object_with_the_fields_of_the_report(
    run: Run, doubles: dict[str, Mock], name: str
) -> None:
    outcome = run(*COMMANDS[name], "--format", "json")
    assert len(outcome.out.splitlines()) == 1
    assert outcome.json == json.loads(json.dumps(asdict(doubles[name].return_value)))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_table_says_what_the_report_says(run: Run, doubles: dict[str, Mock], name: str) -> None:
    outcome = run(*COMMANDS[name])
    special = {
        "init": "/etc/shardvault/shop.key",
        "check": "binlog expiry",
        "probe": "race of 16 writers",
    }
    expected = special.get(name, samples.ID)
    assert expected in outcome.out
    assert "\x1b" not in outcome.out


@pytest.mark.parametrize("name", COMMANDS)
def test_quiet_leaves_only_the_report(run: Run, doubles: dict[str, Mock], name: str) -> None:
    outcome = run(*COMMANDS[name], "--quiet")
    assert outcome.out
    assert not outcome.err


@pytest.mark.parametrize("name", COMMANDS)
def test_the_configuration_reaches_the_operation(
    run: Run, doubles: dict[str, Mock], name: str
) -> None:
    run("-c", "shop.yaml", *COMMANDS[name])
    assert "shop.yaml" in doubles[name].call_args.args


def test_a_backup_gets_its_scope_and_threads(run: Run, doubles: dict[str, Mock]) -> None:
    words = "backup -j 3 --scope orders,shop.a* --tables `a,b`.c --shards s0,s1 --exclude x,,y"
    losses = "--allow-loss json-types,history --allow-loss data-directory"
    assert run(*words.split(), *losses.split()).code == 0
    given = doubles["backup"].call_args.kwargs
    assert given["scope"] == Scope(("s0", "s1"), ("orders", "shop.a*", "`a,b`.c"), ("x", "y"))
    assert given["threads"] == 3
    assert given["allow_loss"] == ("json-types", "history", "data-directory")


def test_a_restore_gets_every_option(run: Run, doubles: dict[str, Mock]) -> None:
    words = "restore latest --target b.yaml --map s0=t3 --map s1=t4,s2=t5 --tables orders"
    flags = "--replace --source-fleet shop --with-accounts -y -j 2 --rename shop=a,s0/`x=y`=`b=c`"
    more: tuple[str, ...] = ("--events", "off", "--limit-download", "20MiB", "--skip-damaged")
    more += ("--schema-only", "--definer", "skip")
    chosen = ("--repository", "offsite")
    assert run(*words.split(), *flags.split(), *more, *chosen).code == 0
    call = doubles["restore"].call_args
    given = {name: value for name, value in call.kwargs.items() if name != "sink"}
    assert call.args == ("latest", None)
    assert given == {
        "target": "b.yaml",
        "repository": "offsite",
        "skip_damaged": True,
        "schema_only": True,
        "definers": ("skip",),
        "mapping": {"s0": "t3", "s1": "t4", "s2": "t5"},
        "rename": {"shop": "a", "s0/`x=y`": "`b=c`"},
        "scope": Scope(include=("orders",)),
        "replace": True,
        "confirm_source": "shop",
        "with_accounts": True,
        "events_on": False,
        "download_bytes_s": 20 * 1024**2,
        "threads": 2,
    }


@pytest.mark.parametrize("word", ["s0", "s0=", "=t0", "s0=t0,s0=t1"])
def test_a_senseless_map_is_refused(run: Run, doubles: dict[str, Mock], word: str) -> None:
    outcome = run("restore", "latest", "--map", word)
    assert outcome.code == 2
    assert "--map" in outcome.err
    doubles["restore"].assert_not_called()


@pytest.mark.parametrize("word", ["shop", "shop=", "=new", "a=b,a=c", "a=b=c", "`a=b"])
def test_a_senseless_rename_is_refused(run: Run, doubles: dict[str, Mock], word: str) -> None:
    outcome = run("restore", "latest", "--rename", word)
    assert outcome.code == 2
    assert "--rename" in outcome.err
    doubles["restore"].assert_not_called()


def test_a_dry_run_restores_nothing(run: Run, doubles: dict[str, Mock]) -> None:
    assert run("restore", "latest", "--dry-run", "--replace").code == 0
    doubles["plan_restore"].assert_called_once()
    doubles["restore"].assert_not_called()


def test_a_dry_run_with_a_blocker_exits_with_1(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["plan_restore"].return_value = samples.plan_report(samples.BLOCKER)
    outcome = run("restore", "latest", "--dry-run")
    assert outcome.code == 1
    assert "blocked" in outcome.out


def test_a_blocked_check_exits_with_3(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["check"].return_value = samples.check_report(samples.BLOCKER, status="blocked")
    outcome = run("check")
    assert outcome.code == 3
    assert samples.BLOCKER.remedy in outcome.out


def test_a_check_with_warnings_exits_with_0(run: Run, doubles: dict[str, Mock]) -> None:
    assert run("check").code == 0


def test_a_damaged_backup_exits_with_15(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["verify"].return_value = samples.verify_report(samples.BLOCKER)
    assert run("verify", "latest").code == 15


def test_a_restore_that_is_not_verified_exits_with_15(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["restore"].return_value = samples.restore_report(verified=False, status="findings")
    assert run("restore", "latest").code == 15


@pytest.mark.parametrize("name", ["backup", "restore"])
def test_findings_exit_with_3(run: Run, doubles: dict[str, Mock], name: str) -> None:
    doubles[name].return_value = samples.restore_report(status="findings")
    outcome = run(*COMMANDS[name], "--format", "json")
    assert outcome.code == 3
    assert outcome.json["status"] == "findings"


def test_an_unreadable_manifest_makes_list_exit_with_3(run: Run, doubles: dict[str, Mock]) -> None:
    assert run("list").code == 3


def test_an_empty_catalog_says_how_to_begin(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["list_backups"].return_value = type(samples.catalog_report())(())
    outcome = run("list")
    assert outcome.code == 0
    assert "shardvault backup" in outcome.out


@pytest.mark.parametrize(
    ("word", "variable", "is_terminal", "is_colored"),
    [
        ("always", "NO_COLOR=1", False, True),
        ("never", "TERM=xterm", True, False),
        ("auto", "TERM=xterm", True, True),
        ("auto", "TERM=xterm", False, False),
        ("auto", "TERM=dumb", True, False),
        ("auto", "NO_COLOR=1", True, False),
    ],
)
def test_colors_follow_from_option_environment_and_terminal(
    word: str,
    variable: str,
    is_terminal: bool,
    is_colored: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(*variable.split("="))
    stream = Mock(isatty=lambda: is_terminal)
    assert use_color(Settings(color=word), stream) is is_colored


def test_a_colored_report_is_colored(run: Run, doubles: dict[str, Mock]) -> None:
    assert "\x1b[33mwarning" in run("check", "--color=always").out


def test_version_names_the_kernel(run: Run) -> None:
    assert run("version", "--format", "json").json["kernel"] in {"native", "pure"}
    assert "kernel" in run("version").out
    assert run("--version").out.startswith("shardvault ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    outcome = run("completion", shell)
    assert outcome.code == 0
    assert f"_SHARDVAULT_COMPLETE={shell}_complete" in outcome.out


def test_a_shell_that_asks_is_told_the_commands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SHARDVAULT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "shardvault re")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run().out.split() == ["plain,restore", "plain,repo"]


def test_an_error_of_the_operation_is_the_commands_error(
    run: Run, doubles: dict[str, Mock]
) -> None:
    doubles["show"].side_effect = UnknownBackup("no backup 'x'", hint="did you mean 'y'?")
    outcome = run("show", "x")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "shardvault: error: no backup 'x'\n  did you mean 'y'?\n"


@pytest.mark.parametrize(
    ("words", "name", "option"),
    [
        (("backup", "--limit-upload", "512K"), "backup", "upload_bytes_s"),
        (("verify", samples.ID, "--limit-download", "512K"), "verify", "download_bytes_s"),
    ],
)
def test_a_bound_on_bytes_per_second_reaches_the_operation(
    run: Run, doubles: dict[str, Mock], words: tuple[str, ...], name: str, option: str
) -> None:
    run(*words)
    assert doubles[name].call_args.kwargs[option] == 512 * 1024


@pytest.mark.parametrize("size", ["fast", "0", "-1M", ""])
def test_a_senseless_size_is_refused(run: Run, doubles: dict[str, Mock], size: str) -> None:
    outcome = run("backup", "--limit-upload", size)
    assert outcome.code == 2
    assert "--limit-upload" in outcome.err
    doubles["backup"].assert_not_called()


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warnings", 0), ("unfit", 3)])
def test_a_probe_exits_with_3_only_if_the_store_is_unfit(
    run: Run, doubles: dict[str, Mock], status: str, code: int
) -> None:
    doubles["probe"].return_value = samples.probe_report(status)
    assert run("repo", "probe", "s3://bucket/shop").code == code
    assert doubles["probe"].call_args.kwargs == {"url": "s3://bucket/shop"}
