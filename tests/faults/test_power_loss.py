"""Cut the power at every moment of a repository's life: what was complete stays exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shardvault.errors import IntegrityError, RepositoryMissing
from shardvault.interfaces import ChunkKind
from shardvault.model.ids import BackupId
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import Repository, open_repository
from shardvault.storage import local
from shardvault.storage.local import LocalStorage
from shardvault.storage.memory import MemoryStorage
from tests.support.crash_disk import CrashState, Step, crash_states, record
from tests.support.repositories import make_repository, put_backup
from tests.support.repository_reading import ChunkResult, check_backup

STATES = 2_000
STATES_LONG = 10_000
SEED = 20261122
CONTENTS = {
    "old": [b"1" * 700, b"first" * 300],
    "new": [b"2" * 900, b"1" * 700, b"second" * 200],
}


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[Step]:
    """Give what the local store asked for while a repository was made and filled."""
    return _live(tmp_path, monkeypatch)


def _live(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[Step]:
    (folder / "r").mkdir(mode=0o700)
    with monkeypatch.context() as patch:
        recorder = record(patch, folder / "r")
        repository = make_repository(LocalStorage(folder / "r"), folder)
        recorder.mark("created")
        for backup, rows in CONTENTS.items():
            _back_up(repository, backup, rows)
            recorder.mark(backup)
    return recorder.steps


def _back_up(repository: Repository, backup: str, rows: list[bytes]) -> None:
    """Store a backup in several packs and indexes."""
    with repository.writer("backup") as writer:
        for row in rows:
            writer.put(row, ChunkKind.ROWS)
            writer.flush()
        put_backup(repository, writer, backup, rows)


def _faults(state: CrashState, key: bytes) -> Iterator[str]:
    """Name what a power loss must not do, and did."""
    storage = MemoryStorage()
    for name, data in state.objects.items():
        storage.put_new(name, [data])
    try:
        yield from _compare(open_repository(storage, key), state.done)
    except RepositoryMissing:
        if "created" in state.done:
            yield "the repository is gone"
    except IntegrityError as error:
        yield f"the repository cannot be read: {error}"


def _compare(repository: Repository, done: frozenset[str]) -> Iterator[str]:
    listed = {summary.id for summary in repository.list()}
    for backup in CONTENTS.keys() & done - listed:
        yield f"{backup} was complete and is not listed"
    for backup in listed:
        rows = [
            result.data
            for result in check_backup(repository.reader(), repository.load(BackupId(backup)))
            if isinstance(result, ChunkResult)
        ]
        if rows != CONTENTS[backup]:
            yield f"{backup} is listed and not exact"


def _judge(steps: Sequence[Step], key: bytes, count: int) -> list[str]:
    return [
        f"step {state.step}: {fault}"
        for state in crash_states(steps, count, SEED)
        for fault in _faults(state, key)
    ]


@pytest.mark.parametrize(
    "states", [STATES, pytest.param(STATES_LONG, marks=pytest.mark.long(part="disk"))]
)
def test_no_power_loss_damages_a_backup_that_is_listed(
    life: Sequence[Step], tmp_path: Path, states: int
) -> None:
    assert _judge(life, read_key_file(tmp_path / "repo.key"), states) == []


@pytest.mark.parametrize("safety", ["_sync_folder", "fsync"])
def test_without_syncing_a_power_loss_does_damage(
    safety: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    if safety == "_sync_folder":
        monkeypatch.setattr(local, "_sync_folder", lambda _: None)
        steps = _live(tmp_path, monkeypatch)
    else:
        steps = [step for step in _live(tmp_path, monkeypatch) if step.what != "sync"]
    assert _judge(steps, read_key_file(tmp_path / "repo.key"), 500)
