"""Bend the driver where it lacks something or cannot be trusted."""

from __future__ import annotations

import socket
import struct

from pymysql.connections import Connection

_CLIENT_MYSQL = 1
_BULK_OPERATIONS = 1 << 2  # bit 34 of MariaDB's capabilities, bit 2 of the extended word
_TLS_REQUEST_BYTES = 32
_KEEP_ALIVE_S = 60
# What the driver raises over packets that no server sends.
MALFORMED = (
    AssertionError,
    AttributeError,
    LookupError,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
)


class DriverConnection(Connection):  # type: ignore[misc]  # the driver is untyped
    """Announce MariaDB's bulk execute, which the driver itself does not know.

    It also opens Unix sockets itself: the driver leaks one that is refused.

    Source: MariaDB manual, "Connection" (handshake response, extended capabilities).
    """

    _announces_bulk = False

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect and log in."""
        if self.unix_socket:
            sock = _open_unix(self.unix_socket, self.connect_timeout)
            self._secure = True
        super().connect(sock)
        if not self.unix_socket:
            _keep_alive(self._sock)

    def set_character_set(self, charset: str, collation: str | None = None) -> None:
        """Send nothing: ``mysql.state`` sets character sets along with all else."""

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


def _keep_alive(wire: socket.socket) -> None:
    """Let no router forget a connection that is idle for long, for example one with a lock."""
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, name):
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), _KEEP_ALIVE_S)


def _open_unix(path: str, timeout_s: float) -> socket.socket:
    wire = socket.socket(socket.AF_UNIX)
    try:
        wire.settimeout(timeout_s)
        wire.connect(path)
    except OSError:
        wire.close()
        raise
    return wire
