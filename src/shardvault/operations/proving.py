"""Read a restored range back and compare it with the manifest."""

from __future__ import annotations

from collections.abc import Callable

from shardvault.dump.plan import select_statement
from shardvault.dump.ranges import KeyRange
from shardvault.dump.reader import RangeReader
from shardvault.errors import VerificationFailed
from shardvault.model.ids import ShardName
from shardvault.model.manifest import RangeRecord, TableRecord


def prove_range(
    reader: RangeReader,
    shard: ShardName,
    record: TableRecord,
    wanted: RangeRecord,
    count: Callable[[int], None],
) -> None:
    """Read a range the way it was dumped and compare rows and hash.

    Args:
        reader: on the target.
        shard: name for messages.
        record: the table.
        wanted: the range as the manifest has it.
        count: is told the bytes as they are read [bytes].

    Raises:
        VerificationFailed: names shard, table and range; the target stays marked incomplete.
    """
    statement = select_statement(record.table, KeyRange(wanted.lower, wanted.upper))

    def take(chunk: memoryview) -> None:
        count(len(chunk))

    totals = reader.read(statement, len(record.select_columns), take)
    if totals.rows != wanted.rows:
        raise _differs(shard, wanted, f"{totals.rows} rows, {wanted.rows} in the manifest")
    if f"{totals.content_hash:032x}" != wanted.content_hash:
        raise _differs(shard, wanted, "as many rows as in the manifest, but other contents")


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
