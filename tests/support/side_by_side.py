"""Run groups of tests side by side; the tests of one group share servers and run in order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import pytest

from tests.support.servers import Flavour

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling
    from xdist.workermanage import WorkerController

_EXACTNESS = "tests/exactness"
_RANDOM = f"{_EXACTNESS}/test_random.py"
FIRST = ("exactness", "faults", "integration", "contract", "property", "architecture")
"""The folders with the longest groups: a long group that starts last would run alone."""


def group_of(nodeid: str) -> str:
    """Name the group of a test: its file; in the exactness suite its source server.

    There all cases of one source server share one backup, which is most of the work. Random
    tables have servers of their own.
    """
    path, _, test = nodeid.partition("::")
    if not path.startswith("tests/exactness/"):
        return path
    named = [flavour.value for flavour in Flavour if flavour.value in test]
    if not named:
        return path
    group = path if path == _RANDOM else _EXACTNESS
    return f"{group} on {min(named, key=test.index)}"


def order_of(nodeid: str) -> int:
    """Give the place of a test's folder in the run."""
    folder = nodeid.split("/")[1]
    return FIRST.index(folder) if folder in FIRST else len(FIRST)


def shuffle(nodeids: Sequence[str], seed: str) -> list[str]:
    """Put the groups into a random order, and the tests within each; a seed gives one order."""
    choose = random.Random(seed)
    groups: dict[str, list[str]] = {}
    for nodeid in nodeids:
        groups.setdefault(group_of(nodeid), []).append(nodeid)
    for group in groups.values():
        choose.shuffle(group)
    shuffled = list(groups.values())
    choose.shuffle(shuffled)
    return [nodeid for group in shuffled for nodeid in group]


def take_running(groups: Iterable[dict[str, bool]]) -> str | None:
    """Note the first test that is not done as done, and return its name."""
    for group in groups:
        for nodeid, is_done in group.items():
            if not is_done:
                group[nodeid] = True
                return nodeid
    return None


def keep_unfinished(groups: dict[str, dict[str, bool]]) -> dict[str, dict[str, bool]]:
    """Leave out groups in which every test is done."""
    return {name: tests for name, tests in groups.items() if not all(tests.values())}


def make_scheduler(config: pytest.Config, log: Callable[..., None]) -> LoadScopeScheduling:
    """Hand out whole groups, in the order in which they were collected."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

        def remove_node(self, node: WorkerController) -> str | None:
            """Never give the test that ended one worker to another, nor what is done already.

            The library would hand out groups in which nothing is left: a worker that gets one
            reports nothing any more, is given nothing any more, and the run never ends.
            """
            running = take_running(self.assigned_work[node].values())
            self.assigned_work[node] = keep_unfinished(self.assigned_work[node])
            super().remove_node(node)
            return running

    config.option.loadscopereorder = False
    return Groups(config, log)
