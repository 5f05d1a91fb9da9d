"""Back up, verify, hold and prune at random from several computers: nothing listed is lost."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardvault import failpoints
from shardvault.errors import IntegrityError, RefusedError, RepositoryLocked, ShardvaultError
from shardvault.interfaces import ChunkKind
from shardvault.model.policy import Keep
from shardvault.operations.retention import hold_backup
from shardvault.repository import prune as pruning
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.store import Repository
from shardvault.storage.memory import MemoryStorage
from tests.support.pruning import find_unreadable, ids_of, open_again, prune, verify
from tests.support.repositories import make_repository, put_backup

_CLIENTS = 3
_STEPS = sorted(name for name in failpoints.NAMES if name.startswith("prune."))
_POLICIES = [Keep(last=1), Keep(last=2)]
_SCOPES = [(), ("--tables x",), ("--tables x",)]


class _Fleet:
    """One computer: it has a backup open, or none, while others go on."""

    def __init__(self, name: str, repository: Repository, draw: random.Random) -> None:
        self.name = name
        self.repository = repository
        self.draw = draw
        self.open: tuple[ExitStack, ChunkWriter, list[bytes]] | None = None

    def rows(self) -> list[bytes]:
        return [b"row %d " % self.draw.randrange(12) * 99 for _ in range(4)]

    def begin(self) -> None:
        stack = ExitStack()
        writer = stack.enter_context(self.repository.writer("backup", fleet=self.name))
        rows = self.rows()
        for row in rows[:2]:
            writer.put(row, ChunkKind.ROWS)
        self.open = stack, writer, rows

    def end(self, backup: str) -> str | None:
        assert self.open is not None
        stack, writer, rows = self.open
        self.open = None
        with stack:
            if self.draw.random() < 0.2:
                return None  # it dies, and its chunks are left behind
            put_backup(self.repository, writer, backup, rows, scope=self.draw.choice(_SCOPES))
            return backup


class World:
    """Run steps in the order that a seed says, and follow what must be there."""

    def __init__(self, folder: Path, seed: int, off: dict[str, Any] | None = None) -> None:
        self.off = off or {}
        self.draw = random.Random(seed)
        self.policy = self.draw.choice(_POLICIES)
        self.storage = MemoryStorage()
        make_repository(self.storage, folder)
        self.folder = folder
        self.fleets = [_Fleet(f"f{n}", self.open(), self.draw) for n in range(_CLIENTS)]
        self.count = 0
        self.held: set[str] = set()
        self.has_complete = False

    def open(self) -> Repository:
        return open_again(self.storage, self.folder)

    def step(self) -> None:
        fleet = self.draw.choice(self.fleets)
        self.draw.choice([self.back_up, self.back_up, self.verify, self.hold, self.prune])(fleet)

    def back_up(self, fleet: _Fleet) -> None:
        if fleet.open is None:
            fleet.begin()
            return
        self.count += 1
        fleet.end(f"b{self.count:03d}")

    def verify(self, _: _Fleet) -> None:
        if backups := ids_of(self.open()):
            verify(self.open(), self.draw.choice(backups))

    def hold(self, _: _Fleet) -> None:
        if (backups := ids_of(self.open())) and not self.held:
            backup = self.draw.choice(backups)
            self.held.add(backup)
            hold_backup(self.open(), backup, "a test")

    def prune(self, _: _Fleet) -> None:
        """Prune, often killed at some step, or with another computer's steps in between."""
        step = self.draw.choice(_STEPS)
        what = self.draw.choice(["error", "between", "nothing"])
        if what == "error" and step not in {"prune.late", "prune.waiting"}:
            points = failpoints._parse(f"{step}=error@1")
        else:
            points = {}
        between = self.between if what == "between" else None
        with _patched(self.off | points, step, between), contextlib.suppress(RepositoryLocked):
            try:
                prune(self.open(), self.policy)
            except ShardvaultError as error:
                if "failpoint" not in str(error):
                    raise

    def between(self) -> None:
        for fleet in self.draw.sample(self.fleets, 2):
            self.back_up(fleet)

    def check(self) -> None:
        assert find_unreadable(self.open()) == []
        assert self.held <= set(ids_of(self.open()))
        complete = any(one.is_verified and not one.scope for one in self.open().list())
        assert complete or not self.has_complete, "the last verified complete backup went"
        self.has_complete = complete


@contextlib.contextmanager
def _patched(
    points: dict[str, Any], step: str, between: Callable[[], None] | None
) -> Iterator[None]:
    """Let a failpoint fail, or run something there, once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failpoints, "_points", points)
        if between is not None:
            waiting = [between]

            def failpoint(name: str) -> None:
                if name == step and waiting:
                    waiting.pop()()

            patch.setattr(pruning, "failpoint", failpoint)
        yield


def run_world(seed: int, off: dict[str, Any] | None = None) -> None:
    """Take steps, look after each that all is there, and end what is open."""
    with TemporaryDirectory() as folder:
        world = World(Path(folder), seed, off)
        for _ in range(25):
            world.step()
            world.check()
        for fleet in world.fleets:
            if fleet.open is not None:
                world.back_up(fleet)
        assert prune(world.open(), world.policy).status == "complete"
        world.check()


def run_worlds(seeds: Iterable[int], off: dict[str, Any]) -> None:
    """Run several, one after the other."""
    for seed in seeds:
        run_world(seed, off)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_nothing_is_lost_in_any_order_of_steps(seed: int) -> None:
    run_world(seed)


def test_with_one_count_for_all_scopes_some_order_loses_the_last_complete_backup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control of the first test."""
    off = failpoints._parse("retention.scope=off")
    monkeypatch.setattr(failpoints, "_points", off)
    with pytest.raises(AssertionError, match="the last verified complete backup went"):
        run_worlds(range(30, 200), off)


def test_without_the_safeties_some_order_loses_a_backup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control of the test above."""
    off = failpoints._parse("repo.rescue=off;prune.late=off")
    monkeypatch.setattr(failpoints, "_points", off)
    with pytest.raises((AssertionError, IntegrityError, RefusedError)):
        run_worlds(range(40), off)
