"""Plan restores of damaged backups: refused, or without what is damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shardvault.errors import IntegrityError
from shardvault.interfaces import ChunkKind
from shardvault.model.ids import ShardName
from shardvault.model.manifest import Manifest
from shardvault.operations.restore_damage import read_parts, refuse_damaged
from shardvault.repository.store import Repository
from shardvault.storage.memory import MemoryStorage
from tests.support.damage import add_tables, names_of
from tests.support.repositories import make_repository

ONE = {"a": [[b"a" * 30]]}
BOTH = {"a": ONE["a"], "b": [[b"b" * 30], [b"c" * 30]]}


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def repository(storage: MemoryStorage, tmp_path: Path) -> Repository:
    """Hold table a in a pack of its own, which a later backup shares."""
    repository = make_repository(storage, tmp_path)
    add_tables(repository, "one", ONE)
    return repository


@pytest.fixture
def manifest(repository: Repository) -> Manifest:
    return add_tables(repository, "both", BOTH)


def pack_of_a(storage: MemoryStorage, repository: Repository) -> str:
    chunk = repository.insides().ring.author.chunk_id(ChunkKind.ROWS, b"a" * 30)
    packs = names_of(storage, "packs/")
    place = repository.reader()._index.table.find(chunk)
    assert place is not None
    return next(name for name in packs if name.endswith(place.pack.hex()))


def test_a_lost_pack_is_refused_before_anything_is_touched(
    storage: MemoryStorage, repository: Repository, manifest: Manifest
) -> None:
    storage.delete(pack_of_a(storage, repository))
    reader = repository.reader()
    parts, _ = read_parts(manifest.shards, reader, skip_damaged=False, threads=1)
    (part,) = parts.values()
    with pytest.raises(IntegrityError, match=r"canary_schema\.a") as refused:
        refuse_damaged(part.name, part.tables, reader)
    assert "--skip-damaged" in str(refused.value.hint)


def test_only_what_is_restored_must_be_sound(
    storage: MemoryStorage, repository: Repository, manifest: Manifest
) -> None:
    storage.delete(pack_of_a(storage, repository))
    reader = repository.reader()
    parts, _ = read_parts(manifest.shards, reader, skip_damaged=False, threads=1)
    (part,) = parts.values()
    refuse_damaged(part.name, part.tables[1:], reader)


@pytest.mark.parametrize("is_gone", [True, False])
def test_the_sound_tables_are_restored_when_asked(
    storage: MemoryStorage, repository: Repository, manifest: Manifest, is_gone: bool
) -> None:
    pack = pack_of_a(storage, repository)
    data = bytearray(storage.get(pack))
    storage.delete(pack)
    if not is_gone:
        data[50] ^= 1
        storage.put_new(pack, [bytes(data)])
    parts, notes = read_parts(manifest.shards, repository.reader(), skip_damaged=True, threads=2)
    (part,) = parts.values()
    assert [record.table.name for record in part.tables] == ["b"]
    assert [note.table for note in notes] == ["canary_schema.a"]


def test_a_shard_whose_part_is_lost_is_left_out_when_asked(
    storage: MemoryStorage, repository: Repository, manifest: Manifest
) -> None:
    for name in set(names_of(storage, "packs/")) - {pack_of_a(storage, repository)}:
        storage.delete(name)
    parts, notes = read_parts(manifest.shards, repository.reader(), skip_damaged=True, threads=1)
    assert parts == {}
    assert [note.what for note in notes] == ["shard"]
    with pytest.raises(IntegrityError):
        read_parts(manifest.shards, repository.reader(), skip_damaged=False, threads=1)


def test_the_part_of_another_shard_is_refused(repository: Repository, manifest: Manifest) -> None:
    shards = [replace(shard, name=ShardName("other")) for shard in manifest.shards]
    with pytest.raises(IntegrityError, match="they are those of shard"):
        read_parts(shards, repository.reader(), skip_damaged=False, threads=1)
