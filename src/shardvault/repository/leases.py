"""Let one owner at a time do a thing in a repository, on any store, without trusting a clock.

A lease is a row of objects, ``leases/⟨scope⟩/⟨epoch⟩-⟨beat⟩``, the last with ``-released``
behind it: the owner adds a beat before the last one grows old, by the store's clock; each
owner has an epoch of its own, and only one can create it. Who takes a lease over from an
owner that is gone says so in the log first; the old owner, should it wake, can then write
nothing that counts.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import msgspec

from shardvault.clock import monotonic_s, utc_now
from shardvault.errors import (
    IntegrityError,
    ObjectExists,
    ObjectMissing,
    RepositoryLocked,
    StorageError,
    WrongKey,
)
from shardvault.failpoints import is_off
from shardvault.interfaces import ObjectStat, Storage
from shardvault.repository.crypto import RandomBytes
from shardvault.repository.entries import Claimed, Entry
from shardvault.repository.format import (
    CLOCK_PREFIX,
    LEASE_PREFIX,
    MAX_NOTE_BYTES,
    SOURCE_PREFIX,
    ObjectType,
    source_name,
)
from shardvault.repository.history import read_history
from shardvault.repository.keys import KeyRing
from shardvault.repository.log import Log
from shardvault.repository.objects import (
    author_of,
    fetch_sealed,
    open_object,
    open_signed,
    prove_signed,
    seal_signed,
)
from shardvault.repository.owners import Owner, describe_owner, new_owner
from shardvault.storage.owners import OwnedStorage, Release

TTL_S = 60.0
"""Time without a beat, by the store's clock, after which an owner counts as gone [s]."""
_BEATS_PER_TTL = 4
_RELEASED = "-released"
_BEAT = re.compile(rf"([0-9]{{8}})-([0-9]{{8}})(?:{_RELEASED})?")
BACKUP_SCOPE = "backup-"
"""Begins the scopes of sessions that add backups."""
_MOST_LOOKS = 16
_MOST_CLAIMS = 16
_MOST_OF_SOURCE = 32
"""Leases of one source that are ended by an entry of the log each."""


@dataclass(frozen=True)
class Holding:
    """Say who has, or had, a lease.

    Attributes:
        is_released: the owner gave it back.
        owner: None if the object cannot be read, for example by a key that can only add.
        source: name of the source that has it; empty for whoever holds the repository's key.
        age_s: time since its last beat, by the store's clock [s]; None if that is unknown.
    """

    scope: str
    epoch: int
    is_released: bool
    owner: Owner | None
    age_s: float | None
    source: str = ""

    @property
    def is_alive(self) -> bool:
        """Say whether the owner can still be at work; unknown counts as yes.

        A source decides neither how long its lease lives nor that it was stamped in the future.
        """
        ttl_s = self.owner.ttl_s if self.owner else TTL_S
        if self.is_released or self.age_s is None:
            return not self.is_released
        return -TTL_S <= self.age_s <= TTL_S if self.source else self.age_s <= ttl_s


class _Write(Protocol):
    def __call__(self, lease: Lease, beat: int, before: int | None, *, last: bool) -> None: ...


