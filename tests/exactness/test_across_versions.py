"""History goes from one MariaDB to another, whose greatest TIMESTAMP is another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exactness.matrix import CASES
from tests.exactness.round_trip import RoundTrip
from tests.support.fleet import Fleet
from tests.support.servers import Flavour

OLD, NEW = Flavour.MARIADB_1011, Flavour.MARIADB_118


@pytest.mark.parametrize("flavours", [(OLD, NEW), (NEW, OLD)], ids=["up", "down"])
def test_current_rows_stay_current_and_past_ones_past(
    flavours: tuple[Flavour, Flavour], tmp_path: Path
) -> None:
    cases = [case for case in CASES if case.name in ("versioned_rows", "versioned_partitions")]
    with Fleet(flavours, folder=tmp_path / "pair") as pair:
        outcomes = RoundTrip(pair, tmp_path).run(cases)
    for case in cases:
        outcome = outcomes[case.id]
        assert outcome.error == ""
        assert outcome.hashes[0] == outcome.hashes[1]
        _, *told = case.probes
        before, after = outcome.source.probes, outcome.target.probes
        assert [before[str(probe)] for probe in told] == [after[str(probe)] for probe in told]
        assert outcome.source.probes[str(told[-1])]
