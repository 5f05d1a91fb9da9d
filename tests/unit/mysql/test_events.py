from __future__ import annotations

import struct
import zlib

import pytest

from shardvault.mysql.events import (
    HEADER_BYTES,
    BadEvent,
    GtidFlags,
    parse_format,
    parse_gtid,
    parse_header,
    parse_query,
    parse_rotate,
)

# Bytes of MariaDB 10.11: one GTID event with its header and checksum.
GTID = bytes.fromhex("00000000a2010000002a0000006f010000000001000000000000000000000029000000000000")
CHECKSUM = b"\1\2\3\4"


def body(statement: bytes, status: bytes = b"", schema: bytes = b"shop") -> bytes:
    fixed = struct.pack("<IIBHH", 7, 0, len(schema), 0, len(status))
    return fixed + status + schema + b"\0" + statement


def test_the_header_tells_type_size_and_end() -> None:
    header = parse_header(GTID)
    assert (header.type, header.server_id, header.size_bytes) == (162, 1, 42)
    assert header.end_offset == 367


def test_a_gtid_event_tells_that_its_transaction_is_ddl() -> None:
    gtid = parse_gtid(parse_header(GTID), GTID[HEADER_BYTES:])
    assert (gtid.domain_id, gtid.server_id, gtid.sequence) == (0, 1, 1)
    assert gtid.flags == GtidFlags.STANDALONE | GtidFlags.ALLOW_PARALLEL | GtidFlags.DDL


def test_a_query_event_gives_schema_and_statement() -> None:
    query = parse_query(body(b"DROP TABLE t"))
    assert (query.schema, query.statement) == (b"shop", b"DROP TABLE t")
    assert not query.ansi_quotes


def test_the_session_state_of_a_query_is_read_in_its_order() -> None:
    modes = struct.pack("<Q", 1 << 2 | 1 << 20)
    status = b"\0aaaa\1" + modes + b"\x06\3std\3bbbb\4" + struct.pack("<HHH", 45, 8, 8)
    query = parse_query(body(b"x", status))
    assert (query.ansi_quotes, query.no_backslash_escapes) == (True, True)
    assert query.client_collation == 45


def test_state_behind_an_unknown_code_is_left_alone() -> None:
    assert parse_query(body(b"x", b"\x7f\4\1\0\1\0\1\0")).client_collation == 0


def test_a_compressed_statement_is_unpacked() -> None:
    packed = b"\x81" + bytes([12]) + zlib.compress(b"DROP TABLE t")
    assert parse_query(body(packed), is_compressed=True).statement == b"DROP TABLE t"


@pytest.mark.parametrize("packed", [b"", b"\x01\x0cabc", b"\x81\x0cnot zlib"])
def test_a_damaged_compressed_statement_is_refused(packed: bytes) -> None:
    with pytest.raises(BadEvent):
        parse_query(body(packed), is_compressed=True)


def test_a_rotate_event_names_the_next_file() -> None:
    rotate = parse_rotate(struct.pack("<Q", 4) + b"binlog.000002")
    assert (rotate.file, rotate.offset) == (b"binlog.000002", 4)


@pytest.mark.parametrize("checksum", [0, 1])
def test_a_format_description_tells_whether_events_carry_checksums(checksum: int) -> None:
    data = b"\4\0" + b"10.11.19-MariaDB".ljust(50, b"\0") + bytes(30) + bytes([checksum]) + CHECKSUM
    description = parse_format(data)
    assert description.checksum == checksum
    assert description.server_version == b"10.11.19-MariaDB"


@pytest.mark.parametrize("size", range(HEADER_BYTES))
def test_a_header_that_is_too_short_is_refused(size: int) -> None:
    with pytest.raises(BadEvent):
        parse_header(GTID[:size])


def test_an_event_that_claims_to_be_smaller_than_its_header_is_refused() -> None:
    with pytest.raises(BadEvent):
        parse_header(GTID[:9] + struct.pack("<I", 18) + GTID[13:])


def test_a_query_that_ends_before_its_statement_is_refused() -> None:
    for size in range(len(body(b"")) - 1):
        with pytest.raises(BadEvent):
            parse_query(body(b"")[:size])
