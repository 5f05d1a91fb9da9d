from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_128_intdigest

from shardvault.kernel import pure
from shardvault.kernel.select import KERNEL
from tests.contract.kernels import is_compiler_here, load_native, over_both_kernels
from tests.support.packets import (
    EOF,
    FULL_PAYLOAD,
    Row,
    chunk_of,
    error_packet,
    frame,
    payload_of,
)

HASH_MODULUS = 1 << 128
HUGE = 1 << 40

values = st.none() | st.binary(max_size=300)
tables = st.integers(1, 4).flatmap(
    lambda columns: st.lists(st.lists(values, min_size=columns, max_size=columns), max_size=30)
)


def stream_of(rows: Sequence[Row]) -> bytes:
    """Write rows with sequence numbers that run on, as a server sends them, and an EOF."""
    packets = [frame(payload_of(row), sequence) for sequence, row in enumerate(rows, 5)]
    return b"".join(packets) + EOF


def hash_of(rows: list[Row]) -> int:
    return sum(xxh3_128_intdigest(payload_of(row)) for row in rows) % HASH_MODULUS


def scan_all(
    kernel: ModuleType, stream: bytes, limits: tuple[int, int], steps: list[int]
) -> tuple[list[bytes], Any]:
    """Feed a stream in pieces and collect the chunks, as the reader does."""
    scanner = kernel.RowScanner(*limits)
    buffer, chunks, scanned = bytearray(), [], 0
    pieces = itertools.cycle(steps or [len(stream)])
    fed = 0
    while True:
        scanned = scanner.scan(buffer, scanned, len(buffer), 0)
        if scanner.status == kernel.MORE:
            assert fed < len(stream), "the scanner wants more than there is"
            step = next(pieces)
            buffer += stream[fed : fed + step]
            fed += step
            continue
        if scanned:
            chunks.append(bytes(buffer[:scanned]))
            del buffer[:scanned]
            scanned = 0
        if scanner.status != kernel.BOUNDARY:
            return chunks, scanner


def test_the_native_kernel_was_compiled_where_there_is_a_compiler() -> None:
    if is_compiler_here():
        load_native()


def test_the_kernel_in_use_is_the_native_one_where_it_was_compiled() -> None:
    assert ("native" if is_compiler_here() else "pure") == KERNEL


def test_both_kernels_have_the_same_names() -> None:
    native = load_native() if is_compiler_here() else pure
    for name in ("RowScanner", "hash_rows", "encode_bulk", "encode_text"):
        assert callable(getattr(native, name))
    for name in ("MORE", "BOUNDARY", "END", "ERROR"):
        assert getattr(native, name) == getattr(pure, name)


@over_both_kernels
@given(rows=tables, steps=st.lists(st.integers(1, 700), max_size=8))
def test_rows_hash_and_chunks_do_not_depend_on_how_the_stream_is_split(
    kernel: ModuleType, rows: list[Row], steps: list[int]
) -> None:
    chunks, scanner = scan_all(kernel, stream_of(rows), (200, 900), steps)
    assert chunks == scan_all(pure, stream_of(rows), (200, 900), [])[0]
    assert b"".join(chunks) == chunk_of(rows)
    assert scanner.status == kernel.END
    assert scanner.rows == len(rows)
    assert scanner.content_hash == hash_of(rows)
    assert scanner.longest_row == max((len(payload_of(row)) for row in rows), default=0)


@over_both_kernels
def test_a_row_inserted_early_leaves_later_chunks_equal(kernel: ModuleType) -> None:
    source = random.Random(1)
    rows = [[source.randbytes(source.randrange(20, 60))] for _ in range(4000)]
    before, _ = scan_all(kernel, stream_of(rows), (2000, 9000), [])
    after, _ = scan_all(kernel, stream_of([[b"new"], *rows]), (2000, 9000), [])
    assert len(before) > 20
    assert before[0] not in after
    assert len(set(before) - set(after)) <= 3


@over_both_kernels
def test_chunks_keep_their_limits(kernel: ModuleType) -> None:
    source = random.Random(2)
    rows = [[source.randbytes(100)] for _ in range(2000)]
    chunks, _ = scan_all(kernel, stream_of(rows), (1000, 3000), [])
    assert all(1000 <= len(chunk) < 3000 + 105 for chunk in chunks[:-1])
    assert len({len(chunk) for chunk in chunks}) > 5


