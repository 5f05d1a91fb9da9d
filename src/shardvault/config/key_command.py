"""Get a key from a program, as the client of a key management service."""

from __future__ import annotations

import binascii
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from typing import IO

from shardvault.config.secrets import COMMAND_LIMIT_S
from shardvault.errors import ConfigError
from shardvault.model.base64_text import decode_base64

_KEY_BYTES = 32
_MOST_BYTES = 1024


def run_key_command(command: Sequence[str], where: str) -> bytes:
    """Run a program without a shell and return the 32 bytes that it prints.

    It gets no input, has 10 s, and may print 1 KiB: 64 hexadecimal digits or base64.

    Args:
        where: place of the reference, put before every error.

    Raises:
        ConfigError: it fails, takes too long, or prints something else; what it printed is
            in no message.
    """
    what = f"{where}: command {command[0]}"
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigError(f"{what}: {error.strerror}") from None
    with process:
        printed = _read(process, what)
    if process.returncode != 0:
        raise ConfigError(
            f"{what}: exit code {process.returncode}", hint="run it by hand to see its message"
        )
    return _decode(printed, what)


def _read(process: subprocess.Popen[bytes], what: str) -> bytes:
    """Read what a program prints; ends it, and all it started, at the limit of time or length."""
    is_late = threading.Event()

    def stop() -> None:
        is_late.set()
        _kill(process)

    timer = threading.Timer(COMMAND_LIMIT_S, stop)
    timer.start()
    try:
        output: IO[bytes] = process.stdout  # type: ignore[assignment]  # it is a pipe
        printed = output.read(_MOST_BYTES + 1)
        if len(printed) > _MOST_BYTES:
            _kill(process)
        process.wait()
    finally:
        timer.cancel()
    if is_late.is_set():
        raise ConfigError(f"{what}: not finished after {COMMAND_LIMIT_S:g} s")
    if len(printed) > _MOST_BYTES:
        raise ConfigError(f"{what}: prints more than {_MOST_BYTES} bytes")
    return printed


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _decode(printed: bytes, what: str) -> bytes:
    text = printed.strip()
    for decode in (binascii.unhexlify, decode_base64):
        with contextlib.suppress(ValueError):
            key = decode(text)
            if len(key) == _KEY_BYTES:
                return key
    raise ConfigError(
        f"{what}: prints no key", hint="it must print 32 bytes in base64 or hexadecimal"
    )
