"""Keep named objects durably; one module per kind of store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from shardvault.errors import UsageError
from shardvault.storage.local import LocalStorage
from shardvault.storage.owners import OwnedStorage


def open_storage(url: str) -> OwnedStorage:
    """Return the store that a URL or an absolute path names; nothing is read or written.

    Raises:
        UsageError: the URL names a kind of store that is not supported.
    """
    if url.startswith("/"):
        return LocalStorage(Path(url))
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
        return LocalStorage(Path(unquote(parts.path)))
    raise UsageError(
        f"repository url {url!r}: not a store that is supported",
        hint="write file:///absolute/path or /absolute/path",
    )
