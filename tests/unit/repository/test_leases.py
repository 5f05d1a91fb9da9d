from __future__ import annotations

import secrets

import pytest

from shardvault import failpoints
from shardvault.errors import RepositoryLocked
from shardvault.interfaces import StorageFeatures
from shardvault.repository.entries import Created, Entry
from shardvault.repository.keys import KeyRing, make_key_ring
from shardvault.repository.leases import TTL_S, Leases
from shardvault.repository.log import Log, begin_log
from shardvault.storage.memory import MemoryStorage


class Clock:
    """One clock for the store and one for each client's own elapsed time."""

    def __init__(self) -> None:
        self.now_s = 1e9

    def read(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring() -> KeyRing:
    return make_key_ring(bytes(16), bytes(32))


@pytest.fixture
def storage(clock: Clock, ring: KeyRing) -> MemoryStorage:
    """Stand for a store that knows no processes, as an object store."""
    storage = MemoryStorage(now_s=clock.read)
    storage.features = StorageFeatures(atomic_create=True, owner_lock=False)
    begin_log(storage, ring, Created(""), secrets.token_bytes)
    return storage


def client(storage: MemoryStorage, ring: KeyRing, clock: Clock) -> Leases:
    log = Log(storage, ring, secrets.token_bytes, None)
    return Leases(storage, ring, secrets.token_bytes, log, monotonic=clock.read)


def entries(storage: MemoryStorage, ring: KeyRing) -> tuple[Entry, ...]:
    return Log(storage, ring, secrets.token_bytes, None).read()


def test_one_owner_at_a_time(storage: MemoryStorage, ring: KeyRing, clock: Clock) -> None:
    lease = client(storage, ring, clock).acquire("fleet", "backup")
    with pytest.raises(RepositoryLocked, match=r"locked by backup on .*, since "):
        client(storage, ring, clock).acquire("fleet", "backup")
    lease.release()
    assert client(storage, ring, clock).acquire("fleet", "backup").epoch == 2


def test_two_scopes_do_not_meet(storage: MemoryStorage, ring: KeyRing, clock: Clock) -> None:
    client(storage, ring, clock).acquire("fleet-a", "backup")
    client(storage, ring, clock).acquire("fleet-b", "backup")
    found = client(storage, ring, clock).look_at_all()
    assert [one.scope for one in found] == ["fleet-a", "fleet-b"]


def test_an_owner_that_sends_beats_keeps_its_lease(
    storage: MemoryStorage, ring: KeyRing, clock: Clock
) -> None:
    lease = client(storage, ring, clock).acquire("fleet", "backup")
    for _ in range(5):
        clock.now_s += TTL_S
        lease.renew()
    with pytest.raises(RepositoryLocked):
        client(storage, ring, clock).acquire("fleet", "backup")
    lease.assert_held()
    assert len(list(storage.list("leases/"))) == 1


def test_an_owner_that_is_gone_is_followed_after_its_time(
    storage: MemoryStorage, ring: KeyRing, clock: Clock
) -> None:
    sleeper = client(storage, ring, clock).acquire("fleet", "backup")
    clock.now_s += TTL_S + 1
    heir = client(storage, ring, clock).acquire("fleet", "backup")
    heir.assert_held(entries(storage, ring))
    with pytest.raises(RepositoryLocked, match="ended while it slept"):
        sleeper.assert_held(entries(storage, ring))


def test_a_sleeper_is_refused_even_when_its_clock_stood_still_too(
    storage: MemoryStorage, ring: KeyRing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = Clock()
    sleeper = client(storage, ring, frozen).acquire("fleet", "backup")
    clock.now_s += TTL_S + 1
    heir = client(storage, ring, clock).acquire("fleet", "backup")
    heir.release()
    with pytest.raises(RepositoryLocked):
        sleeper.assert_held(entries(storage, ring))
    monkeypatch.setattr(failpoints, "_points", failpoints._parse("repo.fencing=off"))
    sleeper.assert_held(entries(storage, ring))


def test_of_two_heirs_one_wins(storage: MemoryStorage, ring: KeyRing, clock: Clock) -> None:
    client(storage, ring, clock).acquire("fleet", "backup")
    clock.now_s += TTL_S + 1
    first, second = client(storage, ring, clock), client(storage, ring, clock)
    present = second.look("fleet")
    first.acquire("fleet", "backup")
    with pytest.raises(RepositoryLocked):
        second._claim("fleet", "backup", present, lambda: None)


def test_a_store_that_tells_no_time_never_ends_a_lease(
    storage: MemoryStorage, ring: KeyRing, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(storage, ring, clock).acquire("fleet", "backup")
    clock.now_s += 10 * TTL_S
    leases = client(storage, ring, clock)
    monkeypatch.setattr(leases, "_age_s", lambda _: None)
    with pytest.raises(RepositoryLocked):
        leases.acquire("fleet", "backup")


def test_a_broken_lease_is_anothers_at_once(
    storage: MemoryStorage, ring: KeyRing, clock: Clock
) -> None:
    owner = client(storage, ring, clock).acquire("fleet", "backup")
    broken = client(storage, ring, clock).break_lease("fleet")
    assert broken is not None
    assert broken.owner is not None
    assert broken.owner.id == owner.owner.id
    client(storage, ring, clock).acquire("fleet", "backup")
    with pytest.raises(RepositoryLocked):
        owner.assert_held()
    assert client(storage, ring, clock).break_lease("nobody") is None


def test_where_processes_are_known_a_dead_one_is_followed_at_once(
    ring: KeyRing, clock: Clock
) -> None:
    storage = MemoryStorage(now_s=clock.read)
    begin_log(storage, ring, Created(""), secrets.token_bytes)
    dead = client(storage, ring, clock).acquire("fleet", "backup")
    dead._end_process_lock()  # as its death would
    client(storage, ring, clock).acquire("fleet", "backup")
    with pytest.raises(RepositoryLocked):
        dead.assert_held(entries(storage, ring))


def test_the_block_gives_the_lease_back(
    storage: MemoryStorage, ring: KeyRing, clock: Clock
) -> None:
    with client(storage, ring, clock).hold("fleet", "backup") as lease:
        lease.assert_held()
    assert client(storage, ring, clock).look_at_all() == ()
