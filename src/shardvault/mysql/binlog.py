"""Stream an instance's binlog from a position to its present end.

Row events are skipped without keeping them, so memory stays small whatever is logged.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import COMMAND

from shardvault.errors import ConnectError, PrivilegeError, RefusedError, ServerError
from shardvault.model.position import Position
from shardvault.mysql.errors import translate
from shardvault.mysql.events import (
    CHECKSUM_BYTES,
    HEADER_BYTES,
    EventHeader,
    EventType,
    parse_format,
    parse_header,
    parse_rotate,
)
from shardvault.mysql.session import Session, decode

LONGEST_KEPT_BYTES = 1 << 20
READ_LIMIT_S = 60.0

_FULL_PACKET = 0xFFFFFF
_SKIP_BYTES = 1 << 16
_NON_BLOCK = 1
_NO_SERVER_ID = 0  # as mysqlbinlog does: ends nobody else's dump
_OK, _EOF, _ERROR = 0x00, 0xFE, 0xFF
_KEPT = frozenset(EventType)
_COMMAND = "COM_BINLOG_DUMP"


@dataclass(frozen=True)
class Event:
    """Hold one event as the server sent it, without checksum.

    Attributes:
        file: the binlog it lies in.
        body: what follows the header; empty for types that ``EventType`` does not name.
        is_cut_short: the body was longer than LONGEST_KEPT_BYTES and its end is missing.
    """

    file: str
    header: EventHeader
    body: bytes
    is_cut_short: bool = False


def read_events(session: Session, start: Position) -> Iterator[Event]:
    """Give every event from a position to the end of the binlog.

    The session is used up by it: the server ends the connection after the last event, and
    whoever stops before must abort it.

    Args:
        session: needs REPLICATION SLAVE.
        start: file and offset at which an event begins.

    Raises:
        PrivilegeError: REPLICATION SLAVE is missing.
        ServerError: the server cannot read from there; for example the file was purged.
        ConnectError: the connection was lost.
    """
    session.execute(
        "SET @master_binlog_checksum=@@global.binlog_checksum, @mariadb_slave_capability=4"
    )
    _request(session, start)
    packets = _Packets(session)
    file, checksum = start.file, None
    while (event := _next_event(packets, file, checksum)) is not None:
        if event.header.type == EventType.FORMAT_DESCRIPTION:
            checksum = parse_format(event.body).checksum
        # The rotate event before the first description only repeats what was asked for, and
        # nothing says yet whether it carries a checksum.
        if event.header.type == EventType.ROTATE and checksum is not None:
            file = decode(parse_rotate(event.body).file)
        yield event


def _request(session: Session, start: Position) -> None:
    """Ask for the log; the offset of this command has four bytes.

    Source: MySQL internals manual, COM_BINLOG_DUMP.
    """
    if start.offset >= 1 << 32:
        raise RefusedError(
            f"{start.file}:{start.offset} is beyond 4 GiB and cannot be read from there",
            shard=session.shard,
            hint="run FLUSH BINARY LOGS and try again",
        )
    body = struct.pack("<IHI", start.offset, _NON_BLOCK, _NO_SERVER_ID)
    try:
        session.connection._execute_command(
            COMMAND.COM_BINLOG_DUMP, body + start.file.encode("utf-8", "surrogateescape")
        )
    except (pymysql.MySQLError, OSError) as error:
        raise translate(error, shard=session.shard, statement=_COMMAND) from error


def _next_event(packets: _Packets, file: str, checksum: int | None) -> Event | None:
    status = packets.begin()
    if status == _EOF:
        packets.skip()
        return None
    if status == _ERROR:
        raise packets.error()
    header = parse_header(packets.read(HEADER_BYTES))
    has_trailer = bool(checksum) and header.type != EventType.FORMAT_DESCRIPTION
    body_bytes = header.size_bytes - HEADER_BYTES - (CHECKSUM_BYTES if has_trailer else 0)
    wanted = max(0, min(body_bytes, LONGEST_KEPT_BYTES)) if header.type in _KEPT else 0
    body = packets.read(wanted)
    packets.skip()
    return Event(file, header, body, is_cut_short=bool(body) and wanted < body_bytes)


class _Packets:
    """Read payloads off the socket, joining packets of 16 MiB as the protocol splits them."""

    def __init__(self, session: Session) -> None:
        self._shard = session.shard
        self._stream: Any = session.connection._rfile
        self._left = 0
        self._is_last = True
        self._scrap = memoryview(bytearray(_SKIP_BYTES))
        session.socket.settimeout(READ_LIMIT_S)

    def begin(self) -> int:
        """Start the next payload and return its first byte."""
        self._read_packet_header()
        return self.read(1)[0]

    def read(self, size_bytes: int) -> bytes:
        """Take bytes of the payload; it must have as many."""
        parts = []
        while size_bytes:
            if not self._left:
                self._go_on()
            part = self._exactly(min(size_bytes, self._left))
            self._left -= len(part)
            size_bytes -= len(part)
            parts.append(part)
        return b"".join(parts)

    def skip(self) -> None:
        """Drop what is left of the payload."""
        while self._left or not self._is_last:
            if not self._left:
                self._go_on()
            self._drop(min(self._left, _SKIP_BYTES))

    def error(self) -> Exception:
        """Read the rest as the server's error."""
        data = bytes([_ERROR]) + self.read(self._left)
        try:
            pymysql.err.raise_mysql_exception(data)
        except pymysql.MySQLError as error:
            return _explain(error, self._shard)
        return ServerError("no error where one was announced", shard=self._shard)

    def _go_on(self) -> None:
        if self._is_last:
            raise ServerError("binlog event is shorter than it claims", shard=self._shard)
        self._read_packet_header()

    def _read_packet_header(self) -> None:
        header = self._exactly(4)
        self._left = int.from_bytes(header[:3], "little")
        self._is_last = self._left < _FULL_PACKET

    def _exactly(self, size_bytes: int) -> bytes:
        try:
            data: bytes = self._stream.read(size_bytes)
        except OSError as error:
            raise translate(error, shard=self._shard, statement=_COMMAND) from error
        if len(data) < size_bytes:
            raise self._lost()
        return data

    def _drop(self, size_bytes: int) -> None:
        try:
            got = self._stream.readinto(self._scrap[:size_bytes])
        except OSError as error:
            raise translate(error, shard=self._shard, statement=_COMMAND) from error
        if got < size_bytes:
            raise self._lost()
        self._left -= got

    def _lost(self) -> ConnectError:
        return ConnectError(f"connection lost during {_COMMAND}", shard=self._shard)


def _explain(error: pymysql.MySQLError, shard: str) -> Exception:
    found = translate(error, shard=shard, statement=_COMMAND)
    if isinstance(found, PrivilegeError):
        found.hint = "GRANT REPLICATION SLAVE ON *.* TO the backup account"
    return found
