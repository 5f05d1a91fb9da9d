"""What a local folder must do beyond the contract."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault.errors import ObjectExists, ObjectMissing, StorageError, StorageFull
from shardvault.storage.local import LocalStorage


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "er" / "store"


@pytest.fixture
def storage(root: Path) -> LocalStorage:
    return LocalStorage(root)


@pytest.fixture(params=[0o000, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def _fail(monkeypatch: pytest.MonkeyPatch, call: str, number: int, *, from_call: int = 1) -> None:
    real = getattr(os, call)
    calls = 0

    def failing(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls >= from_call:
            raise OSError(number, os.strerror(number))
        return real(*args, **kwargs)

    monkeypatch.setattr(os, call, failing)


def _remains(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("umask")
def test_files_and_folders_are_private_whatever_the_umask(
    storage: LocalStorage, root: Path
) -> None:
    storage.put_new("packs/ab/one", [b"x"])
    release = storage.hold("writer", b"")
    assert release is not None
    release()
    for path in [root.parent, root, *root.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    root = tmp_path / "shared"
    root.mkdir()
    root.chmod(0o750)
    LocalStorage(root).put_new("a", [b"x"])
    assert stat.S_IMODE(root.stat().st_mode) == 0o750


def test_bytes_are_on_disk_before_the_name_and_the_name_before_the_return(
    storage: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put_new("packs/first", [b"x"])
    steps: list[str] = []
    real_fsync, real_link = os.fsync, os.link

    def fsync(fd: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        real_fsync(fd)

    def link(*args: object) -> None:
        steps.append("link")
        real_link(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", link)
    storage.put_new("packs/second", [b"x"])
    assert steps == ["file", "link", "folder"]


def test_a_new_folder_is_durable_in_its_parent_before_the_name(
    storage: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put_new("packs/aa/first", [b"x"])
    synced: list[Path] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{fd}")))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    storage.put_new("packs/bb/second", [b"x"])
    assert synced[0] == root / "packs"
    assert synced[-1] == root / "packs" / "bb"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("call", ["open", "writev", "fsync", "link"])
def test_a_full_disk_is_named_and_leaves_nothing(
    storage: LocalStorage, root: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    storage.put_new("packs/first", [b"x"])
    before = _remains(root)
    with monkeypatch.context() as patch:
        _fail(patch, call, number)
        with pytest.raises(StorageFull) as caught:
            storage.put_new("packs/second", [b"x"])
    assert "free space" in str(caught.value.hint)
    assert _remains(root) == before
    storage.put_new("packs/second", [b"y"])
    assert storage.get("packs/second") == b"y"


def test_an_object_whose_folder_cannot_be_synced_does_not_count_as_stored(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.put_new("packs/first", [b"x"])
    with monkeypatch.context() as patch:
        _fail(patch, "fsync", errno.EIO, from_call=2)
        with pytest.raises(StorageError):
            storage.put_new("packs/second", [b"x"])
    with pytest.raises(ObjectMissing):
        storage.get("packs/second")


def test_a_short_write_is_continued(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    def writev(fd: int, views: list[memoryview]) -> int:
        return os.write(fd, b"".join(views)[:3])

    monkeypatch.setattr(os, "writev", writev)
    storage.put_new("a", [b"abcd", b"efgh", b"", b"i"])
    assert storage.get("a") == b"abcdefghi"


def test_a_taken_name_leaves_no_temporary_file(storage: LocalStorage, root: Path) -> None:
    storage.put_new("a", [b"x"])
    with pytest.raises(ObjectExists):
        storage.put_new("a", [b"y"])
    assert _remains(root) == [str(root / "a")]


def test_sweeping_removes_what_interrupted_writes_left(storage: LocalStorage, root: Path) -> None:
    storage.put_new("a", [b"x"])
    (root / ".tmp" / "0123").write_bytes(b"12345")
    assert storage.sweep() == 5
    assert _remains(root) == [str(root / "a")]


def test_sweeping_before_the_first_write_finds_nothing(storage: LocalStorage) -> None:
    assert storage.sweep() == 0


def test_links_and_foreign_files_are_not_objects(
    storage: LocalStorage, root: Path, tmp_path: Path
) -> None:
    storage.put_new("a", [b"x"])
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (root / "link").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    (root / ".hidden").write_bytes(b"x")
    (root / "lost+found").mkdir()
    assert [found.name for found in storage.list("")] == ["a"]
    with pytest.raises(StorageError):
        storage.get("link")
    with pytest.raises(ObjectMissing):
        storage.stat("link")


def test_an_object_deleted_while_it_is_listed_is_left_out(
    storage: LocalStorage, root: Path
) -> None:
    for name in ("a", "b", "c"):
        storage.put_new(name, [b"x"])
    listing = storage.list("")
    assert next(listing).name == "a"
    (root / "b").unlink()
    assert [found.name for found in listing] == ["c"]


def test_what_the_system_refuses_is_reported_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        LocalStorage(tmp_path / "file").put_new("a", [b"x"])
    assert str(tmp_path / "file") in str(caught.value)


def test_a_lock_is_had_on_a_full_disk_too(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(monkeypatch, "write", errno.ENOSPC)
    release = storage.hold("writer", b"note")
    assert release is not None
    assert storage.hold("writer", b"note") is None
    release()


def test_a_file_system_without_locks_is_reported(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(fd: int, flags: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("shardvault.storage.local.fcntl.flock", flock)
    with pytest.raises(StorageError):
        storage.hold("writer", b"note")


def test_a_lock_ends_with_its_process_even_by_kill(storage: LocalStorage, root: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; "
        "from shardvault.storage.local import LocalStorage; "
        f"held = LocalStorage(Path({str(root)!r})).hold('writer', b'child'); "
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        assert storage.hold("writer", b"parent") is None
        assert storage.holder("writer") == b"child"
        child.kill()
        child.wait(10)
    release = storage.hold("writer", b"parent")
    assert release is not None
    release()
