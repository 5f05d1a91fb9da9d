from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.kernels import over_both_kernels
from tests.support.packets import (
    FULL_PAYLOAD,
    Row,
    chunk_of,
    decode_bulk,
    decode_text,
    encode_length,
    frame,
)

CANARY = b"\xaa\x55" * 32
DECODERS = {"encode_bulk": decode_bulk, "encode_text": decode_text}
ENCODERS = pytest.mark.parametrize("name", sorted(DECODERS))
WIDTHS = [0, 1, 250, 251, 252, 253, 254, 255, 256, 65535, 65536, FULL_PAYLOAD, FULL_PAYLOAD + 1]

values = st.none() | st.binary(max_size=40) | st.text("\0\t\n\\N", max_size=6).map(str.encode)
tables = st.integers(1, 5).flatmap(
    lambda columns: st.lists(st.lists(values, min_size=columns, max_size=columns), max_size=12)
)


def encode(
    kernel: ModuleType,
    name: str,
    chunk: bytes,
    columns: int,
    *,
    begin: int = 0,
    room: int = 1 << 20,
) -> tuple[tuple[int, int, int, int], bytes]:
    """Encode between canaries; return the answer and what was written."""
    out = bytearray(CANARY + bytes(room) + CANARY)
    view = memoryview(out)[len(CANARY) : len(CANARY) + room]
    try:
        answer = getattr(kernel, name)(chunk, begin, columns, view, 0)
    finally:
        assert out.startswith(CANARY)
        assert out.endswith(CANARY)
    return answer, bytes(view[: answer[1]])


@over_both_kernels
@ENCODERS
@given(rows=tables)
def test_what_is_encoded_reads_back_as_the_same_values(
    kernel: ModuleType, name: str, rows: list[Row]
) -> None:
    columns = len(rows[0]) if rows else 1
    chunk = chunk_of(rows)
    (position, _, count, wanted), written = encode(kernel, name, chunk, columns)
    assert (position, count, wanted) == (len(chunk), len(rows), 0)
    assert DECODERS[name](written, columns) == rows


@over_both_kernels
@ENCODERS
def test_all_byte_values_null_and_empty_are_told_apart(kernel: ModuleType, name: str) -> None:
    row: Row = [bytes(range(256)), None, b"", b"NULL", rb"\N", *(bytes((n,)) for n in range(256))]
    _, written = encode(kernel, name, chunk_of([row, row]), len(row))
    assert DECODERS[name](written, len(row)) == [row, row]


@over_both_kernels
@ENCODERS
@pytest.mark.parametrize("size", WIDTHS)
def test_every_width_of_a_length_is_read(kernel: ModuleType, name: str, size: int) -> None:
    value = ((b"\\x\n" + bytes(range(97, 122)) * 40) * (size // 1000 + 1))[:size]
    chunk = chunk_of([[b"a", value, None]])
    _, written = encode(kernel, name, chunk, 3, room=2 * size + 64)
    if name == "encode_bulk":
        assert written == b"\0\1a\0" + encode_length(size) + value + b"\1"
    else:
        escaped = value.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
        assert written == b"a\t" + escaped + b"\t\\N\n"


@over_both_kernels
@ENCODERS
def test_a_length_wider_than_it_must_be_is_read(kernel: ModuleType, name: str) -> None:
    for width in (b"\xfc\x02\x00", b"\xfd\x02\x00\x00", b"\xfe\x02" + bytes(7)):
        _, written = encode(kernel, name, frame(width + b"ab"), 1)
        assert DECODERS[name](written, 1) == [[b"ab"]]


@over_both_kernels
@ENCODERS
@given(rows=tables, room=st.integers(0, 200))
def test_a_small_buffer_takes_whole_rows_and_the_rest_follows(
    kernel: ModuleType, name: str, rows: list[Row], room: int
) -> None:
    columns = len(rows[0]) if rows else 1
    chunk, position, found = chunk_of(rows), 0, []
    while position < len(chunk):
        (behind, _, count, wanted), written = encode(
            kernel, name, chunk, columns, begin=position, room=room
        )
        if not count:
            assert (behind, written) == (position, b"")
            assert wanted > room
            room = wanted
            continue
        assert wanted == 0
        found += DECODERS[name](written, columns)
        position = behind
    assert found == rows


@over_both_kernels
@ENCODERS
def test_writing_begins_where_it_is_told(kernel: ModuleType, name: str) -> None:
    out = bytearray(b"head" + bytes(30))
    _, end, _, _ = getattr(kernel, name)(chunk_of([[b"a"]]), 0, 1, out, 4)
    assert DECODERS[name](bytes(out[4:end]), 1) == [[b"a"]]
    assert out[:4] == b"head"
    assert len(out) == 34


@over_both_kernels
@ENCODERS
@pytest.mark.parametrize(
    ("payload", "columns", "message"),
    [
        (b"\x01a", 2, "too few columns"),
        (b"\xfb", 2, "too few columns"),
        (b"", 1, "too few columns"),
        (b"\x01a\x01b", 1, "too many columns"),
        (b"\xfb\xfb", 1, "too many columns"),
        (b"\x02a", 1, "value passes the end"),
        (b"\xfc\xff\xffabc", 1, "value passes the end"),
        (b"\xfd\xff\xff\xffabc", 1, "value passes the end"),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xffabc", 1, "value passes the end"),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7fabc", 1, "value passes the end"),
        (b"\xfc\x01", 1, "bad length"),
        (b"\xfd\x01\x01", 1, "bad length"),
        (b"\xfe\x01\x01\x01\x01\x01\x01\x01", 1, "bad length"),
        (b"\xff\x01", 1, "bad length"),
    ],
)
def test_a_malformed_row_is_refused(
    kernel: ModuleType, name: str, payload: bytes, columns: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        encode(kernel, name, frame(payload), columns)


@over_both_kernels
@ENCODERS
def test_a_chunk_that_is_cut_short_is_refused(kernel: ModuleType, name: str) -> None:
    chunk = chunk_of([[b"a"], [b"b"]])
    for size in range(7, len(chunk)):
        with pytest.raises(ValueError, match="no whole row at byte 6"):
            encode(kernel, name, chunk[:size], 1)


@over_both_kernels
@ENCODERS
@pytest.mark.parametrize(
    ("begin", "columns", "out_begin"),
    [(-1, 1, 0), (7, 1, 0), (0, 0, 0), (0, -1, 0), (0, 1 << 62, 0), (0, 1, -1), (0, 1, 11)],
)
def test_positions_outside_the_buffers_are_refused(
    kernel: ModuleType, name: str, begin: int, columns: int, out_begin: int
) -> None:
    with pytest.raises(ValueError, match="positions outside the buffer"):
        getattr(kernel, name)(chunk_of([[b"a"]]), begin, columns, bytearray(10), out_begin)