@over_both_kernels
def test_equal_rows_reach_the_upper_limit_or_end_at_the_lower_one(kernel: ModuleType) -> None:
    chunks, _ = scan_all(kernel, stream_of([[b"same" * 10]] * 500), (1000, 3000), [])
    assert len({len(chunk) for chunk in chunks[:-1]}) == 1


@over_both_kernels
def test_limits_without_room_between_them_cut_at_once(kernel: ModuleType) -> None:
    chunks, _ = scan_all(kernel, stream_of([[b"x" * 50]] * 20), (1, 2), [])
    assert len(chunks) == 20


@over_both_kernels
def test_sequence_numbers_are_blanked_and_nothing_else(kernel: ModuleType) -> None:
    buffer = bytearray(frame(b"\x01a", 77) + frame(b"\x01b", 255))
    kernel.RowScanner(HUGE, HUGE).scan(buffer, 0, len(buffer), 0)
    assert bytes(buffer) == frame(b"\x01a", 0) + frame(b"\x01b", 0)


@over_both_kernels
@pytest.mark.parametrize("first", range(0, 256))
def test_every_first_byte_of_a_row_is_told_from_the_end(kernel: ModuleType, first: int) -> None:
    payload = bytes((first,)) + bytes(20)
    buffer = bytearray(frame(payload) + EOF)
    scanner = kernel.RowScanner(HUGE, HUGE)
    behind = scanner.scan(buffer, 0, len(buffer), 0)
    if first == 0xFF:
        assert (scanner.status, behind, scanner.rows) == (kernel.ERROR, 0, 0)
    else:
        assert (scanner.status, behind) == (kernel.END, len(buffer) - len(EOF))
        assert scanner.content_hash == xxh3_128_intdigest(payload)


@over_both_kernels
@pytest.mark.parametrize("size", [1, 5, 8])
def test_a_short_packet_that_begins_with_fe_is_the_end(kernel: ModuleType, size: int) -> None:
    buffer = bytearray(frame(b"\x01a") + frame(b"\xfe" + bytes(size - 1)))
    scanner = kernel.RowScanner(HUGE, HUGE)
    assert scanner.scan(buffer, 0, len(buffer), 0) == 6
    assert (scanner.status, scanner.rows) == (kernel.END, 1)


@over_both_kernels
def test_a_null_in_the_first_column_is_a_row(kernel: ModuleType) -> None:
    chunks, scanner = scan_all(kernel, stream_of([[None], [None]]), (HUGE, HUGE), [1])
    assert (chunks, scanner.rows) == ([chunk_of([[None], [None]])], 2)


@over_both_kernels
def test_an_error_behind_rows_is_reported_with_its_place(kernel: ModuleType) -> None:
    rows = frame(b"\x01a") * 3
    stream = rows + error_packet(1317, "interrupted")
    for end in range(len(rows), len(stream)):
        scanner = kernel.RowScanner(HUGE, HUGE)
        assert scanner.scan(bytearray(stream), 0, end, 0) == len(rows)
        assert scanner.status == kernel.MORE
    scanner = kernel.RowScanner(HUGE, HUGE)
    assert scanner.scan(bytearray(stream), 0, len(stream), 0) == len(rows)
    assert scanner.status == kernel.ERROR


