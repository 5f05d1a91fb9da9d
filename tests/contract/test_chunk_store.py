"""What a chunk store must do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.interfaces import ChunkKind, ChunkStore
from shardvault.model.ids import ChunkId
from shardvault.repository.chunks import ChunkWriter
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import make_repository


@pytest.fixture(params=["local", "memory"])
def chunks(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ChunkWriter]:
    storage = LocalStorage(tmp_path / "r") if request.param == "local" else MemoryStorage()
    with make_repository(storage, tmp_path).writer("test") as writer:
        yield writer


def test_the_seam_is_implemented(chunks: ChunkWriter) -> None:
    seam: ChunkStore = chunks
    assert seam.has(seam.put(b"x", ChunkKind.ROWS).chunk)


@pytest.mark.parametrize("size", [0, 1, 1000, 5 << 20])
def test_a_chunk_is_read_back_after_a_flush(chunks: ChunkStore, size: int) -> None:
    data = bytes(number % 251 for number in range(1000)) * (size // 1000) or b"x" * size
    put = chunks.put(data, ChunkKind.ROWS)
    chunks.flush()
    assert chunks.get(put.chunk, ChunkKind.ROWS) == data
    assert put.stored_bytes > 0


def test_a_chunk_is_read_back_without_a_flush(chunks: ChunkStore) -> None:
    put = chunks.put(b"early", ChunkKind.META)
    assert chunks.get(put.chunk, ChunkKind.META) == b"early"


def test_the_caller_may_reuse_the_buffer_at_once(chunks: ChunkStore) -> None:
    buffer = bytearray(b"first contents")
    put = chunks.put(memoryview(buffer)[:5], ChunkKind.ROWS)
    buffer[:] = b"x" * len(buffer)
    assert chunks.get(put.chunk, ChunkKind.ROWS) == b"first"


def test_equal_contents_are_stored_once(chunks: ChunkStore) -> None:
    first = chunks.put(b"same", ChunkKind.ROWS)
    assert chunks.put(bytearray(b"same"), ChunkKind.ROWS).stored_bytes == 0
    chunks.flush()
    again = chunks.put(b"same", ChunkKind.ROWS)
    assert (again.chunk, again.stored_bytes) == (first.chunk, 0)


def test_a_chunk_is_never_given_as_another_kind(chunks: ChunkStore) -> None:
    rows = chunks.put(b"same", ChunkKind.ROWS).chunk
    assert chunks.put(b"same", ChunkKind.META).chunk != rows
    with pytest.raises(IntegrityError):
        chunks.get(rows, ChunkKind.META)


def test_an_unknown_chunk_is_missing(chunks: ChunkStore) -> None:
    assert not chunks.has(ChunkId(bytes(32)))
    with pytest.raises(ObjectMissing):
        chunks.get(ChunkId(bytes(32)), ChunkKind.ROWS)


def test_a_chunk_is_known_before_it_is_durable(chunks: ChunkStore) -> None:
    assert chunks.has(chunks.put(b"x", ChunkKind.ROWS).chunk)


def test_a_flush_without_chunks_is_harmless(chunks: ChunkStore) -> None:
    chunks.flush()
    chunks.flush()


def test_eight_threads_store_shared_and_own_chunks_exactly(chunks: ChunkStore) -> None:
    def work(thread: int) -> list[tuple[bytes, ChunkId, int]]:
        done = []
        for number in range(40):
            owner = thread if number % 2 else "all"
            data = b"%s %d " % (str(owner).encode(), number) * 2000
            put = chunks.put(data, ChunkKind.ROWS)
            done.append((data, put.chunk, put.stored_bytes))
        return done

    with ThreadPoolExecutor(8) as threads:
        results = [row for rows in threads.map(work, range(8)) for row in rows]
    chunks.flush()
    assert all(chunks.get(chunk, ChunkKind.ROWS) == data for data, chunk, _ in results)
    stored = [chunk for _, chunk, stored_bytes in results if stored_bytes]
    assert len(stored) == len(set(stored)) == len({chunk for _, chunk, _ in results})
