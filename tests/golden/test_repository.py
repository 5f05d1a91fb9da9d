"""Read a repository that was stored once and is never edited, with shardvault and without."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shardvault.model.ids import BackupId
from shardvault.repository.format import ENTRY, TRAILER, ObjectType, associated_data
from shardvault.repository.keys import read_key_file
from shardvault.repository.store import Repository, open_repository
from shardvault.storage import open_storage
from tests.support.repositories import ROWS, add_backup, make_repository
from tests.support.repository_reading import ChunkResult, check_backup

GOLDEN = Path(__file__).parent / "repository-v1"
DOCUMENT = Path(__file__).parents[2] / "docs" / "repository-format.md"
BACKUP = BackupId("20261122T113000Z-full")


def _open_golden(folder: Path) -> Repository:
    key_file = folder / "repo.key"
    shutil.copy(GOLDEN / "repo.key", key_file)
    key_file.chmod(0o600)
    return open_repository(open_storage(str(GOLDEN / "repository")), read_key_file(key_file))


def _read_without_shardvault(folder: Path, repository: Path, key_file: Path) -> list[bytes]:
    (code,) = re.findall(r"```python\n(import.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert "shardvault." not in code
    reader = folder / "reader.py"
    reader.write_text(code)
    command = [sys.executable, "-I", str(reader), str(repository), str(key_file), BACKUP]
    found = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    return found.split(b"\n")


def test_the_repository_of_version_1_is_read_for_ever(tmp_path: Path) -> None:
    repository = _open_golden(tmp_path)
    assert repository.damaged() == ()
    assert [summary.id for summary in repository.list()] == [BACKUP]
    manifest = repository.load(BACKUP)
    assert manifest.fleet == "canary_fleet"
    _, *rows = check_backup(repository.reader(), manifest)
    assert [row.data for row in rows if isinstance(row, ChunkResult)] == ROWS


def test_the_documented_reader_decodes_it_without_shardvault(tmp_path: Path) -> None:
    read = _read_without_shardvault(tmp_path, GOLDEN / "repository", GOLDEN / "repo.key")
    assert b'"canary_fleet"' in read[0]
    assert b'"canary_table"' in read[1]
    assert read[2] == b"".join(ROWS)


def test_the_documented_reader_decodes_what_is_written_today(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "r"))
    add_backup(make_repository(storage, tmp_path), BACKUP)
    read = _read_without_shardvault(tmp_path, tmp_path / "r", tmp_path / "repo.key")
    assert read[2] == b"".join(ROWS)


def test_a_pack_carries_a_directory_that_describes_it(tmp_path: Path) -> None:
    repository = _open_golden(tmp_path)
    ring = repository._ring
    for path in (GOLDEN / "repository" / "packs").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            length, magic = TRAILER.unpack(data[-TRAILER.size :])
            end = len(data) - TRAILER.size
            cipher: AESGCM = ring.object_cipher(ObjectType.PACK, data[10:42])
            binding = associated_data(ObjectType.DIRECTORY, ring.repository, b"")
            directory = cipher.decrypt(b"\xff" * 12, data[end - length : end], binding)
            sizes = [stored for _, _, stored, _ in ENTRY.iter_unpack(directory)]
            assert magic == b"SHARDVLT"
            assert 42 + sum(sizes) == end - length


def test_the_golden_key_file_is_what_the_document_says() -> None:
    prefix, _, text = (GOLDEN / "repo.key").read_text().partition(":")
    assert prefix == "shardvault-key-1"
    assert len(base64.b64decode(text)) == 32
