"""SFTP trusts no host that it does not know, and mends what breaks."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shardvault.errors import StorageError, StorageUnavailable, UsageError
from shardvault.storage import open_storage
from shardvault.storage.retrying import RetryingStorage
from shardvault.storage.settings import StoreSettings
from shardvault.storage.sftp import SftpStorage
from tests.support.places import choose_port
from tests.support.sshd import Sshd
from tests.support.stores import open_sftp, sftp_settings


def bare(storage: object) -> SftpStorage:
    assert isinstance(storage, RetryingStorage)
    assert isinstance(storage.inner, SftpStorage)
    return storage.inner


def test_a_host_that_is_not_known_is_refused_with_its_key_and_the_remedy(
    sshd: Sshd, tmp_path: Path
) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.touch()
    storage = open_storage(sshd.url, sftp_settings(sshd, known_hosts=known_hosts))
    with pytest.raises(StorageError, match="SHA256:") as caught:
        storage.put_new("a", [b"x"])
    assert f"ssh-keyscan -p {sshd.port}" in str(caught.value.hint)


def test_a_host_with_another_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    other = Sshd()
    other.start()
    key = other.known_hosts.read_text().split(" ", 1)[1]
    other.stop()
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {key}")
    storage = open_storage(sshd.url, sftp_settings(sshd, known_hosts=known_hosts))
    with pytest.raises(StorageError, match="host key is not the one"):
        storage.stat("a")


def test_a_login_that_is_refused_is_not_tried_again(sshd: Sshd) -> None:
    settings = StoreSettings(secret=lambda: "wrong-secret", known_hosts=str(sshd.known_hosts))
    with pytest.raises(StorageError, match="login refused") as caught:
        open_storage(sshd.url, settings).stat("a")
    assert not caught.value.retryable
    assert "wrong-secret" not in str(caught.value)


def test_a_host_that_does_not_answer_is_unavailable(sshd: Sshd) -> None:
    url = sshd.url.replace(str(sshd.port), str(choose_port()))
    with pytest.raises(StorageUnavailable, match="no connection"):
        bare(open_storage(url, sftp_settings(sshd))).stat("a")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("sftp://user:secret@host/path", "holds a password"),
        ("sftp://host", "no host and folder"),
        ("sftp://host/", "no host and folder"),
        ("sftp:///path", "no host and folder"),
        ("sftp://host:99999/path", "no host and folder"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused(url: str, found: str) -> None:
    with pytest.raises(UsageError, match=found) as caught:
        open_storage(url)
    assert "secret@" not in str(caught.value)


def test_a_connection_that_broke_is_made_anew(sshd: Sshd) -> None:
    storage = open_sftp(sshd)
    storage.put_new("a", [b"x"])
    (session,) = bare(storage)._idle
    session.get_channel().get_transport().close()
    assert storage.get("a") == b"x"


def test_a_connection_that_breaks_in_a_call_is_reported_and_not_used_again(sshd: Sshd) -> None:
    storage = bare(open_sftp(sshd))
    storage.put_new("a", [b"x"])
    (session,) = storage._idle

    class Breaking(list[bytes]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            yield b"first"
            session.get_channel().get_transport().close()
            yield b"second"

    with pytest.raises(StorageUnavailable):
        storage.put_new("b", Breaking())
    assert session not in storage._idle
    assert [found.name for found in storage.list("")] == ["a"]


def test_connections_are_used_again(sshd: Sshd) -> None:
    storage = bare(open_sftp(sshd))
    for number in range(3):
        storage.put_new(f"a{number}", [b"x"])
    assert len(storage._idle) == 1


def test_files_and_folders_are_private(sshd: Sshd) -> None:
    storage = bare(open_sftp(sshd))
    storage.put_new("packs/a", [b"x"])
    root = Path(storage._root)
    assert (root / "packs/a").stat().st_mode & 0o777 == 0o600
    assert (root / "packs").stat().st_mode & 0o777 == 0o700


def test_what_broken_uploads_left_is_removed_a_day_later(sshd: Sshd) -> None:
    storage = bare(open_sftp(sshd))
    storage.put_new("a", [b"x"])
    folder = Path(storage._root) / ".tmp"
    for name, age_s in (("old", 25 * 3600), ("new", 3600)):
        (folder / name).write_bytes(b"left")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    bare_again = SftpStorage(storage._login, storage._root)
    bare_again.put_new("b", [b"x"])
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_the_servers_disk_is_asked_to_keep_what_was_written(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    from shardvault.storage.ssh import Session

    real = Session.sync

    def sync(self: Session, handle: bytes) -> None:
        assert b"fsync@openssh.com" in self.extensions
        synced.append(handle)
        real(self, handle)

    monkeypatch.setattr(Session, "sync", sync)
    open_sftp(sshd).put_new("a", [b"x"])
    assert len(synced) == 1
