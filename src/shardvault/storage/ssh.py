"""Open SFTP sessions; the server must prove that it is the one we know."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko
from paramiko import Message
from paramiko.sftp import CMD_EXTENDED, CMD_INIT, CMD_VERSION

from shardvault.errors import StorageError, StorageUnavailable
from shardvault.storage.settings import StoreSettings

DEFAULT_PORT = 22
KNOWN_HOSTS = "~/.ssh/known_hosts"
CONNECT_LIMIT_S = 15.0

STALL_LIMIT_S = 30.0
"""A session without a single byte for this long is cut [s]."""

_PROTOCOL = 3  # Source: draft-ietf-secsh-filexfer-02, which OpenSSH speaks
_SYNC = b"fsync@openssh.com"  # Source: OpenSSH PROTOCOL, section 4.5


@dataclass(frozen=True)
class SshLogin:
    """Say where an SFTP server is, who logs in, and which keys count."""

    host: str
    port: int
    user: str | None
    password: Callable[[], str] | None
    key_file: str | None
    known_hosts: str


class Session(paramiko.SFTPClient):  # type: ignore[misc]  # paramiko has no types
    """Add to the library's client what it does not offer: extensions, and bytes put on disk."""

    extensions: frozenset[bytes] = frozenset()

    def sync(self, handle: bytes) -> None:
        """Put an open file on the server's disk, if the server offers that."""
        if _SYNC in self.extensions:
            self._request(CMD_EXTENDED, _SYNC, handle)

    @property
    def is_usable(self) -> bool:
        """Say whether the connection still stands."""
        channel = self.get_channel()
        return not channel.closed and channel.get_transport().is_active()

    def leave(self) -> None:
        """Close the session and its connection; raises nothing."""
        with contextlib.suppress(Exception):
            self.get_channel().get_transport().close()

    def _send_version(self) -> int:
        """Agree on the protocol, as the library does, and keep what it throws away."""
        hello = Message()
        hello.add_int(_PROTOCOL)
        self._send_packet(CMD_INIT, hello)
        kind, data = self._read_packet()
        if kind != CMD_VERSION:
            raise paramiko.SFTPError("not an SFTP server")
        answer = Message(data)
        version = int(answer.get_int())
        self.extensions = frozenset(_read_names(answer))
        return version


def parse_login(url: str, settings: StoreSettings) -> tuple[SshLogin, str]:
    """Split ``sftp://user@host:port/path`` into the login and the absolute path.

    Args:
        url: one that ``check_store_url`` takes.
        settings: the rest of the login.
    """
    parts = urlsplit(url)
    path = unquote(parts.path).rstrip("/")
    port = parts.port or DEFAULT_PORT
    user = unquote(parts.username) if parts.username else settings.user
    known_hosts = os.path.expanduser(settings.known_hosts or KNOWN_HOSTS)
    login = SshLogin(
        str(parts.hostname), port, user, settings.secret, settings.key_file, known_hosts
    )
    return login, path


def open_session(login: SshLogin) -> Session:
    """Connect, check the host's key, log in.

    Raises:
        StorageUnavailable: no connection within CONNECT_LIMIT_S.
        StorageError: the host is unknown or another one, or refuses the login.
    """
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_RefuseUnknown(login))
    with _reported(login):
        if os.path.exists(login.known_hosts):
            client.load_host_keys(login.known_hosts)
        client.connect(**_describe(login))
        transport = client.get_transport()
        session = Session.from_transport(transport)
    if not isinstance(session, Session):
        raise StorageError(f"{_place(login)}: no SFTP there")
    session.get_channel().settimeout(STALL_LIMIT_S)
    return session


def _describe(login: SshLogin) -> dict[str, Any]:
    has_own = login.key_file is not None or login.password is not None
    return {
        "hostname": login.host,
        "port": login.port,
        "username": login.user,
        "password": login.password() if login.password else None,
        "key_filename": login.key_file,
        "allow_agent": not has_own,
        "look_for_keys": not has_own,
        "timeout": CONNECT_LIMIT_S,
        "banner_timeout": CONNECT_LIMIT_S,
        "auth_timeout": CONNECT_LIMIT_S,
        "channel_timeout": CONNECT_LIMIT_S,
    }


class _RefuseUnknown(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    def __init__(self, login: SshLogin) -> None:
        self._login = login

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ARG002
        login = self._login
        raise StorageError(
            f"{_place(login)}: host is not in {login.known_hosts}; its key is "
            f"{key.get_name()} {key.fingerprint}",
            hint=f"compare that key with the host's own, then: ssh-keyscan -p {login.port} "
            f"{login.host} >> {login.known_hosts}",
        )


@contextlib.contextmanager
def _reported(login: SshLogin) -> Iterator[None]:
    place = _place(login)
    try:
        yield
    except paramiko.BadHostKeyException:
        raise StorageError(
            f"{place}: host key is not the one in {login.known_hosts}",
            hint="somebody may stand in between; if the host was made anew, correct that file",
        ) from None
    except paramiko.AuthenticationException as error:
        raise StorageError(
            f"{place}: login refused: {error}", hint="look at user, key file and password"
        ) from None
    except (paramiko.SSHException, socket.gaierror, EOFError, OSError) as error:
        raise StorageUnavailable(f"{place}: no connection: {error}") from None


def _place(login: SshLogin) -> str:
    return f"sftp {login.host}:{login.port}"


def _read_names(answer: Message) -> Iterator[bytes]:
    while answer.get_remainder():
        yield answer.get_string()
        answer.get_string()  # its version
