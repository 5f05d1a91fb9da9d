from __future__ import annotations

from unittest.mock import Mock

import click
import pytest

from shardvault import errors
from shardvault.errors import Interrupted, ServerError, ShardvaultError
from tests.unit.cli import samples
from tests.unit.cli.conftest import Run

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ShardvaultError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_exits_with_the_code_of_its_class(
    run: Run, doubles: dict[str, Mock], kind: type[ShardvaultError]
) -> None:
    doubles["backup"].side_effect = kind("it broke", shard="s3", table="a.b", hint="mend it")
    outcome = run("backup", "--format", "json", "-q")
    sort = "" if kind is Interrupted else "error: "
    assert outcome.code == kind.exit_code
    assert outcome.err == f"shardvault: {sort}shard s3: table a.b: it broke\n  mend it\n"
    assert outcome.json == {
        "error": {
            "kind": kind.__name__,
            "message": "it broke",
            "shard": "s3",
            "table": "a.b",
            "hint": "mend it",
            "exit_code": kind.exit_code,
        }
    }


def test_an_error_without_a_hint_is_one_line(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["list_backups"].side_effect = ShardvaultError("it broke")
    assert run("list").err == "shardvault: error: it broke\n"


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_one_line_and_130(
    run: Run, doubles: dict[str, Mock], stop: BaseException
) -> None:
    doubles["backup"].side_effect = stop
    outcome = run("backup", "-v")
    assert (outcome.code, outcome.err) == (130, "shardvault: interrupted\n")


def test_an_interrupt_is_told_to_programs(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["backup"].side_effect = KeyboardInterrupt()
    outcome = run("backup", "--format", "json")
    assert outcome.json["error"]["kind"] == "Interrupted"
    assert outcome.json["error"]["exit_code"] == 130


def test_an_unforeseen_error_shows_no_traceback(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["backup"].side_effect = ZeroDivisionError("division by zero")
    outcome = run("backup", "--format", "json")
    assert outcome.code == 1
    assert outcome.err.startswith(
        "shardvault: error: internal error: ZeroDivisionError: division by zero\n  "
    )
    assert "Traceback" not in outcome.err
    assert outcome.json["error"]["kind"] == "InternalError"


def test_an_unforeseen_error_shows_its_traceback_with_v(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["backup"].side_effect = ZeroDivisionError(samples.EVIL)
    outcome = run("backup", "-v")
    assert outcome.code == 1
    assert "Traceback" in outcome.err
    assert "\x1b" not in outcome.err


def test_an_error_of_the_system_names_the_file(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["init"].side_effect = PermissionError(13, "Permission denied", "/var/backups")
    outcome = run("init", "-q")
    assert outcome.code == 1
    assert outcome.err == "shardvault: error: /var/backups: Permission denied\n"


def test_an_error_of_the_system_may_have_no_file(run: Run, doubles: dict[str, Mock]) -> None:
    doubles["init"].side_effect = TimeoutError("timed out")
    assert run("init", "-q").err == "shardvault: error: timed out\n"


def test_a_usage_error_is_json_too(run: Run) -> None:
    outcome = run("--format", "json", "bakup")
    assert outcome.code == 2
    assert outcome.json["error"]["hint"] == "did you mean 'backup'?"


def test_only_the_first_line_of_an_error_begins_at_the_margin(
    run: Run, doubles: dict[str, Mock]
) -> None:
    message = f"one\nshardvault: backup {samples.EVIL}"
    doubles["backup"].side_effect = ServerError(message, hint="two\nthree", shard=samples.EVIL)
    outcome = run("backup", "-q")
    first, *others = outcome.err.splitlines()
    assert first.startswith("shardvault: error: shard a`b")
    assert others
    assert all(line.startswith("  ") for line in others)
    assert all(line.isprintable() for line in (first, *others))