class Leases:
    """Take and look at the leases of one repository."""

    def __init__(
        self,
        storage: Storage,
        ring: KeyRing,
        random_bytes: RandomBytes,
        log: Log,
        *,
        ttl_s: float = TTL_S,
        monotonic: Callable[[], float] = monotonic_s,
    ) -> None:
        self._storage = storage
        self._ring = ring
        self._random_bytes = random_bytes
        self._log = log
        self._ttl_s = ttl_s
        self._monotonic = monotonic

    @contextlib.contextmanager
    def hold(self, scope: str, command: str) -> Iterator[Lease]:
        """Own a lease inside the ``with`` block; beats are sent meanwhile by a thread.

        Raises:
            RepositoryLocked: says whose lease it is, since when, and for what command.
        """
        lease = self.acquire(scope, command)
        stop = threading.Event()
        beating = threading.Thread(target=_beat, args=(lease, stop, self._ttl_s), daemon=True)
        beating.start()
        try:
            yield lease
        finally:
            stop.set()
            beating.join(self._ttl_s)
            with contextlib.suppress(StorageError):
                lease.release()

    def acquire(self, scope: str, command: str) -> Lease:
        """Take a lease that is free, or whose owner is gone; the caller sends the beats.

        Raises:
            RepositoryLocked: it has an owner that is alive, or another was faster.
        """
        process_lock = self._hold_process_lock(scope)
        try:
            present = self.look(scope)
            is_alive = present.is_alive if present else self._has_unreadable_owner(scope)
            if process_lock is None and is_alive:
                raise locked_error(present)
            lease = self._claim(scope, command, present, process_lock or _nothing)
            if present is not None and not present.is_released and not self._ring.is_write_only:
                self._log.append(lambda entries: _claim_entry(entries, lease))
        except BaseException:
            (process_lock or _nothing)()
            raise
        return lease

    def _has_unreadable_owner(self, scope: str) -> bool:
        """Say whether a process that is alive can have left a lease that was damaged."""
        return self._storage.features.owner_lock and bool(self._list(scope))

    def _hold_process_lock(self, scope: str) -> Release | None:
        """Take the lock that ends with its process, where a store has such.

        Whoever has it need not wait for the lease of an owner that is gone. Without it, as
        when the owner is alive or sleeps, only the lease counts.
        """
        if not self._storage.features.owner_lock:
            return None
        return cast("OwnedStorage", self._storage).hold(f"lease.{scope}", b"")

    def break_lease(self, scope: str) -> Holding | None:
        """End a lease whoever has it, and return whose it was; None if it is free."""
        present = self.look(scope)
        if present is None or present.is_released:
            return None
        self._break(present)
        return present

    def _break(self, present: Holding) -> None:
        lease = self._claim(present.scope, "unlock", present, _nothing)
        self._log.append(lambda entries: _claim_entry(entries, lease))
        lease.release()

    def end_gone(self, own: str) -> tuple[Holding, ...]:
        """Take every lease away whose owner is gone, and return those that are alive.

        Afterwards no owner but those can write anything that counts, even if it wakes.

        Args:
            own: scope of the caller's own lease, which is left out.
        """
        others = [one for one in self.look_at_all() if one.scope != own]
        claims = Counter(one.source for one in others)
        return tuple(one for one in others if not self._end_if_gone(one, claims[one.source]))

    def _end_if_gone(self, holding: Holding, claims: int) -> bool:
        """End a lease whose owner is gone; of a source that has absurdly many, only remove it."""
        process_lock = self._hold_process_lock(holding.scope)
        try:
            if process_lock is None and holding.is_alive:
                return False
            if holding.source and claims > _MOST_OF_SOURCE:
                for found in self._list(holding.scope):
                    _discard(self._storage, found.name)
            else:
                self._break(holding)
        except RepositoryLocked:  # somebody took it just now
            return False
        finally:
            (process_lock or _nothing)()
        return True

    def look(self, scope: str) -> Holding | None:
        """Say who has a lease; None if nobody ever had it.

        A lease of a source counts in scopes of its own alone, and what nobody signed who has a
        key counts nowhere: so no source is in the way of others.
        """
        return next((one for one in self._read_scope(scope) if _is_own(one)), None)

    def look_at_all(self) -> tuple[Holding, ...]:
        """Say who has each lease that is not given back.

        Besides those that count in their scope, these are leases that early programs of sources
        took in the scopes of others. A source whose key was removed has none.
        """
        scopes = sorted({found.name.split("/")[1] for found in self._storage.list(LEASE_PREFIX)})
        found = [one for scope in scopes for one in self._list_newest(scope)]
        removed: set[str] = set()
        if any(one.source for one in found) and not self._ring.is_write_only:
            removed = read_history(self._log.read()).removed_keys
        return tuple(one for one in found if not one.is_released and one.source not in removed)

    def _list_newest(self, scope: str) -> Iterator[Holding]:
        """Give the newest holding of each source up to the newest that counts in the scope."""
        seen: set[str] = set()
        for one in self._read_scope(scope):
            if _is_own(one):
                yield one
                return
            if one.source not in seen and scope.startswith(BACKUP_SCOPE):
                yield one
            seen.add(one.source)

    def _read_scope(self, scope: str) -> Iterator[Holding]:
        """Give every authentic beat of a scope, the newest first.

        One that is replaced by the next before it was read is looked for again.
        """
        for _ in range(_MOST_LOOKS):
            found = sorted(self._list(scope), key=lambda one: _parse(one.name), reverse=True)
            try:
                holdings = [self._describe(scope, one) for one in found[:1]]
            except ObjectMissing:
                continue
            yield from (one for one in holdings if one is not None)
            for one in found[1:]:
                with contextlib.suppress(ObjectMissing):
                    if (holding := self._describe(scope, one)) is not None:
                        yield holding
            return
        raise StorageError(f"the lease {scope} changes all the time; try again")

    def is_process_gone(self, scope: str) -> bool:
        """Say whether the owner's process ended; False where a store cannot tell."""
        process_lock = self._hold_process_lock(scope)
        if process_lock is None:
            return False
        process_lock()
        return True

    def now_s(self) -> float:
        """Return the time by the store's clock; by ours if the store does not tell [s]."""
        now_s = self._read_clock()
        return utc_now().timestamp() if now_s is None else now_s

    def _claim(
        self, scope: str, command: str, present: Holding | None, end_process_lock: Release
    ) -> Lease:
        owner = new_owner(command, ttl_s=self._ttl_s)
        epoch = present.epoch + 1 if present else 1
        for _ in range(_MOST_CLAIMS):
            lease = Lease(
                scope,
                epoch,
                owner,
                write=self._write,
                newest_epoch=self._newest_epoch,
                monotonic=self._monotonic,
                end_process_lock=end_process_lock,
            )
            try:
                lease.renew()
            except ObjectExists as error:
                if self._is_taken(scope, epoch):
                    raise locked_error(self.look(scope)) from error
                epoch += 1 + self._random_bytes(1)[0]  # somebody without a key was here
            else:
                self._clean(scope, epoch)
                return lease
        raise StorageError(f"objects that nobody made are in the way under {LEASE_PREFIX}{scope}/")

    def _is_taken(self, scope: str, epoch: int) -> bool:
        """Say whether somebody who can have the lease has that epoch, or just had it."""
        name = _name(scope, epoch, 0)
        try:
            holding = self._describe(scope, self._storage.stat(name))
        except ObjectMissing:
            return True
        return holding is not None and _is_own(holding)

    def _write(self, lease: Lease, beat: int, before: int | None, *, last: bool) -> None:
        name = _name(lease.scope, lease.epoch, beat) + (_RELEASED if last else "")
        plain = msgspec.json.encode(lease.owner)
        signed = seal_signed(self._ring, ObjectType.LEASE, name, plain, self._random_bytes)
        self._storage.put_new(name, [signed])
        if before is not None:
            _discard(self._storage, _name(lease.scope, lease.epoch, before))

    def _newest_epoch(self, scope: str, above: int) -> int:
        """Return the newest epoch of a lease, or the one that is given if none is newer."""
        newer = [found for found in self._list(scope) if _parse(found.name)[0] > above]
        for found in sorted(newer, key=lambda one: _parse(one.name), reverse=True):
            with contextlib.suppress(ObjectMissing):
                holding = self._describe(scope, found)
                if holding is not None and _is_own(holding):
                    return holding.epoch
        return above

    def _clean(self, scope: str, epoch: int) -> None:
        for found in self._list(scope):
            if _parse(found.name)[0] < epoch:
                _discard(self._storage, found.name)

    def _list(self, scope: str) -> list[ObjectStat]:
        return list(self._storage.list(f"{LEASE_PREFIX}{scope}/"))

    def _describe(self, scope: str, found: ObjectStat) -> Holding | None:
        """Describe a beat; None if nobody who has a key made it; raises ObjectMissing."""
        stored = fetch_sealed(self._storage, found.name, MAX_NOTE_BYTES)
        try:
            owner, source = self._open(found.name, stored)
        except (IntegrityError, WrongKey, msgspec.MsgspecError):
            if not is_off("lease.authors"):
                return None
            owner, source = None, ""
        is_released = found.name.endswith(_RELEASED)
        age_s = None if is_released else self._age_s(found)
        source = "" if is_off("lease.authors") else source
        return Holding(scope, _parse(found.name)[0], is_released, owner, age_s, source)

    def _open(self, name: str, stored: bytes) -> tuple[Owner | None, str]:
        """Return who has a lease, and the source that wrote it.

        A source reads none, but proves which ones it or the repository's owner signed.
        """
        if self._ring.is_write_only:
            return None, prove_signed(self._ring, name, stored)
        try:
            plain, author = open_signed(self._ring, ObjectType.LEASE, name, stored)
        except IntegrityError:  # early programs did not sign leases
            plain = open_object(self._ring, ObjectType.LEASE, name, stored)
            author = author_of(self._ring, ObjectType.LEASE, stored)
        return msgspec.json.decode(plain, type=Owner), source_name(author.source)

    def _age_s(self, found: ObjectStat) -> float | None:
        """Ask the store how old an object is, by its own clock: it stamps a new one for us."""
        now_s = None if found.received_s is None else self._read_clock()
        return None if found.received_s is None or now_s is None else now_s - found.received_s

    def _read_clock(self) -> float | None:
        name = CLOCK_PREFIX + self._random_bytes(16).hex()
        self._storage.put_new(name, [b"now"])
        now_s = self._storage.stat(name).received_s
        _discard(self._storage, name)
        return now_s


