"""Keep named objects durably; one module per kind of store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from shardvault.errors import UsageError
from shardvault.interfaces import Storage
from shardvault.storage.buckets import SCHEMES, Bucket
from shardvault.storage.local import LocalStorage
from shardvault.storage.objects import ObjectStorage
from shardvault.storage.retrying import RetryingStorage, RetryPolicy
from shardvault.storage.settings import StoreSettings
from shardvault.storage.throttled import Pacer, ThrottledStorage

FORMS = (
    "file:///absolute/path, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or "
    "sftp://USER@HOST/absolute/path"
)


def open_storage(url: str, settings: StoreSettings | None = None) -> Storage:
    """Return the store that a URL or an absolute path names; nothing is read or written.

    What goes over a network is tried again while the store asks for that, and every store
    keeps to the bounds on bytes per second.

    Raises:
        UsageError: the URL names a kind of store that is not supported, or that needs a
            package which is not installed.
    """
    settings = settings or StoreSettings()
    storage = _open_bare(url, settings)
    if settings.upload_bytes_s is None and settings.download_bytes_s is None:
        return storage
    return ThrottledStorage(
        storage, Pacer(settings.upload_bytes_s), Pacer(settings.download_bytes_s)
    )


def _open_bare(url: str, settings: StoreSettings) -> Storage:
    scheme = urlsplit(url).scheme
    if url.startswith("/") or scheme == "file":
        return _open_local(url)
    if scheme in SCHEMES:
        return RetryingStorage(_open_bucket(url, settings), _retries(settings))
    if scheme == "sftp":
        return RetryingStorage(_open_sftp(url, settings), _retries(settings))
    raise _refuse(url)


def _retries(settings: StoreSettings) -> RetryPolicy:
    return RetryPolicy() if settings.retry_s is None else RetryPolicy(limit_s=settings.retry_s)


def local_folder(url: str) -> Path | None:
    """Return the local folder that a URL or an absolute path names; None if it is elsewhere."""
    if url.startswith("/"):
        return Path(url)
    parts = urlsplit(url)
    is_here = parts.netloc in {"", "localhost"} and parts.path.startswith("/")
    return Path(unquote(parts.path)) if parts.scheme == "file" and is_here else None


def _open_local(url: str) -> Storage:
    folder = local_folder(url)
    if folder is None:
        raise _refuse(url)
    return LocalStorage(folder)


def _open_bucket(url: str, settings: StoreSettings) -> Storage:
    _require("obstore", "objects")
    return ObjectStorage(Bucket(url, settings))


def _open_sftp(url: str, settings: StoreSettings) -> Storage:
    _require("paramiko", "sftp")
    from shardvault.storage.sftp import SftpStorage
    from shardvault.storage.ssh import parse_login

    return SftpStorage(*parse_login(url, settings))


def _require(module: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UsageError(
            f"this kind of repository needs the package {module}",
            hint=f"pip install 'shardvault[{extra}]'",
        )


def _refuse(url: str) -> UsageError:
    return UsageError(
        f"repository url {url!r}: not a store that is supported", hint=f"write {FORMS}"
    )
