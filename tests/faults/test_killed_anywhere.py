"""Kill the process before each request to the file system: nothing that counts is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.killing import copies_after_each_death
from tests.support.works import WORKS, assert_done, assert_sound

EVERY = 1_000_000
MANY = {"backup": 40, "key rotate": 25, "prune": 25, "repair": 20}


@pytest.fixture
def template(tmp_path: Path, name: str) -> Path:
    """Give a folder in the state that a work begins with."""
    root = tmp_path / "template"
    root.mkdir()
    WORKS[name].prepare(root)
    return root


def check_deaths(name: str, template: Path, folder: Path, most: int) -> int:
    """Kill a work at so many places, look at what is left, and do it again."""
    work, count = WORKS[name], 0
    for _, copy in copies_after_each_death(work.run, template, folder, most=most):
        assert_sound(copy, work)
        work.run(copy)
        assert_done(copy, work)
        count += 1
    return count


@pytest.mark.parametrize("name", WORKS)
def test_a_death_at_any_of_many_places_loses_nothing(
    name: str, template: Path, tmp_path: Path
) -> None:
    assert check_deaths(name, template, tmp_path, MANY[name]) >= MANY[name] - 2


@pytest.mark.long(part="kills")
@pytest.mark.parametrize("name", WORKS)
def test_a_death_at_every_place_loses_nothing(name: str, template: Path, tmp_path: Path) -> None:
    assert check_deaths(name, template, tmp_path, EVERY) >= 20
