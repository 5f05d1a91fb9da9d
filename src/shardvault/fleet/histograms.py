"""Read histograms: statistics of values that MySQL keeps until somebody collects others."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from shardvault.model.position import Family
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Session, decode

Histograms = Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
"""By schema and table: the columns that have one, each with its text."""

_TIME = "last-updated"


def read_histograms(session: Session, schemas: Iterable[str]) -> Histograms:
    """Read the histograms of some schemas; of MariaDB none, it keeps other statistics.

    Args:
        session: in the read state.
        schemas: at least one.
    """
    found: dict[tuple[str, str], tuple[tuple[str, str], ...]] = defaultdict(tuple)
    if session.family is not Family.MYSQL:
        return found
    names = ", ".join(quote_text(name) for name in schemas)
    for schema, table, column, text in session.rows(
        "SELECT schema_name, table_name, column_name, histogram "
        "FROM information_schema.column_statistics "
        f"WHERE CAST(schema_name AS BINARY) IN ({names}) ORDER BY 1, 2, 3"
    ):
        name = (decode(schema or b""), decode(table or b""))
        found[name] += ((decode(column or b""), decode(text or b"")),)
    return found


def is_equal_histogram(one: str, other: str) -> bool:
    """Compare two histograms but for the time at which they were set."""
    return _without_time(one) == _without_time(other)


def _without_time(text: str) -> object:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return found
    return {key: value for key, value in found.items() if key != _TIME}
