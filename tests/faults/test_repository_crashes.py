"""Break writing off at every step: nothing half is listed, the next run works and cleans up."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shardvault.errors import IntegrityError, StorageError, StorageFull
from shardvault.interfaces import ChunkKind
from shardvault.model.ids import BackupId, ChunkId
from shardvault.repository import leftovers, packs
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.parts import put_part
from shardvault.repository.store import Repository, open_repository
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.owners import OwnedStorage
from tests.support.faulty_storage import FaultyStorage
from tests.support.repositories import (
    CANARIES,
    add_backup,
    make_manifest,
    make_part,
    make_repository,
    put_backup,
)
from tests.support.repository_reading import check_backup

NEW_ROWS = [bytes([number]) * 1000 for number in range(4)]


def _open(storage: OwnedStorage, folder: Path) -> Repository:
    return open_repository(storage, read_key_file(folder / "repo.key"))


def _names(storage: OwnedStorage, prefix: str) -> set[str]:
    return {found.name for found in storage.list(prefix)}


def _assert_reads(repository: Repository, backup: str) -> None:
    results = list(check_backup(repository.reader(), repository.load(BackupId(backup))))
    assert [result.error for result in results if result.error] == []


def _back_up_in_small_packs(repository: Repository) -> None:
    with repository.writer("backup") as writer:
        for row in NEW_ROWS:
            writer.put(row, ChunkKind.ROWS)
            writer.flush()
        put_backup(repository, writer, "new", NEW_ROWS)


def _count_puts(tmp_path: Path) -> int:
    storage = FaultyStorage(MemoryStorage())
    repository = make_repository(storage, tmp_path)
    before = len(storage.puts)
    _back_up_in_small_packs(repository)
    return len(storage.puts) - before - 1  # without the last one, which gives the lease back


def test_a_full_disk_at_every_write_lists_nothing_and_the_next_run_works(tmp_path: Path) -> None:
    (tmp_path / "count").mkdir()
    for number in range(_count_puts(tmp_path / "count")):
        folder = tmp_path / str(number)
        folder.mkdir()
        storage = FaultyStorage(MemoryStorage())
        repository = make_repository(storage, folder)
        add_backup(repository, "old")
        storage.fail_put(len(storage.puts) + number, StorageFull("no space left"))
        with pytest.raises(StorageFull):
            _back_up_in_small_packs(repository)
        assert [summary.id for summary in repository.list()] == ["old"]
        storage.before_put = lambda name: None
        _back_up_in_small_packs(_open(storage, folder))
        _assert_reads(repository, "old")
        _assert_reads(repository, "new")
        assert repository.damaged() == ()


def test_space_of_packs_that_no_index_names_is_reclaimed(tmp_path: Path) -> None:
    storage = FaultyStorage(MemoryStorage())
    repository = make_repository(storage, tmp_path)
    add_backup(repository, "old")
    kept = _names(storage, "packs/")

    def fault(name: str) -> None:
        if name.startswith("index/"):
            raise StorageFull("no space left")

    storage.before_put = fault
    with pytest.raises(StorageFull), repository.writer("backup") as writer:
        put_backup(repository, writer, "new", NEW_ROWS)
    (leftover,) = _names(storage, "packs/") - kept
    size_bytes = storage.stat(leftover).size_bytes
    with repository.writer("backup") as writer:
        assert writer.reclaimed_bytes == size_bytes
    assert _names(storage, "packs/") == kept
    _assert_reads(repository, "old")


@pytest.mark.parametrize("damage", ["index deleted", "index damaged", "manifest damaged"])
def test_no_pack_is_reclaimed_while_an_index_may_be_unread(tmp_path: Path, damage: str) -> None:
    storage = MemoryStorage()
    repository = make_repository(storage, tmp_path)
    add_backup(repository, "old")
    before = _names(storage, "packs/")
    _break(storage, damage)
    storage.put_new("packs/stray", [b"not a pack"])
    with repository.writer("backup") as writer:
        assert writer.reclaimed_bytes == 0
    assert _names(storage, "packs/") == before | {"packs/stray"}


def test_without_that_safety_the_pack_of_a_lost_index_would_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    storage = MemoryStorage()
    repository = make_repository(storage, tmp_path)
    add_backup(repository, "old")
    _break(storage, "index deleted")
    monkeypatch.setattr(leftovers, "_is_complete", lambda index, catalog: True)
    with repository.writer("backup") as writer:
        assert writer.reclaimed_bytes > 0
    assert _names(storage, "packs/") == set()


def test_a_store_that_loses_a_write_silently_is_found_before_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(IntegrityError, match="bytes"):
        _commit_after_silent_loss(tmp_path / "safe")
    monkeypatch.setattr(ChunkWriter, "prove", lambda self: None)  # negative control
    repository = _commit_after_silent_loss(tmp_path / "unsafe")
    with pytest.raises(AssertionError):
        _assert_reads(repository, "one")


def _commit_after_silent_loss(folder: Path) -> Repository:
    folder.mkdir()
    storage = MemoryStorage()
    repository = make_repository(storage, folder)
    with repository.writer("backup") as writer:
        rows = writer.put(b"rows", ChunkKind.ROWS).chunk
        writer.flush()
        (pack,) = _names(storage, "packs/")
        storage.delete(pack)
        storage.put_new(pack, [b"cut"])
        repository.commit(make_manifest("one", put_part(writer, make_part((rows,)))))
    return repository


def _break(storage: MemoryStorage, damage: str) -> None:
    prefix, _, how = damage.partition(" ")
    prefix = {"index": "index/", "manifest": "manifests/"}[prefix]
    for name in _names(storage, prefix):
        storage.delete(name)
        if how == "damaged":
            storage.put_new(name, [b"rubbish" * 20])


def test_an_error_of_an_upload_reaches_the_next_put_and_every_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES", 2000)
    storage = FaultyStorage(MemoryStorage())
    repository = make_repository(storage, tmp_path)
    with repository.writer("backup") as writer:
        storage.fail_put(len(storage.puts), StorageError("broken pipe"))

        def put_until_it_fails() -> None:
            for _ in range(1000):
                writer.put(os.urandom(1500), ChunkKind.ROWS)

        with pytest.raises(StorageError, match="broken pipe"):
            put_until_it_fails()
        for _ in range(2):
            with pytest.raises(StorageError, match="broken pipe"):
                writer.flush()
        with pytest.raises(StorageError, match="broken pipe"):
            repository.commit(make_manifest("one", ()))
    assert repository.list() == ()
    assert _names(storage, "packs/") == set()


def test_no_more_packs_are_in_memory_than_agreed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "PACK_BYTES", 2000)
    storage = FaultyStorage(MemoryStorage())
    repository = make_repository(storage, tmp_path)
    stalled, blocked = threading.Event(), threading.Semaphore(0)
    real_put = storage.inner.put_new

    def put_new(name: str, parts: object) -> None:
        blocked.release()
        assert stalled.wait(30)
        real_put(name, parts)  # type: ignore[arg-type]

    with repository.writer("backup") as writer:
        monkeypatch.setattr(storage.inner, "put_new", put_new)
        chunks: list[ChunkId] = []
        filler = threading.Thread(
            target=lambda: chunks.extend(
                writer.put(os.urandom(1500), ChunkKind.ROWS).chunk for _ in range(9)
            )
        )
        filler.start()
        assert blocked.acquire(timeout=30)
        assert blocked.acquire(timeout=30)
        assert not blocked.acquire(timeout=0.05)
        stalled.set()
        filler.join(30)
        writer.flush()
        assert all(writer.has(chunk) for chunk in chunks)


@pytest.mark.parametrize("step", ["repo.pack=kill@1", "repo.pack=kill@3", "repo.index=kill@2",
                                  "repo.manifest=kill"])  # fmt: skip
def test_a_killed_backup_leaves_the_repository_sound(tmp_path: Path, step: str) -> None:
    storage = LocalStorage(tmp_path / "r")
    repository = make_repository(storage, tmp_path)
    add_backup(repository, "old")
    code = (
        "import sys; from pathlib import Path; "
        "from shardvault.storage.local import LocalStorage; "
        "from tests.faults.test_repository_crashes import _open, _back_up_in_small_packs; "
        f"folder = Path({str(tmp_path)!r}); "
        "_back_up_in_small_packs(_open(LocalStorage(folder / 'r'), folder))"
    )
    environment = {
        **os.environ,
        "SHARDVAULT_FAILPOINTS": step,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    child = subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False)
    assert child.returncode == -signal.SIGKILL
    assert [summary.id for summary in repository.list()] == ["old"]
    _back_up_in_small_packs(repository)
    for backup in ("old", "new"):
        _assert_reads(repository, backup)
    assert repository.damaged() == ()


def test_a_file_size_limit_in_the_middle_of_a_pack_leaves_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "r")
    repository = make_repository(storage, tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(StorageFull), repository.writer("backup") as writer:
            put_backup(repository, writer, "new", [os.urandom(100_000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(storage.list("packs/")) == []
    assert list((tmp_path / "r" / ".tmp").iterdir()) == []
    add_backup(repository, "new")
    _assert_reads(repository, "new")


def test_everything_on_disk_is_private_and_no_name_is_readable(tmp_path: Path) -> None:
    repository = make_repository(LocalStorage(tmp_path / "r"), tmp_path)
    add_backup(repository, "20261122T113000Z-full")
    key = read_key_file(tmp_path / "repo.key")
    seen = b""
    for path in [tmp_path / "r", *(tmp_path / "r").rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
        seen += str(path.relative_to(tmp_path)).encode() + b"\n"
        seen += path.read_bytes() if path.is_file() else b""
    assert stat.S_IMODE((tmp_path / "repo.key").stat().st_mode) == 0o600
    for secret in [*(canary.encode() for canary in CANARIES), b"20261122T", key, b"canary"]:
        assert secret not in seen
    assert b"SHARDVLT" in seen
