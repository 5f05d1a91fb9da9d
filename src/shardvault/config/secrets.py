"""Get passwords from where the configuration says they are kept, when they are needed."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from shardvault.errors import ConfigError

if TYPE_CHECKING:
    from shardvault.config.schema import PasswordSection

COMMAND_LIMIT_S = 10.0
MAX_SECRET_FILE_BYTES = 1024 * 1024
_FOREIGN_ACCESS = stat.S_IRWXG | stat.S_IRWXO


class Secret:
    """Look a password up once, when it is first asked for, and never print it.

    Safe for many threads. It cannot be pickled, so no password leaves the process by accident.

    Args:
        origin: where the password comes from, for people.
        read: looks it up; raises ConfigError.
    """

    def __init__(self, origin: str, read: Callable[[], str]) -> None:
        self._origin = origin
        self._read = read
        self._lock = threading.Lock()
        self._value: str | None = None

    def __call__(self) -> str:
        """Return the password; raises ConfigError if it cannot be had."""
        with self._lock:
            if self._value is None:
                self._value = self._read()
            return self._value

    def __repr__(self) -> str:
        return f"Secret({self._origin})"


def open_secret(section: PasswordSection, where: str) -> Secret:
    """Make the secret that a configuration refers to; nothing is read yet.

    Args:
        where: place of the reference, put before every error.
    """
    if section.env is not None:
        return Secret(f"env {section.env}", partial(_read_variable, section.env, where))
    if section.file is not None:
        return Secret(f"file {section.file}", partial(_read_file, section.file, where))
    command = section.command or ()
    return Secret(f"command {command[0]}", partial(_run_command, command, where))


def _read_variable(name: str, where: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(
            f"{where}: environment variable {name} is not set",
            hint=f"export {name}, or refer to a file or command instead",
        )
    return _refuse_empty(value, f"{where}: environment variable {name}")


def _read_file(path: str, where: str) -> str:
    return _decode(read_private_file(path, where), f"{where}: {path}")


def _run_command(command: Sequence[str], where: str) -> str:
    what = f"{where}: command {command[0]}"
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{what}: not finished after {COMMAND_LIMIT_S:g} s") from None
    except OSError as error:
        raise ConfigError(f"{what}: {error.strerror}") from None
    if done.returncode != 0:
        raise ConfigError(
            f"{what}: exit code {done.returncode}", hint="run it by hand to see its message"
        )
    return _decode(done.stdout, what)


def read_private_file(path: str, where: str) -> bytes:
    """Read a file that holds a secret.

    Raises:
        ConfigError: it cannot be read, is no regular file, or is open to others.
    """
    data, mode = read_file(path, where)
    refuse_foreign_access(path, mode, where)
    return data


def read_file(path: str, where: str) -> tuple[bytes, int]:
    """Read a small regular file; return its bytes and its mode.

    Raises:
        ConfigError: it cannot be read, is no regular file, or is too large.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise ConfigError(f"{where}: {path}: not a regular file")
            data = file.read(MAX_SECRET_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{where}: {path}: {error.strerror}") from None
    if len(data) > MAX_SECRET_FILE_BYTES:
        raise ConfigError(f"{where}: {path}: larger than {MAX_SECRET_FILE_BYTES} bytes")
    return data, mode


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for a writer: a pipe of that name must not stop the program."""
    return os.open(path, flags | os.O_NONBLOCK)


def refuse_foreign_access(path: str, mode: int, where: str) -> None:
    """Raise ConfigError if others than the owner may read or change the file."""
    if mode & _FOREIGN_ACCESS:
        raise ConfigError(
            f"{where}: {path}: other users may read or change this file",
            hint=f"chmod 600 {path}",
        )


def _decode(data: bytes, what: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{what}: not UTF-8 text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    return _refuse_empty(text, what)


def _refuse_empty(secret: str, what: str) -> str:
    if not secret:
        raise ConfigError(
            f"{what}: empty", hint="leave `password` out to log in without a password"
        )
    return secret
