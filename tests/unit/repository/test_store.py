from __future__ import annotations

import dataclasses
import os
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from shardvault.errors import (
    IntegrityError,
    ObjectMissing,
    RepositoryLocked,
    RepositoryMissing,
    UsageError,
    WrongKey,
)
from shardvault.interfaces import ChunkKind, ManifestStore
from shardvault.model.ids import BackupId, ChunkId
from shardvault.repository.format import MAX_CHUNK_BYTES, PACK_BYTES
from shardvault.repository.format_object import FormatRecord
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.parts import get_part, put_part
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage.memory import MemoryStorage
from tests.support.faulty_storage import FaultyStorage
from tests.support.repositories import (
    ROWS,
    add_backup,
    make_manifest,
    make_part,
    make_repository,
    put_backup,
)
from tests.support.repository_reading import ChunkResult, PartResult, check_backup


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def repository(storage: MemoryStorage, tmp_path: Path) -> Repository:
    return make_repository(storage, tmp_path)


def _replace(storage: MemoryStorage, name: str, data: bytes) -> None:
    storage.delete(name)
    storage.put_new(name, [data])


def _names(storage: MemoryStorage, prefix: str) -> list[str]:
    return [found.name for found in storage.list(prefix)]


def test_the_seam_is_implemented(repository: Repository) -> None:
    seam: ManifestStore = repository
    assert seam.list() == ()


def test_a_backup_is_read_back_by_a_new_process(
    storage: MemoryStorage, repository: Repository, tmp_path: Path
) -> None:
    manifest = add_backup(repository, "one")
    again = open_repository(storage, read_key_file(tmp_path / "repo.key"))
    assert again.id == repository.id
    assert again.load(again.find("latest")) == manifest
    reader = again.reader()
    part = get_part(reader, manifest.shards[0].part)
    chunks = part.tables[0].ranges[0].chunks
    assert [reader.get(chunk, ChunkKind.ROWS) for chunk in chunks] == ROWS
    assert all(reader.has(chunk) for chunk in chunks)
    assert part == make_part(chunks)


def test_opening_writes_nothing(
    storage: MemoryStorage, repository: Repository, tmp_path: Path
) -> None:
    faulty = FaultyStorage(storage)
    open_repository(faulty, read_key_file(tmp_path / "repo.key")).list()
    with pytest.raises(WrongKey):
        open_repository(faulty, b"x" * 32)
    assert faulty.puts == []


def test_nothing_there_is_told_from_something_damaged(storage: MemoryStorage) -> None:
    with pytest.raises(RepositoryMissing):
        open_repository(storage, b"x" * 32)


def test_the_key_of_another_repository_is_refused(repository: Repository, tmp_path: Path) -> None:
    other = MemoryStorage()
    (tmp_path / "other").mkdir()
    make_repository_with_key(other, tmp_path / "other")
    with pytest.raises(WrongKey):
        open_repository(other, read_key_file(tmp_path / "repo.key"))


def make_repository_with_key(storage: MemoryStorage, folder: Path) -> None:
    create_repository(storage, folder / "repo.key", random_bytes=os.urandom)


def test_a_repository_is_not_created_over_another(
    storage: MemoryStorage, repository: Repository, tmp_path: Path
) -> None:
    before = storage.get("format")
    with pytest.raises(UsageError, match="already"):
        create_repository(storage, tmp_path / "second.key")
    assert storage.get("format") == before
    assert not (tmp_path / "second.key").exists()


@pytest.mark.parametrize("remains", ["packs", "index", "manifests"])
def test_a_repository_is_not_created_over_remains(
    storage: MemoryStorage, tmp_path: Path, remains: str
) -> None:
    storage.put_new(f"{remains}/00", [b"precious"])
    with pytest.raises(UsageError, match="lost its format"):
        create_repository(storage, tmp_path / "new.key")
    assert not (tmp_path / "new.key").exists()


def test_an_interrupted_creation_can_be_repeated(storage: MemoryStorage, tmp_path: Path) -> None:
    faulty = FaultyStorage(storage)
    faulty.fail_put(1, OSError("killed before the format object"))
    with pytest.raises(OSError, match="killed"):
        create_repository(faulty, tmp_path / "repo.key")
    repository = create_repository(storage, tmp_path / "repo.key")
    assert len(_names(storage, "keys/")) == 2
    again = open_repository(storage, read_key_file(tmp_path / "repo.key"))
    assert again.id == repository.id


@pytest.mark.parametrize("stored", [b"", b"{}", b"rubbish", b'{"id":"zz","version":1}',
                                    b'{"id":"abcd","version":2}'])  # fmt: skip
def test_a_format_object_that_is_none_is_refused(storage: MemoryStorage, stored: bytes) -> None:
    storage.put_new("format", [stored])
    with pytest.raises(IntegrityError):
        open_repository(storage, b"x" * 32)


