"""Prove that each long test belongs to a part that can be called by its name."""

from __future__ import annotations

import re

from tests.architecture.source import PROJECT

_MARK = re.compile(r"pytest\.mark\.long(?:\(part=\"(\w+)\"\))?")
_ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
_OWN = "tests/architecture/test_long_tests.py"


def list_parts(texts: list[str]) -> list[str]:
    """Give the part of every mark, empty where it names none."""
    return [part for text in texts for part in _MARK.findall(text)]


def test_every_long_test_names_a_part_that_contributing_lists_and_no_part_is_empty() -> None:
    paths = [path for path in (PROJECT / "tests").rglob("*.py") if path != PROJECT / _OWN]
    listed = _ROW.findall((PROJECT / "CONTRIBUTING.md").read_text().partition("| part |")[2])
    assert set(list_parts([path.read_text() for path in paths])) == set(listed)


def test_a_mark_without_a_part_is_found() -> None:
    assert list_parts(["@pytest.mark.long\n", '@pytest.mark.long(part="x")']) == ["", "x"]
