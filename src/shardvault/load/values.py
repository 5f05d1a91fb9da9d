"""Take single values out of chunks of row packets, for output that is no server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shardvault.errors import IntegrityError
from shardvault.interfaces import Buffer
from shardvault.kernel.select import encode_text

Values = tuple[bytes | None, ...]

_BATCH_BYTES = 1 << 20
_NULL = rb"\N"
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_PLAIN = {b"0": b"\0", b"t": b"\t", b"n": b"\n", b"\\": b"\\"}


def read_values(chunk: Buffer, columns: int) -> Iterator[Values]:
    """Give the values of each row as bytes, NULL as None.

    The kernel writes rows as text in which a tab and a newline only ever end a value and a
    row, so that splitting there is exact.

    Args:
        chunk: whole row packets.
        columns: values per row.

    Raises:
        IntegrityError: the bytes are not rows of that many columns.
    """
    out, position = bytearray(_BATCH_BYTES), 0
    while position < len(chunk):
        try:
            position, end, rows, wanted = encode_text(chunk, position, columns, out, 0)
        except ValueError as error:
            raise IntegrityError(f"stored rows cannot be read: {error}") from error
        if not rows:
            out = bytearray(wanted)
            continue
        for line in bytes(memoryview(out)[:end]).split(b"\n")[:-1]:
            yield tuple(_plain(value) for value in line.split(b"\t")[:columns])


def _plain(value: bytes) -> bytes | None:
    if value == _NULL:
        return None
    return _ESCAPED.sub(lambda match: _PLAIN[match[1]], value) if b"\\" in value else value
