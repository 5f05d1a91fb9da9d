"""Hold one direct connection to an instance; every value comes back as bytes.

No converter of the driver ever touches a value. A session never reconnects by
itself: a lock or a snapshot dies with its connection, and that must be seen.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from types import TracebackType
from typing import Any, Self

import pymysql
from pymysql.constants import CLIENT, COMMAND

from shardvault.errors import ConnectError, ServerError
from shardvault.model.position import Family
from shardvault.model.target import Endpoint, Login, TlsOptions
from shardvault.mysql.driver import MALFORMED, DriverConnection
from shardvault.mysql.errors import translate, translate_login
from shardvault.mysql.state import open_state

Row = tuple[bytes | None, ...]

CONNECT_TIMEOUT_S = 10.0
_COM_RESET_CONNECTION = 0x1F
_STATEMENT_SHOWN = 60  # characters of a statement that an error repeats


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
        """Connect, log in, and put the session into the base state of ``mysql.state``.

        Args:
            endpoint: where the instance listens.
            login: user and password.
            shard: name for messages.
            timeout_s: limit for connecting and logging in [s].
            read_timeout_s: limit for each later wait on the socket [s]; None = none.
            local_infile: announce LOAD DATA LOCAL; only for a load into MySQL.

        Raises:
            ConnectError: not reachable, or login refused.
            ServerError: a session variable does not take its value.
        """
        try:
            connection = DriverConnection(
                host=endpoint.host,
                port=endpoint.port,
                unix_socket=endpoint.socket,
                user=login.user,
                password=login.password().encode(),
                charset="utf8mb4",
                use_unicode=False,
                conv={},
                autocommit=None,  # else the driver would need a converter
                connect_timeout=timeout_s,
                read_timeout=timeout_s,
                write_timeout=timeout_s,
                # The driver's own option would hand any file to a server that asks; only
                # load/infile.py answers.
                client_flag=CLIENT.LOCAL_FILES if local_infile else 0,
                ssl=_tls_context(endpoint.tls),
                ssl_disabled=endpoint.socket is not None,
                program_name="shardvault",
            )
        except (pymysql.MySQLError, OSError, RuntimeError, *MALFORMED) as error:
            raise translate_login(
                error,
                shard=shard,
                place=str(endpoint),
                user=login.user,
                is_encrypted=endpoint.tls is not None,
            ) from error
        session = cls(connection, shard=shard, place=str(endpoint))
        try:
            open_state(session)
        except BaseException:
            session.abort()
            raise
        session.set_read_timeout(read_timeout_s)
        return session

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
        """Return the socket, for raw packets and for waiting; owned by the session.

        Raises:
            OSError: the session was closed or aborted.
        """
        wire: socket.socket | None = self._connection._sock
        if wire is None:
            raise BrokenPipeError("the connection is closed")
        return wire

    @property
    def connection(self) -> Any:
        """Return the driver's connection, for the raw packet path only."""
        return self._connection

    def send(self, statement: str | bytes) -> None:
        """Send a statement without waiting; ``receive`` must follow before the next."""
        data = statement if isinstance(statement, bytes) else encode(statement)
        try:
            self._connection._execute_command(COMMAND.COM_QUERY, data)
        except (pymysql.MySQLError, OSError) as error:
            raise self._translated(error, statement) from error

    def receive(self, statement: str | bytes = "") -> list[Row]:
        """Wait for the answer to the statement sent last."""
        try:
            self._connection._affected_rows = self._connection._read_query_result()
            result = self._connection._result
        except (pymysql.MySQLError, OSError) as error:
            raise self._translated(error, statement) from error
        except RuntimeError as error:  # the driver's answer to a request for a file
            raise self.distrust("server asked for a local file; nothing was sent") from error
        except MALFORMED as error:
            raise self.distrust(f"answer cannot be read: {error}") from error
        return list(result.rows) if result is not None and result.rows else []

    def rows(self, statement: str | bytes) -> list[Row]:
        """Run a statement and return all rows."""
        self.send(statement)
        return self.receive(statement)

    def records(self, statement: str) -> list[dict[str, str]]:
        """Run a statement whose columns differ by version; return rows by name, NULL as ``""``."""
        rows = self.rows(statement)
        names = [field.name for field in self._connection._result.fields or ()]
        return [
            {name: decode(value or b"") for name, value in zip(names, row, strict=True)}
            for row in rows
        ]

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

    def reset(self) -> None:
        """Undo what the session did or was made to do since its login.

        The server rolls back, drops temporary tables, gives locks back and sets session
        variables to the global ones; it does not run init_connect again.
        """
        try:
            self._connection._execute_command(_COM_RESET_CONNECTION, b"")
        except (pymysql.MySQLError, OSError) as error:
            raise self._translated(error, "COM_RESET_CONNECTION") from error
        self.receive("COM_RESET_CONNECTION")

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

    def distrust(self, message: str) -> ServerError:
        """Close the socket at once and return the error that says what the server did."""
        self.abort()
        return ServerError(
            message,
            shard=self.shard,
            hint="the instance, or something between, is not to be trusted",
        )

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


def encode(text: str) -> bytes:
    """Turn text that came from ``decode`` back into its bytes."""
    return text.encode("utf-8", "surrogateescape")


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
