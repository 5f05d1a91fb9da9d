from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.interfaces import ChunkKind
from shardvault.repository import packs
from shardvault.repository.packs import SealedPack
from shardvault.repository.uploads import UploadPool
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import make_repository


def test_only_so_many_pack_keys_are_kept_and_all_packs_stay_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "_CACHED_CIPHERS", 2)
    repository = make_repository(MemoryStorage(), tmp_path)
    chunks = []
    with repository.writer("test") as writer:
        for number in range(4):
            chunks.append(writer.put(b"%d" % number, ChunkKind.ROWS).chunk)
            writer.flush()
    reader = repository.reader()
    for _ in range(2):
        read = [reader.get(chunk, ChunkKind.ROWS) for chunk in chunks]
        assert read == [b"0", b"1", b"2", b"3"]
    assert len(reader._packs._ciphers) == 2


def test_after_an_error_no_pack_is_taken_and_nobody_waits_for_ever() -> None:
    stored: list[SealedPack] = []
    pool = UploadPool(stored.append)
    pool.fail(OSError("first"))
    pool.fail(OSError("second"))
    for _ in range(9):
        with pytest.raises(OSError, match="first"):
            pool.submit(SealedPack(bytearray(), 0, b"", b""))
    with pytest.raises(OSError, match="first"):
        pool.finish()
    pool.close()
    assert stored == []
