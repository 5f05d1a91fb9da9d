"""Gather every case."""

from __future__ import annotations

from tests.exactness import (
    cases_code,
    cases_found,
    cases_names,
    cases_numbers,
    cases_strings,
    cases_tables,
    cases_time,
    cases_types,
)
from tests.exactness.case import Case
from tests.support.servers import Flavour

CASES: tuple[Case, ...] = (
    *cases_numbers.CASES,
    *cases_time.CASES,
    *cases_strings.CASES,
    *cases_types.CASES,
    *cases_tables.CASES,
    *cases_names.CASES,
    *cases_found.CASES,
    *cases_code.CASES,
)


def cases_on(flavour: Flavour) -> tuple[Case, ...]:
    """Pick the cases that a server knows."""
    return tuple(case for case in CASES if flavour in case.on)
