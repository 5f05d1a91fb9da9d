"""Read MySQL option files as the MySQL clients do.

Source: MySQL manual, "Using Option Files"; MariaDB manual, "Configuring MariaDB with Option
Files". ``!include`` is refused: a password in an included file must not be missed silently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shardvault.config.secrets import read_file, refuse_foreign_access
from shardvault.errors import ConfigError
from shardvault.model.target import Endpoint, TlsOptions

SECTIONS = ("client", "shardvault")
"""Sections that are read; the later one wins, wherever it stands in the file."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "s": " ", '"': '"', "'": "'", "\\": "\\"}
_BLANK = " \t\r\n\v\f"
_PORT = re.compile("[0-9]{0,5}")
_HIGHEST_PORT = 65535
_OFF = frozenset({"0", "off", "false", "disabled"})
_WITHOUT_IDENTITY = frozenset({"preferred", "required", "verify_ca"})


@dataclass(frozen=True)
class OptionFile:
    """Hold what an option file says about connecting; its password is never kept."""

    path: str
    options: Mapping[str, str]
    has_password: bool

    @property
    def user(self) -> str | None:
        """Name the account, if the file does."""
        return self.options.get("user") or None

    @property
    def port(self) -> int | None:
        """Give the TCP port, if the file does."""
        return int(self.options.get("port") or 0) or None

    @property
    def place(self) -> Endpoint | None:
        """Say where the instance listens; the socket counts unless a remote host is named."""
        host, socket = self.options.get("host"), self.options.get("socket")
        if socket and host in (None, "", "localhost"):
            return Endpoint(socket=socket)
        return Endpoint(host=host) if host else None

    @property
    def tls(self) -> TlsOptions | None:
        """Say how the connection is encrypted, if the file does.

        The server's identity is checked unless the file says otherwise.
        """
        ca, cert, key = (self.options.get(f"ssl-{part}") or None for part in ("ca", "cert", "key"))
        mode = self.options.get("ssl-mode", "").lower()
        is_off = mode == "disabled" or "skip-ssl" in self.options or self._is_off("ssl")
        if is_off or not (ca or cert or mode or "ssl" in self.options):
            return None
        verify = not self._is_off("ssl-verify-server-cert") and mode not in _WITHOUT_IDENTITY
        return TlsOptions(ca, cert, key, verify)

    def _is_off(self, option: str) -> bool:
        return self.options.get(option, "").lower() in _OFF


def read_option_file(path: str, where: str) -> OptionFile:
    """Read everything but the password.

    Raises:
        ConfigError: the file cannot be read or understood, or holds a password that other
            users may read.
    """
    options = _read_options(path, where)
    has_password = options.pop("password", None) is not None
    port = options.get("port", "")
    if not _PORT.fullmatch(port) or int(port or 0) > _HIGHEST_PORT:
        raise ConfigError(f"{where}: {path}: port is not a port number")
    return OptionFile(path, options, has_password)


def read_option_password(path: str, where: str) -> str:
    """Read the password of an option file; raises ConfigError if it is gone or open to others."""
    try:
        return _read_options(path, where)["password"]
    except KeyError:
        raise ConfigError(f"{where}: {path}: no password in it any more") from None


def _read_options(path: str, where: str) -> dict[str, str]:
    data, mode = read_file(path, where)
    try:
        sections = parse_options(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {path}: not UTF-8 text") from None
    except ConfigError as error:
        raise ConfigError(f"{where}: {path}:{error.message}", hint=error.hint) from None
    options = {key: value for name in SECTIONS for key, value in sections.get(name, {}).items()}
    if "password" in options:
        refuse_foreign_access(path, mode, where)
    return options


def parse_options(text: str) -> dict[str, dict[str, str]]:
    """Parse option file text into options per section; ``_`` in a key counts as ``-``.

    Raises:
        ConfigError: a line is not understood; the message begins with its number.
    """
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip(_BLANK)
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            section = sections.setdefault(_parse_header(line, number), {})
            continue
        _refuse_stray(line, section is not None, number)
        key, _, value = _cut_comment(line).partition("=")
        if section is not None:
            section[key.strip(_BLANK).replace("_", "-")] = _parse_value(value.strip(_BLANK))
    return sections


def _parse_header(line: str, number: int) -> str:
    name, bracket, _ = line[1:].partition("]")
    if not bracket:
        raise ConfigError(f"{number}: section without ]")
    return name.strip()


def _refuse_stray(line: str, in_section: bool, number: int) -> None:
    if line[0] == "!":
        raise ConfigError(
            f"{number}: !include is not supported", hint="name the included file itself"
        )
    if not in_section:
        raise ConfigError(f"{number}: option before the first section")


def _cut_comment(line: str) -> str:
    """Drop what follows a ``#`` outside quotes."""
    quote, is_escaped = "", False
    for place, letter in enumerate(line):
        if letter in "'\"" and not is_escaped and quote in ("", letter):
            quote = "" if quote else letter
        if letter == "#" and not quote:
            return line[:place]
        is_escaped = bool(quote) and letter == "\\" and not is_escaped
    return line


def _parse_value(text: str) -> str:
    """Take quotes off and resolve escapes; an unknown escape stays as it is."""
    if len(text) > 1 and text[0] in "'\"" and text[0] == text[-1]:
        text = text[1:-1]
    result, letters = "", iter(text)
    for letter in letters:
        if letter != "\\":
            result += letter
            continue
        escaped = next(letters, "")
        result += _ESCAPES.get(escaped, letter + escaped)
    return result
