"""Remember on a source which chunks it has stored, since it cannot read the index.

The folder holds copies of the index objects that this source wrote: keyed hashes, lengths and
places, no contents. Without it a backup stores every chunk anew, and is as good.
"""

from __future__ import annotations

import contextlib
import os
from hashlib import sha256
from pathlib import Path

from shardvault.errors import StorageError
from shardvault.interfaces import ChunkKind, Storage
from shardvault.repository.afterwards import warn_only
from shardvault.repository.format import INDEX_PREFIX
from shardvault.repository.index import Index, list_packs, parse_index
from shardvault.repository.private_folders import make_private_folder

_DIGEST_BYTES = sha256().digest_size


class SourceCache:
    """Keep copies of index objects in a private folder, one file each.

    Args:
        folder: of one source in one repository; made when first needed, 0700.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, storage: Storage) -> Index:
        """Return what this source stored and the store still has.

        A copy whose index object is gone is deleted; a damaged one is as none. Chunks of
        metadata are left out: a source must be able to read those of its own backup.
        """
        index, packs = Index(), list_packs(storage)
        index.names.update(
            found.name.removeprefix(INDEX_PREFIX) for found in storage.list(INDEX_PREFIX)
        )
        paths: list[Path] = []
        with warn_only():
            paths = self._list()
        for path in paths:
            if path.name not in index.names:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
                continue
            index.own.add(path.name)
            for record in parse_index(_read(path)):
                index.packs.add(record.pack)
                is_lost = packs.get(record.pack) != record.size_bytes
                index.table.add(record, is_lost=is_lost, kinds=frozenset({ChunkKind.ROWS}))
        return index

    def keep(self, word: str, plain: bytes) -> None:
        """Keep the contents of an index object; if that fails, the next backup stores more."""
        with warn_only():
            self._write(word, plain)

    def _write(self, word: str, plain: bytes) -> None:
        temporary = self._folder / f".{word}"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(sha256(plain).digest() + plain)
            temporary.replace(self._folder / word)
        except OSError as error:
            raise self._unusable(error) from error

    def _list(self) -> list[Path]:
        try:
            make_private_folder(self._folder)
            return [path for path in sorted(self._folder.iterdir()) if path.name[0] != "."]
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> StorageError:
        return StorageError(
            f"cannot keep a list of stored chunks in {self._folder}: {error.strerror}",
            hint="make the folder writable, or name another with SHARDVAULT_STATE",
        )


def _read(path: Path) -> bytes:
    """Return a copy; empty if it is damaged, for a wrong id would leave a hole in a backup."""
    with contextlib.suppress(OSError):
        data = path.read_bytes()
        plain = data[_DIGEST_BYTES:]
        if sha256(plain).digest() == data[:_DIGEST_BYTES]:
            return plain
    return b""
