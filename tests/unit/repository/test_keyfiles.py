from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from shardvault.errors import UsageError
from shardvault.repository.keyfiles import create_key_file, read_key_file


def test_a_key_file_is_read_back_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "repo.key"
    before = os.umask(0)
    try:
        key = create_key_file(path, os.urandom)
    finally:
        os.umask(before)
    assert read_key_file(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("shardvault-key-1:")
    assert path.read_text().count("\n") == 1


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "repo.key"
    path.write_text("precious")
    with pytest.raises(UsageError, match="File exists") as caught:
        create_key_file(path, os.urandom)
    assert caught.value.hint == "no file is overwritten: name one that is not there yet"
    assert path.read_text() == "precious"


def test_a_key_file_in_a_folder_that_is_missing_has_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot make") as caught:
        create_key_file(tmp_path / "keys" / "repo.key", os.urandom)
    assert caught.value.hint == f"make the folder first: mkdir -p -m 700 {tmp_path / 'keys'}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "repo.key"
    create_key_file(path, os.urandom)
    path.chmod(mode)
    with pytest.raises(UsageError) as caught:
        read_key_file(path)
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize(
    "text", ["", "hello", "shardvault-key-1:", "shardvault-key-1:AAAA", "shardvault-key-1:ä" * 99,
             "shardvault-key-2:" + "A" * 43 + "=", "A" * 43 + "=",
             "shardvault-key-1:" + "A" * 42 + "B="]
)  # fmt: skip
def test_what_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "repo.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(UsageError, match="no key file"):
        read_key_file(path)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_key_file(tmp_path / "gone.key")
    assert "gone.key" in str(caught.value)
    assert os.strerror(errno.ENOENT) in str(caught.value)


def test_a_pipe_in_the_place_of_a_key_file_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "repo.key"
    os.mkfifo(path, 0o600)
    with pytest.raises(UsageError, match="no key file"):
        read_key_file(path)
