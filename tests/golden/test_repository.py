"""Read a repository that was stored once and is never edited, with shardvault and without."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.errors import RefusedError
from shardvault.interfaces import Storage
from shardvault.model.ids import BackupId
from shardvault.repository.format import (
    ENTRY,
    IDENTITY_PREFIX,
    KEY_BYTES,
    TRAILER,
    ObjectType,
)
from shardvault.repository.keyfiles import read_key_file, read_private_line
from shardvault.repository.openers import FileSecret, Identity, PassphraseSecret
from shardvault.repository.sources import read_source_file
from shardvault.repository.store import Repository, open_for_source, open_repository
from shardvault.storage import open_storage
from tests.golden.make_repository import BACKUP, PASSPHRASE, SOURCE_BACKUP, SOURCE_ROWS
from tests.support.repositories import ROWS, add_backup, make_repository
from tests.support.repository_reading import ChunkResult, check_backup

FOLDER = Path(__file__).parent
GOLDEN = [FOLDER / "repository-v1", FOLDER / "repository-v2"]
DOCUMENT = Path(__file__).parents[2] / "docs" / "repository-format.md"
BACKUPS = {BACKUP: ROWS, SOURCE_BACKUP: SOURCE_ROWS}


def _open_golden(golden: Path, folder: Path) -> Repository:
    return open_repository(_storage(golden), read_key_file(_copy(golden / "repo.key", folder)))


def _storage(golden: Path) -> Storage:
    return open_storage(str(golden / "repository"))


def _copy(file: Path, folder: Path) -> Path:
    """Copy a secret, for what git keeps is readable by others."""
    copy = folder / file.name
    shutil.copy(file, copy)
    copy.chmod(0o600)
    return copy


def _read_without_shardvault(
    folder: Path, repository: Path, key_file: Path, backup: str = BACKUP
) -> list[bytes]:
    (code,) = re.findall(r"```python\n(import.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert "shardvault." not in code
    reader = folder / "reader.py"
    reader.write_text(code)
    command = [sys.executable, "-I", str(reader), str(repository), str(key_file), backup]
    found = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    return found.split(b"\n")


def _read_rows(repository: Repository, backup: str) -> list[bytes | None]:
    manifest = repository.load(BackupId(backup))
    _, *rows = check_backup(repository.reader(), manifest)
    return [row.data for row in rows if isinstance(row, ChunkResult)]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
def test_a_repository_of_each_version_is_read_for_ever(golden: Path, tmp_path: Path) -> None:
    repository = _open_golden(golden, tmp_path)
    assert repository.damaged() == ()
    backups = [summary.id for summary in repository.list()]
    assert backups == list(BACKUPS)[: len(backups)]
    assert repository.load(BackupId(BACKUP)).fleet == "canary_fleet"
    for backup in backups:
        assert _read_rows(repository, backup) == BACKUPS[backup]


def test_a_repository_of_version_1_is_not_written_to(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN[0], tmp_path / "copy")
    storage = _storage(tmp_path / "copy")
    before = [(found.name, found.size_bytes) for found in storage.list("")]
    repository = _open_golden(tmp_path / "copy", tmp_path)
    with pytest.raises(RefusedError, match="version 1") as caught, repository.writer("backup"):
        pass
    assert "new one" in str(caught.value.hint)
    with pytest.raises(RefusedError, match="version 1"):
        repository.keychain().add(FileSecret(bytes(32)), "second")
    assert [(found.name, found.size_bytes) for found in storage.list("")] == before


def test_the_golden_repository_is_opened_by_each_kind_of_key(tmp_path: Path) -> None:
    golden = GOLDEN[1]
    private = read_private_line(
        _copy(golden / "identity", tmp_path), IDENTITY_PREFIX, KEY_BYTES, "identity file"
    )
    for opener in (Identity(private), PassphraseSecret(PASSPHRASE)):
        repository = open_repository(_storage(golden), opener)
        assert _read_rows(repository, BACKUP) == ROWS
    labels = {slot.label for slot in repository.keychain().list().slots}
    assert labels == {"first", "offline", "safe"}


def test_the_golden_source_can_still_add_a_backup(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN[1], tmp_path / "copy")
    storage = _storage(tmp_path / "copy")
    key = read_source_file(_copy(GOLDEN[1] / "source", tmp_path))
    add_backup(open_for_source(storage, key, tmp_path / "state"), "new", SOURCE_ROWS)
    assert _read_rows(_open_golden(tmp_path / "copy", tmp_path), "new") == SOURCE_ROWS


@pytest.mark.parametrize("backup", BACKUPS)
def test_the_documented_reader_decodes_it_without_shardvault(tmp_path: Path, backup: str) -> None:
    golden = GOLDEN[1]
    read = _read_without_shardvault(tmp_path, golden / "repository", golden / "repo.key", backup)
    assert b'"canary_fleet"' in read[0]
    assert b'"canary_table"' in read[1]
    assert read[2] == b"".join(BACKUPS[backup])


def test_the_documented_reader_decodes_what_is_written_today(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "r"))
    add_backup(make_repository(storage, tmp_path), BACKUP)
    read = _read_without_shardvault(tmp_path, tmp_path / "r", tmp_path / "repo.key")
    assert read[2] == b"".join(ROWS)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
def test_a_pack_carries_a_directory_that_describes_it(golden: Path, tmp_path: Path) -> None:
    repository = _open_golden(golden, tmp_path)
    ring = repository._ring
    for path in (golden / "repository" / "packs").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            length, magic = TRAILER.unpack(data[-TRAILER.size :])
            end = len(data) - TRAILER.size
            cipher: AESGCM = ring.object_cipher(ObjectType.PACK, data[10:42])
            binding = ring.bind(ObjectType.DIRECTORY, b"")
            directory = cipher.decrypt(b"\xff" * 12, data[end - length : end], binding)
            sizes = [stored for _, _, stored, _ in ENTRY.iter_unpack(directory)]
            assert magic == b"SHARDVLT"
            assert 42 + sum(sizes) == end - length


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
def test_the_golden_key_file_is_what_the_document_says(golden: Path) -> None:
    prefix, _, text = (golden / "repo.key").read_text().partition(":")
    assert prefix == "shardvault-key-1"
    assert len(base64.b64decode(text)) == 32
