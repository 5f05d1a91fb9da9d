from __future__ import annotations

import random
import struct
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.kernel import pure
from tests.contract.kernels import load_native

_native = load_native()
TWINS = [pytest.param(pure, id="pure"), pytest.param(_native, id="native")]
FULL = 0xFFFFFF


def _length(size: int) -> bytes:
    if size < 251:
        return bytes((size,))
    if size < 1 << 16:
        return b"\xfc" + struct.pack("<H", size)
    if size < 1 << 24:
        return b"\xfd" + struct.pack("<I", size)[:3]
    return b"\xfe" + struct.pack("<Q", size)


def _row(values: list[bytes | None]) -> bytes:
    payload = b"".join(b"\xfb" if v is None else _length(len(v)) + v for v in values)
    framed = b""
    while True:
        part, payload = payload[:FULL], payload[FULL:]
        framed += struct.pack("<I", len(part)) + part
        if len(part) < FULL:
            return framed


def _chunk(rows: list[list[bytes | None]]) -> bytes:
    return b"".join(map(_row, rows))


def _split(kernel: ModuleType, chunk: bytes, columns: int) -> bytes:
    out = bytearray(kernel.columns_bound(len(chunk), columns))
    return bytes(out[: kernel.split_columns(chunk, columns, out)])


values = st.one_of(st.none(), st.binary(max_size=40), st.binary(min_size=250, max_size=260))
tables = st.integers(1, 6).flatmap(
    lambda columns: st.lists(
        st.lists(values, min_size=columns, max_size=columns), min_size=1, max_size=20
    )
)


@given(rows=tables)
def test_both_twins_split_alike_and_join_back(rows: list[list[bytes | None]]) -> None:
    chunk = _chunk(rows)
    split = _split(pure, chunk, len(rows[0]))
    assert _split(_native, chunk, len(rows[0])) == split
    assert pure.join_columns(split) == chunk
    assert _native.join_columns(split) == chunk


@pytest.mark.parametrize("kernel", TWINS)
def test_values_of_a_column_lie_side_by_side(kernel: ModuleType) -> None:
    split = _split(kernel, _chunk([[b"a", b"xx"], [b"b", None]]), 2)
    head = struct.pack("<IIIIII", 2, 2, 2, 2, 2, 2)
    assert split == head + b"\x01\x01" + b"ab" + b"\x02\xfb" + b"xx"


@pytest.mark.parametrize("kernel", TWINS)
@pytest.mark.parametrize("size", [FULL - 5, FULL - 4, FULL - 3, 2 * FULL - 9, 2 * FULL, 40 << 20])
def test_rows_of_several_packets_come_back(kernel: ModuleType, size: int) -> None:
    rows: list[list[bytes | None]] = [[b"1", b"small"], [b"2", random.Random(1).randbytes(size)]]
    chunk = _chunk([*rows, [b"3", None]])
    assert kernel.join_columns(_split(kernel, chunk, 2)) == chunk


@pytest.mark.parametrize("kernel", TWINS)
@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        (_row([b"a"]), 2),
        (_row([b"a", b"b"]), 1),
        (_row([b"a"])[:-1], 1),
        (b"\x02\x00\x00\x00\x05a", 1),
        (b"\x01\x00\x00\x00\xfc", 1),
        (b"\x01\x00\x00\x00\xff", 1),
    ],
)
def test_rows_that_do_not_fit_are_refused(kernel: ModuleType, chunk: bytes, columns: int) -> None:
    with pytest.raises(ValueError, match=r"row|value|length"):
        _split(kernel, chunk, columns)


@pytest.mark.parametrize("kernel", TWINS)
def test_a_short_buffer_is_refused(kernel: ModuleType) -> None:
    chunk = _row([b"abc"])
    with pytest.raises(ValueError, match="outside the buffer"):
        kernel.split_columns(chunk, 1, bytearray(kernel.columns_bound(len(chunk), 1) - 1))


@pytest.mark.parametrize("kernel", TWINS)
def test_damaged_bytes_never_crash_and_never_grow(kernel: ModuleType) -> None:
    chance = random.Random(7)
    chunk = _chunk([[b"%d" % i, None, chance.randbytes(i % 300)] for i in range(60)])
    split = _split(kernel, chunk, 3)
    for _ in range(4000 if kernel is _native else 400):
        damaged = bytearray(split)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        try:
            joined = kernel.join_columns(damaged)
        except ValueError:
            continue
        assert len(joined) <= 2 * len(chunk)


@pytest.mark.parametrize("kernel", TWINS)
@pytest.mark.parametrize("head", [b"", b"\0" * 8, struct.pack("<II", 1, 0xFFFF) + b"\0" * 40])
def test_a_false_head_is_refused(kernel: ModuleType, head: bytes) -> None:
    with pytest.raises(ValueError, match="split chunk"):
        kernel.join_columns(head)


def test_a_false_count_of_rows_takes_no_memory() -> None:
    false = struct.pack("<IIII", 0xFFFFFFFF, 1, 1, 0) + b"\x00"
    for kernel in (pure, _native):
        with pytest.raises(ValueError, match="too soon"):
            kernel.join_columns(false)
