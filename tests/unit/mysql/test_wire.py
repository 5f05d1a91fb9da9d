from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.mysql import wire
from tests.support.packets import EOF, encode_length, error_packet, frame

lengths = st.sampled_from([0, 1, 250, 251, 65535, 65536, 0xFFFFFF, 1 << 24, (1 << 64) - 1])


@given(lengths, st.binary(max_size=9))
def test_a_length_reads_back(number: int, rest: bytes) -> None:
    data = b"x" + encode_length(number)
    assert wire.read_length(data + rest, 1) == (number, len(data))


@pytest.mark.parametrize(
    "data", [b"", b"\xfb", b"\xff", b"\xfc\1", b"\xfd\1\1", b"\xfe" + bytes(7)]
)
def test_a_length_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="bad length"):
        wire.read_length(data, 0)


def test_a_packet_ends_where_its_length_says() -> None:
    buffer = bytearray(frame(b"abc") + frame(b"d"))
    assert wire.packet_end(buffer, 0, len(buffer)) == 7
    assert wire.packet_end(buffer, 7, len(buffer)) == 12
    assert [wire.packet_end(buffer, 0, filled) for filled in (0, 3, 6)] == [None] * 3


@pytest.mark.parametrize(
    ("packet", "wanted"),
    [
        (EOF, True),
        (frame(b"\xfe"), True),
        (frame(b"\xfe" + bytes(8)), False),
        (frame(b"\0" + bytes(4)), False),
        (frame(b""), False),
    ],
)
def test_an_end_of_packets_is_told_by_first_byte_and_size(packet: bytes, wanted: bool) -> None:
    assert wire.is_eof(bytearray(packet), 0) is wanted


def test_an_error_gives_number_and_text_on_one_line() -> None:
    packet = bytearray(error_packet(1317, "Query was\n interrupted"))
    assert wire.parse_error(packet, 0, len(packet)) == (1317, "Query was interrupted")


@pytest.mark.parametrize(
    "payload", [b"\xff", b"\xff\1", b"\xff\1\2", b"\xff\1\2#", b"\xff\1\2\xff"]
)
def test_a_short_error_is_read_without_failing(payload: bytes) -> None:
    buffer = bytearray(frame(payload))
    code, _ = wire.parse_error(buffer, 0, len(buffer))
    assert code in (0, 513)


def test_an_ok_packet_gives_affected_rows_and_warnings() -> None:
    payload = b"\0" + encode_length(70_000) + encode_length(5) + b"\2\0\7\0text"
    assert wire.parse_ok(payload) == (70_000, 7)


@pytest.mark.parametrize(
    "payload", [b"", b"\1", b"\0", b"\0\1", b"\0\1\0", b"\0\1\0\2\0\7", b"\0\xfc\1"]
)
def test_what_is_no_ok_packet_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"OK packet|bad length"):
        wire.parse_ok(payload)


@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("packets", [0, 1, 2])
def test_a_payload_is_split_as_the_protocol_wants(packets: int, extra: int) -> None:
    size = max(0, packets * wire.FULL_PAYLOAD + extra)
    payload = memoryview(bytes(size))
    assert b"".join(wire.split_packets(payload, 254)) == frame(bytes(payload), 254)
