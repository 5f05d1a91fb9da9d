"""Keep objects as files of a local folder, durably.

An object appears under its name by ``link``, which fails if the name is taken, after its
bytes are on disk. Whatever is not yet an object lies in folders whose names begin with a
dot; no object name can.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from shardvault.errors import ObjectExists, ObjectMissing, StorageError, StorageFull
from shardvault.interfaces import Buffer, ObjectStat, StorageFeatures
from shardvault.storage.names import check_name, is_word
from shardvault.storage.owners import Release

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_RESERVE_BYTES = 4 << 20
"""Room for a lease, entries of the log, and the index of 100,000 chunks [bytes]."""
_IOV_MAX = 1024  # Source: writev(2), UIO_MAXIOV on Linux
_SAFE = os.O_CLOEXEC | os.O_NOFOLLOW


class LocalStorage:
    """Keep objects under one folder, which is made by the first write.

    Files are 0600 and folders 0700 whatever the umask. Safe for many threads.
    """

    def __init__(self, root: Path) -> None:
        self.features = StorageFeatures(atomic_create=True, owner_lock=True)
        self._root = root
        self._temporary = root / ".tmp"
        self._locks = root / ".locks"
        self._reserve = root / ".reserve"
        self._ready: set[Path] = set()

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one durable object, all or nothing.

        Raises:
            ObjectExists: the name is taken; its object is unchanged.
            StorageFull: no space; nothing remains under the name.
            StorageError: anything else the file system refused; nothing remains either.
        """
        path = self._path(name)
        with _reported("store", path):
            self._prepare(self._temporary)
            self._prepare(path.parent)
            temporary = self._temporary / secrets.token_hex(16)
            try:
                _write_durably(temporary, parts)
                _publish(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it; shorter at its end; raises ObjectMissing."""
        path = self._path(name)
        with _reported("read", path), os.fdopen(os.open(path, os.O_RDONLY | _SAFE), "rb") as file:
            file.seek(offset)
            return file.read(-1 if size is None else size)

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Give every object whose name begins with the prefix, sorted by name."""
        folder, _, _ = prefix.rpartition("/")
        for found in self._walk(folder):
            if found.name.startswith(prefix):
                yield found

    def stat(self, name: str) -> ObjectStat:
        """Describe one object; raises ObjectMissing."""
        path = self._path(name)
        with _reported("look at", path):
            status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise ObjectMissing(f"no file at {path}")
        return ObjectStat(name, status.st_size, status.st_mtime)

    def delete(self, name: str) -> None:
        """Remove an object durably; raises ObjectMissing."""
        path = self._path(name)
        with _reported("delete", path):
            path.unlink()
            _sync_folder(path.parent)

    def hold(self, name: str, note: bytes) -> Release | None:
        """Take the lock of that name at once, or return None if another owner has it.

        The kernel frees it when the process ends, however it ends.
        """
        path = self._locks / check_name(name)
        with _reported("lock", path):
            self._prepare(self._locks)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
            if not _try_flock(fd):
                return None
            os.fchmod(fd, 0o600)
        # The lock is what counts: on a full disk its owner must be able to free space.
        with contextlib.suppress(OSError):
            os.ftruncate(fd, 0)
            os.write(fd, note)
        return lambda: _release(fd)

    def holder(self, name: str) -> bytes:
        """Return the note of the present owner; empty if there is none or it is unknown."""
        try:
            return (self._locks / check_name(name)).read_bytes()
        except OSError:
            return b""

    def make_reserve(self) -> None:
        """Occupy space that a prune can give up when the disk is full; none left is no error."""
        if self._reserve.exists():
            return
        with contextlib.suppress(OSError):
            self._prepare(self._root)
            try:
                _write_durably(self._reserve, [os.urandom(_RESERVE_BYTES)])
            except OSError:
                self._reserve.unlink(missing_ok=True)
                raise

    def spend_reserve(self) -> None:
        """Give that space up."""
        with _reported("delete", self._reserve):
            self._reserve.unlink(missing_ok=True)

    def sweep(self) -> int:
        """Remove what interrupted writes left behind [bytes]; call it only as sole writer."""
        freed = 0
        with _reported("sweep", self._temporary):
            leftovers = list(self._temporary.iterdir()) if self._temporary.is_dir() else []
            for path in leftovers:
                freed += path.lstat().st_size
                path.unlink()
        return freed

    def _path(self, name: str) -> Path:
        return self._root / check_name(name)

    def _prepare(self, folder: Path) -> None:
        """Make a folder and its parents durable, once per instance."""
        if folder in self._ready:
            return
        if folder != self._root:
            self._prepare(folder.parent)
        _make_folder(folder)
        _sync_folder(folder.parent)
        self._ready.add(folder)

    def _walk(self, folder: str) -> Iterator[ObjectStat]:
        path = self._root / folder
        with _reported("list", path):
            entries = _scan(path)
        for entry in entries:
            name = f"{folder}/{entry.name}".lstrip("/")
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(name)
            elif entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    status = entry.stat(follow_symlinks=False)
                    yield ObjectStat(name, status.st_size, status.st_mtime)


@contextlib.contextmanager
def _reported(verb: str, path: Path) -> Iterator[None]:
    """Turn what the system reports into errors of the store."""
    try:
        yield
    except OSError as error:
        what = f"cannot {verb} {path}: {error.strerror}"
        if error.errno in _FULL:
            raise StorageFull(
                what, hint="free space there; the next backup reclaims what this one wrote"
            ) from error
        if error.errno in _ABSENT:
            raise ObjectMissing(what) from error
        raise StorageError(what) from error


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if is_word(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    # As whole names sort: "a/b" comes after "a-b", so a folder counts its slash.
    return sorted(entries, key=lambda entry: entry.name + "/" * entry.is_dir())


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        _make_folder(folder.parent)
        _sync_folder(folder.parent.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)


def _write_durably(path: Path, parts: Sequence[Buffer]) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, 0o600)
    try:
        os.fchmod(fd, 0o600)
        _write_all(fd, parts)
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, parts: Sequence[Buffer]) -> None:
    views = [memoryview(part).cast("B") for part in parts]
    while views:
        written = os.writev(fd, views[:_IOV_MAX])
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if written:
            views[0] = views[0][written:]


def _publish(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise ObjectExists(f"object {path} is already there") from error
    try:
        _sync_folder(path.parent)
    except OSError:
        # Nobody knows what a failed fsync left on disk: the object must not count as stored.
        path.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _try_flock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return False
    except OSError:
        os.close(fd)
        raise
    return True


def _release(fd: int) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(fd, 0)
    os.close(fd)
