"""Read a restored range back and compare it with the manifest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shardvault.dump.plan import TablePlan, plan_table
from shardvault.dump.ranges import KeyRange
from shardvault.dump.reader import RangeReader, RangeTotals
from shardvault.dump.splitting import RangeSplitter, try_computed
from shardvault.errors import VerificationFailed
from shardvault.model.ids import ShardName
from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.mysql.state import READ_MODE, sql_mode
from shardvault.operations.dumping import format_hash


def prove_range(
    reader: RangeReader,
    shard: ShardName,
    record: TableRecord,
    wanted: RangeRecord,
    count: Callable[[int], None],
) -> bool:
    """Read a range the way it was dumped and compare rows and hash.

    Args:
        reader: on the target, over a session in the load state.
        shard: name for messages.
        record: the table.
        wanted: the range as the manifest has it.
        count: is told the bytes as they are read [bytes].

    Returns:
        whether the target computes the same values in generated columns; also True if the
        source could not compute them.

    Raises:
        VerificationFailed: names shard, table and range; the target stays marked incomplete.
    """
    found = _read(reader, plan_proof(record, wanted), count)
    if found.rows != wanted.rows:
        raise _differs(shard, wanted, f"{found.rows} rows, {wanted.rows} in the manifest")
    if format_hash(found.content_hash) != wanted.content_hash:
        raise _differs(shard, wanted, "as many rows as in the manifest, but other contents")
    return format_hash(found.generated_hash) == wanted.generated_hash


def plan_proof(record: TableRecord, wanted: RangeRecord) -> TablePlan:
    """Plan to read a range as it was dumped: with computed columns only if it was so then."""
    plan = plan_table(record.table, ())
    computed = plan.computed if wanted.generated_hash else ()
    return replace(plan, computed=computed, ranges=(KeyRange(wanted.lower, wanted.upper),))


def _read(reader: RangeReader, plan: TablePlan, count: Callable[[int], None]) -> RangeTotals:
    def read(splitter: RangeSplitter) -> RangeTotals:
        def take(chunk: memoryview) -> None:
            count(len(chunk))
            if splitter.has_computed:
                splitter.split(chunk)

        statement = plan.statement(plan.ranges[0], computed=splitter.has_computed)
        return splitter.totals(reader.read(statement, splitter.columns, take))

    if not plan.computed:
        return read(RangeSplitter(len(plan.columns)))
    with sql_mode(reader.session, READ_MODE):  # what is computed depends on it
        return try_computed(plan, read)


def _differs(shard: ShardName, found: RangeRecord, what: str) -> VerificationFailed:
    lower, upper = found.lower, found.upper
    begin = "the beginning" if lower is None else f"({', '.join(lower)})"
    end = "the end" if upper is None else f"({', '.join(upper)})"
    return VerificationFailed(
        f"restored rows from {begin} to {end} differ: {what}",
        shard=shard,
        hint="the target stays marked incomplete; was something else writing to it? "
        "`shardvault verify` tells whether the backup itself is sound",
    )
