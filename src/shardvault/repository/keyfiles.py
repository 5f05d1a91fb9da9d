"""Read and make the one-line files that hold keys; each is private to its owner."""

from __future__ import annotations

import base64
import os
import shlex
import stat
from pathlib import Path

from shardvault.errors import UsageError
from shardvault.model.base64_text import decode_base64
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.format import KEY_BYTES, KEY_FILE_PREFIX

_LONGEST_LINE_BYTES = 4096


def create_key_file(path: Path, random_bytes: RandomBytes) -> bytes:
    """Make a key file, durable and readable by its owner alone, and return its key.

    Raises:
        UsageError: the file cannot be made or is there already.
    """
    key = random_bytes(KEY_BYTES)
    create_private_line(path, KEY_FILE_PREFIX, key)
    return key


def read_key_file(path: Path) -> bytes:
    """Return the 32 bytes of a key file.

    Raises:
        UsageError: missing, readable by others, or not a key file.
    """
    return read_private_line(path, KEY_FILE_PREFIX, KEY_BYTES, "key file")


def create_private_line(path: Path, prefix: str, data: bytes) -> None:
    """Make a file of one line, durable, 0600; raises UsageError if it is there already."""
    line = format_line(prefix, data)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, 0o600)
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(fd)
        _sync_folder(path.parent)
    except OSError as error:
        raise UsageError(
            f"cannot make key file {path}: {error.strerror}", hint=_choose_hint(error, path)
        ) from error


def _choose_hint(error: OSError, path: Path) -> str | None:
    """Return what helps if a key file cannot be made, if we know it."""
    match error:
        case FileExistsError():
            return "no file is overwritten: name one that is not there yet"
        case FileNotFoundError():
            return f"make the folder first: mkdir -p -m 700 {shlex.quote(str(path.parent))}"
    return None


def read_private_line(path: Path, prefix: str, size_bytes: int, what: str) -> bytes:
    """Return what a file of one line holds.

    Args:
        what: the file, as errors call it.

    Raises:
        UsageError: missing, readable by others, or something else.
    """
    line, mode = _read_line(path, what)
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"{what} {path} is open to others", hint=f"chmod 600 {path}")
    return _parse(path, line, prefix, size_bytes, what)


def read_public_line(path: Path, prefix: str, size_bytes: int, what: str) -> bytes:
    """Return what a file of one line holds that anybody may read; raises UsageError."""
    line, _ = _read_line(path, what)
    return _parse(path, line, prefix, size_bytes, what)


def format_line(prefix: str, data: bytes) -> str:
    """Write bytes as the line of a key file."""
    return f"{prefix}{base64.b64encode(data).decode()}"


def _read_line(path: Path, what: str) -> tuple[bytes, int]:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            return file.read(_LONGEST_LINE_BYTES).strip(), os.fstat(file.fileno()).st_mode
    except OSError as error:
        hint = f"name the {what} that was made for the repository, or its copy"
        raise UsageError(f"cannot read {what} {path}: {error.strerror}", hint=hint) from error


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for a writer: a pipe of that name must not stop the program."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _parse(path: Path, line: bytes, prefix: str, size_bytes: int, what: str) -> bytes:
    try:
        data = decode_base64(line.removeprefix(prefix.encode()))
    except ValueError:
        data = b""
    if not line.startswith(prefix.encode()) or len(data) != size_bytes:
        raise UsageError(f"{path} is no {what}", hint=f"its line begins {prefix}")
    return data


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
