from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.support import memory


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "")  # remembered, so that it is restored
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_temporary_files_are_in_memory_if_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path)
    monkeypatch.setattr(memory, "ROOM_BYTES", 1)
    memory.use_memory()
    assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(tmp_path)


def test_without_room_they_stay_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MEMORY", tmp_path)
    monkeypatch.setattr(memory, "ROOM_BYTES", 1 << 60)
    memory.use_memory()
    assert "TMPDIR" not in os.environ


def test_a_folder_that_somebody_names_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(memory, "ROOM_BYTES", 1)
    memory.use_memory()
    assert os.environ["TMPDIR"] == str(tmp_path)


def test_a_folder_that_is_not_there_has_no_room(tmp_path: Path) -> None:
    assert not memory.has_room(tmp_path / "gone")
