from __future__ import annotations

from pathlib import Path

from shardvault.model.report import Severity
from shardvault.model.target import Fleet
from shardvault.operations.check import run_check
from shardvault.repository.openers import FileSecret
from shardvault.repository.store import create_repository
from shardvault.storage.memory import MemoryStorage

NO_SHARDS = Fleet("shop", (), ())


def _key_warnings(storage: MemoryStorage) -> list[str]:
    findings = run_check(NO_SHARDS, storage).findings
    assert all(found.severity is not Severity.BLOCKER for found in findings)
    return [found.message for found in findings if found.what == "keys"]


def test_one_key_alone_is_warned_of_without_any_key(tmp_path: Path) -> None:
    storage = MemoryStorage()
    assert _key_warnings(storage) == []
    repository = create_repository(storage, tmp_path / "repo.key")
    (message,) = _key_warnings(storage)
    assert "a lost key loses everything" in message
    repository.keychain().add(FileSecret(b"n" * 32), "second")
    assert _key_warnings(storage) == []
