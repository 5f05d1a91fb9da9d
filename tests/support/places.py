"""Choose where a private instance listens."""

from __future__ import annotations

import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

HOST = "127.0.0.1"
START_LIMIT_S = 60.0
_POLL_S = 0.02
_FIRST_PORT, _PORT_COUNT = 20_000, 12_000  # below the ports that the kernel gives to clients
_SOCKET_PATH_LIMIT = 100  # sockaddr_un holds 108 bytes


class ServerFailed(Exception):
    """Report a server that did not start, with the end of its log."""


def wait_until_answered(url: str, processes: Sequence[subprocess.Popen[bytes]], log: Path) -> None:
    """Wait until a web server answers, with whatever status.

    Raises:
        ServerFailed: a process ended, or START_LIMIT_S passed.
    """
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and all(one.poll() is None for one in processes):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(_POLL_S)
        else:
            return
    tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise ServerFailed(f"nothing serves {url}:\n{tail}")


def choose_port() -> int:
    """Return a port of loopback that nobody serves now; another program may still come first."""
    for _ in range(_PORT_COUNT):
        port = _FIRST_PORT + secrets.randbelow(_PORT_COUNT)
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) != 0:
                return port
    raise OSError(f"no free port on {HOST}")


def make_socket_folder(folder: Path) -> Path | None:
    """Make a folder under /tmp for the socket if its path in this folder would be too long."""
    if len(str(folder / "sock")) < _SOCKET_PATH_LIMIT:
        return None
    return Path(tempfile.mkdtemp(prefix="shardvault-", dir="/tmp"))


def is_served(path: str) -> bool:
    """Say whether somebody listens at a socket path; PyMySQL leaks a socket that is refused."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0
