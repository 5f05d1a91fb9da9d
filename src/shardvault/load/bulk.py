"""Load rows by MariaDB's bulk execute: the stored bytes, reframed almost by copying.

Source: MariaDB manual, "COM_STMT_PREPARE", "COM_STMT_BULK_EXECUTE".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pymysql

from shardvault.errors import IntegrityError, ServerError
from shardvault.interfaces import Buffer
from shardvault.kernel.select import encode_bulk
from shardvault.load.columns import write_rule
from shardvault.load.taken import check_taken, read_answer
from shardvault.model.position import Family
from shardvault.model.schema import Column
from shardvault.mysql import wire
from shardvault.mysql.errors import translate
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session

_COM_STMT_PREPARE = 0x16
_COM_STMT_CLOSE = 0x19
_COM_STMT_BULK_EXECUTE = 0xFA
_SEND_TYPES = 128
_PREPARE_OK = struct.Struct("<BIHH")
_BATCH_BYTES = 5 << 20  # one chunk and what reframing adds
_SPARE_BYTES = 1024  # what the server counts on top of a packet's payload


class BulkLoader:
    """Send each chunk as parameters of one prepared INSERT."""

    def __init__(
        self,
        session: Session,
        schema: str,
        table: str,
        columns: Sequence[Column],
        max_packet_bytes: int,
    ) -> None:
        self._session = session
        self._columns = tuple(columns)
        self._max_bytes = max_packet_bytes - _SPARE_BYTES
        rules = [write_rule(column, Family.MARIADB) for column in columns]
        names = ", ".join(quote_name(column.name) for column in columns)
        values = ", ".join(rule.expression.format(v="?") for rule in rules)
        self._statement = f"INSERT INTO {quote_table(schema, table)} ({names}) VALUES ({values})"
        self._id = self._prepare()
        types = b"".join(bytes((rule.parameter, 0)) for rule in rules)
        head = struct.pack("<BIH", _COM_STMT_BULK_EXECUTE, self._id, _SEND_TYPES) + types
        self._out = bytearray(min(_BATCH_BYTES, self._max_bytes) + wire.HEADER_BYTES)
        self._begin = wire.HEADER_BYTES + len(head)
        self._head = head
        self._write_head()

    def load(self, chunk: Buffer) -> int:
        """Store every row of a chunk; see ``RowLoader.load``."""
        position = total = 0
        while position < len(chunk):
            try:
                position, end, rows, wanted = encode_bulk(
                    chunk, position, len(self._columns), self._out, self._begin
                )
            except ValueError as error:
                raise IntegrityError(f"stored rows cannot be read: {error}") from error
            if rows:
                self._execute(end, rows)
                total += rows
            else:
                self._grow(wanted)
        return total

    def close(self) -> None:
        """Free the prepared statement on the server."""
        self._command(_COM_STMT_CLOSE, struct.pack("<I", self._id))

    def _grow(self, wanted: int) -> None:
        if wanted - wire.HEADER_BYTES > self._max_bytes:
            raise ServerError(
                f"a row of {wanted} bytes does not pass max_allowed_packet",
                shard=self._session.shard,
                hint=f"set max_allowed_packet of the target to at least {wanted + _SPARE_BYTES}",
            )
        self._out = bytearray(wanted)
        self._write_head()

    def _write_head(self) -> None:
        self._out[wire.HEADER_BYTES : self._begin] = self._head

    def _prepare(self) -> int:
        self._command(_COM_STMT_PREPARE, self._statement.encode("utf-8", "surrogateescape"))
        answer = self._read_answer()
        if answer[:1] != b"\0" or len(answer) < _PREPARE_OK.size:
            raise self._session.distrust(
                f"server answered {answer[:64]!r} to a prepared insert; nothing was sent"
            )
        _, statement_id, columns, parameters = _PREPARE_OK.unpack_from(answer)
        if (columns, parameters) != (0, len(self._columns)):
            raise self._session.distrust("server prepared another statement than ours")
        for _ in range(parameters + 1):  # definitions of the parameters and their EOF
            self._read_answer()
        return int(statement_id)

    def _execute(self, end: int, rows: int) -> None:
        payload = memoryview(self._out)[wire.HEADER_BYTES : end]
        connection = self._session.connection
        try:
            if len(payload) < wire.FULL_PAYLOAD:
                self._out[:4] = struct.pack("<I", len(payload))
                self._session.socket.sendall(memoryview(self._out)[:end])
                packets = 1
            else:
                parts = wire.split_packets(payload, 0)
                for part in parts:
                    self._session.socket.sendall(part)
                packets = len(parts) // 2
        except OSError as error:
            self._session.abort()
            raise translate(error, shard=self._session.shard, statement="bulk insert") from error
        connection._next_seq_id = packets % 256
        check_taken(self._session, rows, self._read_answer(), self._columns)

    def _command(self, command: int, argument: bytes) -> None:
        try:
            self._session.connection._execute_command(command, argument)
        except (pymysql.MySQLError, OSError) as error:
            raise translate(error, shard=self._session.shard, statement="bulk insert") from error

    def _read_answer(self) -> bytes:
        return read_answer(self._session, self._statement[:80])
