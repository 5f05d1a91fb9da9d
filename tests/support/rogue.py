"""Be a server that breaks the protocol, and remember everything it was sent."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from shardvault.model.target import Endpoint
from tests.support.packets import frame

OK = b"\0\0\0\2\0\0\0"
_CAPABILITIES = 0xFFFFFFFF & ~0x800 & ~0x20  # all but TLS and compression
_LIMIT_S = 20.0

Reply = Callable[[bytes], bytes | None]
"""Take the payload of a command; return raw bytes to send, None to hang up."""


def answer(payload: bytes) -> bytes:
    """Frame one packet as the first of an answer."""
    return frame(payload, 1)


def ask_for(name: str) -> bytes:
    """Write the request for a file."""
    return answer(b"\xfb" + name.encode())


def define(rows: bytes) -> bytes:
    """Describe one column; rows follow, the first as packet 4."""
    definition = b"\3def\0\0\0\1a\1a\x0c\x3f\0\0\0\0\0\xfd\0\0\0\0\0"
    return answer(b"\1") + frame(definition, 2) + frame(_END, 3) + rows


_END = b"\xfe\0\0\2\0"
_LOGIN = {
    b"SET NAMES": answer(OK),
    b"SET AUTOCOMMIT": answer(OK),
    b"SET SESSION": answer(OK),
    b"SHOW SESSION VARIABLES": define(frame(_END, 4)),  # it has none of ours
    b"SELECT @@GLOBAL.init_connect": define(frame(b"\0", 4) + frame(_END, 5)),
}
LOGIN_COMMANDS = 3
"""What a session of ours sends to such a server when it is opened."""


def after_login(reply: Reply) -> Reply:
    """Answer honestly what sets the state of a session, then go rogue."""

    def choose(command: bytes) -> bytes | None:
        honest = (text for begin, text in _LOGIN.items() if command[1:].startswith(begin))
        return next(honest, None) or reply(command)

    return choose


class RogueServer:
    """Serve one connection; use as a context manager.

    Args:
        reply: answers each packet behind the login.
        version: what the greeting says; decides what the client takes it for.
        answers: packets after which it hangs up; None = never.
        greeting: sent instead of an honest one.

    Attributes:
        received: payload of each packet behind the login, in order.
        is_closed: set when the client hung up.
    """

    def __init__(
        self,
        reply: Reply,
        version: str = "9.7.4",
        *,
        answers: int | None = None,
        greeting: bytes | None = None,
    ) -> None:
        self.received: list[bytes] = []
        self.is_closed = threading.Event()
        self._reply = reply
        self._answers = answers
        self._greeting = _greet(version) if greeting is None else greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_LIMIT_S)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> Endpoint:
        """Say where it listens."""
        return Endpoint("127.0.0.1", self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self._thread.join(_LIMIT_S)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            with client:
                client.settimeout(_LIMIT_S)
                client.sendall(frame(self._greeting))
                _receive(client)
                client.sendall(frame(OK, 2))
                self._answer_all(client)
        self.is_closed.set()

    def _answer_all(self, client: socket.socket) -> None:
        while (payload := _receive(client)) is not None:
            self.received.append(payload)
            reply = self._reply(payload)
            if reply is None:
                return
            client.sendall(reply)
            if len(self.received) == self._answers:
                return


def _greet(version: str) -> bytes:
    low, high = _CAPABILITIES & 0xFFFF, _CAPABILITIES >> 16
    return (
        b"\x0a"
        + version.encode()
        + b"\0"
        + struct.pack("<I8sBHBHHB", 7, b"saltsalt", 0, low, 45, 0, high, 21)
        + bytes(10)
        + b"saltsaltsalt\0mysql_native_password\0"
    )


def _receive(client: socket.socket) -> bytes | None:
    header = _receive_exactly(client, 4)
    if header is None:
        return None
    return _receive_exactly(client, int.from_bytes(header[:3], "little"))


def _receive_exactly(client: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            return None
        data += part
    return data
