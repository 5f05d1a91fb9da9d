from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from shardvault.errors import StorageUnavailable
from shardvault.events import PhaseStarted
from shardvault.interfaces import ObjectStat
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Fleet
from shardvault.operations.check import Place, run_check
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.sources import read_source_file
from shardvault.repository.store import (
    Repository,
    create_repository,
    open_for_source,
    open_repository,
)
from shardvault.storage import open_storage
from shardvault.storage.memory import MemoryStorage
from shardvault.storage.retrying import RetryingStorage, RetryPolicy
from shardvault.storage.settings import StoreSettings
from shardvault.storage.wrapper import Wrapper
from tests.integration.barrier_support import ListSink
from tests.support.damage import Remembered, names_of
from tests.support.repositories import add_backup, make_repository

NO_SHARDS = Fleet("shop", (), ())


class Home:
    """Hold a repository of one backup, and what this computer remembers of it."""

    def __init__(self, folder: Path) -> None:
        self.storage = MemoryStorage()
        self.memory = Remembered()
        self.key_file = folder / "repo.key"
        make_repository(self.storage, folder)
        self.key = read_key_file(self.key_file)
        add_backup(self.open(), "one")

    def open(self) -> Repository:
        return open_repository(self.storage, self.key, memory=self.memory)

    def lose(self, prefix: str, newest: int | None = None) -> None:
        for name in sorted(names_of(self.storage, prefix))[-newest if newest else 0 :]:
            self.storage.delete(name)

    def check(self, *, is_mirror: bool = False) -> Finding:
        report = run_check(NO_SHARDS, None, [Place("main", self.open, is_mirror)])
        (finding,) = report.findings
        assert (report.status == "blocked") == (finding.severity is Severity.BLOCKER)
        assert (finding.where, finding.what) == ("repository", "main")
        return finding


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_sound_repository_is_told_with_its_id_and_backups(home: Home) -> None:
    finding = home.check()
    assert finding.severity is Severity.OK
    assert finding.message == f"{home.open().id}; backups: 1"


def _forget_and_lose(home: Home) -> None:
    home.memory = Remembered()
    home.storage = MemoryStorage()


def _exchange(home: Home) -> None:
    home.storage = MemoryStorage()
    create_repository(home.storage, home.key_file)


def _change_key(home: Home) -> None:
    home.key = b"w" * 32


SPOILED: dict[str, tuple[Callable[[Home], object], str, str]] = {
    "never made": (_forget_and_lose, "there is no repository", "shardvault init"),
    "gone": (lambda home: home.lose(""), "is gone", "bring its objects back"),
    "exchanged": (_exchange, "another repository", "accept"),
    "rolled back": (lambda home: home.lose("log/", 1), "older state", "accept"),
    "wrong key": (_change_key, "the key does not open", "key list"),
    "manifest gone": (lambda home: home.lose("manifests/"), "manifests/", "copy"),
    "index gone": (lambda home: home.lose("index/"), "index/", "repo check"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_what_is_wrong_with_a_repository_blocks_and_has_its_remedy(home: Home, case: str) -> None:
    spoil, message, remedy = SPOILED[case]
    assert home.check().severity is Severity.OK
    spoil(home)
    finding = home.check()
    assert finding.severity is Severity.BLOCKER
    assert message in finding.message
    assert remedy in finding.remedy


def test_a_mirror_that_was_never_filled_blocks_no_backup(home: Home) -> None:
    _forget_and_lose(home)
    assert home.check(is_mirror=True).severity is Severity.WARNING


def test_a_source_looks_at_the_log_and_reads_no_backup(home: Home, tmp_path: Path) -> None:
    home.open().keychain().add_source("web1", tmp_path / "web1.source")
    key = read_source_file(tmp_path / "web1.source")
    place = Place("main", lambda: open_for_source(home.storage, key, tmp_path, memory=home.memory))
    assert run_check(NO_SHARDS, None, [place]).status == "ok"
    home.lose("log/", 1)
    assert run_check(NO_SHARDS, None, [place]).status == "blocked"


class DeadStore(Wrapper):
    def stat(self, name: str) -> ObjectStat:
        raise StorageUnavailable("no answer")


def test_a_store_without_answer_is_reported_and_not_asked_again(home: Home) -> None:
    opened: list[str] = []
    sink = ListSink()

    def opening(name: str) -> Callable[[], Repository]:
        def open_home() -> Repository:
            opened.append(name)
            return home.open()

        return open_home

    places = [Place(name, opening(name)) for name in ("main", "copy")]
    report = run_check(NO_SHARDS, DeadStore(home.storage), places, sink)
    assert opened == ["copy"]
    assert [(item.what, item.severity) for item in report.findings] == [
        ("probe", Severity.BLOCKER),
        ("main", Severity.BLOCKER),
        ("copy", Severity.OK),
    ]
    phases = {event.phase for event in sink.events if isinstance(event, PhaseStarted)}
    assert phases >= {"probe the store", "open repository copy"}


def test_check_repeats_requests_for_a_shorter_time_than_a_backup() -> None:
    settings = StoreSettings(secret=lambda: "s", user="u", endpoint="http://127.0.0.1:9")
    policies = [
        cast(RetryingStorage, open_storage("s3://bucket/p", each))._policy
        for each in (settings, replace(settings, retry_s=10.0))
    ]
    assert [policy.limit_s for policy in policies] == [RetryPolicy().limit_s, 10.0]
