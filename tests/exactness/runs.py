"""Start each server once, make its origin once, and send it to where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import pytest

from tests.exactness.across import COLLATION, Pair
from tests.exactness.case import Case
from tests.exactness.crossing import OPTIONS, Crossing
from tests.exactness.landing import restore_at_home
from tests.exactness.matrix import cases_on
from tests.exactness.meaning import read_meaning
from tests.exactness.origin import Builder, Origin
from tests.exactness.quirks import Quirks, ask
from tests.exactness.reading import read_state
from tests.exactness.round_trip import Outcome
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

P = ParamSpec("P")
T = TypeVar("T")
Outcomes = dict[str, Outcome]


def once(make: Callable[P, T]) -> Callable[P, T]:
    """Call a function once for the same arguments; what it raised is raised again."""

    @cache
    def call(*arguments: object) -> tuple[T | None, Exception | None]:
        try:
            return make(*arguments), None  # type: ignore[call-arg, arg-type]
        except Exception as error:
            return None, error

    def get(*arguments: P.args, **options: P.kwargs) -> T:
        assert not options
        made, error = call(*arguments)
        if error is not None:
            raise error
        return cast("T", made)

    return get


class Runs:
    """Hold servers and outcomes of one session of tests; each is made when it is needed."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._stack = ExitStack()
        self.target = once(self._start_target)
        self.quirks = once(self._ask)
        self.origin = once(self._make_origin)
        self.outcomes = once(self._restore_at_home)
        self._cross = once(self._run_crossing)

    def close(self) -> None:
        """Stop the servers."""
        self._stack.close()

    def cross(self, source: Flavour, target: Flavour) -> tuple[Pair, Outcomes]:
        """Give what became of the cases of one server on another one."""
        return self._cross(source, target)

    def written(self, case: Case, flavour: Flavour) -> Case:
        """Give a case as it is written for a server."""
        return case.on_server(self.quirks(flavour))

    def _start_target(self, flavour: Flavour) -> Instance:
        """Start a server that takes restores until the end of the session."""
        folder = self._folder(f"to-{flavour.value}") / "instance"
        fleet = Fleet([flavour], folder=folder, options=OPTIONS)
        return self._stack.enter_context(fleet).instances[0]

    def _ask(self, flavour: Flavour) -> Quirks:
        return ask(self.target(flavour))

    def _make_origin(self, flavour: Flavour) -> Origin:
        """Make an origin on a server that lives only meanwhile."""
        folder = self._folder(f"from-{flavour.value}")
        with Fleet([flavour], folder=folder / "instance", options=OPTIONS) as fleet:
            quirks = self.quirks(flavour)
            builder = Builder(fleet.instances[0], folder / "origin", quirks, COLLATION)
            return builder.build(cases_on(flavour), read_state, read_meaning)

    def _restore_at_home(self, flavour: Flavour) -> Outcomes:
        folder = self._folder(f"at-{flavour.value}") / "home"
        return restore_at_home(self.origin(flavour), self.target(flavour), folder)

    def _run_crossing(self, source: Flavour, target: Flavour) -> tuple[Pair, Outcomes]:
        origin = self.origin(source)
        folder = self._folder(f"{source.value}-to-{target.value}") / "crossing"
        crossing = Crossing(origin, self.target(target), self.quirks(target), folder)
        return crossing.pair, crossing.run()

    def _folder(self, name: str) -> Path:
        return self._folders.mktemp(name)
