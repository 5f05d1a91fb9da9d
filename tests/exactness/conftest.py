"""Run every case once per server and pair of servers, and say at the end how they fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain

import pytest

from tests.exactness.runs import Runs

PROPERTY = "exactness"
NOT_APPLICABLE = "not applicable"
RANDOM = "random tables"
Record = Callable[[str, object], None]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Give what became of all cases; a server is started and backed up only once."""
    runs = Runs(tmp_path_factory)
    yield runs
    runs.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print per server what became of its cases; name those that are not applicable on it."""
    _tell_random_tables(terminalreporter)
    counts: dict[str, Counter[str]] = {}
    for result in ("passed", "failed"):
        for report in terminalreporter.stats.get(result, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY:
                    server, verdict = value
                    shown = verdict if result == "passed" else "differences"
                    counts.setdefault(server, Counter())[shown] += 1
                if name == NOT_APPLICABLE:
                    terminalreporter.write_line(f"not applicable on {value}")
    for server, found in sorted(counts.items()):
        shown = ", ".join(f"{found[verdict]} {verdict}" for verdict in _VERDICTS)
        terminalreporter.write_line(f"exactness on {server}: {shown}")


_VERDICTS = (
    "exact",
    "refused as designed",
    "not applicable here",
    "known differences",
    "differences",
)


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
