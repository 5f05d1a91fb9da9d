from __future__ import annotations

import itertools
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.side_by_side import (
    group_of,
    keep_unfinished,
    order_of,
    shuffle,
    take_running,
)


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/unit/mysql/test_wire.py::test_a", "tests/unit/mysql/test_wire.py"),
        ("tests/faults/test_a.py::test_b[mysql97-x]", "tests/faults/test_a.py"),
        ("tests/exactness/test_a.py::test_b[mysql97-x]", "tests/exactness on mysql97"),
        (
            "tests/exactness/test_random.py::test_b[mysql97-x]",
            "tests/exactness/test_random.py on mysql97",
        ),
        (
            "tests/exactness/test_a.py::test_b[mariadb118-to-mariadb1011-x::y]",
            "tests/exactness on mariadb118",
        ),
        ("tests/exactness/test_a.py::test_b", "tests/exactness/test_a.py"),
    ],
)
def test_tests_that_share_a_backup_are_in_one_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group


def test_the_folders_with_the_longest_groups_come_first() -> None:
    names = ["tests/unit/a.py::b", "tests/golden/a.py::b", "tests/exactness/a.py::b"]
    assert min(names, key=order_of).startswith("tests/exactness")


def test_a_seed_gives_one_order_which_keeps_the_groups_together() -> None:
    names = [f"tests/unit/{file}.py::test_{number}" for file in "abc" for number in range(9)]
    once, again, other = (shuffle(names, seed) for seed in ("1", "1", "2"))
    assert once == again != other
    assert sorted(once) == names
    assert len(list(itertools.groupby(once, group_of))) == 3


def test_the_test_that_ended_a_worker_is_not_run_again() -> None:
    groups = [{"a": True, "b": True}, {"c": True, "d": False, "e": False}]
    assert take_running(groups) == "d"
    assert groups[1] == {"c": True, "d": True, "e": False}
    assert take_running([{"a": True}]) is None


def test_what_a_lost_worker_had_done_is_not_given_out_again() -> None:
    groups = {"done": {"a": True, "b": True}, "open": {"c": True, "d": False}}
    assert keep_unfinished(groups) == {"open": {"c": True, "d": False}}


def test_hypothesis_fails_no_test_for_being_slow() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_ctrl_c_works_in_tests_however_they_were_started() -> None:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
