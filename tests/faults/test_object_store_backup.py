"""A backup to an object store that errs, stalls or lies at any request is exact or is none."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shardvault.errors import ShardvaultError
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.leases import TTL_S
from shardvault.repository.store import Repository, open_repository
from shardvault.storage import retrying
from shardvault.storage.buckets import Bucket
from shardvault.storage.objects import ObjectStorage
from shardvault.storage.retrying import RetryingStorage, RetryPolicy
from tests.support.bucket_server import BucketServer, Fault, Refusal
from tests.support.repositories import add_backup, make_repository
from tests.support.stores import BUCKET, s3_settings
from tests.support.works import OLD, back_up, find_inexact, list_ids

PLACES = 5
"""Requests of a backup that each fault befalls, spread over all of its kind."""
CUT_S = 0.5


@dataclass(frozen=True)
class Trouble:
    """Say what goes wrong with a request.

    Attributes:
        kinds: of the requests: PUT, GET, HEAD, DELETE or LIST.
        lasts: with every later request of these kinds as well, until the command has ended.
        is_overcome: the backup must end well; else it may also fail.
    """

    what: Fault | Refusal
    kinds: frozenset[str]
    lasts: bool = False
    is_overcome: bool = True


ALL = frozenset({"PUT", "GET", "HEAD", "DELETE", "LIST"})
PUT = frozenset({"PUT"})
TROUBLES = {
    "internal error": Trouble(Refusal(500, "InternalError"), ALL),
    "slow down": Trouble(Refusal(503, "SlowDown"), ALL),
    # The answer to a HEAD has no body that could tell why.
    "request timeout": Trouble(Refusal(400, "RequestTimeout"), ALL - {"HEAD"}),
    "stalled upload": Trouble(Fault.STALL, PUT),
    "stalled answer": Trouble(Fault.STALL, ALL - PUT),
    "stalled download": Trouble(Fault.STALL_BODY, frozenset({"GET", "LIST"})),
    "truncated download": Trouble(Fault.CUT_BODY, frozenset({"GET", "LIST"})),
    "wrong tag": Trouble(Fault.WRONG_TAG, ALL, lasts=True),
    "lost answer": Trouble(Fault.LOSE_ANSWER, ALL),
    "done and denied": Trouble(Fault.FAIL_LATE, PUT | {"DELETE"}),
    "conflict": Trouble(Refusal(409, "ConditionalRequestConflict"), PUT),
    "false precondition": Trouble(Refusal(412, "PreconditionFailed"), PUT),
    "forgotten": Trouble(Fault.FORGET, PUT, is_overcome=False),
    "half stored": Trouble(Fault.STORE_HALF, PUT, is_overcome=False),
    "stale list": Trouble(Fault.STALE_LIST, frozenset({"LIST"}), is_overcome=False),
    "lists stay stale": Trouble(
        Fault.STALE_LIST, frozenset({"LIST"}), lasts=True, is_overcome=False
    ),
    "down": Trouble(Refusal(503, "SlowDown"), ALL, lasts=True, is_overcome=False),
    "expired": Trouble(Refusal(403, "ExpiredToken"), ALL, lasts=True, is_overcome=False),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardvault.storage.objects.round_up", lambda _: CUT_S)


class Store:
    """Hold a bucket with one backup; every command opens the repository anew."""

    def __init__(self, server: BucketServer, folder: Path) -> None:
        self.server = server
        self.attempts = 6
        add_backup(make_repository(self._open(), folder), "old", OLD)
        self._key = read_key_file(folder / "repo.key")
        self._template = dict(server.objects)

    def _open(self) -> RetryingStorage:
        policy = RetryPolicy(self.attempts, first_pause_s=0.0, limit_s=60.0)
        bucket = Bucket(f"s3://{BUCKET}/here", s3_settings(self.server.endpoint))
        return RetryingStorage(ObjectStorage(bucket), policy)

    def repository(self) -> Repository:
        return open_repository(self._open(), self._key)

    def reset(self) -> None:
        """Go back to the one backup."""
        self.server.script = lambda method, name: None
        self.server.objects = dict(self._template)

    def count(self, kinds: frozenset[str]) -> int:
        """Count the requests of these kinds that a backup takes."""
        self.reset()
        asked: list[str] = []
        self.server.script = lambda method, name: asked.append(kind_of(method, name))
        back_up(self.repository())
        return sum(kind in kinds for kind in asked)

    def is_done_despite(self, trouble: Trouble, at: int) -> bool:
        """Back up while a request goes wrong; say whether it ended well. It must end cleanly."""
        self.reset()
        self.server.script = make_script(trouble, at)
        try:
            with contextlib.suppress(ShardvaultError):
                back_up(self.repository())
                return True
            return False
        finally:
            self.server.script = lambda method, name: None


def kind_of(method: str, name: str) -> str:
    return method if name else "LIST"


def make_script(trouble: Trouble, at: int) -> Callable[[str, str], Fault | Refusal | None]:
    """Let request number n of its kinds, from 1, go wrong, and all later ones if it lasts."""
    counter = itertools.count(1)

    def script(method: str, name: str) -> Fault | Refusal | None:
        if kind_of(method, name) not in trouble.kinds:
            return None
        number = next(counter)
        return trouble.what if number == at or (trouble.lasts and number > at) else None

    return script


@pytest.fixture
def store(bucket_server: BucketServer, tmp_path: Path) -> Store:
    return Store(bucket_server, tmp_path)


def assert_exact(store: Store, *expected: str) -> None:
    repository = store.repository()
    assert list_ids(repository) >= {"old", *expected}
    assert repository.damaged() == ()
    assert find_inexact(repository) == []


def check_trouble(store: Store, name: str, places: int) -> Iterator[bool]:
    """Let a backup run into trouble at so many places, and say where it ended well."""
    trouble = TROUBLES[name]
    total = store.count(trouble.kinds)
    for number in range(min(places, total)):
        is_done = store.is_done_despite(trouble, 1 + number * total // min(places, total))
        assert_exact(store, *["new"] * is_done)
        store.server.ahead_s += TTL_S + 1  # what a session that failed held has ended
        back_up(store.repository())
        assert_exact(store)
        yield is_done


def check_overcome(store: Store, name: str, places: int) -> None:
    ends = list(check_trouble(store, name, places))
    assert ends
    assert all(ends) or not TROUBLES[name].is_overcome


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_at_some_requests_of_a_backup_does_no_harm(store: Store, name: str) -> None:
    check_overcome(store, name, PLACES)


@pytest.mark.long(part="stores")
@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_at_any_request_of_a_backup_does_no_harm(store: Store, name: str) -> None:
    check_overcome(store, name, 1_000_000)


@pytest.mark.parametrize("name", ["slow down", "stalled upload", "truncated download"])
def test_without_retries_passing_trouble_ends_a_backup(store: Store, name: str) -> None:
    """Negative control."""
    store.attempts = 1
    with pytest.raises(AssertionError):
        check_overcome(store, name, PLACES)


def test_without_a_look_at_what_is_stored_a_lost_answer_ends_a_backup(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setattr(retrying, "_holds", lambda *_: False)
    with pytest.raises(AssertionError):
        check_overcome(store, "done and denied", PLACES)


def test_without_a_look_at_every_pack_a_forgotten_one_is_in_a_complete_backup(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setattr(ChunkWriter, "prove", lambda _: None)
    with pytest.raises((AssertionError, ShardvaultError)):
        check_overcome(store, "forgotten", 1_000_000)
