"""Read the rows of one range off the wire, as whole chunks of raw packets.

No Python object is made for a value or a row: bytes go from the socket into one buffer,
the kernel walks it, and whole chunks are handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shardvault.dump.columns import UNTOLD_JSON
from shardvault.errors import (
    ConnectError,
    DdlDetected,
    ServerError,
    ShardvaultError,
    UnsupportedObject,
)
from shardvault.kernel.select import RowScanner
from shardvault.model.loss import LossKind
from shardvault.mysql import wire
from shardvault.mysql.session import Session

MIN_CHUNK_BYTES = 1 << 20
MAX_CHUNK_BYTES = 4 << 20
_BUFFER_BYTES = MAX_CHUNK_BYTES + (1 << 20)
_COUNT_TIMEOUT_S = 24 * 3600.0
_MAX_BUFFER_BYTES = 5 << 29  # the longest row of any server is 1 GiB; the buffer doubles

# A statement that an open snapshot cannot serve any more because a definition changed:
# table definition has changed; no such table; unknown column; unknown partition;
# no such database; wrong object.
_DDL_CODES = {1412, 1146, 1054, 1735, 1049, 1347}


@dataclass(frozen=True)
class RangeTotals:
    """Sum up the rows of one range [rows] [bytes].

    Attributes:
        generated_hash: of the rows with computed columns behind the stored ones, None if
            these were not read.
    """

    rows: int
    content_hash: int
    raw_bytes: int
    longest_row: int
    generated_hash: int | None = None


class RangeReader:
    """Read ranges over one session, one after another.

    The session must have been put into the read state; it stays the caller's.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._buffer = bytearray()
        self._filled = 0

    @property
    def session(self) -> Session:
        """Return the session that is read over."""
        return self._session

    def read(
        self, statement: str, columns: int, take: Callable[[memoryview], object]
    ) -> RangeTotals:
        """Run a SELECT and hand every chunk of its rows to ``take``.

        Args:
            statement: a SELECT.
            columns: columns that its result must have.
            take: called with each chunk, in order; must not keep the view.

        Raises:
            DdlDetected: the definition changed since the snapshot.
            ServerError: the server refused the statement or broke off.
            ConnectError: the connection was lost; the snapshot is lost with it.
        """
        self._session.send(statement)
        self._buffer = bytearray(_BUFFER_BYTES)
        self._filled = 0
        begin = self._skip_header(columns)
        self._drop(begin)
        totals = self._read_rows(take)
        self._buffer = bytearray()  # only as many buffers as ranges being read
        return totals

    def read_released(
        self, statement: str, columns: int, take: Callable[[memoryview], object]
    ) -> RangeTotals:
        """Read a range inside the snapshot and give its metadata locks back.

        Without the savepoint the transaction would keep a lock on every table it has read;
        an ALTER would wait for it, and every new statement on the table behind the ALTER.
        MariaDB with a binlog gives the locks back only to a session that was opened with
        ``sql_log_bin=0``.
        """
        self._session.execute("SAVEPOINT shardvault")
        totals = self.read(statement, columns, take)
        self._session.execute("ROLLBACK TO SAVEPOINT shardvault")
        return totals

    def count_released(self, statement: str, *, next_read_timeout_s: float) -> int:
        """Run a SELECT of one number inside the snapshot and give its metadata locks back.

        Args:
            statement: it answers only when the server has read the whole table.
            next_read_timeout_s: limit for each wait of what is read afterwards [s].

        Raises:
            DdlDetected: the definition changed since the snapshot.
            ServerError: the server refused the statement.
        """
        self._session.execute("SAVEPOINT shardvault")
        self._session.set_read_timeout(_COUNT_TIMEOUT_S)
        try:
            count = int(self._session.value(statement) or 0)
        except ServerError as error:
            if error.code in _DDL_CODES:
                raise self._changed(error.message) from error
            raise
        self._session.set_read_timeout(next_read_timeout_s)
        self._session.execute("ROLLBACK TO SAVEPOINT shardvault")
        return count

    def _read_rows(self, take: Callable[[memoryview], object]) -> RangeTotals:
        scanner = RowScanner(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES)
        scanned = raw_bytes = 0
        while True:
            try:
                scanned = scanner.scan(self._buffer, scanned, self._filled, 0)
            except ValueError as error:
                raise self._session.distrust(f"result cannot be read: {error}") from error
            if scanner.status == wire.SCAN_MORE:
                self._receive()
                continue
            if scanner.status == wire.SCAN_ERROR:
                raise self._failed(scanned)
            if scanned:
                take(memoryview(self._buffer)[:scanned])
                raw_bytes += scanned
                self._drop(scanned)
                scanned = 0
            if scanner.status == wire.SCAN_END:
                break
        return RangeTotals(scanner.rows, scanner.content_hash, raw_bytes, scanner.longest_row)

    def _skip_header(self, columns: int) -> int:
        """Return where the rows begin, behind column count, definitions and EOF."""
        position = self._packet_end(0)
        if self._buffer[wire.HEADER_BYTES] in (wire.ERR, wire.LOCAL_FILE):
            raise self._failed(0)
        found = self._column_count(position)
        if found != columns:
            raise self._session.distrust(f"result has {found} columns, wanted {columns}")
        for _ in range(columns):
            position = self._packet_end(position)
        behind = self._packet_end(position)
        if not wire.is_eof(self._buffer, position):
            raise self._session.distrust("column definitions have no end")
        return behind

    def _column_count(self, behind: int) -> int:
        try:
            return wire.read_length(bytes(self._buffer[wire.HEADER_BYTES : behind]), 0)[0]
        except ValueError as error:
            raise self._session.distrust(f"result cannot be read: {error}") from error

    def _packet_end(self, position: int) -> int:
        """Return the position behind a packet, receiving until it is complete."""
        while True:
            behind = wire.packet_end(self._buffer, position, self._filled)
            if behind is not None:
                return behind
            self._receive()

    def _receive(self) -> None:
        if self._filled == len(self._buffer):
            if self._filled >= _MAX_BUFFER_BYTES:
                raise self._session.distrust("a row is longer than any server allows")
            self._buffer.extend(bytes(len(self._buffer)))
        with memoryview(self._buffer) as view:
            try:
                got = self._session.socket.recv_into(view[self._filled :])
            except OSError as error:
                self._session.abort()
                raise ConnectError(
                    f"connection lost while reading rows: {error}", shard=self._session.shard
                ) from error
        if got == 0:
            self._session.abort()
            raise ConnectError("server closed the connection", shard=self._session.shard)
        self._filled += got

    def _drop(self, count: int) -> None:
        """Forget the first bytes of the buffer."""
        with memoryview(self._buffer) as view:
            view[: self._filled - count] = view[count : self._filled]
        self._filled -= count

    def _changed(self, reason: str) -> DdlDetected:
        message = f"definition changed during the dump: {reason}"
        return DdlDetected(message, shard=self._session.shard)

    def _failed(self, position: int) -> ShardvaultError:
        self._packet_end(position)
        if self._buffer[position + wire.HEADER_BYTES] == wire.LOCAL_FILE:
            return self._session.distrust("server asked for a local file; nothing was sent")
        code, text = wire.parse_error(self._buffer, position, self._filled)
        if code in _DDL_CODES:
            return self._changed(f"{text} ({code})")
        if UNTOLD_JSON in text:
            return UnsupportedObject(
                "a JSON value holds a DECIMAL, DATE, TIME, BLOB or small UNSIGNED, which would "
                "come back as another type",
                shard=self._session.shard,
                hint=LossKind.JSON_TYPES.remedies,
            )
        return ServerError(
            f"reading rows failed: {text} ({code})", code=code, shard=self._session.shard
        )
