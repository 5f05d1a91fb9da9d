"""Cut a table into ranges by key, from the server's own estimates, exact at the borders.

Ranges are half open and complementary: the first has no lower bound, the last no upper
one, and each border is the same literal on both sides, compared by the server in the
column's own type and collation. Every row with a key lies in exactly one of them,
provided that the borders ascend strictly, which the server itself is asked to prove.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shardvault.dump.key_space import KeySpace, build_space, extent_expression
from shardvault.model.position import Family
from shardvault.model.schema import Column, Table
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session

RANGE_BYTES = 32 << 20
MAX_RANGES = 4096
_FAN_OUT = 8
_PROOF_BATCH = 500

Border = tuple[str, ...]
"""SQL literals, one for each of the first key columns."""


@dataclass(frozen=True)
class KeyRange:
    """Hold the keys from ``lower`` on, up to but without ``upper``; None = no bound."""

    lower: Border | None
    upper: Border | None


def ranges_between(borders: Sequence[Border]) -> tuple[KeyRange, ...]:
    """Turn n borders into the n + 1 ranges around them."""
    ends: list[Border | None] = [None, *borders, None]
    return tuple(KeyRange(lower, upper) for lower, upper in pairwise(ends))


def range_condition(key: Sequence[str], key_range: KeyRange) -> str:
    """Write the WHERE condition of a range; empty if it has no bounds."""
    parts = []
    if key_range.lower is not None:
        parts.append(_compare(key, key_range.lower, ">", ">="))
    if key_range.upper is not None:
        parts.append(_compare(key, key_range.upper, "<", "<"))
    return " AND ".join(parts)


def _compare(key: Sequence[str], border: Border, strict: str, last: str) -> str:
    """Write a comparison of composite keys so that every server can use the index."""
    name = quote_name(key[0])
    if len(border) == 1:
        return f"{name} {last} {border[0]}"
    rest = _compare(key[1:], border[1:], strict, last)
    return f"({name} {strict} {border[0]} OR ({name} = {border[0]} AND {rest}))"


def plan_borders(
    session: Session, table: Table, previous: Sequence[Border] | None
) -> tuple[Border, ...]:
    """Choose the borders of a table's ranges.

    Borders of an earlier backup are kept, so that unchanged ranges have the same bytes,
    and new ones are added behind the last for a table that grew at its end.

    Args:
        session: any session in the read state; no snapshot is needed.
        table: what to cut.
        previous: borders of the last backup of the same definition, None if none.
    """
    if not table.key:
        return ()
    cutter = _Cutter(session, table)
    start = list(previous or ())
    return _ascending(session, [*start, *cutter.cut(start[-1] if start else None)])


@dataclass(frozen=True)
class _Axis:
    """Hold the space of one key column while the columns before it are fixed."""

    prefix: Border
    space: KeySpace

    def border(self, value: int) -> Border:
        return (*self.prefix, self.space.literal(value))


class _Cutter:
    """Split a key's values until the server expects few enough rows in each part."""

    def __init__(self, session: Session, table: Table) -> None:
        self._session = session
        self._table = table
        self._columns = _key_columns(table)
        self._place = f"{quote_table(table.schema, table.name)}"
        size = max(RANGE_BYTES, table.data_bytes // MAX_RANGES)
        row_bytes = max(1, table.data_bytes // max(1, table.row_estimate))
        self._wanted = max(1, size // row_bytes)
        self._left = 4 * MAX_RANGES  # estimates that may still be asked for

    def cut(self, begin: Border | None) -> list[Border]:
        if self._table.data_bytes <= RANGE_BYTES:
            return []
        return self._cut_column(0, (), begin)

    def _cut_column(self, depth: int, prefix: Border, begin: Border | None) -> list[Border]:
        """Cut by one key column while the ones before it are fixed."""
        if depth >= len(self._columns):
            return []
        space = self._space(depth, prefix, begin)
        if space is None:
            return []
        return list(self._split(_Axis(prefix, space), space.low, space.high + 1))

    def _split(self, axis: _Axis, low: int, high: int) -> Iterator[Border]:
        rows = self._estimate(axis, low, high)
        if rows <= 1.5 * self._wanted:
            return
        if high - low <= 1:
            yield from self._cut_column(len(axis.prefix) + 1, axis.border(low), None)
            return
        parts = min(_FAN_OUT, -(-rows // self._wanted), high - low)
        edges = sorted({low + (high - low) * part // parts for part in range(parts + 1)})
        for first, last in pairwise(edges):
            if first != low:
                yield axis.border(first)
            yield from self._split(axis, first, last)

    def _space(self, depth: int, prefix: Border, begin: Border | None) -> KeySpace | None:
        column = self._columns[depth]
        wanted = extent_expression(column)
        if wanted is None:
            return None
        condition = self._fixed(prefix)
        if begin is not None:
            condition = [range_condition(self._table.key, KeyRange(begin, None))]
        where = f" WHERE {' AND '.join(condition)}" if condition else ""
        low, high = self._session.rows(f"SELECT {wanted} FROM {self._place}{where}")[0]
        return build_space(column, low, high) if low is not None and high is not None else None

    def _estimate(self, axis: _Axis, low: int, high: int) -> int:
        if self._left <= 0:
            return 0
        self._left -= 1
        name = quote_name(self._columns[len(axis.prefix)].name)
        bounds = [f"{name} >= {axis.space.literal(low)}"]
        if high <= axis.space.high:
            bounds.append(f"{name} < {axis.space.literal(high)}")
        # MySQL makes no estimates under FORCE INDEX.
        return _explain_rows(
            self._session,
            f"SELECT 1 FROM {self._place} USE INDEX ({quote_name(self._table.key_name)}) "
            f"WHERE {' AND '.join(self._fixed(axis.prefix) + bounds)}",
        )

    def _fixed(self, prefix: Border) -> list[str]:
        pairs = zip(self._columns, prefix, strict=False)
        return [f"{quote_name(column.name)} = {literal}" for column, literal in pairs]


def _key_columns(table: Table) -> list[Column]:
    by_name = {column.name.lower(): column for column in table.columns}
    return [by_name[name.lower()] for name in table.key]


def _explain_rows(session: Session, statement: str) -> int:
    """Ask the optimiser how many rows a statement reads, without reading them."""
    if session.family is Family.MARIADB:
        row, place = session.rows(f"EXPLAIN {statement}")[0], 8
    else:
        row, place = session.rows(f"EXPLAIN FORMAT=TRADITIONAL {statement}")[0], 9
    return int(row[place] or 0)


def _ascending(session: Session, borders: Sequence[Border]) -> tuple[Border, ...]:
    """Leave out borders until the server says that each lies behind the one before it."""
    kept = list(borders)
    while True:
        proofs = _prove_order(session, kept)
        if all(proofs):
            return tuple(kept)
        kept = [kept[0], *(border for border, ok in zip(kept[1:], proofs, strict=True) if ok)]


def _prove_order(session: Session, borders: Sequence[Border]) -> list[bool]:
    """Ask for each border but the first whether it lies behind the one before it."""
    tests = [_order_test(a, b) for a, b in pairwise(borders)]
    proofs: list[bool] = []
    for begin in range(0, len(tests), _PROOF_BATCH):
        row = session.rows("SELECT " + ", ".join(tests[begin : begin + _PROOF_BATCH]))[0]
        proofs += [value == b"1" for value in row]
    return proofs


def _order_test(first: Border, second: Border) -> str:
    shared = min(len(first), len(second))
    a, b = first[:shared], second[:shared]
    strict = len(second) <= len(first)
    less: list[str] = []
    equal: list[str] = []
    for left, right in zip(a, b, strict=True):
        less.append("(" + " AND ".join([*equal, f"{left} < {right}"]) + ")")
        equal.append(f"{left} = {right}")
    if not strict:
        less.append("(" + " AND ".join(equal) + ")")
    return "(" + " OR ".join(less) + ")"
