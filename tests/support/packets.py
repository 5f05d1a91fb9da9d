"""Write row packets as a server does, and read back what the kernel makes of them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

FULL_PAYLOAD = 0xFFFFFF
EOF = b"\x05\x00\x00\x07\xfe\x00\x00\x02\x00"

Row = Sequence[bytes | None]


def frame(payload: bytes, sequence: int = 0) -> bytes:
    """Put a payload into as many packets as it needs."""
    packets = []
    while True:
        part, payload = payload[:FULL_PAYLOAD], payload[FULL_PAYLOAD:]
        packets.append(struct.pack("<I", len(part))[:3] + bytes((sequence % 256,)) + part)
        sequence += 1
        if len(part) < FULL_PAYLOAD:
            return b"".join(packets)


def error_packet(code: int, text: str) -> bytes:
    """Write an ERR packet."""
    return frame(b"\xff" + struct.pack("<H", code) + b"#HY000" + text.encode())


def encode_length(number: int) -> bytes:
    """Write a length-encoded integer."""
    if number < 0xFB:
        return bytes((number,))
    if number < 1 << 16:
        return b"\xfc" + number.to_bytes(2, "little")
    if number < 1 << 24:
        return b"\xfd" + number.to_bytes(3, "little")
    return b"\xfe" + number.to_bytes(8, "little")


def encode_value(value: bytes | None) -> bytes:
    """Write one value of a text row."""
    return b"\xfb" if value is None else encode_length(len(value)) + value


def payload_of(row: Row) -> bytes:
    """Write a text row without its packet header."""
    return b"".join(encode_value(value) for value in row)


def chunk_of(rows: Iterable[Row]) -> bytes:
    """Write rows as a chunk, with blank sequence numbers."""
    blank = bytearray()
    for row in rows:
        for at in range(0, len(payload := payload_of(row)) + 1, FULL_PAYLOAD):
            part = payload[at : at + FULL_PAYLOAD]
            blank += struct.pack("<I", len(part)) + part
    return bytes(blank)


def decode_length(data: bytes, position: int) -> tuple[int, int]:
    """Read a length-encoded integer; return it and the position behind it."""
    first = data[position]
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0)
    if not width:
        return first, position + 1
    behind = position + 1 + width
    return int.from_bytes(data[position + 1 : behind], "little"), behind


def decode_bulk(data: bytes, columns: int) -> list[list[bytes | None]]:
    """Read the parameters of a bulk execute, as MariaDB's manual describes them."""
    values: list[bytes | None] = []
    position = 0
    while position < len(data):
        indicator, position = data[position], position + 1
        if indicator == 1:
            values.append(None)
            continue
        assert indicator == 0
        size, position = decode_length(data, position)
        assert position + size <= len(data)
        values.append(data[position : position + size])
        position += size
    return [values[at : at + columns] for at in range(0, len(values), columns)]


def decode_text(data: bytes, columns: int) -> list[list[bytes | None]]:
    """Read LOAD DATA text byte by byte, as MySQL's manual describes it."""
    rows: list[list[bytes | None]] = []
    row: list[bytes | None] = []
    value, is_null = bytearray(), False
    position = 0
    while position < len(data):
        byte = data[position : position + 1]
        position += 1
        if byte in (b"\t", b"\n"):
            row.append(None if is_null else bytes(value))
            value, is_null = bytearray(), False
            if byte == b"\n":
                rows.append(row)
                row = []
        elif byte == b"\\":
            code = data[position : position + 1]
            position += 1
            is_null = code == b"N"
            value += {b"0": b"\0", b"n": b"\n", b"t": b"\t", b"N": b""}.get(code, code)
        else:
            value += byte
    assert not row
    assert all(len(found) == columns for found in rows)
    return rows
