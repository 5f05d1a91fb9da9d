"""Damage each object of a small repository in turn: never wrong bytes, never a stray error."""

from __future__ import annotations

import base64
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from shardvault.errors import IntegrityError, ObjectMissing, RepositoryMissing, UnknownBackup
from shardvault.interfaces import ChunkKind, ObjectStat
from shardvault.model.ids import BackupId, ChunkId
from shardvault.repository import packs
from shardvault.repository.authors import Author
from shardvault.repository.format import TRAILER
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import create_repository, open_repository
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import add_backup, make_repository
from tests.support.repository_reading import ChunkResult, check_backup

CONTENTS = {"one": [b"1" * 40, b"first" * 9], "two": [b"2" * 40]}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryStorage, bytes]:
    folder = tmp_path_factory.mktemp("key")
    storage = MemoryStorage()
    repository = make_repository(storage, folder)
    for backup, rows in CONTENTS.items():
        add_backup(repository, backup, rows)
    return storage, read_key_file(folder / "repo.key")


def _copy(storage: MemoryStorage, changes: dict[str, bytes]) -> MemoryStorage:
    copy = MemoryStorage()
    for found in storage.list(""):
        copy.put_new(found.name, [changes.get(found.name, storage.get(found.name))])
    return copy


def _read_all(storage: MemoryStorage, key: bytes) -> int:
    """Read both backups and return how many objects were found damaged; 0 = all exact."""
    try:
        repository = open_repository(storage, key)
        damage = len(repository.damaged())
        reader = repository.reader()
    except IntegrityError:
        return 1
    for backup, rows in CONTENTS.items():
        try:
            results = list(check_backup(reader, repository.load(BackupId(backup))))
        except IntegrityError:
            damage += 1
            continue
        chunks = [result for result in results if isinstance(result, ChunkResult)]
        damage += sum(result.error is not None for result in results)
        for result, expected in zip(chunks, rows, strict=False):
            assert result.data in {expected, None}, "wrong bytes were returned"
        if all(result.error is None for result in results):
            assert [result.data for result in chunks] == rows
    return damage


def _is_needed_to_read(name: str, position: int, data: bytes) -> bool:
    """Say whether a reader looks at that byte; the directory of a pack only serves repair."""
    if not name.startswith("packs/"):
        return True
    directory_bytes, _ = TRAILER.unpack(data[-TRAILER.size :])
    return position < len(data) - TRAILER.size - int(directory_bytes)


def _objects(storage: MemoryStorage) -> list[ObjectStat]:
    """List all that a reader may look at: everything but leases, which only writers do."""
    return [found for found in storage.list("") if not found.name.startswith("leases/")]


def test_the_undamaged_repository_reads_exactly(key: tuple[MemoryStorage, bytes]) -> None:
    assert _read_all(key[0], key[1]) == 0


def test_no_flipped_bit_changes_what_is_read(key: tuple[MemoryStorage, bytes]) -> None:
    storage, secret = key
    choose = random.Random(1)
    for found in _objects(storage):
        data = storage.get(found.name)
        for position in sorted(choose.sample(range(len(data)), min(len(data), 150))):
            changed = bytearray(data)
            changed[position] ^= 1 << choose.randrange(8)
            damage = _read_all(_copy(storage, {found.name: bytes(changed)}), secret)
            if _is_needed_to_read(found.name, position, data):
                assert damage, f"{found.name}: bit at {position} was not noticed"


def test_no_truncation_changes_what_is_read(key: tuple[MemoryStorage, bytes]) -> None:
    storage, secret = key
    for found in _objects(storage):
        data = storage.get(found.name)
        for length in {*range(0, len(data), 11), *range(len(data) - 20, len(data))}:
            damage = _read_all(_copy(storage, {found.name: data[:length]}), secret)
            if _is_needed_to_read(found.name, length, data):
                assert damage, f"{found.name}: cut to {length} was not noticed"


def test_every_object_in_the_place_of_every_other_is_refused(
    key: tuple[MemoryStorage, bytes],
) -> None:
    storage, secret = key
    names = [found.name for found in _objects(storage)]
    for victim, other in itertools.permutations(names, 2):
        damage = _read_all(_copy(storage, {victim: storage.get(other)}), secret)
        assert damage, f"{other} was taken for {victim}"


def test_objects_of_another_repository_with_the_same_key_are_refused(
    key: tuple[MemoryStorage, bytes], tmp_path: Path
) -> None:
    storage, secret = key
    key_file = tmp_path / "repo.key"
    key_file.write_text(f"shardvault-key-1:{base64.b64encode(secret).decode()}\n")
    key_file.chmod(0o600)
    other = MemoryStorage()
    repository = create_repository(other, key_file)
    for backup, rows in CONTENTS.items():
        add_backup(repository, backup, rows)
    for mine in _objects(storage):
        for theirs in other.list(mine.name.partition("/")[0]):
            damage = _read_all(_copy(storage, {mine.name: other.get(theirs.name)}), secret)
            assert damage, f"{theirs.name} was taken for {mine.name}"


@pytest.mark.parametrize("prefix", ["format", "keys/", "index/", "packs/", "manifests/"])
def test_every_deleted_object_is_missed(key: tuple[MemoryStorage, bytes], prefix: str) -> None:
    storage, secret = key
    for found in storage.list(prefix):
        copy = _copy(storage, {})
        copy.delete(found.name)
        try:
            damage = _read_all(copy, secret)
        except (RepositoryMissing, UnknownBackup):
            continue
        assert damage, f"{found.name} was not missed"


def test_without_binding_and_ids_a_swap_would_give_wrong_bytes(
    key: tuple[MemoryStorage, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Negative control: with the safety off, the same harness must see wrong bytes."""
    monkeypatch.setattr(packs, "blob_binding", lambda ring, kind, chunk: b"")
    storage = MemoryStorage()
    repository = make_repository(storage, tmp_path)
    with repository.writer("backup") as writer:
        chunks = []
        for data in (b"A" * 40, b"B" * 40):
            chunks.append(writer.put(data, ChunkKind.ROWS).chunk)
            writer.flush()
    first, second = (found.name for found in storage.list("packs/"))
    swapped = _copy(storage, {first: storage.get(second), second: storage.get(first)})
    reader = open_repository(swapped, read_key_file(tmp_path / "repo.key")).reader()
    with pytest.raises(IntegrityError, match="id of the chunk"):
        reader.get(chunks[0], ChunkKind.ROWS)
    wanted = iter([chunks[0]])
    fake: Callable[[Author, ChunkKind, bytes], ChunkId] = lambda author, kind, data: next(wanted)  # noqa: E731
    monkeypatch.setattr(Author, "chunk_id", fake)
    assert reader.get(chunks[0], ChunkKind.ROWS) == b"B" * 40


def test_a_chunk_that_claims_an_absurd_length_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = make_repository(MemoryStorage(), tmp_path)
    with repository.writer("backup") as writer:
        chunk = writer.put(bytes(100_000), ChunkKind.ROWS).chunk
        writer.flush()
    monkeypatch.setattr(packs, "MAX_CHUNK_BYTES", 99_999)
    with pytest.raises(IntegrityError, match="larger"):
        repository.reader().get(chunk, ChunkKind.ROWS)


def test_an_unknown_chunk_stays_unknown(key: tuple[MemoryStorage, bytes]) -> None:
    reader = open_repository(*key).reader()
    with pytest.raises(ObjectMissing):
        reader.get(ChunkId(b"?" * 32), ChunkKind.ROWS)
