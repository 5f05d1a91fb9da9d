"""Remember on this computer how far each repository's log had come.

A store that brings back an older state of everything, or puts another repository in place,
is sound in itself; only somebody who remembers can tell.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from shardvault.clock import monotonic_s
from shardvault.errors import StorageError
from shardvault.repository.private_folders import make_private_folder

_TURN_LIMIT_S = 5.0
"""Longest wait for another process that writes the same file [s]."""
_TURN_PAUSE_S = 0.005


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
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise StorageError(
                f"cannot read what was remembered of this repository in {self._path}: {error}",
                hint="repair that file, or delete it to trust the repository as it is",
            ) from error

    def advance(self, head: Head) -> None:
        """Remember a head unless a later one is remembered already.

        What somebody accepted stays accepted. Processes that share the folder take turns, so
        that a slow one, which read the log earlier, never replaces a later head by its own. If
        another process holds its turn too long, the next command remembers the head.

        Raises:
            StorageError: the file cannot be read or written.
        """
        if _is_later(head, self.recall()):
            with self._turn() as is_ours:
                seen = self.recall()
                if is_ours and _is_later(head, seen):
                    accepted = seen.accepted if seen else {}
                    self._write(msgspec.structs.replace(head, accepted=accepted))

    def remember(self, head: Head) -> None:
        """Replace what is remembered, atomically, whatever it was; raises StorageError."""
        with self._turn() as is_ours:
            if not is_ours:
                raise self._unusable("another process is writing it")
            self._write(head)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[bool]:
        """Keep other processes from writing; gives False if one of them holds its turn too long.

        The lock ends with its process. One that is only stopped must not stop the others.
        """
        path = self._path.with_suffix(".lock")
        try:
            make_private_folder(self._folder)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unusable(error.strerror) from error
        try:
            yield self._wait_for_lock(fd)
        finally:
            os.close(fd)

    def _wait_for_lock(self, fd: int) -> bool:
        end_s = monotonic_s() + _TURN_LIMIT_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic_s() > end_s:
                    return False
                time.sleep(_TURN_PAUSE_S)
            except OSError as error:
                raise self._unusable(error.strerror) from error
            else:
                return True

    def _write(self, head: Head) -> None:
        temporary = self._path.with_name(f".{secrets.token_hex(8)}")
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(head))
                file.flush()
                os.fsync(fd)
            temporary.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise self._unusable(error.strerror) from error

    def _unusable(self, reason: str | None) -> StorageError:
        return StorageError(
            f"cannot remember the state of the repository in {self._path}: {reason}",
            hint="make the folder writable, or name another with SHARDVAULT_STATE",
        )


def _is_later(head: Head, seen: Head | None) -> bool:
    if seen is None or seen.repository != head.repository:
        return True
    return seen.number < head.number
