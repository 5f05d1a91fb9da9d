"""Every trap on every server: exact after backup and restore, or refused before any lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from tests.exactness.case import Case
from tests.exactness.conftest import PROPERTY, Outcomes
from tests.exactness.matrix import CASES, cases_on
from tests.exactness.round_trip import list_differences
from tests.support.servers import Flavour

TRAPS = 65
LEAST_CASES = 200


def pairs() -> Iterator[ParameterSet]:
    for flavour in Flavour:
        for case in cases_on(flavour):
            yield pytest.param(flavour, case, id=f"{flavour.value}-{case.id}")


@pytest.mark.parametrize(("flavour", "case"), list(pairs()))
def test_a_trap_comes_back_exactly_or_is_refused(
    flavour: Flavour,
    case: Case,
    outcomes: Outcomes,
    record_property: Callable[[str, object], None],
) -> None:
    verdict = "refused as designed" if case.refused else "exact"
    record_property(PROPERTY, f"{flavour.value} {verdict}")
    assert list_differences(case, outcomes(flavour)[case.id]) == []


def test_every_trap_has_a_case() -> None:
    assert {case.trap for case in CASES} == {f"D{number:02}" for number in range(1, TRAPS + 1)}
    assert len(CASES) >= LEAST_CASES


@pytest.mark.parametrize("flavour", Flavour)
def test_no_two_cases_of_a_server_share_a_schema(flavour: Flavour) -> None:
    names = [name for case in cases_on(flavour) for name in case.schemas]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("what", ["SHOW CREATE TABLE", "values", "columns"])
def test_a_change_at_the_target_is_noticed(what: str, outcomes: Outcomes) -> None:
    case = next(case for case in CASES if case.name == "float_edges")
    outcome = outcomes(Flavour.MARIADB_1011)[case.id]
    key = (case.id, "t", what)
    (first, *rest) = outcome.target.state[key]
    changed = {**outcome.target.state, key: [(*first[:-1], b"other"), *rest]}
    spoilt = replace(outcome, target=replace(outcome.target, state=changed))
    assert any(what in text for text in list_differences(case, spoilt))


def test_a_row_that_is_missing_at_the_target_is_noticed(outcomes: Outcomes) -> None:
    case = next(case for case in CASES if case.name == "duplicate_rows")
    outcome = outcomes(Flavour.MARIADB_1011)[case.id]
    key = (case.id, "t", "values")
    fewer = {**outcome.target.state, key: outcome.target.state[key][1:]}
    spoilt = replace(outcome, target=replace(outcome.target, state=fewer))
    assert list_differences(case, spoilt)


def test_a_trap_that_was_not_laid_is_noticed(outcomes: Outcomes) -> None:
    case = next(case for case in CASES if case.name == "float_edges")
    ((probe, _),) = case.holds
    spoilt = replace(case, holds=((probe, "another value"),))
    assert list_differences(spoilt, outcomes(Flavour.MARIADB_1011)[case.id])


def test_a_case_that_should_have_been_refused_is_noticed(outcomes: Outcomes) -> None:
    case = next(case for case in CASES if case.name == "float_edges")
    spoilt = replace(case, refused="float")
    assert list_differences(spoilt, outcomes(Flavour.MARIADB_1011)[case.id]) == ["was not refused"]


def test_words_of_a_catalogue_may_differ_as_said_and_no_other_way(outcomes: Outcomes) -> None:
    case = next(case for case in CASES if case.name == "aria_plain")
    outcome = outcomes(Flavour.MARIADB_1011)[case.id]
    assert list_differences(case, outcome) == []
    assert list_differences(replace(case, renderings=()), outcome)
    key = (case.id, "t", "tables")
    ((*head, last),) = outcome.target.state[key]
    changed = {**outcome.target.state, key: [(*head[:3], b"other", *head[4:], last)]}
    spoilt = replace(outcome, target=replace(outcome.target, state=changed))
    assert list_differences(case, spoilt)
