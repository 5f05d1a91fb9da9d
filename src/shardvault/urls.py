"""Check the URLs of stores, and write them for people without the secrets that they may hold."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

BUCKET_SCHEMES = ("s3", "gs", "az")
FORMS = (
    "file:///absolute/path, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or "
    "sftp://USER@HOST/absolute/path"
)
_REFER_TO_IT = "take it out; refer to it under repository.credentials.secret"
_HIDDEN = "***"
_BUCKET = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._:%-]+", re.ASCII)
_IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_AUTHORITY_END = re.compile(r"[/?#]")


class BadUrl(ValueError):
    """Say what is wrong with a URL, without a part of it.

    Attributes:
        what: lower case, no full stop.
        hint: the remedy.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def display_url(url: str) -> str:
    """Write a URL for people; where a password, a query or a key can be, it says ``***``.

    Works on any text, also on what is no URL. The user of an SFTP login stays readable.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url if url.startswith("/") else _display_rest("", url)
    return f"{scheme}://{_display_rest(scheme, rest)}"


def display_urls(text: str) -> str:
    """Write a text of somebody else, a library's for example, with every URL in it masked."""
    return _IN_TEXT.sub(lambda found: display_url(found[0]), text)


def _display_rest(scheme: str, rest: str) -> str:
    end = next((at for at, character in enumerate(rest) if character in "?#"), len(rest))
    if "@" in rest[end:]:
        return _HIDDEN  # a password with such a character, or a query with an @
    place, tail = rest[:end], rest[end : end + 1]
    user, at, address = place.rpartition("@")
    if at and (":" in user or "/" not in user):
        is_plain_user = scheme == "sftp" and ":" not in user and "%" not in user
        shown = user if is_plain_user else _display_user(scheme, user)
        place = f"{shown}@{_display_address(address)}"
    else:
        place = _display_address(place)
    return place + (tail + _HIDDEN if tail else "")


def _display_user(scheme: str, user: str) -> str:
    name, colon, _ = user.partition(":")
    return f"{name}:{_HIDDEN}" if scheme == "sftp" and colon and "%" not in name else _HIDDEN


def _display_address(address: str) -> str:
    """Hide a host with escapes in it, and a port that is no number: a password may stand there."""
    end = _AUTHORITY_END.search(address)
    authority = address[: end.start()] if end else address
    path = address[len(authority) :]
    host, colon, port = authority.rpartition(":")
    if "%" in authority:
        return _HIDDEN + path
    if colon and not port.isdigit() and not authority.endswith("]"):
        return f"{host}:{_HIDDEN}{path}"
    return authority + path


def check_store_url(url: str) -> None:
    """Prove that a URL names a store that can be opened; raises BadUrl."""
    parts = _split(url, f"write {FORMS}")
    if parts.scheme == "file":
        _check_file(parts)
    elif parts.scheme in BUCKET_SCHEMES:
        _check_bucket(parts)
    elif parts.scheme == "sftp":
        _check_sftp(parts)
    else:
        raise BadUrl("not a store that is supported", f"write {FORMS}")


def check_endpoint_url(url: str) -> None:
    """Prove that a URL is the address of a service; raises BadUrl."""
    hint = "write one such as https://minio.example:9000"
    parts = _split(url, hint)
    if parts.scheme not in ("http", "https"):
        raise BadUrl("not an address that begins with https:// or http://", hint)
    if not _is_host(parts) or _port(parts) is None:
        raise BadUrl("names no host, or a port that is none", hint)
    if "@" in parts.netloc:
        raise BadUrl("holds a user or a password", _REFER_TO_IT)
    _refuse_tail(parts, hint)


def check_local_path(path: str) -> None:
    """Prove that a path can name a folder; raises BadUrl."""
    if "\0" in path:
        raise BadUrl("holds a NUL character", "write the path of a folder")


def _split(url: str, hint: str) -> SplitResult:
    """Split a URL; what no part of a URL can be is refused before a library sees it."""
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in url):
        raise BadUrl("holds a control character, or one that is not UTF-8 text", hint)
    try:
        parts = urlsplit(url)
        text = unquote_to_bytes(parts.path).decode()
    except UnicodeDecodeError:
        raise BadUrl("has a path that is not UTF-8 text", hint) from None
    except ValueError:
        raise BadUrl("not a URL", hint) from None
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise BadUrl("has a control character in its path", hint)
    return parts


def _check_file(parts: SplitResult) -> None:
    hint = "write file:///absolute/path"
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise BadUrl("names no absolute path of this machine", hint)
    _refuse_tail(parts, f"{hint}; a ? in a path is %3F, a # is %23")


def _check_bucket(parts: SplitResult) -> None:
    hint = f"write {parts.scheme}://BUCKET/PREFIX; the rest has options of its own"
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadUrl("names more than a bucket and a prefix", hint)
    if not _BUCKET.fullmatch(parts.netloc):
        raise BadUrl("names no bucket", hint)


def _check_sftp(parts: SplitResult) -> None:
    hint = "write sftp://USER@HOST/absolute/path"
    if parts.password is not None:
        raise BadUrl("holds a password", _REFER_TO_IT)
    if not _is_host(parts) or not _port(parts) or not parts.path.rstrip("/"):
        raise BadUrl("names no host and folder", hint)
    _refuse_tail(parts, hint)


def _refuse_tail(parts: SplitResult, hint: str) -> None:
    if parts.query or parts.fragment:
        raise BadUrl("goes on after its path, with ? or #", hint)


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    has_escape = "%" in host and ":" not in host  # a % stands in addresses of IPv6 only
    return _HOST.fullmatch(host) is not None and not has_escape


def _port(parts: SplitResult) -> int | None:
    """Give the port, -1 if none is named, None or 0 if it is no port."""
    try:
        return -1 if parts.port is None else parts.port
    except ValueError:
        return None
