"""Turn chunks of row packets into what is stored: the same values, column by column."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from shardvault.dump.plan import TablePlan
from shardvault.dump.reader import RangeTotals
from shardvault.errors import ServerError
from shardvault.interfaces import Buffer
from shardvault.kernel.pure import HASH_MODULUS
from shardvault.kernel.select import columns_bound, hash_rows, join_columns, split_columns

_COUNTS = struct.Struct("<II")  # rows and columns of a split chunk
_SIZES_BYTES = 8  # per column: bytes of its lengths, bytes of its values

_Result = TypeVar("_Result")


class ColumnSplitter:
    """Split one chunk after another with one buffer; for one thread."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._out = bytearray()

    def split(self, chunk: memoryview) -> memoryview:
        """Return the split chunk; it is valid until the next call."""
        bound = columns_bound(len(chunk), self._columns)
        if bound > len(self._out):
            self._out = bytearray(bound)
        size = split_columns(chunk, self._columns, self._out)
        return memoryview(self._out)[:size]


class RangeSplitter:
    """Split the chunks of one range, and keep computed columns out of what is stored.

    Args:
        stored: columns of each row that are stored.
        computed: columns behind them that are only hashed.
    """

    def __init__(self, stored: int, computed: int = 0) -> None:
        self.columns = stored + computed
        self.has_computed = computed > 0
        self._stored = stored
        self._splitter = ColumnSplitter(self.columns)
        self._content_hash = 0
        self._raw_bytes = 0

    def split(self, chunk: memoryview) -> Buffer:
        """Return the stored columns of a chunk, side by side; valid until the next call."""
        split = self._splitter.split(chunk)
        if not self.has_computed:
            return split
        kept = keep_columns(split, self._stored)
        rows = join_columns(kept)
        self._content_hash += hash_rows(rows)[1]
        self._raw_bytes += len(rows)
        return kept

    def totals(self, read: RangeTotals) -> RangeTotals:
        """Tell what was stored apart from what was read; the longest row is the one read."""
        if not self.has_computed:
            return read
        return replace(
            read,
            content_hash=self._content_hash % HASH_MODULUS,
            raw_bytes=self._raw_bytes,
            generated_hash=read.content_hash,
        )


def keep_columns(split: Buffer, kept: int) -> bytes:
    """Copy the first columns of a split chunk."""
    view = memoryview(split)
    rows, columns = _COUNTS.unpack_from(view)
    sizes = view[_COUNTS.size : _COUNTS.size + kept * _SIZES_BYTES]
    begin = _COUNTS.size + columns * _SIZES_BYTES
    size = sum(struct.unpack(f"<{2 * kept}I", sizes))
    return b"".join((_COUNTS.pack(rows, kept), sizes, view[begin : begin + size]))


def try_computed(plan: TablePlan, read: Callable[[RangeSplitter], _Result]) -> _Result:
    """Read with the computed columns, and without them if the server cannot compute them.

    Args:
        plan: of the table.
        read: reads a range, from its beginning, with the columns that its splitter takes.
    """
    stored = len(plan.columns)
    if plan.computed:
        # The server looks at some expressions only when a row is read.
        with suppress(ServerError):
            return read(RangeSplitter(stored, len(plan.computed)))
    return read(RangeSplitter(stored))
