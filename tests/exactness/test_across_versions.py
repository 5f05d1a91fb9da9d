"""Every trap into servers of other versions and families: equal, or refused before all else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from tests.exactness.across import find_fault, list_findings, list_refusals
from tests.exactness.case import Case
from tests.exactness.conftest import NOT_APPLICABLE, PROPERTY, Record
from tests.exactness.crossing import crosses, list_crossing_differences
from tests.exactness.matrix import cases_on
from tests.exactness.round_trip import list_differences
from tests.exactness.runs import Runs
from tests.support.servers import Flavour

Way = tuple[Flavour, Flavour]
OLD, NEW, MYSQL = Flavour.MARIADB_1011, Flavour.MARIADB_118, Flavour.MYSQL_97
WAYS: tuple[Way, ...] = ((OLD, NEW), (NEW, OLD), (NEW, MYSQL), (MYSQL, NEW))
LONG_WAYS: tuple[Way, ...] = ((OLD, MYSQL), (MYSQL, OLD))


def name_way(way: Way) -> str:
    return "-to-".join(flavour.value for flavour in way)


def crossings_to_test() -> Iterator[ParameterSet]:
    for way in (*WAYS, *LONG_WAYS):
        marks = [pytest.mark.long(part="versions")] if way in LONG_WAYS else []
        for case in cases_on(way[0]):
            if crosses(case):
                yield pytest.param(way, case, id=f"{name_way(way)}-{case.id}", marks=marks)


@pytest.mark.parametrize(("way", "case"), list(crossings_to_test()))
def test_a_trap_crosses_exactly_or_is_refused_before_anything_is_touched(
    way: Way, case: Case, runs: Runs, record_property: Record
) -> None:
    pair, outcomes = runs.cross(*way)
    case, outcome = runs.written(case, way[0]), outcomes[case.id]
    if outcome.unlaid:
        record_property(PROPERTY, (name_way(way), "not applicable here"))
        record_property(NOT_APPLICABLE, f"{name_way(way)}: {case.id}: {outcome.unlaid}")
        return
    if case.refused:
        record_property(PROPERTY, (name_way(way), "refused as designed"))
        assert list_differences(case, outcome) == []
        return
    differences = list_crossing_differences(case, pair, outcome)
    if find_fault(case, pair):
        record_property(PROPERTY, (name_way(way), "known differences"))
        assert differences, "what is known to differ does not any more"
        return
    verdict = "refused as designed" if list_refusals(case, pair) else "exact"
    record_property(PROPERTY, (name_way(way), verdict))
    assert differences == []


def _find(name: str, way: Way) -> Case:
    return next(case for case in cases_on(way[0]) if case.name == name)


def on_way(*way: Flavour) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", [way], ids=[name_way((way[0], way[1]))])


@on_way(OLD, NEW)
@pytest.mark.parametrize(("view", "at"), [("columns", 0), ("columns", 9), ("values", 0)])
def test_a_change_on_the_way_is_noticed(view: str, at: int, way: Way, runs: Runs) -> None:
    case = _find("float_edges", way)
    pair, outcomes = runs.cross(*way)
    outcome = outcomes[case.id]
    key = (case.id, "t", view)
    (first, *rest) = outcome.target.state[key]
    changed = {**outcome.target.state, key: [(*first[:at], b"other", *first[at + 1 :]), *rest]}
    spoilt = replace(outcome, target=replace(outcome.target, state=changed))
    assert list_crossing_differences(case, pair, outcome) == []
    assert any(view in text for text in list_crossing_differences(case, pair, spoilt))


@on_way(NEW, MYSQL)
def test_a_refusal_that_did_not_come_is_noticed(way: Way, runs: Runs) -> None:
    case = _find("inet6", way)
    pair, outcomes = runs.cross(*way)
    outcome = outcomes[case.id]
    assert list_crossing_differences(case, pair, outcome) == []
    assert list_crossing_differences(case, pair, replace(outcome, blockers=[]))


@on_way(NEW, MYSQL)
def test_a_refusal_that_nobody_asked_for_is_noticed(way: Way, runs: Runs) -> None:
    pair, outcomes = runs.cross(*way)
    refused = outcomes[_find("inet6", way).id]
    plain = _find("float_edges", way)
    assert list_findings(plain, pair) == []
    assert list_crossing_differences(plain, pair, refused)
