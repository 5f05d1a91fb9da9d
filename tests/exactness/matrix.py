"""Gather every case."""

from __future__ import annotations

from tests.exactness import (
    cases_numbers,
    cases_time,
)
from tests.exactness.case import Case

CASES: tuple[Case, ...] = (
    *cases_numbers.CASES,
    *cases_time.CASES,
)
