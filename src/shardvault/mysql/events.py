"""Read binlog events out of their bytes; no I/O.

Source: MySQL internals manual, "Replication Protocol" (event header, QUERY_EVENT,
ROTATE_EVENT, FORMAT_DESCRIPTION_EVENT); MariaDB manual, "Replication Protocol"
(GTID_EVENT, QUERY_COMPRESSED_EVENT).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, IntFlag

_HEADER = struct.Struct("<IBIIIH")
_QUERY = struct.Struct("<IIBHH")
_GTID = struct.Struct("<QIB")
HEADER_BYTES = _HEADER.size
CHECKSUM_BYTES = 4
_SERVER_VERSION = slice(2, 52)
_ANSI_QUOTES = 1 << 2
_NO_BACKSLASH_ESCAPES = 1 << 20


class EventType(IntEnum):
    """Name the types that are looked into; every other type is only skipped."""

    QUERY = 2
    ROTATE = 4
    FORMAT_DESCRIPTION = 15
    GTID_MARIADB = 162
    QUERY_COMPRESSED = 165


class GtidFlags(IntFlag):
    """Describe a MariaDB transaction; from ``Gtid_log_event`` of its source."""

    STANDALONE = 1
    GROUP_COMMIT_ID = 2
    TRANSACTIONAL = 4
    ALLOW_PARALLEL = 8
    WAITED = 16
    DDL = 32
    PREPARED_XA = 64
    COMPLETED_XA = 128


class BadEvent(ValueError):
    """Report bytes that are not the event they claim to be."""


@dataclass(frozen=True)
class EventHeader:
    """Hold what every event begins with.

    Attributes:
        type: number of the type; may be one that ``EventType`` does not name.
        size_bytes: header and body [bytes].
        end_offset: end of the event in its file, 0 if the server made it up on the way.
    """

    timestamp: int
    type: int
    server_id: int
    size_bytes: int
    end_offset: int
    flags: int


@dataclass(frozen=True)
class GtidEvent:
    """Hold a MariaDB GTID and what its transaction is."""

    domain_id: int
    server_id: int
    sequence: int
    flags: GtidFlags


@dataclass(frozen=True)
class QueryEvent:
    """Hold a logged statement and the session state needed to read it.

    Attributes:
        schema: default schema, empty if none was chosen.
        client_collation: id of the client character set's collation, 0 if not logged.
    """

    schema: bytes
    statement: bytes
    ansi_quotes: bool = False
    no_backslash_escapes: bool = False
    client_collation: int = 0


@dataclass(frozen=True)
class RotateEvent:
    """Name the file, and the place in it, at which the log goes on."""

    file: bytes
    offset: int


@dataclass(frozen=True)
class FormatDescription:
    """Hold what the server says about a binlog file.

    Attributes:
        checksum: 0 = events carry none, 1 = CRC32 at the end of each.
    """

    server_version: bytes
    checksum: int


def parse_header(data: bytes) -> EventHeader:
    """Read the common header, the first HEADER_BYTES of an event."""
    if len(data) < HEADER_BYTES:
        raise BadEvent("event is shorter than its header")
    header = EventHeader(*_HEADER.unpack_from(data))
    if header.size_bytes < HEADER_BYTES:
        raise BadEvent(f"event claims {header.size_bytes} bytes")
    return header


def parse_gtid(header: EventHeader, body: bytes) -> GtidEvent:
    """Read the body of a MariaDB GTID event."""
    sequence, domain_id, flags = _unpack(_GTID, body)
    return GtidEvent(domain_id, header.server_id, sequence, GtidFlags(flags))


def parse_rotate(body: bytes) -> RotateEvent:
    """Read the body of a rotate event, without its checksum."""
    if len(body) < 8:
        raise BadEvent("rotate event is too short")
    return RotateEvent(body[8:], int.from_bytes(body[:8], "little"))


def parse_format(body: bytes) -> FormatDescription:
    """Read the body of a format description, with the checksum that it always carries."""
    if len(body) < _SERVER_VERSION.stop + CHECKSUM_BYTES + 1:
        raise BadEvent("format description is too short")
    return FormatDescription(
        server_version=body[_SERVER_VERSION].rstrip(b"\0"), checksum=body[-CHECKSUM_BYTES - 1]
    )


def parse_query(body: bytes, *, is_compressed: bool = False) -> QueryEvent:
    """Read the body of a query event, without its checksum."""
    _, _, schema_bytes, _, status_bytes = _unpack(_QUERY, body)
    status_end = _QUERY.size + status_bytes
    schema_end = status_end + schema_bytes
    if schema_end >= len(body):
        raise BadEvent("query event ends before its statement")
    statement = body[schema_end + 1 :]
    sql_mode, collation = _read_status(body[_QUERY.size : status_end])
    return QueryEvent(
        schema=body[status_end:schema_end],
        statement=_decompress(statement) if is_compressed else statement,
        ansi_quotes=bool(sql_mode & _ANSI_QUOTES),
        no_backslash_escapes=bool(sql_mode & _NO_BACKSLASH_ESCAPES),
        client_collation=collation,
    )


def _unpack(layout: struct.Struct, body: bytes) -> tuple[int, ...]:
    if len(body) < layout.size:
        raise BadEvent("event body is too short")
    return layout.unpack_from(body)


def _read_status(data: bytes) -> tuple[int, int]:
    """Return sql_mode and client collation; the variables come in one fixed order.

    Codes: 0 flags (4 bytes), 1 sql_mode (8), 6 catalog (length, text), 3 auto_increment (4),
    4 character sets (three numbers of 2). Whatever follows is of no use here.
    """
    sql_mode = collation = at = 0
    while at < len(data):
        code = data[at]
        value = data[at + 1 : at + 1 + _status_size(code, data, at)]
        if code == 1:
            sql_mode = int.from_bytes(value, "little")
        elif code == 4:
            collation = int.from_bytes(value[:2], "little")
        elif code not in (0, 3, 6):
            break
        at += 1 + len(value)
    return sql_mode, collation


def _status_size(code: int, data: bytes, at: int) -> int:
    if code == 6:
        return 1 + (data[at + 1] if at + 1 < len(data) else 0)
    return {0: 4, 1: 8, 3: 4, 4: 6}.get(code, 0)


def _decompress(data: bytes) -> bytes:
    """Undo MariaDB's log_bin_compress: a byte with the size of the size, the size, zlib."""
    if not data or data[0] & 0xE0 != 0x80:
        raise BadEvent("compressed statement of unknown form")
    size_bytes = data[0] & 0x07
    limit = int.from_bytes(data[1 : 1 + size_bytes], "big")
    try:
        return zlib.decompressobj().decompress(data[1 + size_bytes :], limit)
    except zlib.error as error:
        raise BadEvent("compressed statement is damaged") from error