def test_an_altered_format_object_is_refused(
    storage: MemoryStorage, repository: Repository, tmp_path: Path
) -> None:
    _replace(storage, "format", storage.get("format").replace(b"16777216", b"16777217"))
    with pytest.raises(IntegrityError, match="altered"):
        open_repository(storage, read_key_file(tmp_path / "repo.key"))


def test_a_newer_format_asks_for_a_newer_program(storage: MemoryStorage) -> None:
    storage.put_new("format", [msgspec.json.encode(FormatRecord("00" * 16, "", version=3))])
    sealed = b"SHARDVLT" + bytes((3, 1, 1)) + bytes(16 + 99)
    storage.put_new("keys/00", [sealed, sha256(b"keys/00" + sealed).digest()[:16]])
    with pytest.raises(UsageError, match="version 3"):
        open_repository(storage, b"k" * 32)


def test_a_second_backup_of_the_same_rows_stores_only_a_manifest(
    storage: MemoryStorage, repository: Repository
) -> None:
    add_backup(repository, "one")
    before = _names(storage, "packs/")
    with repository.writer("backup") as writer:
        assert [writer.put(row, ChunkKind.ROWS).stored_bytes for row in ROWS] == [0, 0, 0]
        put_backup(repository, writer, "two")
    assert _names(storage, "packs/") == before
    assert [summary.id for summary in repository.list()] == ["one", "two"]


def test_what_puts_report_adds_up_to_what_the_store_holds(
    storage: MemoryStorage, repository: Repository
) -> None:
    with repository.writer("backup") as writer:
        rows = [os.urandom(1 << 20) for _ in range(20)]
        reported = sum(writer.put(row, ChunkKind.ROWS).stored_bytes for row in rows * 2)
        writer.flush()
    sizes = [found.size_bytes for found in storage.list("packs/")]
    assert len(sizes) == 2
    assert max(sizes) < PACK_BYTES + 10_000
    assert reported <= sum(sizes) < reported + 10_000


def test_a_chunk_larger_than_a_pack_is_kept(repository: Repository) -> None:
    data = os.urandom(PACK_BYTES + 5)
    with repository.writer("backup") as writer:
        small = writer.put(b"small", ChunkKind.ROWS).chunk
        large = writer.put(data, ChunkKind.ROWS).chunk
        writer.flush()
        assert writer.get(large, ChunkKind.ROWS) == data
    assert repository.reader().get(small, ChunkKind.ROWS) == b"small"


def test_a_chunk_that_could_not_be_read_back_is_refused(repository: Repository) -> None:
    with repository.writer("backup") as writer, pytest.raises(ValueError, match="limit"):
        writer.put(bytes(MAX_CHUNK_BYTES + 1), ChunkKind.ROWS)


