"""Let the disk below the local store fail at a chosen request."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path

from tests.support.crash_disk import Recorder


@dataclass(frozen=True)
class Failure:
    """Say how a disk fails: with which error, and whether it never recovers."""

    code: int
    lasts: bool


class FailingDisk(Recorder):
    """Refuse a request, or it and all that follow, with an error of the system.

    A full disk still deletes and syncs. A sync that fails loses what it was to keep, and the
    next one succeeds without having written it (Source: Linux marks the pages clean;
    PostgreSQL wiki, "Fsync Errors").

    Args:
        at: number of the request, from 1.
    """

    def __init__(self, root: Path, at: int, failure: Failure) -> None:
        super().__init__(root)
        self._at = at
        self._failure = failure

    def begin(self, what: str) -> None:
        """Count a request and refuse it if the disk fails."""
        super().begin(what)
        needs_space = what in {"create", "write", "link", "mkdir"}
        if self._is_failing() and (needs_space or self._failure.code != ENOSPC):
            raise OSError(self._failure.code, os.strerror(self._failure.code))

    def fsync(self, fd: int) -> None:
        """Sync, or lose what was not synced."""
        try:
            super().fsync(fd)
        except OSError:
            if fd in self._files:
                os.pwrite(fd, bytes(os.fstat(fd).st_size), 0)
            self._forget_links(self._folders.get(fd))
            raise

    def _is_failing(self) -> bool:
        return self.requests == self._at or (self._failure.lasts and self.requests > self._at)

    def _forget_links(self, folder: str | None) -> None:
        """Take back the names that a folder got since its last sync."""
        for step in reversed(self.steps):
            if (step.what, step.path) == ("sync folder", folder):
                return
            if step.what == "link" and os.path.dirname(step.path) == folder:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._root / step.path)
