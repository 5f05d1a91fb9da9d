"""Remember on this computer how far each repository's log had come.

A store that brings back an older state of everything, or puts another repository in place,
is sound in itself; only somebody who remembers can tell.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import msgspec

from shardvault.errors import StorageError
from shardvault.repository.private_folders import make_private_folder


class Head(msgspec.Struct, frozen=True):
    """Name the last entry of a log.

    Attributes:
        repository: id, 32 hex digits.
        number: of the entry.
        digest: SHA-256 of its stored bytes, 64 hex digits.
        accepted: digests of faulty entries that somebody looked at, by number; empty for
            those that are gone.
    """

    repository: str
    number: int
    digest: str
    accepted: dict[int, str] = {}


class HeadMemory:
    """Keep one small file per place of a repository in a private folder."""

    def __init__(self, folder: Path, place: str) -> None:
        """Remember the repository at a place.

        Args:
            folder: made when first needed; 0700.
            place: URL of the repository, as configured.
        """
        self._folder = folder
        self._path = folder / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"

    @property
    def path(self) -> Path:
        """Return the file; deleting it forgets the place."""
        return self._path

    def recall(self) -> Head | None:
        """Return the head that was seen last; None if the place was never seen.

        Raises:
            StorageError: the file cannot be read; nothing may be taken for new then.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Head)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise StorageError(
                f"cannot read what was remembered of this repository in {self._path}: {error}",
                hint="repair that file, or delete it to trust the repository as it is",
            ) from error

    def remember(self, head: Head) -> None:
        """Replace what is remembered, atomically; raises StorageError."""
        temporary = self._path.with_name(f".{secrets.token_hex(8)}")
        try:
            make_private_folder(self._folder)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(head))
                file.flush()
                os.fsync(fd)
            temporary.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise StorageError(
                f"cannot remember the state of the repository in {self._path}: {error.strerror}",
                hint="make the folder writable, or name another with SHARDVAULT_STATE",
            ) from error
