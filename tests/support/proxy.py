"""Stand between a client and a server and break the network on demand."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_BUFFER_BYTES = 65536
_POLL_S = 0.05
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close sends RST
_CLOSE_LIMIT_S = 5.0

Target = str | tuple[str, int]


class FaultProxy:
    """Pass connections on to a server; faults act on open and new connections alike.

    Each connection has two threads, one per direction. Use it as a context manager:
    leaving it closes every connection.
    """

    host = "127.0.0.1"

    def __init__(self, target: Target) -> None:
        """Listen at once on a free port of loopback.

        Args:
            target: the server's socket path, or its host and port.
        """
        self._target = target
        self._listener = socket.create_server((self.host, 0))
        self._listener.settimeout(_POLL_S)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._latency_s = 0.0
        self._swallows = False
        self._left_bytes: int | None = None
        self._start(self._accept_all)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def delay(self, latency_s: float) -> None:
        """Hold back every piece of data, in both directions [s]."""
        self._latency_s = latency_s

    def black_hole(self) -> None:
        """Swallow all data without closing anything, as a partition does."""
        self._swallows = True

    def limit(self, size_bytes: int) -> None:
        """Reset the connection that carries the byte after these, in any direction [bytes]."""
        with self._lock:
            self._left_bytes = size_bytes

    def heal(self) -> None:
        """End every fault; data swallowed until now stay lost."""
        self._latency_s = 0.0
        self._swallows = False
        with self._lock:
            self._left_bytes = None

    def reset(self) -> None:
        """Cut every open connection with RST; new ones are accepted."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _cut(pair)

    def close(self) -> None:
        """Stop listening and cut every connection; may be called twice."""
        self._closing.set()
        self._threads[0].join(_CLOSE_LIMIT_S)
        self._listener.close()
        self.reset()
        for thread in self._threads:
            thread.join(_CLOSE_LIMIT_S)

    def _start(self, run: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=run, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept_all(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._join(client)

    def _join(self, client: socket.socket) -> None:
        client.settimeout(None)
        try:
            server = self._reach_target()
        except OSError:
            client.close()
            return
        pair = (client, server)
        with self._lock:
            self._pairs.append(pair)
        self._start(self._pass_on, client, server, pair)
        self._start(self._pass_on, server, client, pair)

    def _reach_target(self) -> socket.socket:
        if isinstance(self._target, tuple):
            return socket.create_connection(self._target, timeout=None)
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._target)
        except OSError:
            server.close()
            raise
        return server

    def _pass_on(
        self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_BUFFER_BYTES):
                time.sleep(self._latency_s)
                if self._swallows:
                    continue
                allowed = self._allow(len(data))
                sink.sendall(data[:allowed])
                if allowed < len(data):
                    _cut(pair)
            sink.shutdown(socket.SHUT_WR)

    def _allow(self, size_bytes: int) -> int:
        with self._lock:
            if self._left_bytes is None:
                return size_bytes
            allowed = min(size_bytes, self._left_bytes)
            self._left_bytes -= allowed
            return allowed


def _cut(pair: tuple[socket.socket, socket.socket]) -> None:
    for end in pair:
        with contextlib.suppress(OSError):
            if end.family == socket.AF_INET:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            end.shutdown(socket.SHUT_RD)  # wakes the thread that reads; sends nothing
        end.close()
