"""Every trap into servers of other versions and families: equal, or refused before all else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from tests.exactness.across import (
    Pair,
    choose_cases,
    find_fault,
    list_findings,
    list_refusals,
)
from tests.exactness.case import Case
from tests.exactness.conftest import PROPERTY, Crossings
from tests.exactness.crossing import list_crossing_differences
from tests.exactness.matrix import cases_on
from tests.support.servers import Flavour

OLD, NEW, MYSQL = Flavour.MARIADB_1011, Flavour.MARIADB_118, Flavour.MYSQL_97
PAIRS: tuple[Pair, ...] = ((OLD, NEW), (NEW, OLD), (NEW, MYSQL), (MYSQL, NEW))
LONG_PAIRS: tuple[Pair, ...] = ((OLD, MYSQL), (MYSQL, OLD))


def crossings_to_test() -> Iterator[ParameterSet]:
    for pair in (*PAIRS, *LONG_PAIRS):
        name = "-to-".join(flavour.value for flavour in pair)
        for case in choose_cases(cases_on(pair[0]), pair[0]):
            fault = find_fault(case, pair)
            marks = [pytest.mark.xfail(strict=True, reason=fault)] if fault else []
            if pair in LONG_PAIRS:
                marks.append(pytest.mark.long(part="versions"))
            yield pytest.param(pair, case, id=f"{name}-{case.id}", marks=marks)


@pytest.mark.parametrize(("pair", "case"), list(crossings_to_test()))
def test_a_trap_crosses_exactly_or_is_refused_before_anything_is_touched(
    pair: Pair,
    case: Case,
    crossings: Crossings,
    record_property: Callable[[str, object], None],
) -> None:
    verdict = "refused as designed" if list_refusals(case, pair) else "exact"
    record_property(PROPERTY, f"{pair[0].value}-to-{pair[1].value} {verdict}")
    assert list_crossing_differences(case, pair, crossings(pair)[case.id]) == []


def _find(name: str, pair: Pair) -> Case:
    return next(case for case in cases_on(pair[0]) if case.name == name)


@pytest.mark.parametrize(("view", "at"), [("columns", 0), ("columns", 9), ("values", 0)])
def test_a_change_on_the_way_is_noticed(view: str, at: int, crossings: Crossings) -> None:
    pair = (OLD, NEW)
    case = _find("float_edges", pair)
    outcome = crossings(pair)[case.id]
    key = (case.id, "t", view)
    (first, *rest) = outcome.target.state[key]
    changed = {**outcome.target.state, key: [(*first[:at], b"other", *first[at + 1 :]), *rest]}
    spoilt = replace(outcome, target=replace(outcome.target, state=changed))
    assert list_crossing_differences(case, pair, outcome) == []
    assert any(view in text for text in list_crossing_differences(case, pair, spoilt))


def test_a_refusal_that_did_not_come_is_noticed(crossings: Crossings) -> None:
    pair = (NEW, OLD)
    case = _find("vector_without_index", pair)
    outcome = crossings(pair)[case.id]
    assert list_crossing_differences(case, pair, outcome) == []
    assert list_crossing_differences(case, pair, replace(outcome, blockers=[]))


def test_a_refusal_that_nobody_asked_for_is_noticed(crossings: Crossings) -> None:
    pair = (NEW, OLD)
    refused = crossings(pair)[_find("vector_without_index", pair).id]
    plain = _find("float_edges", pair)
    assert list_findings(plain, pair) == []
    assert list_crossing_differences(plain, pair, refused)