class Lease:
    """Own one epoch of a lease."""

    def __init__(
        self,
        scope: str,
        epoch: int,
        owner: Owner,
        *,
        write: _Write,
        newest_epoch: Callable[[str, int], int],
        monotonic: Callable[[], float],
        end_process_lock: Release,
    ) -> None:
        self.scope = scope
        self.epoch = epoch
        self.owner = owner
        self._write = write
        self._newest_epoch = newest_epoch
        self._monotonic = monotonic
        self._end_process_lock = end_process_lock
        self._beats = 0
        self._before: int | None = None
        self._renewed_s = monotonic()
        self._lock = threading.Lock()

    def renew(self) -> None:
        """Send a beat; raises StorageError, and ObjectExists if the epoch is another's."""
        with self._lock:
            self._send(last=False)

    def release(self) -> None:
        """Give the lease back; it must not be used afterwards."""
        try:
            with self._lock:
                self._send(last=True)
        finally:
            self._end_process_lock()

    def _send(self, *, last: bool) -> None:
        begin_s = self._monotonic()
        for left in reversed(range(_MOST_CLAIMS)):
            try:
                self._write(self, self._beats, self._before, last=last)
                break
            except ObjectExists:
                if self._before is None or not left:
                    raise
                self._beats += 1 + secrets.randbelow(256)  # somebody without a key was here
        self._before = self._beats
        self._beats += 1
        self._renewed_s = begin_s

    def assert_held(self, entries: Sequence[Entry] = ()) -> None:
        """Make sure that nobody can have taken the lease over.

        Call it with the log's entries while deciding what to append: an owner that slept
        through its lease is told by the entry of the one who took it.

        Raises:
            RepositoryLocked: the lease is, or may be, another's.
        """
        if is_off("repo.fencing"):
            return
        is_old = self._monotonic() - self._renewed_s > self.owner.ttl_s
        is_claimed = read_history(entries).epochs.get(self.scope, 0) > self.epoch
        if is_old or is_claimed or self._newest_epoch(self.scope, self.epoch) > self.epoch:
            raise RepositoryLocked(
                f"the lease of this {self.owner.command} ended while it slept or the store did "
                "not answer; another may have taken its place",
                hint="run the command again; nothing that it wrote counts",
            )