def test_a_part_longer_than_a_chunk_is_split_and_joined(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shardvault.repository.parts.PART_CHUNK_BYTES", 100)
    part = make_part((ChunkId(bytes(32)),))
    with repository.writer("backup") as writer:
        chunks = put_part(writer, part)
        assert len(chunks) > 5
        assert get_part(writer, chunks) == part


def test_a_part_that_is_none_is_refused(repository: Repository) -> None:
    with repository.writer("backup") as writer:
        chunk = writer.put(b"[]", ChunkKind.META).chunk
        with pytest.raises(IntegrityError, match="part"):
            get_part(writer, (chunk,))


def test_a_manifest_needs_its_session(repository: Repository) -> None:
    with pytest.raises(RuntimeError):
        repository.commit(make_manifest("one", ()))


def test_one_session_at_a_time(repository: Repository) -> None:
    with repository.writer("backup of shop"):
        with pytest.raises(RepositoryLocked) as caught, repository.writer("backup"):
            pass
        assert "backup of shop" in str(caught.value)
        assert str(os.getpid()) in str(caught.value)
        assert "since 20" in str(caught.value)
    with repository.writer("backup"):
        pass


def test_an_owner_that_left_no_note_is_still_an_owner(
    storage: MemoryStorage, repository: Repository
) -> None:
    scope = repository._scope("")
    storage.put_new(f"leases/{scope}/00000001-00000000", [b"no note"])
    release = storage.hold(f"lease.{scope}", b"")
    assert release is not None
    with pytest.raises(RepositoryLocked, match="another process"), repository.writer("backup"):
        pass
    release()


def test_a_locked_repository_can_be_read(repository: Repository) -> None:
    manifest = add_backup(repository, "one")
    with repository.writer("backup"):
        assert repository.load(BackupId("one")) == manifest
        get_part(repository.reader(), manifest.shards[0].part)


def test_a_backup_that_names_an_unknown_chunk_is_not_committed(
    storage: MemoryStorage, repository: Repository
) -> None:
    ghost = ChunkId(b"g" * 32)
    with repository.writer("backup") as writer:
        part = put_part(writer, make_part((ghost,)))
        for chunks in (part, (ghost,)):
            with pytest.raises(IntegrityError, match="not stored"):
                repository.commit(make_manifest("one", chunks))
    assert _names(storage, "manifests/") == []


def test_a_pack_that_vanishes_or_shrinks_before_the_commit_stops_it(
    storage: MemoryStorage, repository: Repository
) -> None:
    with repository.writer("backup") as writer:
        part = put_part(writer, make_part(()))
        writer.flush()
        (name,) = _names(storage, "packs/")
        _replace(storage, name, storage.get(name)[:-1])
        with pytest.raises(IntegrityError, match=name):
            repository.commit(make_manifest("one", part))
        assert not _names(storage, "packs/")
        with pytest.raises(IntegrityError, match="vanished"):
            repository.commit(make_manifest("one", part))
    assert repository.list() == ()


def test_a_chunk_whose_pack_is_lost_is_stored_again(
    storage: MemoryStorage, repository: Repository
) -> None:
    manifest = add_backup(repository, "one")
    (pack,) = _names(storage, "packs/")
    storage.delete(pack)
    with pytest.raises(IntegrityError, match="missing"):
        get_part(repository.reader(), manifest.shards[0].part)
    add_backup(repository, "two")
    for backup in ("one", "two"):
        results = list(check_backup(repository.reader(), repository.load(BackupId(backup))))
        assert [result.error for result in results] == [None] * 4


def test_checking_reads_every_chunk_and_reports_each(repository: Repository) -> None:
    manifest = add_backup(repository, "one")
    first, *rest = check_backup(repository.reader(), manifest)
    assert isinstance(first, PartResult)
    assert first.part is not None
    rows = [result for result in rest if isinstance(result, ChunkResult)]
    assert [result.data for result in rows] == ROWS
    assert {result.range.rows for result in rows} == {3}
    assert {result.table.table.qualified for result in rows} == {"canary_schema.canary_table"}


def test_checking_goes_on_after_damage(storage: MemoryStorage, repository: Repository) -> None:
    with repository.writer("backup") as writer:
        lost = writer.put(b"lost", ChunkKind.ROWS).chunk
        writer.flush()
        (pack,) = _names(storage, "packs/")
        kept = writer.put(b"kept", ChunkKind.ROWS).chunk
        manifest = make_manifest("one", put_part(writer, make_part((lost, kept))))
        writer.flush()
        repository.commit(manifest)
    storage.delete(pack)
    _, *rows = check_backup(repository.reader(), manifest)
    assert [result.error is None for result in rows] == [False, True]
    assert pack in str(rows[0].error)


def test_checking_reports_a_shard_whose_part_is_gone(
    storage: MemoryStorage, repository: Repository
) -> None:
    manifest = add_backup(repository, "one")
    for name in _names(storage, "index/"):
        storage.delete(name)
    (result,) = check_backup(repository.reader(), manifest)
    assert isinstance(result, PartResult)
    assert result.part is None
    assert isinstance(result.error, ObjectMissing)
    assert [str(error) for error in repository.damaged()] != []


def test_damage_is_listed_object_by_object(storage: MemoryStorage, repository: Repository) -> None:
    add_backup(repository, "one")
    assert repository.damaged() == ()
    (index,) = _names(storage, "index/")
    (manifest,) = _names(storage, "manifests/")
    original = storage.get(manifest)
    _replace(storage, manifest, b"rubbish")
    _replace(storage, index, b"rubbish")
    assert [error.message.split()[1] for error in repository.damaged()] == [manifest, index]
    _replace(storage, manifest, original)
    storage.delete(index)
    assert [error.message.split()[1] for error in repository.damaged()] == [index]
    storage.delete(manifest)
    assert repository.damaged()[0].message.endswith("a complete backup was deleted")


def test_a_chunk_that_only_a_damaged_index_may_name_is_damaged_not_unknown(
    storage: MemoryStorage, repository: Repository
) -> None:
    manifest = add_backup(repository, "one")
    (index,) = _names(storage, "index/")
    _replace(storage, index, b"rubbish")
    with pytest.raises(IntegrityError, match=index):
        get_part(repository.reader(), manifest.shards[0].part)


def test_totals_and_names_survive(repository: Repository) -> None:
    manifest = dataclasses.replace(make_manifest("one", ()), fleet="läden 🛒", shards=())
    with repository.writer("backup"):
        repository.commit(manifest)
    assert repository.load(BackupId("one")) == manifest
    assert repository.list()[0].fleet == "läden 🛒"
