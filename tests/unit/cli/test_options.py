from __future__ import annotations

from unittest.mock import Mock

import click
import pytest

from shardvault.cli.program import COMMANDS
from shardvault.cli.settings import Settings, global_options
from shardvault.cli.verbs import Program
from shardvault.cli.words import split_words
from tests.unit.cli.conftest import Run

WORDS: dict[str, tuple[str, object]] = {
    "config": ("--config=a.yaml", "a.yaml"),
    "format": ("--format=json", "json"),
    "quiet": ("-q", True),
    "verbose": ("-v", True),
    "color": ("--color=always", "always"),
    "no_progress": ("--no-progress", True),
    "threads": ("-j7", 7),
    "yes": ("--yes", True),
}


def read_settings(*arguments: str) -> Settings:
    """Give the settings that a command sees."""
    seen: list[Settings] = []

    @click.group(cls=Program)
    def group() -> None: ...

    @group.command("look", cls=type(COMMANDS[0]))
    @click.pass_obj
    def look(settings: Settings) -> None:
        seen.append(settings)

    with group.make_context("shardvault", list(arguments), obj=Settings()) as context:
        group.invoke(context)
    return seen[0]


@pytest.mark.parametrize("name", WORDS)
def test_an_option_counts_before_and_after_the_command(name: str) -> None:
    word, value = WORDS[name]
    assert getattr(read_settings(word, "look"), name) == value
    assert getattr(read_settings("look", word), name) == value
    assert getattr(read_settings("look"), name) == getattr(Settings(), name)


@pytest.mark.parametrize("name", WORDS)
def test_an_option_counts_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = WORDS[name][1]
    text = "1" if value is True else str(value)
    monkeypatch.setenv(f"SHARDVAULT_{name.upper()}", text)
    assert getattr(read_settings("look"), name) == value


def test_every_global_option_is_tried_here() -> None:
    assert [option.name for option in global_options(with_environment=True)] == list(WORDS)


def test_the_later_word_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARDVAULT_THREADS", "1")
    assert read_settings("look").threads == 1
    assert read_settings("-j2", "look").threads == 2
    assert read_settings("-j2", "look", "-j3").threads == 3
    assert read_settings("look", "-j3", "-j4").threads == 4


@pytest.mark.parametrize("word", ["0", "-1", "many"])
def test_threads_must_be_a_number_above_0(run: Run, word: str) -> None:
    outcome = run("backup", f"--threads={word}")
    assert outcome.code == 2
    assert "--threads" in outcome.err


def test_a_wrong_value_in_the_environment_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDVAULT_FORMAT", "xml")
    outcome = run("version")
    assert outcome.code == 2
    assert "SHARDVAULT_FORMAT" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("bakup",), "did you mean 'backup'?"),
        (("frobnicate",), "commands are: init, check, backup,"),
        (("backup", "--tabels", "x"), "did you mean --tables?"),
        (("--frmat", "json", "list"), "did you mean --format?"),
        (("list", "--qqqqq"), "shardvault list --help"),
        (("restore",), "see shardvault restore --help"),
        (("list", "surplus"), "see shardvault list --help"),
        ((), "see shardvault --help"),
    ],
)
def test_a_wrong_word_exits_with_2_and_helps(
    run: Run, doubles: dict[str, Mock], arguments: tuple[str, ...], hint: str
) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    first, second = outcome.err.splitlines()
    assert first.startswith("shardvault: error: ")
    assert hint in second
    assert not any(double.called for double in doubles.values())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_every_command_has_help(run: Run, command: click.Command) -> None:
    outcome = run(str(command.name), "--help")
    assert outcome.code == 0
    assert "Global options:" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_the_help_lists_commands_in_the_order_of_use(run: Run) -> None:
    listed = [line.split()[0] for line in run("-h").out.split("Commands:\n")[1].splitlines()]
    assert listed == [command.name for command in COMMANDS]


def test_words_are_split_at_commas_outside_backticks() -> None:
    assert split_words(["a, b", "`c,``d`.e,f", ",", "g`"]) == ("a", "b", "`c,``d`.e", "f", "g`")