def locked_error(holding: Holding | None) -> RepositoryLocked:
    """Make the error that tells whose lease is in the way."""
    hint = (
        f"wait until it ends; an owner that is gone loses it within {TTL_S:.0f} s; "
        "`shardvault unlock` shows and breaks it"
    )
    return RepositoryLocked(f"repository is locked by {describe_holding(holding)}", hint=hint)


def describe_holding(holding: Holding | None) -> str:
    """Say for people who has a lease."""
    if holding is None or holding.owner is None:
        return "another process"
    return describe_owner(holding.owner, age_s=holding.age_s)


def _beat(lease: Lease, stop: threading.Event, ttl_s: float) -> None:
    """Renew until told to stop; a store that fails for too long ends the lease by itself."""
    while not stop.wait(ttl_s / _BEATS_PER_TTL):
        with contextlib.suppress(StorageError):
            lease.renew()


def _claim_entry(entries: Sequence[Entry], lease: Lease) -> Claimed:
    lease.assert_held(entries)
    return Claimed(lease.scope, lease.epoch)


def _nothing() -> None:
    """Stand for a process lock where there is none."""


def _is_own(holding: Holding) -> bool:
    """Say whether a lease counts in its scope: a source has only scopes of its own."""
    source = holding.source.removeprefix(SOURCE_PREFIX)
    return not source or holding.scope.endswith(f"-{source}")


def _name(scope: str, epoch: int, beat: int) -> str:
    return f"{LEASE_PREFIX}{scope}/{epoch:08d}-{beat:08d}"


def _parse(name: str) -> tuple[int, int]:
    """Read epoch and beat; what is no lease counts as the oldest."""
    match = _BEAT.fullmatch(name.rpartition("/")[2])
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _discard(storage: Storage, name: str) -> None:
    """Remove what is not needed; keys that may only add leave it to others."""
    if not storage.features.may_delete:
        return
    with contextlib.suppress(StorageError):
        storage.delete(name)
