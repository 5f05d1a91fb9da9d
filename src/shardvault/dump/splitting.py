"""Turn chunks of row packets into what is stored: the same values, column by column."""

from __future__ import annotations

from shardvault.kernel.select import columns_bound, split_columns


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
