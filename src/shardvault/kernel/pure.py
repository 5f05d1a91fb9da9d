"""Walk, hash and reframe row packets in Python; the reference for the native twin.

A *row packet* is as the text protocol sends it: 3 bytes length, 1 byte sequence
number (blanked to 0), then one length-encoded string per column, 0xFB for NULL. A
payload of 16 MiB - 1 bytes goes on in the next packet.

Source: MySQL and MariaDB protocol manuals, "Text Resultset Row", "Packets";
MariaDB manual, "COM_STMT_BULK_EXECUTE"; xxHash (XXH3, 128 bits).
"""

from __future__ import annotations

import re

from xxhash import xxh3_128_intdigest

HEADER_BYTES = 4
FULL_PAYLOAD = 0xFFFFFF
HASH_MODULUS = 1 << 128
_LOW_64 = (1 << 64) - 1
_NULL = 0xFB
_ERR = 0xFF
_EOF = 0xFE
_EOF_MAX_PAYLOAD = 9
_MAX_COLUMNS = 0xFFFF  # what the protocol can count
_SPECIAL = re.compile(rb"[\x00\t\n\\]")
_ESCAPED = {b"\x00": b"\\0", b"\t": b"\\t", b"\n": b"\\n", b"\\": b"\\\\"}

Buffer = bytes | bytearray | memoryview

MORE = 0
BOUNDARY = 1
END = 2
ERROR = 3


class RowScanner:
    """Find rows in a growing buffer, add up count and hash, and say where chunks end.

    A chunk ends behind a row when it has ``max_bytes``, or has ``min_bytes`` and the
    row's hash is small enough. The place depends on contents only, so equal rows give
    equal chunks whatever was inserted before them.

    Args:
        min_bytes: shortest chunk, but for the last of a range [bytes].
        max_bytes: a chunk ends at the first row at or after this size [bytes].

    Attributes:
        status: why ``scan`` returned: MORE (the packet at the position is not complete),
            BOUNDARY (a chunk ends here), END (the result ends here), ERROR (an error
            packet lies here).
        rows: rows seen so far [rows].
        content_hash: sum of the rows' XXH3-128 modulo 2**128.
        longest_row: longest payload seen [bytes].
    """

    def __init__(self, min_bytes: int, max_bytes: int) -> None:
        self._min = min_bytes
        self._max = max_bytes
        self._per_byte = (1 << 64) // max(1, (max_bytes - min_bytes) // 3)
        self.status = MORE
        self.rows = 0
        self.content_hash = 0
        self.longest_row = 0

    def scan(self, buffer: bytearray, begin: int, end: int, chunk_begin: int) -> int:
        """Walk whole rows from ``begin`` and return the position behind the last one.

        Sequence numbers are blanked in place. The buffer stays the caller's.

        Args:
            buffer: holds packets; ``begin`` is the start of one.
            begin: where to go on [bytes].
            end: end of the valid bytes [bytes].
            chunk_begin: where the present chunk began [bytes].

        Raises:
            ValueError: the positions do not ascend or lie outside the buffer, or a packet
                is empty, which no row and no end of rows is.
        """
        if not 0 <= chunk_begin <= begin <= end <= len(buffer):
            raise ValueError("positions outside the buffer")
        position = begin
        self.status = MORE
        while position + HEADER_BYTES < end:
            marker = buffer[position + HEADER_BYTES]
            size = int.from_bytes(buffer[position : position + 3], "little")
            if size == 0:
                raise ValueError(f"empty packet at byte {position}")
            if marker == _ERR or (marker == _EOF and size < _EOF_MAX_PAYLOAD):
                if position + HEADER_BYTES + size <= end:
                    self.status = ERROR if marker == _ERR else END
                return position
            behind = _row_end(buffer, position, end)
            if behind < 0:
                return position
            low = self._add(buffer, position, behind)
            row_bytes, position = behind - position, behind
            if self._is_boundary(position - chunk_begin, row_bytes, low):
                self.status = BOUNDARY
                return position
        return position

    def _add(self, buffer: bytearray, begin: int, behind: int) -> int:
        payload = _take_payload(buffer, begin, behind, blank=True)
        digest = xxh3_128_intdigest(payload)
        self.rows += 1
        self.content_hash = (self.content_hash + digest) % HASH_MODULUS
        self.longest_row = max(self.longest_row, len(payload))
        return digest & _LOW_64

    def _is_boundary(self, chunk_bytes: int, row_bytes: int, low: int) -> bool:
        if chunk_bytes >= self._max:
            return True
        return chunk_bytes >= self._min and low < min(self._per_byte * row_bytes, _LOW_64)


def _row_end(buffer: Buffer, begin: int, end: int) -> int:
    """Return the position behind a row, -1 if it is not complete."""
    position = begin
    while position + HEADER_BYTES <= end:
        size = int.from_bytes(buffer[position : position + 3], "little")
        position += HEADER_BYTES + size
        if position > end:
            return -1
        if size != FULL_PAYLOAD:
            return position
    return -1


