"""Keep objects as files of an SFTP server.

An object is written under a name of its own in ``.tmp``, put on disk, and then renamed; a
rename to a name that is taken fails (Source: draft-ietf-secsh-filexfer-02, section 6.5; OpenSSH
does it by ``link``, so of racing writers one wins). Folders cannot be synced over SFTP.
"""

from __future__ import annotations

import contextlib
import secrets
import stat
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import paramiko

from shardvault.errors import ObjectExists, ObjectMissing, StorageError, StorageUnavailable
from shardvault.interfaces import Buffer, ObjectStat, StorageFeatures
from shardvault.storage.names import check_name, is_word
from shardvault.storage.ssh import Session, SshLogin, open_session

_WRITE_BYTES = 256 * 1024
_READ_BYTES = 32 * 1024  # the most that every server gives at once; draft, section 3
_IDLE_SESSIONS = 8
_TEMPORARY = ".tmp"
_LEFTOVER_AGE_S = 24 * 3600


class SftpStorage:
    """Keep objects under one folder, which is made by the first write; safe for many threads.

    Each call has a connection to itself; unused ones are kept for the next call.
    """

    def __init__(self, login: SshLogin, root: str) -> None:
        self.features = StorageFeatures(atomic_create=True, owner_lock=False)
        self._login = login
        self._root = root
        self._idle: list[Session] = []
        self._lock = threading.Lock()
        self._ready: set[str] = set()
        self._is_swept = False

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store the parts as one object, all or nothing.

        Raises:
            ObjectExists: the name is taken; its object is unchanged.
            StorageUnavailable: the connection broke; whether it was stored is unknown.
            StorageError: the server refused; nothing remains under the name.
        """
        path = self._path(name)
        temporary = f"{self._root}/{_TEMPORARY}/{secrets.token_hex(16)}"
        with self._session("store", path) as session:
            self._prepare(session, temporary.rpartition("/")[0])
            self._prepare(session, path.rpartition("/")[0])
            try:
                now_s = _write_durably(session, temporary, parts)
                _publish(session, temporary, path)
            except BaseException:
                with contextlib.suppress(Exception):
                    session.remove(temporary)
                raise
            self._sweep(session, now_s)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        """Read an object or a part of it; shorter at its end; raises ObjectMissing."""
        path = self._path(name)
        with self._session("read", path) as session:
            stored_bytes = _look(session, path).st_size
            end = stored_bytes if size is None else min(stored_bytes, offset + size)
            with session.open(path, "rb") as file:
                pieces = range(offset, end, _READ_BYTES)
                return b"".join(file.readv([(at, min(_READ_BYTES, end - at)) for at in pieces]))

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        """Give every object whose name begins with the prefix, sorted by name."""
        folder = prefix.rpartition("/")[0]
        for found in self._walk(folder):
            if found.name.startswith(prefix):
                yield found

    def stat(self, name: str) -> ObjectStat:
        """Describe one object; raises ObjectMissing."""
        path = self._path(name)
        with self._session("look at", path) as session:
            return _describe(name, _look(session, path))

    def delete(self, name: str) -> None:
        """Remove an object; raises ObjectMissing."""
        path = self._path(name)
        with self._session("delete", path) as session:
            _look(session, path)
            session.remove(path)

    def _path(self, name: str) -> str:
        return f"{self._root}/{check_name(name)}"

    def _walk(self, folder: str) -> Iterator[ObjectStat]:
        path = f"{self._root}/{folder}".rstrip("/")
        with self._session("list", path) as session:
            entries = _scan(session, path)
        for entry in entries:
            name = f"{folder}/{entry.filename}".lstrip("/")
            if stat.S_ISDIR(entry.st_mode):
                yield from self._walk(name)
            elif stat.S_ISREG(entry.st_mode):
                yield _describe(name, entry)

    def _prepare(self, session: Session, folder: str) -> None:
        """Make a folder and its parents, once per instance."""
        if folder in self._ready or not folder:
            return
        self._prepare(session, folder.rpartition("/")[0])
        try:
            session.mkdir(folder, 0o700)
        except OSError:
            if not stat.S_ISDIR(session.stat(folder).st_mode):
                raise
        self._ready.add(folder)

    def _sweep(self, session: Session, now_s: int) -> None:
        """Remove once what broken connections left behind, by the server's own clock [s]."""
        if self._is_swept:
            return
        self._is_swept = True
        folder = f"{self._root}/{_TEMPORARY}"
        for entry in session.listdir_attr(folder):
            if now_s - entry.st_mtime > _LEFTOVER_AGE_S:
                with contextlib.suppress(OSError):  # somebody else was faster
                    session.remove(f"{folder}/{entry.filename}")

    @contextlib.contextmanager
    def _session(self, verb: str, path: str) -> Iterator[Session]:
        """Lend a session, and turn what it reports into errors of the store."""
        session = self._take()
        is_sound = False
        try:
            with _reported(f"cannot {verb} sftp {self._login.host}:{path}", session):
                yield session
            is_sound = True
        except (StorageUnavailable, GeneratorExit):
            raise
        except StorageError:
            is_sound = True
            raise
        finally:
            self._give_back(session, is_sound=is_sound)

    def _take(self) -> Session:
        with self._lock:
            while self._idle:
                session = self._idle.pop()
                if session.is_usable:
                    return session
        return open_session(self._login)

    def _give_back(self, session: Session, *, is_sound: bool) -> None:
        with self._lock:
            if is_sound and len(self._idle) < _IDLE_SESSIONS:
                self._idle.append(session)
                return
        session.leave()


