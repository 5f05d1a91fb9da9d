"""Find and parse protocol packets in a buffer; no I/O.

Source: MySQL and MariaDB protocol manuals, "Packets", "ERR_Packet", "EOF_Packet".
"""

from __future__ import annotations

import struct

HEADER_BYTES = 4
FULL_PAYLOAD = 0xFFFFFF
OK = 0x00
LOCAL_FILE = 0xFB
NULL = 0xFB
EOF = 0xFE
ERR = 0xFF
_EOF_MAX_PAYLOAD = 9

SCAN_MORE = 0
SCAN_BOUNDARY = 1
SCAN_END = 2
SCAN_ERROR = 3


def payload_bytes(buffer: bytearray, position: int) -> int:
    """Return the payload size of the packet at a position [bytes]."""
    return int.from_bytes(buffer[position : position + 3], "little")


def packet_end(buffer: bytearray, position: int, filled: int) -> int | None:
    """Return the position behind a packet, None if it is not complete."""
    if filled - position < HEADER_BYTES:
        return None
    behind = position + HEADER_BYTES + payload_bytes(buffer, position)
    return behind if behind <= filled else None


def is_eof(buffer: bytearray, position: int) -> bool:
    """Say whether the packet at a position ends a list of packets."""
    is_short = 0 < payload_bytes(buffer, position) < _EOF_MAX_PAYLOAD
    return is_short and buffer[position + HEADER_BYTES] == EOF


def parse_error(buffer: bytearray, position: int, filled: int) -> tuple[int, str]:
    """Return number and text of the error packet at a position."""
    begin = position + HEADER_BYTES + 1
    behind = min(position + HEADER_BYTES + payload_bytes(buffer, position), filled)
    if behind < begin + 2:
        return 0, "error packet without number"
    (code,) = struct.unpack_from("<H", buffer, begin)
    text = bytes(buffer[begin + 2 : behind])
    if text[:1] == b"#":
        text = text[6:]
    return code, " ".join(text.decode("utf-8", "replace").split())


def split_packets(payload: memoryview, sequence: int) -> list[bytes | memoryview]:
    """Frame a payload as packets: headers and slices in sending order."""
    parts: list[bytes | memoryview] = []
    position = 0
    while True:
        size = min(FULL_PAYLOAD, len(payload) - position)
        parts.append(struct.pack("<I", size)[:3] + bytes((sequence & 0xFF,)))
        parts.append(payload[position : position + size])
        position += size
        sequence += 1
        if size < FULL_PAYLOAD:
            return parts


def parse_ok(payload: bytes) -> tuple[int, int]:
    """Return the affected rows and the warnings that an OK packet reports.

    Raises:
        ValueError: it is no OK packet.
    """
    if payload[:1] != bytes((OK,)):
        raise ValueError("not an OK packet")
    affected, position = read_length(payload, 1)
    _, position = read_length(payload, position)  # last insert id
    if len(payload) < position + 4:
        raise ValueError("OK packet is cut short")
    (warnings,) = struct.unpack_from("<H", payload, position + 2)
    return affected, int(warnings)


def read_length(payload: bytes, position: int) -> tuple[int, int]:
    """Return a length-encoded integer and the position behind it.

    Raises:
        ValueError: the payload ends before it, or it is none.
    """
    first = payload[position] if position < len(payload) else NULL
    if first < NULL:
        return first, position + 1
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0)
    begin = position + 1
    if not width or begin + width > len(payload):
        raise ValueError("bad length")
    return int.from_bytes(payload[begin : begin + width], "little"), begin + width