def _take_payload(buffer: Buffer, begin: int, behind: int, *, blank: bool = False) -> bytes:
    """Return a row's payload without packet headers."""
    parts = []
    position = begin
    while position < behind:
        size = int.from_bytes(buffer[position : position + 3], "little")
        if blank:
            buffer[position + 3] = 0  # type: ignore[index]  # only ever a bytearray
        parts.append(bytes(buffer[position + HEADER_BYTES : position + HEADER_BYTES + size]))
        position += HEADER_BYTES + size
    return parts[0] if len(parts) == 1 else b"".join(parts)


def hash_rows(chunk: Buffer) -> tuple[int, int]:
    """Return the number of rows in a chunk and the sum of their hashes.

    Raises:
        ValueError: the bytes are not a sequence of whole rows.
    """
    position, rows, total = 0, 0, 0
    while position < len(chunk):
        behind = _row_end(chunk, position, len(chunk))
        if behind < 0:
            raise ValueError(f"no whole row at byte {position}")
        total += xxh3_128_intdigest(_take_payload(chunk, position, behind))
        rows += 1
        position = behind
    return rows, total % HASH_MODULUS


def encode_bulk(
    chunk: Buffer, begin: int, columns: int, out: bytearray, out_begin: int
) -> tuple[int, int, int, int]:
    """Reframe rows as parameters of MariaDB's bulk execute, as many as fit into ``out``.

    Args:
        chunk: whole row packets.
        begin: where to go on in the chunk [bytes].
        columns: values per row.
        out: buffer to write into; keeps its size.
        out_begin: where to write [bytes].

    Returns:
        Position in the chunk, position in ``out``, rows written, and, if not even one row
        fitted, the size ``out`` must have [bytes] (else 0).

    Raises:
        ValueError: the bytes are not whole rows of that many columns, or the positions
            lie outside the buffers.
    """
    return _encode(chunk, begin, columns, out, out_begin, is_text=False)


def encode_text(
    chunk: Buffer, begin: int, columns: int, out: bytearray, out_begin: int
) -> tuple[int, int, int, int]:
    r"""Reframe rows as text for LOAD DATA, as many as fit; see ``encode_bulk``.

    Values end with a tab, rows with a newline, NULL is ``\N``, and the bytes NUL, tab,
    newline and backslash are escaped with a backslash.
    """
    return _encode(chunk, begin, columns, out, out_begin, is_text=True)


def _encode(
    chunk: Buffer, begin: int, columns: int, out: bytearray, out_begin: int, *, is_text: bool
) -> tuple[int, int, int, int]:
    is_inside = 0 <= begin <= len(chunk) and 0 <= out_begin <= len(out)
    if not (is_inside and 0 < columns <= _MAX_COLUMNS):
        raise ValueError("positions outside the buffer")
    position, target, rows = begin, out_begin, 0
    while position < len(chunk):
        behind = _row_end(chunk, position, len(chunk))
        if behind < 0:
            raise ValueError(f"no whole row at byte {position}")
        payload = _take_payload(chunk, position, behind)
        bound = len(payload) * 2 + columns * 2 if is_text else len(payload) + columns
        if target + bound > len(out):
            return position, target, rows, 0 if rows else target + bound
        encoded = _encode_row(payload, columns, is_text=is_text)
        out[target : target + len(encoded)] = encoded
        target += len(encoded)
        position = behind
        rows += 1
    return position, target, rows, 0


def _encode_row(payload: bytes, columns: int, *, is_text: bool) -> bytes:
    parts: list[bytes] = []
    position = 0
    for _ in range(columns):
        if position >= len(payload):
            raise ValueError("row has too few columns")
        if payload[position] == _NULL:
            parts.append(rb"\N" if is_text else b"\x01")
            position += 1
            continue
        size, begin = _read_length(payload, position)
        behind = begin + size
        if behind > len(payload):
            raise ValueError("value passes the end of its row")
        value = payload[begin:behind]
        parts.append(_escape(value) if is_text else b"\x00" + payload[position:behind])
        position = behind
    if position != len(payload):
        raise ValueError("row has too many columns")
    return b"\t".join(parts) + b"\n" if is_text else b"".join(parts)


def _read_length(payload: bytes | memoryview, position: int) -> tuple[int, int]:
    """Return a length-encoded integer and the position behind it."""
    first = payload[position]
    if first < _NULL:
        return first, position + 1
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first)
    if width is None or position + 1 + width > len(payload):
        raise ValueError("bad length of a value")
    begin = position + 1
    return int.from_bytes(payload[begin : begin + width], "little"), begin + width


