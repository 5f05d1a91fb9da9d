"""Prove that what the README tells people to type exists and is right."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from pathlib import Path

import click
import pytest

import shardvault
from shardvault.cli.program import program
from shardvault.config.load import load_config
from shardvault.fleet.privileges import Purpose, needed_privileges
from shardvault.model.position import Family
from tests.architecture.source import PROJECT

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = (PROJECT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """List the fenced blocks of a language, ``""`` for those without."""
    return [text for name, text in _FENCED.findall(README) if name == language]


def commands() -> list[list[str]]:
    lines = "".join(blocks("")).splitlines()
    return [
        shlex.split(line, comments=True)[1:] for line in lines if line.startswith("shardvault ")
    ]


@pytest.mark.parametrize(
    ("family", "version"),
    [
        (Family.MARIADB, (10, 11, 0)),
        (Family.MARIADB, (11, 8, 0)),
        (Family.MYSQL, (8, 4, 0)),
        (Family.MYSQL, (9, 7, 0)),
    ],
)
def test_the_readme_grants_just_what_a_backup_needs(
    family: Family, version: tuple[int, int, int]
) -> None:
    needed = needed_privileges(family, version, Purpose.BACKUP)
    names = ", ".join(privilege.name for privilege in needed)
    assert any(f"\nGRANT {names} ON *.* TO backup@" in block for block in blocks("sql"))


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_of_the_readme_can_be_parsed(arguments: list[str]) -> None:
    command: click.Command = program
    while isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    context = click.Context(command, obj=None, resilient_parsing=True)
    assert command.make_parser(context).parse_args(arguments)[1] == []


def test_the_readme_shows_the_first_backup_in_five_commands() -> None:
    assert [words[0] for words in commands()[:5]] == ["init", "check", "backup", "verify", "list"]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_configuration_of_the_readme_can_be_loaded(text: str, tmp_path: Path) -> None:
    path = tmp_path / "shardvault.yaml"
    path.write_text(text, "utf-8")
    assert load_config(path).fleet.shards


def test_the_python_of_the_readme_calls_what_there_is() -> None:
    (code,) = blocks("python")
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    ours = [call for call in calls if ast.unparse(call.func).startswith("shardvault.")]
    assert len(ours) == 3
    for call in ours:
        function = getattr(shardvault, ast.unparse(call.func).partition(".")[2])
        keywords = {str(keyword.arg): None for keyword in call.keywords}
        inspect.signature(function).bind(*call.args, **keywords)
