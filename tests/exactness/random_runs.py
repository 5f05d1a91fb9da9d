"""Draw tables from a seed, send them through a round trip, and isolate those that differ."""

from __future__ import annotations

import itertools
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import ExampleDatabase, InMemoryExampleDatabase

from shardvault.model.position import Family
from tests.exactness.case import Case
from tests.exactness.generator_tables import RandomTable, tables
from tests.exactness.generator_types import Server
from tests.exactness.landing import restore_at_home
from tests.exactness.origin import Builder
from tests.exactness.quirks import Quirks, ask
from tests.exactness.reading import read_state
from tests.exactness.round_trip import Outcome, list_differences
from tests.integration.operations_support import query
from tests.support.fleet import Fleet
from tests.support.servers import Instance

# Hypothesis draws a table from as many of these as it needs.
_ENTROPY_BYTES = 1 << 14
# Round trips of one table that may be spent on making it smaller, at about a second each.
_MOST_TRIALS = 60
_MODE = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO"
_COLLATIONS = {
    True: "SELECT character_set_name, collation_name FROM information_schema.collations",
    False: "SELECT character_set_name, full_collation_name"
    " FROM information_schema.collation_character_set_applicability",
}

Trial = Callable[[RandomTable], Sequence[str]]


@dataclass(frozen=True)
class Result:
    """Count what became of the tables of one seed.

    Attributes:
        refused: tables that the server itself did not take, with its reasons.
        different: what is not as it was, by table.
    """

    drawn: int
    rows: int
    refused: Mapping[RandomTable, str]
    different: Mapping[RandomTable, Sequence[str]]

    @property
    def counts(self) -> dict[str, int]:
        """Give the counts in plain numbers, which a worker of pytest can send on."""
        return {
            "drawn": self.drawn,
            "rows": self.rows,
            "refused by the server": len(self.refused),
            "differences": len(self.different),
        }


class RandomRuns:
    """Run random tables on a pair of instances of one flavour, which live as long as it does."""

    def __init__(self, pair: Fleet, folder: Path) -> None:
        self._source, self._target = pair.instances
        self._folder = folder
        self._quirks = ask(self._source)
        collations = read_collations(self._source, self._quirks)
        self.server = Server(self._source.flavour, collations, self._quirks)

    def run(self, drawn: Sequence[RandomTable]) -> Result:
        """Send tables through one round trip together."""
        cases = [_case(number, table) for number, table in enumerate(drawn)]
        folder = self._folder / secrets.token_hex(4)
        folder.mkdir()
        builder = Builder(self._source, folder / "origin", self._quirks)
        origin = builder.build(cases, read_state)
        outcomes = restore_at_home(origin, self._target, folder / "home")
        found = {table: outcomes[case.id] for case, table in zip(cases, drawn, strict=True)}
        differences = {
            table: list_differences(case, outcomes[case.id])
            for case, table in zip(cases, drawn, strict=True)
            if not outcomes[case.id].unlaid
        }
        return Result(
            drawn=len(drawn),
            rows=sum(map(_count_rows, found.values())),
            refused={table: one.unlaid for table, one in found.items() if one.unlaid},
            different={table: told for table, told in differences.items() if told},
        )

    def try_alone(self, table: RandomTable) -> Sequence[str]:
        """Say what differs if a table is alone in its backup; nothing if it cannot be laid."""
        return self.run([table]).different.get(table, ())


def read_collations(instance: Instance, quirks: Quirks) -> tuple[tuple[str, str], ...]:
    """List every character set and collation of a server, sorted: a seed depends on the order."""
    is_of_one_set = instance.flavour.family is Family.MYSQL or not quirks.has("uca1400")
    statement = _COLLATIONS[is_of_one_set]
    return tuple(sorted((str(charset), str(name)) for charset, name in query(instance, statement)))


def draw_tables(server: Server, seed: int, count: int) -> dict[RandomTable, bytes]:
    """Draw different tables; the same ones for the same seed and version of the server.

    Bytes decide alone what is drawn. Hypothesis's own seeds do not: it also draws constants
    from whatever modules happen to be loaded.

    Returns:
        each table with the bytes that it was drawn from.
    """
    found: dict[RandomTable, bytes] = {}
    numbers = itertools.count()
    while len(found) < count:
        entropy = random.Random(f"{seed}/{next(numbers)}").randbytes(_ENTROPY_BYTES)
        found.setdefault(_draw(server, entropy), entropy)
    return found


def shrink(
    server: Server, entropy: bytes, trial: Trial
) -> tuple[RandomTable, Sequence[str]] | None:
    """Make a table that differs as small as possible.

    Returns:
        the smallest and what differs of it; None if the table is exact alone.
    """
    known: dict[RandomTable, Sequence[str]] = {}
    smallest: list[RandomTable] = []

    def check(table: RandomTable) -> None:
        if table not in known and len(known) < _MOST_TRIALS:
            known[table] = trial(table)
        if known.get(table):
            smallest[:] = [table]
            raise _Differs

    test = _prepare(server, check, InMemoryExampleDatabase())
    with suppress(_Differs):
        _feed(test, entropy)
        return None
    with suppress(_Differs):
        test()  # takes up what differed from its database
    return smallest[0], known[smallest[0]]


class _Differs(Exception):
    """Tell hypothesis that a table is one of those to make smaller."""


def _draw(server: Server, entropy: bytes) -> RandomTable:
    drawn: list[RandomTable] = []
    _feed(_prepare(server, drawn.append, None), entropy)
    return drawn[0]


def _prepare(
    server: Server, take: Callable[[RandomTable], None], database: ExampleDatabase | None
) -> Callable[[], None]:
    how = settings(
        phases=(Phase.reuse, Phase.shrink),
        database=database,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    def test(table: RandomTable) -> None:
        take(table)

    return how(given(tables(server))(test))


def _feed(test: Callable[[], None], entropy: bytes) -> None:
    test.hypothesis.fuzz_one_input(entropy)  # type: ignore[attr-defined]


def _case(number: int, table: RandomTable) -> Case:
    return Case("random", str(number), table.statements, mode=_MODE)


def _count_rows(outcome: Outcome) -> int:
    return sum(rows for rows, _ in outcome.hashes[0].values())
