"""Every trap on every server: exact after backup and restore, or refused before any lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from tests.exactness.case import Case
from tests.exactness.conftest import NOT_APPLICABLE, PROPERTY, Record
from tests.exactness.matrix import CASES, cases_on
from tests.exactness.quirks import NO_QUIRKS
from tests.exactness.round_trip import list_differences
from tests.exactness.runs import Runs
from tests.support.servers import Flavour

TRAPS = 65
LEAST_CASES = 200
MOST_NOT_APPLICABLE = 30
"""Most cases of a server, of about 400, that it does not take."""
OLD = Flavour.MARIADB_1011
on_old = pytest.mark.parametrize("flavour", [OLD], ids=[OLD.value])


def pairs() -> Iterator[ParameterSet]:
    for flavour in Flavour:
        for case in cases_on(flavour):
            yield pytest.param(flavour, case, id=f"{flavour.value}-{case.id}")


@pytest.mark.parametrize(("flavour", "case"), list(pairs()))
def test_a_trap_comes_back_exactly_or_is_refused(
    flavour: Flavour, case: Case, runs: Runs, record_property: Record
) -> None:
    outcome = runs.outcomes(flavour)[case.id]
    if outcome.unlaid:
        record_property(PROPERTY, (flavour.value, "not applicable here"))
        record_property(NOT_APPLICABLE, f"{flavour.value}: {case.id}: {outcome.unlaid}")
        return
    written = runs.written(case, flavour)
    verdict = "refused as designed" if written.refused else "exact"
    record_property(PROPERTY, (flavour.value, verdict))
    assert list_differences(written, outcome) == []


@pytest.mark.parametrize("flavour", Flavour, ids=lambda flavour: flavour.value)
def test_few_traps_are_not_applicable_on_a_server(flavour: Flavour, runs: Runs) -> None:
    outcomes = runs.outcomes(flavour)
    unlaid = {name: outcome.unlaid for name, outcome in outcomes.items() if outcome.unlaid}
    assert len(unlaid) <= MOST_NOT_APPLICABLE, unlaid
    assert all(unlaid.values())


def test_every_trap_has_a_case() -> None:
    assert {case.trap for case in CASES} == {f"D{number:02}" for number in range(1, TRAPS + 1)}
    assert len(CASES) >= LEAST_CASES


@pytest.mark.parametrize("flavour", Flavour)
def test_no_two_cases_of_a_server_share_a_schema(flavour: Flavour) -> None:
    written = [case.on_server(NO_QUIRKS) for case in cases_on(flavour)]
    names = [name for case in written for name in case.schemas]
    assert len(names) == len(set(names))


@on_old
@pytest.mark.parametrize("what", ["SHOW CREATE TABLE", "values", "columns"])
def test_a_change_at_the_target_is_noticed(what: str, flavour: Flavour, runs: Runs) -> None:
    case = next(case for case in CASES if case.name == "float_edges")
    outcome = runs.outcomes(flavour)[case.id]
    key = (case.id, "t", what)
    (first, *rest) = outcome.target.state[key]
    changed = {**outcome.target.state, key: [(*first[:-1], b"other"), *rest]}
    spoilt = replace(outcome, target=replace(outcome.target, state=changed))
    assert any(what in text for text in list_differences(case, spoilt))


@on_old
def test_a_row_that_is_missing_at_the_target_is_noticed(flavour: Flavour, runs: Runs) -> None:
    case = next(case for case in CASES if case.name == "duplicate_rows")
    outcome = runs.outcomes(flavour)[case.id]
    key = (case.id, "t", "values")
    fewer = {**outcome.target.state, key: outcome.target.state[key][1:]}
    spoilt = replace(outcome, target=replace(outcome.target, state=fewer))
    assert list_differences(case, spoilt)


@on_old
def test_a_trap_that_was_not_laid_is_noticed(flavour: Flavour, runs: Runs) -> None:
    case = next(case for case in CASES if case.name == "float_edges")
    ((probe, _),) = case.holds
    spoilt = replace(case, holds=((probe, "another value"),))
    assert list_differences(spoilt, runs.outcomes(flavour)[case.id])


@on_old
def test_a_case_that_should_have_been_refused_is_noticed(flavour: Flavour, runs: Runs) -> None:
    case = next(case for case in CASES if case.name == "float_edges")
    spoilt = replace(case, refused="float")
    assert list_differences(spoilt, runs.outcomes(flavour)[case.id]) == ["was not refused"]


@on_old
def test_words_of_a_catalogue_may_differ_as_said_and_no_other_way(
    flavour: Flavour, runs: Runs
) -> None:
    case = next(case for case in CASES if case.name == "aria_plain")
    outcome = runs.outcomes(flavour)[case.id]
    assert list_differences(case, outcome) == []
    assert list_differences(replace(case, renderings=()), outcome)
    key = (case.id, "t", "tables")
    ((*head, last),) = outcome.target.state[key]
    changed = {**outcome.target.state, key: [(*head[:3], b"other", *head[4:], last)]}
    spoilt = replace(outcome, target=replace(outcome.target, state=changed))
    assert list_differences(case, spoilt)
