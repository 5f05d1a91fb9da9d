"""What another tool made of a case is judged fairly, and shown without breaking the page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.dump_tools import TOOLS, Passage
from benchmarks.other_tools import Finding, Verdict, describe_finding, judge, list_changes
from tests.exactness.reading import Key, State
from tests.exactness.round_trip import Sighting

BEFORE = Sighting(
    state={
        ("s", "t", "SHOW CREATE TABLE"): [(b"t", b"CREATE TABLE t")],
        ("s", "t", "columns"): [(b"c",)],
        ("s", "t", "values"): [(b"1",), (b"2",)],
        ("s", "e", "SHOW CREATE EVENT"): [(b"e", b"CREATE EVENT e")],
    },
    probes={"SELECT 1": [(b"1",)]},
)
SILENT, TALKING = Passage(), Passage(messages="warning: something")


DEFINITION, CATALOGUE = ("s", "t", "SHOW CREATE TABLE"), ("s", "t", "columns")


def _change(place: Key, *rows: bytes, also: Key | None = None) -> Sighting:
    changed: State = {key: [(row,) for row in rows] for key in (place, also) if key}
    return replace(BEFORE, state=BEFORE.state | changed)


def _lose(name: str) -> Sighting:
    state = {key: rows for key, rows in BEFORE.state.items() if key[1] != name}
    return replace(BEFORE, state=state)


@pytest.mark.parametrize("passage", [SILENT, TALKING])
def test_a_tool_that_changed_nothing_is_exact_whatever_it_wrote(passage: Passage) -> None:
    assert judge(passage, BEFORE, replace(BEFORE)) == Finding(Verdict.EXACT)


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (_change(("s", "t", "values"), b"1"), "rows"),
        (_change(DEFINITION, b"other", also=CATALOGUE), "definition of table"),
        (_change(CATALOGUE, b"other"), "catalogue (columns)"),
        (_lose("t"), "table missing"),
        (_lose("e"), "event missing"),
        (replace(BEFORE, probes={"SELECT 1": [(b"2",)]}), "answers"),
    ],
)
def test_a_change_is_named_and_called_silent_only_if_nothing_was_written(
    after: Sighting, what: str
) -> None:
    assert list(list_changes(BEFORE, after)) == [what]
    assert judge(SILENT, BEFORE, after) == Finding(Verdict.SILENT, what)
    assert judge(TALKING, BEFORE, after) == Finding(Verdict.TOLD, what)


def test_a_definition_in_other_words_is_no_change() -> None:
    assert judge(SILENT, BEFORE, _change(DEFINITION, b"other")) == Finding(Verdict.EXACT)


def test_a_tool_that_failed_is_not_compared() -> None:
    failed = Passage(error="load: ERROR 1064")
    assert judge(failed, BEFORE, Sighting()) == Finding(Verdict.FAILED, "load: ERROR 1064")


def test_an_error_message_stays_within_its_cell() -> None:
    shown = describe_finding(Finding(Verdict.FAILED, "a | b `c`\n" + "d" * 500))
    assert shown.startswith("failed: `a b c d")
    assert len(shown) < 130
    assert not set(shown.strip("`")[9:]) & set("|`\n")


def test_each_tool_is_tried_as_it_comes_and_with_options() -> None:
    names = [tool.name for tool in TOOLS]
    assert {f"{name}, with options" for name in names if "," not in name} < set(names)
