"""Hold one direct connection to an instance; every value comes back as bytes.

No converter of the driver ever touches a value. A session never reconnects by
itself: a lock or a snapshot dies with its connection, and that must be seen.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from types import TracebackType
from typing import Any, Self

import pymysql
from pymysql.connections import Connection
from pymysql.constants import COMMAND

from shardvault.errors import ConnectError
from shardvault.model.position import Family
from shardvault.model.target import Endpoint, Login, TlsOptions
from shardvault.mysql.errors import translate, translate_login

Row = tuple[bytes | None, ...]

CONNECT_TIMEOUT_S = 10.0
_CLIENT_MYSQL = 1
_BULK_OPERATIONS = 1 << 2  # bit 34 of MariaDB's capabilities, bit 2 of the extended word
_TLS_REQUEST_BYTES = 32
_STATEMENT_SHOWN = 60  # characters of a statement that an error repeats


class _Wire(Connection):  # type: ignore[misc]  # the driver is untyped
    """Announce MariaDB's bulk execute, which the driver itself does not know.

    Source: MariaDB manual, "Connection" (handshake response, extended capabilities).
    """

    _announces_bulk = False

    def _request_authentication(self) -> None:
        self._announces_bulk = "mariadb" in str(self.server_version).lower()
        super()._request_authentication()

    def write_packet(self, payload: bytes) -> None:
        """Add the capability to the TLS request and to the handshake response."""
        if self._announces_bulk:
            flags = struct.unpack_from("<I", payload)[0] & ~_CLIENT_MYSQL
            extended = struct.pack("<I", _BULK_OPERATIONS)
            self._announces_bulk = len(payload) == _TLS_REQUEST_BYTES
            payload = struct.pack("<I", flags) + payload[4:28] + extended + payload[32:]
        super().write_packet(payload)


class Session:
    """Run statements on one connection.

    Not safe for several threads at once. Statements go one per call; text may be
    ``bytes`` where names or definitions are not valid Unicode.
    """

    def __init__(self, connection: Any, *, shard: str, place: str) -> None:
        self._connection = connection
        self.shard = shard
        self.place = place

    @classmethod
    def open(
        cls,
        endpoint: Endpoint,
        login: Login,
        *,
        shard: str,
        timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float | None = None,
        local_infile: bool = False,
    ) -> Session:
        """Connect and log in.

        Args:
            endpoint: where the instance listens.
            login: user and password.
            shard: name for messages.
            timeout_s: limit for connecting and logging in [s].
            read_timeout_s: limit for each later wait on the socket [s]; None = none.
            local_infile: announce LOAD DATA LOCAL; only for a load into MySQL.

        Raises:
            ConnectError: not reachable, or login refused.
        """
        try:
            connection = _Wire(
                host=endpoint.host,
                port=endpoint.port,
                unix_socket=endpoint.socket,
                user=login.user,
                password=login.password().encode(),
                charset="utf8mb4",
                use_unicode=False,
                conv={},
                autocommit=True,
                connect_timeout=timeout_s,
                read_timeout=read_timeout_s,
                write_timeout=read_timeout_s,
                local_infile=local_infile,
                ssl=_tls_context(endpoint.tls),
                ssl_disabled=endpoint.socket is not None,
                program_name="shardvault",
            )
        except (pymysql.MySQLError, OSError, RuntimeError) as error:
            raise translate_login(
                error, shard=shard, place=str(endpoint), user=login.user
            ) from error
        # The driver would hand any file to a server that asks; only load/infile.py answers.
        connection._local_infile = False
        return cls(connection, shard=shard, place=str(endpoint))

    @property
    def family(self) -> Family:
        """Say whether this is MySQL or MariaDB, from the handshake."""
        version = str(self._connection.server_version).lower()
        return Family.MARIADB if "mariadb" in version else Family.MYSQL

    @property
    def version(self) -> tuple[int, int, int]:
        """Return the server's version as three numbers."""
        return parse_version(str(self._connection.server_version))

    @property
    def version_text(self) -> str:
        """Return the server's version as it says it."""
        return str(self._connection.server_version)

    @property
    def connection_id(self) -> int:
        """Return the server's id of this connection."""
        return int(self._connection.server_thread_id[0])

    @property
    def socket(self) -> socket.socket:
        """Return the socket, for raw packets and for waiting; owned by the session."""
        wire: socket.socket = self._connection._sock
        return wire

    @property
    def connection(self) -> Any:
        """Return the driver's connection, for the raw packet path only."""
        return self._connection

    def send(self, statement: str | bytes) -> None:
        """Send a statement without waiting; ``receive`` must follow before the next."""
        try:
            self._connection._execute_command(COMMAND.COM_QUERY, statement)
        except (pymysql.MySQLError, OSError) as error:
            raise self._translated(error, statement) from error

    def receive(self, statement: str | bytes = "") -> list[Row]:
        """Wait for the answer to the statement sent last."""
        try:
            self._connection._affected_rows = self._connection._read_query_result()
            result = self._connection._result
        except (pymysql.MySQLError, OSError, RuntimeError) as error:
            raise self._translated(error, statement) from error
        return list(result.rows) if result is not None and result.rows else []

    def rows(self, statement: str | bytes) -> list[Row]:
        """Run a statement and return all rows."""
        self.send(statement)
        return self.receive(statement)

    def value(self, statement: str | bytes) -> bytes | None:
        """Run a statement and return the first column of its first row, None if none."""
        rows = self.rows(statement)
        return rows[0][0] if rows else None

    def text(self, statement: str) -> str:
        """Run a statement and return its first value as text; NULL and nothing are ``""``."""
        value = self.value(statement)
        return decode(value) if value is not None else ""

    def execute(self, statement: str | bytes) -> int:
        """Run a statement and return the rows it affected [rows]."""
        self.rows(statement)
        result = self._connection._result
        return int(result.affected_rows) if result is not None else 0

    @property
    def warning_count(self) -> int:
        """Return how many warnings the last statement gave."""
        result = self._connection._result
        return int(result.warning_count) if result is not None else 0

    def set_read_timeout(self, timeout_s: float | None) -> None:
        """Limit each later wait on the socket, in and out [s]; None = no limit."""
        self._connection._read_timeout = timeout_s
        self._connection._write_timeout = timeout_s

    def close(self) -> None:
        """Say goodbye and close; never raises."""
        try:
            self._connection.close()
        except (pymysql.MySQLError, OSError):
            self.abort()

    def abort(self) -> None:
        """Close the socket at once, also under a thread that waits on it.

        The server frees locks and snapshots.
        """
        with contextlib.suppress(OSError, AttributeError):
            self._connection._sock.shutdown(socket.SHUT_RDWR)
        self._connection._force_close()

    def _translated(self, error: BaseException, statement: str | bytes) -> Exception:
        text = statement if isinstance(statement, str) else statement.decode("utf-8", "replace")
        shown = " ".join(text.split())[:_STATEMENT_SHOWN]
        return translate(error, shard=self.shard, statement=shown or "a statement")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def decode(data: bytes) -> str:
    """Turn an identifier or a message of the server into text, without loss."""
    return data.decode("utf-8", "surrogateescape")


def parse_version(text: str) -> tuple[int, int, int]:
    """Read ``11.8.6-MariaDB-deb13`` as (11, 8, 6); an old ``5.5.5-`` prefix is skipped."""
    text = text.removeprefix("5.5.5-")
    numbers = text.split("-")[0].split(".")
    try:
        major, minor, patch = (int(number) for number in numbers[:3])
    except ValueError:
        raise ConnectError(f"cannot read the server version {text!r}") from None
    return major, minor, patch


def _tls_context(tls: TlsOptions | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.check_hostname = tls.verify_identity
        if tls.cert:
            context.load_cert_chain(tls.cert, tls.key)
    except OSError as error:
        raise ConnectError(f"cannot use the TLS files: {error}") from error
    return context
