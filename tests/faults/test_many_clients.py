"""Let eight clients back up, verify, prune, sleep and die at random for ninety days of a made-up
clock: nothing that was completed is lost, nothing that is listed differs."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.errors import IntegrityError, ObjectMissing, RepositoryLocked, UnknownBackup
from shardvault.interfaces import Buffer, ChunkKind, ObjectStat, StorageFeatures
from shardvault.model.ids import BackupId
from shardvault.model.policy import Keep
from shardvault.operations.prune import PruneOptions, run_prune
from shardvault.repository.entries import Verified
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.leases import TTL_S, Lease, Leases
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage.memory import MemoryStorage
from tests.support.repositories import put_backup
from tests.support.repository_reading import ChunkResult, check_backup

DAYS = 90
CLIENTS = 8
OPERATIONS = 60
"""Of each client."""
FLEETS = tuple("abcdef")
KEEP = Keep(last=2, daily=4, weekly=2, within_s=3 * 86400.0)
DEATHS = 0.15
"""Share of the operations that die on the way, as by kill -9."""
SLEEPS = 0.1
"""Share that sleep, on the way, for longer than a lease lasts."""


class Killed(BaseException):
    """Stand for the end of a process: nothing catches it, and nothing works after it."""


@dataclass
class World:
    """Hold what all clients share: the store, the clock, and what each backup must contain."""

    storage: MemoryStorage
    key: bytes
    seed: int
    now_s: float = 1e9
    contents: dict[str, list[bytes]] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    awake: set[Lease] = field(default_factory=set)
    leases: set[str] = field(default_factory=set)
    """Names of their objects; to list them in the store is slow."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read_clock(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        """Let time pass; whoever is awake has sent its beats meanwhile."""
        with self.lock:
            self.now_s += seconds
            for lease in self.awake:
                self.set_age(lease, 0.0)

    def set_age(self, lease: Lease, age_s: float) -> None:
        """Say how long ago an owner sent its last beat."""
        lease._renewed_s = self.now_s - age_s
        for name in list(self.leases):
            if name.startswith(f"leases/{lease.scope}/{lease.epoch:08d}"):
                self.storage._received[name] = self.now_s - age_s

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1


class Access:
    """Pass on one operation's requests; it may be told to die, or to sleep, at one of them."""

    def __init__(self, world: World, fate: str, at: int) -> None:
        self.features: StorageFeatures = world.storage.features
        self._world = world
        self._fate = fate
        self._left = at
        self._is_dead = False
        self.lease: Lease | None = None

    def _pass(self) -> None:
        self._world.advance(0.01)
        self._left -= 1
        if self._left == 0 and self._fate == "die":
            self._is_dead = True
            self._fall_asleep()
        if self._is_dead:
            raise Killed
        if self._left == 0 and self._fate == "sleep":
            self._world.count("sleeps")
            self._fall_asleep()
            threading.Event().wait(0.05)

    def _fall_asleep(self) -> None:
        """Send no beats any more, for longer than the lease lasts; others work on."""
        if self.lease is not None:
            with self._world.lock:
                self._world.awake.discard(self.lease)
                self._world.set_age(self.lease, 2 * TTL_S)

    def put_new(self, name: str, parts: Sequence[Buffer]) -> None:
        self._pass()
        self._world.storage.put_new(name, parts)
        if name.startswith("leases/"):
            self._world.leases.add(name)

    def get(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
        self._pass()
        return self._world.storage.get(name, offset, size)

    def list(self, prefix: str) -> Iterator[ObjectStat]:
        self._pass()
        return self._world.storage.list(prefix)

    def stat(self, name: str) -> ObjectStat:
        self._pass()
        return self._world.storage.stat(name)

    def delete(self, name: str) -> None:
        self._pass()
        self._world.leases.discard(name)
        self._world.storage.delete(name)


class Client(threading.Thread):
    """Do operations one after the other, each as a new process would."""

    def __init__(self, world: World, number: int) -> None:
        super().__init__(name=f"client-{number}")
        self._world = world
        self._number = number
        self._choose = random.Random(f"{world.seed} {number}")
        self._made = 0

    def run(self) -> None:
        for _ in range(OPERATIONS):
            self._world.advance(DAYS * 86400.0 / OPERATIONS / CLIENTS)
            do = self._choose.choices(
                (self._back_up, self._verify, self._prune), weights=(5, 4, 2)
            )[0]
            repository = self._open()
            try:
                do(repository)
            except Killed:
                self._world.count("deaths")
            except RepositoryLocked:
                self._world.count("locked out")
            except Exception as error:  # any other is a finding
                self._world.faults.append(f"{self.name} {do.__name__}: {error!r}")
            finally:
                with self._world.lock:
                    self._world.awake -= {self._access.lease}

    def _open(self) -> Repository:
        fate = self._choose.choices(
            ("live", "die", "sleep"), weights=(1 - DEATHS - SLEEPS, DEATHS, SLEEPS)
        )[0]
        self._access = Access(self._world, fate, self._choose.randrange(9, 120))
        repository = open_repository(self._access, self._world.key)
        watch(repository.leases, self._access, self._world)
        return repository

    def _back_up(self, repository: Repository) -> None:
        self._made += 1
        backup = f"c{self._number}-{self._made}"
        rows = [bytes([self._choose.randrange(40)]) * 300 for _ in range(6)]
        self._world.contents[backup] = rows
        with repository.writer("backup", fleet=self._choose.choice(FLEETS)) as writer:
            for row in rows:
                writer.put(row, ChunkKind.ROWS)
                writer.flush()
            put_backup(repository, writer, backup, rows)
        self._world.completed.add(backup)
        self._world.count("backups")

    def _verify(self, repository: Repository) -> None:
        listed = [summary.id for summary in repository.list()]
        if not listed:
            return
        backup = self._choose.choice(listed)
        try:
            _compare(repository, backup, self._world.contents[backup])
        except (UnknownBackup, IntegrityError, ObjectMissing):
            history = open_repository(self._world.storage, self._world.key).history()
            if history is None or backup not in history.forgotten:
                raise
            self._world.count("pruned while read")
            return
        repository.log.append(lambda _: Verified(backup, "verify"))
        self._world.count("verified")

    def _prune(self, repository: Repository) -> None:
        run_prune(repository, PruneOptions(keep=KEEP), _Silent())
        self._world.count("prunes")


class _Silent:
    def emit(self, event: object) -> None:
        """Take one event."""


def watch(leases: Leases, access: Access, world: World) -> None:
    """Tell the access which lease it has; measure it by the made-up clock."""
    leases._monotonic = world.read_clock
    real = leases.acquire

    def acquire(scope: str, command: str) -> Lease:
        lease = real(scope, command)
        with world.lock:
            world.awake.add(lease)
        access.lease = lease
        return lease

    leases.acquire = acquire  # type: ignore[method-assign]


def _compare(repository: Repository, backup: str, rows: list[bytes]) -> None:
    results = list(check_backup(repository.reader(), repository.load(BackupId(backup))))
    for result in results:
        if result.error is not None:
            raise result.error
    found = [result.data for result in results if isinstance(result, ChunkResult)]
    assert found == rows, f"{backup} reads back differently"


def _live(folder: Path, seed: int) -> World:
    storage = MemoryStorage()
    storage.features = StorageFeatures(atomic_create=True, owner_lock=False)
    create_repository(storage, folder / "repo.key")
    world = World(storage, read_key_file(folder / "repo.key"), seed)
    storage._now_s = world.read_clock
    clients = [Client(world, number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(300)
        assert not client.is_alive()
    return world


def _list_losses(world: World) -> list[str]:
    """Name all that was completed and not forgotten, and is not there exactly."""
    repository = open_repository(world.storage, world.key)
    history = repository.history()
    assert history is not None
    listed = {summary.id for summary in repository.list()}
    lost = [f"{one} is not listed" for one in world.completed - history.forgotten - listed]
    lost += [str(error) for error in repository.damaged()]
    for backup in sorted(listed):
        try:
            _compare(repository, backup, world.contents[backup])
        except (IntegrityError, ObjectMissing, AssertionError) as error:
            lost.append(f"{backup}: {error}")
    return lost


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_in_ninety_days(seed: int, tmp_path: Path) -> None:
    world = _live(tmp_path, seed)
    assert world.faults == []
    assert _list_losses(world) == []
    for what in ("backups", "verified", "prunes", "deaths", "sleeps"):
        assert world.counts[what] >= 3, world.counts


@pytest.mark.long(part="clients")
@pytest.mark.parametrize("seed", range(2, 22))
def test_nothing_is_lost_in_twenty_times_ninety_days(seed: int, tmp_path: Path) -> None:
    world = _live(tmp_path, seed)
    assert world.faults + _list_losses(world) == []


def test_without_waiting_for_sessions_and_rescuing_chunks_something_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control of the test above."""
    points = failpoints._parse("prune.waiting=off;repo.rescue=off")
    monkeypatch.setattr(failpoints, "_points", points)
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        world = _live(tmp_path / str(seed), seed)
        if world.faults + _list_losses(world):
            return
    pytest.fail("nothing was lost: the load is too weak to prove anything")
