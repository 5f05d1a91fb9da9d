"""Find columns whose type has fewer values on another server; no I/O.

Whether a row holds such a value is known only when it is loaded. The load stops there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shardvault.fleet.foreign import strip_quoted
from shardvault.model.column_types import Version
from shardvault.model.position import Family
from shardvault.model.schema import Column, Table

Server = tuple[Family, Version]

_TO_2106: Version = (11, 5, 0)
"""MariaDB whose TIMESTAMP ends in 2106. Source: its manual, "TIMESTAMP"."""
_CHECK = re.compile(rb"\bCHECK \(")


@dataclass(frozen=True)
class Narrower:
    """Say what a target does not take of what the source may hold, and where."""

    what: str
    places: tuple[str, ...]


def find_narrower(tables: Iterable[Table], source: Server, target: Server) -> Iterator[Narrower]:
    """Give the columns, and the checks, that may stop a load."""
    places: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        for column in table.columns:
            if what := _judge(column, source, target):
                places[what].append(f"{table.qualified} column {column.name}")
        if _is_across(source, target) and _CHECK.search(strip_quoted(table.create_sql)):
            places["checks hold for old rows too"].append(table.qualified)
    for what, names in places.items():
        yield Narrower(what, tuple(names))


def _judge(column: Column, source: Server, target: Server) -> str:
    if column.data_type == "timestamp" and _is_long(source) and not _is_long(target):
        return "TIMESTAMP ends on 2038-01-19"
    if column.column_type.startswith("time(") and _is_across(source, target):
        return "TIME ends at 838:59:59.000000"
    return ""


def _is_long(server: Server) -> bool:
    family, version = server
    return family is Family.MARIADB and version >= _TO_2106


def _is_across(source: Server, target: Server) -> bool:
    """Say whether rows go from MariaDB to MySQL."""
    return source[0] == Family.MARIADB and target[0] is Family.MYSQL
