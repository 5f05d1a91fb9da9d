from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from shardvault.model.report import Finding, Severity
from tests.unit.cli import samples
from tests.unit.cli.conftest import Outcome, Run

RESTORE = ("restore", "latest", "--target", "spare.yaml", "-q")


class Person:
    """Sit at the terminal and answer what is asked."""

    def __init__(self) -> None:
        self.answers: Iterator[str] = iter(())
        self.asked = 0

    def answer(self, _prompt: str = "") -> str:
        self.asked += 1
        return next(self.answers)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, doubles: dict[str, Mock]) -> Person:
    someone = Person()
    monkeypatch.setattr("shardvault.cli.consent.is_terminal", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", someone.answer)
    return someone


def replace_with(run: Run, person: Person, *answers: str, options: tuple[str, ...] = ()) -> Outcome:
    """Restore with --replace and give these answers."""
    person.answers = iter(answers)
    return run(*RESTORE, "--replace", *options)


def plan_has(doubles: dict[str, Mock], *findings: Finding) -> None:
    doubles["plan_restore"].return_value = samples.plan_report(*findings)


def test_yes_at_the_terminal_restores(run: Run, doubles: dict[str, Mock], person: Person) -> None:
    outcome = replace_with(run, person, "y")
    assert outcome.code == 0
    assert "plan to restore" in outcome.err
    doubles["restore"].assert_called_once()


@pytest.mark.parametrize("found", [(), ("identity",)], ids=["replace", "source"])
def test_the_backup_that_was_shown_is_restored_though_latest_changes_meanwhile(
    run: Run, doubles: dict[str, Mock], person: Person, found: tuple[str, ...]
) -> None:
    plan_has(doubles, *(Finding(Severity.BLOCKER, "t0", what, "the source") for what in found))
    assert replace_with(run, person, "shop" if found else "y").code == 0
    assert doubles["restore"].call_args.args[0] == samples.ID


@pytest.mark.parametrize("answer", ["n", ""])
def test_anything_else_restores_nothing(
    run: Run, doubles: dict[str, Mock], person: Person, answer: str
) -> None:
    outcome = replace_with(run, person, answer)
    assert outcome.code == 1
    assert "nothing was changed" in outcome.err
    doubles["restore"].assert_not_called()


def test_y_answers_the_question(run: Run, doubles: dict[str, Mock], person: Person) -> None:
    assert replace_with(run, person, options=("-y",)).code == 0
    assert person.asked == 0
    doubles["restore"].assert_called_once()


def test_without_replace_nothing_is_asked(
    run: Run, doubles: dict[str, Mock], person: Person
) -> None:
    assert run(*RESTORE).code == 0
    assert person.asked == 0
    doubles["plan_restore"].assert_not_called()


@pytest.mark.parametrize("options", [(), ("-y",)])
def test_the_source_needs_its_name_typed(
    run: Run, doubles: dict[str, Mock], person: Person, options: tuple[str, ...]
) -> None:
    plan_has(doubles, samples.SOURCE)
    assert replace_with(run, person, "shop", options=options).code == 0
    assert person.asked == 1
    assert doubles["restore"].call_args.kwargs["confirm_source"] == "shop"


def test_another_name_restores_nothing(run: Run, doubles: dict[str, Mock], person: Person) -> None:
    plan_has(doubles, samples.SOURCE)
    assert replace_with(run, person, "shop2", options=("-y",)).code == 1
    doubles["restore"].assert_not_called()


def test_the_configurations_own_fleet_is_looked_at_without_replace(
    run: Run, doubles: dict[str, Mock], person: Person
) -> None:
    plan_has(doubles, samples.SOURCE)
    person.answers = iter(["shop"])
    assert run("restore", "latest", "-q").code == 0
    assert doubles["restore"].call_args.kwargs["confirm_source"] == "shop"


def test_a_name_given_as_option_is_not_asked_for_again(
    run: Run, doubles: dict[str, Mock], person: Person
) -> None:
    assert run("restore", "latest", "-q", "--replace", "-y", "--source-fleet", "shop").code == 0
    assert person.asked == 0
    assert doubles["restore"].call_args.kwargs["confirm_source"] == "shop"


def test_a_blocked_plan_asks_nothing_and_restores_nothing(
    run: Run, doubles: dict[str, Mock], person: Person
) -> None:
    plan_has(doubles, samples.BLOCKER, samples.SOURCE)
    outcome = replace_with(run, person)
    assert outcome.code == 1
    assert samples.BLOCKER.message in outcome.err
    assert person.asked == 0
    doubles["restore"].assert_not_called()


def test_without_a_terminal_replace_needs_y(run: Run, doubles: dict[str, Mock]) -> None:
    outcome = run(*RESTORE, "--replace")
    assert outcome.code == 2
    assert "--yes" in outcome.err
    doubles["restore"].assert_not_called()


def test_without_a_terminal_y_is_enough(run: Run, doubles: dict[str, Mock]) -> None:
    assert run(*RESTORE, "--replace", "-y").code == 0
    assert doubles["restore"].call_args.kwargs["confirm_source"] is None
