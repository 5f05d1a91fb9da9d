from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.kernel import pure
from tests.contract.kernels import is_compiler_here, load_native, over_both_kernels
from tests.support.packets import EOF, chunk_of, error_packet

CANARY = b"\xaa\x55" * 16
SEEDS = [
    chunk_of([[b"a", None, b"xyz" * 9], [b"", b"\\\n\t\0", None], [None] * 3]) + EOF,
    chunk_of([[b"q" * 300, b"w" * 251, b""]]) + EOF,
    chunk_of([[b"1", b"2", b"3"]] * 5) + error_packet(1317, "gone"),
]
TRICKY = b"\x00\x01\x08\x09\xfa\xfb\xfc\xfd\xfe\xff"

Outcome = tuple[object, ...]


def attempt(run: Callable[[], Outcome]) -> Outcome:
    try:
        return run()
    except ValueError as error:
        return ("refused", str(error))


def scan(kernel: ModuleType, data: bytes) -> Outcome:
    buffer = bytearray(CANARY + data + CANARY)
    begin, end = len(CANARY), len(CANARY) + len(data)
    scanner = kernel.RowScanner(20, 60)
    outcome = attempt(lambda: (scanner.scan(buffer, begin, end, begin), scanner.status))
    assert buffer.startswith(CANARY)
    assert buffer.endswith(CANARY)
    return *outcome, scanner.rows, scanner.content_hash, bytes(buffer)


def encode(kernel: ModuleType, name: str, data: bytes, columns: int, room: int) -> Outcome:
    out = bytearray(CANARY + bytes(room) + CANARY)
    view = memoryview(out)[len(CANARY) : len(CANARY) + room]
    outcome = attempt(lambda: tuple(getattr(kernel, name)(data, 0, columns, view, 0)))
    assert out.startswith(CANARY)
    assert out.endswith(CANARY)
    written = outcome[1] if outcome[0] != "refused" else 0
    return *outcome, bytes(view[: written if isinstance(written, int) else 0])


def try_all(kernel: ModuleType, data: bytes, columns: int, room: int) -> list[Outcome]:
    return [
        scan(kernel, data),
        attempt(lambda: tuple(kernel.hash_rows(data))),
        encode(kernel, "encode_bulk", data, columns, room),
        encode(kernel, "encode_text", data, columns, room),
    ]


def mutate(source: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(source.randrange(1, 4)):
        place = source.randrange(len(damaged))
        match source.randrange(4):
            case 0:
                damaged[place] = source.choice(TRICKY)
            case 1:
                damaged[place] ^= 1 << source.randrange(8)
            case 2:
                damaged[place:place] = source.randbytes(source.randrange(1, 5))
            case _:
                del damaged[place : place + source.randrange(1, 5)]
        damaged = damaged or bytearray(1)
    return bytes(damaged)


@over_both_kernels
@given(st.binary(max_size=200), st.integers(1, 5), st.integers(0, 300))
def test_random_bytes_are_encoded_or_refused(
    kernel: ModuleType, data: bytes, columns: int, room: int
) -> None:
    assert try_all(kernel, data, columns, room) == try_all(pure, data, columns, room)


@pytest.mark.parametrize("seed", range(4))
def test_both_kernels_agree_on_damaged_rows(seed: int) -> None:
    native = load_native() if is_compiler_here() else pure
    source = random.Random(seed)
    for _ in range(2_000):
        data = mutate(source, source.choice(SEEDS))
        room = source.choice((0, 10, 40, 1000))
        assert try_all(native, data, 3, room) == try_all(pure, data, 3, room), data.hex()


def test_the_native_kernel_survives_many_damaged_rows() -> None:
    native = load_native() if is_compiler_here() else pure
    source = random.Random(7)
    out = bytearray(CANARY + bytes(400) + CANARY)
    view = memoryview(out)[len(CANARY) : -len(CANARY)]
    refused = 0
    for _ in range(250_000):
        data = bytearray(source.choice(SEEDS))
        data[source.randrange(len(data))] = source.choice(TRICKY)
        cut = source.randrange(len(data) + 1)
        try:
            native.RowScanner(20, 60).scan(data, 0, cut, 0)
            native.encode_text(data, 0, 3, view, 0)
            native.encode_bulk(data, 0, 3, view, 0)
        except ValueError:
            refused += 1
    assert refused > 1000
    assert out.startswith(CANARY)
    assert out.endswith(CANARY)