@over_both_kernels
@pytest.mark.parametrize("extra", [-1, 0, 1, FULL_PAYLOAD - 1, FULL_PAYLOAD, FULL_PAYLOAD + 1])
def test_rows_of_several_packets_are_one_row(kernel: ModuleType, extra: int) -> None:
    value = bytes(range(256)) * ((FULL_PAYLOAD + extra) // 256 + 1)
    value = value[: FULL_PAYLOAD + extra - 9]
    payload = b"\xfe" + len(value).to_bytes(8, "little") + value
    assert len(payload) == FULL_PAYLOAD + extra
    stream = bytearray(frame(payload, 250) + EOF)
    scanner = kernel.RowScanner(1 << 20, 4 << 20)
    assert scanner.scan(stream, 0, 20, 0) == 0
    behind = scanner.scan(stream, 0, len(stream), 0)
    assert (scanner.status, behind) == (kernel.BOUNDARY, len(stream) - len(EOF))
    assert (scanner.rows, scanner.longest_row) == (1, len(payload))
    assert scanner.content_hash == xxh3_128_intdigest(payload)
    assert kernel.hash_rows(stream[:behind]) == (1, scanner.content_hash)
    at = 0
    while at < behind:
        assert stream[at + 3] == 0
        at += 4 + int.from_bytes(stream[at : at + 3], "little")
    assert scanner.scan(stream, behind, len(stream), behind) == behind
    assert scanner.status == kernel.END


@over_both_kernels
@pytest.mark.parametrize(
    ("begin", "end", "chunk_begin"),
    [(-1, 5, 0), (0, 11, 0), (6, 5, 0), (2, 5, 3), (2, 5, -1), (1 << 62, 1 << 62, 0)],
)
def test_positions_outside_the_buffer_are_refused(
    kernel: ModuleType, begin: int, end: int, chunk_begin: int
) -> None:
    with pytest.raises(ValueError, match="positions outside the buffer"):
        kernel.RowScanner(1, 2).scan(bytearray(10), begin, end, chunk_begin)


@over_both_kernels
def test_an_empty_packet_is_refused_with_its_place(kernel: ModuleType) -> None:
    buffer = bytearray(frame(b"\x01a") + frame(b"") + EOF)
    with pytest.raises(ValueError, match="empty packet at byte 6"):
        kernel.RowScanner(HUGE, HUGE).scan(buffer, 0, len(buffer), 0)


@over_both_kernels
def test_nothing_to_scan_asks_for_more(kernel: ModuleType) -> None:
    scanner = kernel.RowScanner(1, 2)
    assert scanner.scan(bytearray(), 0, 0, 0) == 0
    assert (scanner.status, scanner.rows, scanner.content_hash) == (kernel.MORE, 0, 0)


@over_both_kernels
@given(rows=tables, seed=st.randoms(use_true_random=False))
def test_the_content_hash_does_not_depend_on_the_order_of_rows(
    kernel: ModuleType, rows: list[Row], seed: random.Random
) -> None:
    shuffled = list(rows)
    seed.shuffle(shuffled)
    assert kernel.hash_rows(chunk_of(shuffled)) == (len(rows), hash_of(rows))


@over_both_kernels
def test_any_flipped_bit_changes_the_content_hash(kernel: ModuleType) -> None:
    chunk = chunk_of([[b"abc", None], [b"", b"d" * 40]])
    _, wanted = kernel.hash_rows(chunk)
    payload_bits = [at * 8 + bit for at in (*range(4, 9), *range(13, 55)) for bit in range(8)]
    for place in payload_bits:
        damaged = bytearray(chunk)
        damaged[place // 8] ^= 1 << place % 8
        assert kernel.hash_rows(damaged) != (2, wanted)


@over_both_kernels
def test_a_doubled_row_changes_the_content_hash(kernel: ModuleType) -> None:
    once = kernel.hash_rows(chunk_of([[b"a"], [b"b"]]))
    assert kernel.hash_rows(chunk_of([[b"a"], [b"b"], [b"b"]])) != once
    assert kernel.hash_rows(chunk_of([[b"a"], [b"a"]])) != once


@over_both_kernels
def test_values_moved_between_columns_change_the_content_hash(kernel: ModuleType) -> None:
    assert kernel.hash_rows(chunk_of([[b"ab", b""]])) != kernel.hash_rows(chunk_of([[b"a", b"b"]]))
    assert kernel.hash_rows(chunk_of([[None, b""]])) != kernel.hash_rows(chunk_of([[b"", None]]))


@over_both_kernels
@pytest.mark.parametrize("cut", [1, 3, 4, 5])
def test_a_chunk_that_is_cut_short_has_no_hash(kernel: ModuleType, cut: int) -> None:
    chunk = chunk_of([[b"abc"], [b"de"]])
    with pytest.raises(ValueError, match="no whole row at byte 8"):
        kernel.hash_rows(chunk[:-cut])


@over_both_kernels
def test_an_empty_chunk_has_no_rows(kernel: ModuleType) -> None:
    assert kernel.hash_rows(b"") == (0, 0)


def test_a_sum_that_carries_is_equal_in_both_kernels() -> None:
    if not is_compiler_here():
        return
    rows: list[Row] = [[str(number).encode()] for number in range(5000)]
    chunk = chunk_of(rows)
    assert load_native().hash_rows(chunk) == pure.hash_rows(chunk) == (5000, hash_of(rows))
