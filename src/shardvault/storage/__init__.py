"""Keep named objects durably; one module per kind of store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from shardvault.errors import UsageError
from shardvault.interfaces import Storage
from shardvault.storage.buckets import Bucket
from shardvault.storage.local import LocalStorage
from shardvault.storage.objects import ObjectStorage
from shardvault.storage.retrying import RetryingStorage, RetryPolicy
from shardvault.storage.settings import StoreSettings
from shardvault.storage.throttled import Pacer, ThrottledStorage
from shardvault.urls import (
    BUCKET_SCHEMES,
    BadUrl,
    check_local_path,
    check_store_url,
    display_url,
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
    _check(url)
    folder = local_folder(url)
    if folder is not None:
        return LocalStorage(folder)
    if urlsplit(url).scheme in BUCKET_SCHEMES:
        return RetryingStorage(_open_bucket(url, settings), _retries(settings))
    return RetryingStorage(_open_sftp(url, settings), _retries(settings))


def _retries(settings: StoreSettings) -> RetryPolicy:
    return RetryPolicy() if settings.retry_s is None else RetryPolicy(limit_s=settings.retry_s)


def local_folder(url: str) -> Path | None:
    """Return the local folder that a URL or an absolute path names; None if it is elsewhere."""
    if url.startswith("/"):
        return Path(url)
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


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


def _check(url: str) -> None:
    try:
        (check_local_path if url.startswith("/") else check_store_url)(url)
    except BadUrl as error:
        place = f"repository url {display_url(url)!r}"
        raise UsageError(f"{place}: {error.what}", hint=error.hint) from None
