"""Draw tables from a seed, send them through a round trip, and isolate those that differ."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, errors, find, settings

from tests.exactness.case import Case
from tests.exactness.generator_tables import RandomTable, tables
from tests.exactness.generator_types import Server
from tests.exactness.round_trip import Outcome, RoundTrip, list_differences
from tests.integration.operations_support import query
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

# Up to here hypothesis draws each example afresh; later ones are variants of those before.
_GROUP = 10
# Round trips of one table that may be spent on making it smaller, at about a second each.
_MOST_TRIALS = 100
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


class RandomRuns:
    """Run random tables on a pair of instances of one flavour, which live as long as it does."""

    def __init__(self, pair: Fleet, folder: Path) -> None:
        source = pair.instances[0]
        self.server = Server(source.flavour, read_collations(source))
        self._trip = RoundTrip(pair, folder)

    def run(self, drawn: Sequence[RandomTable]) -> Result:
        """Send tables through one round trip together."""
        cases = [_case(number, table) for number, table in enumerate(drawn)]
        outcomes = self._trip.run(cases)
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


def read_collations(instance: Instance) -> tuple[tuple[str, str], ...]:
    """List every character set and collation of a server, sorted: a seed depends on the order."""
    statement = _COLLATIONS[instance.flavour is Flavour.MYSQL_97]
    return tuple(sorted((str(charset), str(name)) for charset, name in query(instance, statement)))


def draw_tables(server: Server, seed: int, count: int) -> dict[RandomTable, str]:
    """Draw different tables; the same ones for the same seed and version of the server.

    Returns:
        each table with the seed of the group that it is from.
    """
    found: dict[RandomTable, str] = {}
    for group in _groups(seed):
        for table in _draw_group(server, group):
            if len(found) == count:
                return found
            found.setdefault(table, group)
    raise AssertionError("unreachable")


def shrink(server: Server, group: str, trial: Trial) -> tuple[RandomTable, Sequence[str]] | None:
    """Find the simplest table that differs, from the group of one that does.

    Returns:
        the table and what differs; None if every table of the group is exact alone.
    """
    known: dict[RandomTable, Sequence[str]] = {}

    def is_different(table: RandomTable) -> bool:
        if table not in known and len(known) < _MOST_TRIALS:
            known[table] = trial(table)
        return bool(known.get(table))

    try:
        table = _find(server, group, is_different, (Phase.generate, Phase.shrink))
    except errors.NoSuchExample:
        return None
    return table, known[table]


def _groups(seed: int) -> Iterator[str]:
    number = 0
    while True:
        yield f"{seed}/{number}"
        number += 1


def _draw_group(server: Server, group: str) -> list[RandomTable]:
    drawn: list[RandomTable] = []

    def collect(table: RandomTable) -> bool:
        drawn.append(table)
        return False

    try:
        _find(server, group, collect, (Phase.generate,))
    except errors.NoSuchExample:
        return drawn
    raise AssertionError("unreachable")


def _find(
    server: Server, group: str, condition: Callable[[RandomTable], bool], phases: Sequence[Phase]
) -> RandomTable:
    how = settings(
        max_examples=_GROUP,
        phases=phases,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return find(tables(server), condition, settings=how, random=random.Random(group))


def _case(number: int, table: RandomTable) -> Case:
    return Case("random", str(number), table.statements, mode=_MODE)


def _count_rows(outcome: Outcome) -> int:
    return sum(rows for rows, _ in outcome.hashes[0].values())