@contextlib.contextmanager
def _reported(what: str, session: Session) -> Iterator[None]:
    try:
        yield
    except (EOFError, TimeoutError, ConnectionError, paramiko.SSHException) as error:
        reason = str(error) or "the connection broke"
        raise StorageUnavailable(f"{what}: {reason}") from error
    except FileNotFoundError as error:
        raise ObjectMissing(f"{what}: no such file") from error
    except OSError as error:
        kind = StorageError if session.is_usable else StorageUnavailable
        raise kind(f"{what}: {error.strerror or error}") from error


def _describe(name: str, entry: Any) -> ObjectStat:
    return ObjectStat(name, entry.st_size, float(entry.st_mtime))


def _look(session: Session, path: str) -> Any:
    """Return the attributes of an object's file; raises ObjectMissing."""
    found = session.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise ObjectMissing(f"no file at {path}")
    return found


def _scan(session: Session, folder: str) -> list[Any]:
    try:
        entries = [entry for entry in session.listdir_attr(folder) if is_word(entry.filename)]
    except FileNotFoundError:
        return []
    except OSError:
        if session.is_usable and not stat.S_ISDIR(session.lstat(folder).st_mode):
            return []
        raise
    # As whole names sort: "a/b" comes after "a-b", so a folder counts its slash.
    return sorted(entries, key=lambda entry: entry.filename + "/" * stat.S_ISDIR(entry.st_mode))


def _write_durably(session: Session, path: str, parts: Sequence[Buffer]) -> int:
    """Write a new file and return its time on the server's clock [s]."""
    with session.open(path, "wbx") as file:
        file.set_pipelined(True)
        for part in parts:
            view = memoryview(part).cast("B")
            for begin in range(0, len(view), _WRITE_BYTES):
                file.write(view[begin : begin + _WRITE_BYTES])
        file.set_pipelined(False)
        file.chmod(0o600)
        session.sync(file.handle)
        return int(file.stat().st_mtime)


def _publish(session: Session, temporary: str, path: str) -> None:
    try:
        session.rename(temporary, path)
    except OSError:
        if session.is_usable and _is_taken(session, path):
            raise ObjectExists(f"object {path} is already there") from None
        raise


def _is_taken(session: Session, path: str) -> bool:
    try:
        session.lstat(path)
    except FileNotFoundError:
        return False
    return True
