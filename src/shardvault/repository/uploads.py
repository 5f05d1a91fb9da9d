"""Store finished packs in the background, few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from shardvault.repository.packs import SealedPack

IN_FLIGHT = 2
"""Packs that are being stored at once; each occupies one pack of memory."""


class UploadPool:
    """Hand packs to threads, so that no caller waits for the disk.

    The first error is raised by every call that follows it. No wait has a limit of its
    own: each ends with the store's own limit on a transfer.

    Args:
        upload: stores one pack; called from the pool's threads.
    """

    def __init__(self, upload: Callable[[SealedPack], None]) -> None:
        self._upload = upload
        self._threads = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="upload")
        self._room = threading.BoundedSemaphore(IN_FLIGHT)
        self._running: set[Future[None]] = set()
        self._error: BaseException | None = None

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self._error is not None:
            raise self._error

    def fail(self, error: BaseException) -> None:
        """Take an error that happened elsewhere, unless there was one before."""
        self._error = self._error or error

    def submit(self, pack: SealedPack) -> None:
        """Take a pack; waits while too many are on their way."""
        self._room.acquire()
        try:
            self.check()
            future = self._threads.submit(self._run, pack)
        except BaseException:
            self._room.release()
            raise
        self._running = {running for running in self._running if not running.done()} | {future}

    def finish(self) -> None:
        """Wait until every pack is stored; raises the first error."""
        wait(self._running)
        self.check()

    def close(self) -> None:
        """Wait for what is on its way and end the threads; raises nothing."""
        self._threads.shutdown()

    def _run(self, pack: SealedPack) -> None:
        try:
            self._upload(pack)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the caller must see it
            self.fail(error)
        finally:
            self._room.release()
