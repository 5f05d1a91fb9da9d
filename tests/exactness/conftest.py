"""Run every case once per server, and say at the end how they fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest

from tests.exactness.across import Pair, choose_cases
from tests.exactness.crossing import OPTIONS, Crossing, Origin
from tests.exactness.matrix import cases_on
from tests.exactness.round_trip import Outcome, RoundTrip, describe_pair
from tests.support.fleet import Fleet
from tests.support.servers import Flavour

PROPERTY = "exactness"
RANDOM = "random tables"
Outcomes = Callable[[Flavour], dict[str, Outcome]]
Crossings = Callable[[Pair], dict[str, Outcome]]


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """Give the outcomes of all cases on a server; its two instances live only meanwhile."""
    known: dict[Flavour, dict[str, Outcome]] = {}

    def get(flavour: Flavour) -> dict[str, Outcome]:
        if flavour not in known:
            folder = tmp_path_factory.mktemp(f"exact-{flavour.value}")
            with describe_pair(flavour, folder / "pair") as pair:
                known[flavour] = RoundTrip(pair, folder).run(cases_on(flavour))
        return known[flavour]

    yield get
    known.clear()


@pytest.fixture(scope="session")
def crossings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crossings]:
    """Give the outcomes of all cases between two servers; a source is backed up only once."""
    origins: dict[Flavour, Origin] = {}
    known: dict[Pair, dict[str, Outcome]] = {}

    def start(flavour: Flavour, folder: Path) -> Fleet:
        return Fleet([flavour], folder=folder / "instance", options=OPTIONS)

    def back_up(flavour: Flavour) -> Origin:
        folder = tmp_path_factory.mktemp(f"from-{flavour.value}")
        with start(flavour, folder) as fleet:
            cases = choose_cases(cases_on(flavour), flavour)
            return Origin(fleet.instances[0], folder / "origin", cases)

    def get(pair: Pair) -> dict[str, Outcome]:
        source, target = pair
        if source not in origins:
            origins[source] = back_up(source)
        if pair not in known:
            folder = tmp_path_factory.mktemp(f"to-{target.value}")
            with start(target, folder) as fleet:
                run = Crossing(origins[source], fleet.instances[0], folder / "crossing")
                known[pair] = run.run()
        return known[pair]

    yield get
    origins.clear()
    known.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print per server how many cases are exact, refused as designed, and different."""
    _tell_random_tables(terminalreporter)
    counts: dict[str, Counter[str]] = {}
    for result in ("passed", "failed", "xfailed"):
        for report in terminalreporter.stats.get(result, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY:
                    server, verdict = value.split(" ", 1)
                    told = verdict if result == "passed" else _DIFFERENT[result]
                    counts.setdefault(server, Counter())[told] += 1
    for server, found in sorted(counts.items()):
        told = ", ".join(f"{found[verdict]} {verdict}" for verdict in _VERDICTS)
        terminalreporter.write_line(f"exactness on {server}: {told}")


_DIFFERENT = {"failed": "differences", "xfailed": "known differences"}
_VERDICTS = ("exact", "refused as designed", "differences", "known differences")


def _tell_random_tables(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seed, and per server how many random tables there were."""
    counts: dict[str, Counter[str]] = {}
    for report in chain(*(terminalreporter.stats.get(one, ()) for one in ("passed", "failed"))):
        for name, value in getattr(report, "user_properties", ()):
            if name == RANDOM:
                seed, server, found = value
                title = f"random tables of seed {seed} on {server}"
                counts.setdefault(title, Counter()).update(found)
    for title, found in sorted(counts.items()):
        told = ", ".join(f"{found[what]} {what}" for what in _TOLD)
        terminalreporter.write_line(f"{title}: {told}")


_TOLD = ("drawn", "rows", "refused by the server", "differences")