def _escape(value: bytes) -> bytes:
    return _SPECIAL.sub(lambda match: _ESCAPED[match[0]], value)


def split_columns(chunk: Buffer, columns: int, out: bytearray) -> int:
    """Rewrite a chunk column by column and return the size of the result.

    Equal bytes come to lie side by side, which makes them compress faster and smaller.
    The result is: rows and columns (4 bytes each, little endian), for each column the
    sizes of its two streams (4 bytes each), then for each column both streams: the
    *lengths* as the rows spell them (0xFB is NULL) and the *values* without a separator.

    Args:
        chunk: whole row packets.
        columns: values per row.
        out: takes the result; at least ``columns_bound`` bytes long; keeps its size.

    Raises:
        ValueError: the bytes are not whole rows of that many columns, or ``out`` is short.
    """
    if not 0 < columns <= _MAX_COLUMNS or len(out) < columns_bound(len(chunk), columns):
        raise ValueError("positions outside the buffer")
    lengths = [bytearray() for _ in range(columns)]
    values = [bytearray() for _ in range(columns)]
    position = rows = 0
    while position < len(chunk):
        behind = _row_end(chunk, position, len(chunk))
        if behind < 0:
            raise ValueError(f"no whole row at byte {position}")
        _split_row(_take_payload(chunk, position, behind), lengths, values)
        position = behind
        rows += 1
    sizes = b"".join(
        len(stream).to_bytes(4, "little")
        for pair in zip(lengths, values, strict=True)
        for stream in pair
    )
    parts = [rows.to_bytes(4, "little"), columns.to_bytes(4, "little"), sizes]
    for pair in zip(lengths, values, strict=True):
        parts.extend(bytes(stream) for stream in pair)
    result = b"".join(parts)
    out[: len(result)] = result
    return len(result)


def columns_bound(chunk_bytes: int, columns: int) -> int:
    """Return the most bytes that ``split_columns`` needs for a chunk of that size."""
    return chunk_bytes + 8 + 8 * columns


def _split_row(payload: bytes, lengths: list[bytearray], values: list[bytearray]) -> None:
    position = 0
    for length, value in zip(lengths, values, strict=True):
        if position >= len(payload):
            raise ValueError("row has too few columns")
        size, begin = (
            (0, position + 1) if payload[position] == _NULL else _read_length(payload, position)
        )
        behind = begin + size
        if behind > len(payload):
            raise ValueError("value passes the end of its row")
        length += payload[position:begin]
        value += payload[begin:behind]
        position = behind
    if position != len(payload):
        raise ValueError("row has too many columns")


def join_columns(split: Buffer) -> bytearray:
    """Rewrite the result of ``split_columns`` as the chunk it was made of.

    Raises:
        ValueError: the bytes are not such a result.
    """
    view = memoryview(split)
    rows, streams = _open_streams(view)
    at = [0] * len(streams)
    chunk = bytearray()
    for _ in range(rows):
        payload = bytearray()
        for index in range(0, len(streams), 2):
            _join_value(streams, at, index, payload)
        chunk += _frame(payload)
    if any(position != len(stream) for position, stream in zip(at, streams, strict=True)):
        raise ValueError("streams do not end together")
    return chunk


def _open_streams(view: memoryview) -> tuple[int, list[memoryview]]:
    """Return the number of rows and the two streams of each column."""
    rows, columns = int.from_bytes(view[:4], "little"), int.from_bytes(view[4:8], "little")
    begin = 8 + 8 * columns
    if len(view) < begin or not 0 < columns <= _MAX_COLUMNS:
        raise ValueError("bad head of a split chunk")
    streams = []
    for index in range(2 * columns):
        size = int.from_bytes(view[8 + 4 * index : 12 + 4 * index], "little")
        streams.append(view[begin : begin + size])
        begin += size
    if begin != len(view):
        raise ValueError("bad sizes in a split chunk")
    return rows, streams


def _join_value(streams: list[memoryview], at: list[int], index: int, payload: bytearray) -> None:
    lengths, values = streams[index], streams[index + 1]
    position = at[index]
    if position >= len(lengths):
        raise ValueError("lengths end too soon")
    if lengths[position] == _NULL:
        size, begin = 0, position + 1
    else:
        size, begin = _read_length(lengths, position)
    behind = at[index + 1] + size
    if behind > len(values):
        raise ValueError("values end too soon")
    payload += lengths[position:begin]
    payload += values[at[index + 1] : behind]
    at[index], at[index + 1] = begin, behind


def _frame(payload: bytearray) -> bytearray:
    """Put packet headers before a payload and wherever one is full."""
    framed = bytearray()
    begin = 0
    while True:
        size = min(FULL_PAYLOAD, len(payload) - begin)
        framed += size.to_bytes(3, "little") + b"\x00"
        framed += payload[begin : begin + size]
        begin += size
        if size < FULL_PAYLOAD:
            return framed
