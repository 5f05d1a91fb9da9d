"""Run every case once per server, and say at the end how they fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.exactness.matrix import cases_on
from tests.exactness.round_trip import Outcome, RoundTrip, describe_pair
from tests.support.servers import Flavour

PROPERTY = "exactness"
Outcomes = Callable[[Flavour], dict[str, Outcome]]


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print per server how many cases are exact, refused as designed, and different."""
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
