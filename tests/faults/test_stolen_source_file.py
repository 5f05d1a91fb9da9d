"""Who holds a source file can waste space and add backups in its own name, and harm nobody else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from shardvault import failpoints
from shardvault.app.building import Silent
from shardvault.errors import (
    BackupExists,
    IntegrityError,
    RefusedError,
    RepositoryLocked,
    TamperDetected,
)
from shardvault.events import Event, Noticed
from shardvault.interfaces import ChunkKind, StorageFeatures
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.report import Severity
from shardvault.operations.check import _examine_contents
from shardvault.operations.forget import forget_source
from shardvault.operations.prune import PruneOptions, run_prune
from shardvault.operations.repo_check import run_repo_check
from shardvault.operations.retention import hold_backup
from shardvault.repository import objects
from shardvault.repository.crypto import decompress
from shardvault.repository.entries import Committed, Entry, Held
from shardvault.repository.format import ENTRY, HEADER, MAX_SLOTS, PACK_RECORD
from shardvault.repository.history import History
from shardvault.repository.log import entry_name
from shardvault.repository.renewal import renew_log
from tests.support.pruning import LAST, find_unreadable, prune, verify
from tests.support.repositories import ROWS, add_backup, make_manifest, put_backup
from tests.support.sources import Raided, Thief

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


@pytest.fixture
def raided(tmp_path: Path) -> Raided:
    return Raided(tmp_path)


@pytest.fixture
def thief(raided: Raided) -> Thief:
    return Thief(raided)


def _switch_off(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    text = ";".join(f"{name}=off" for name in names)
    monkeypatch.setattr(failpoints, "_points", failpoints._parse(text))


def _forget_authors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the history take every backup for one of the owner: the negative control."""

    def complete(history: History, entry: Entry, commit: Committed) -> None:
        history.backups.setdefault(commit.backup, (entry.number, commit))
        history.commits[commit.manifest] = commit

    monkeypatch.setattr("shardvault.repository.history._complete", complete)


class Notices:
    """Keep what is reported on the way."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, Noticed):
            self.seen.append(event.message)


def _hold(word: str, _: Sequence[Entry]) -> Held:
    return Held(word, "why")


def _reasons(raided: Raided) -> list[str]:
    return [finding.message for finding in raided.owner().overview().ignored]


# Entries of the log


def test_an_entry_that_names_anothers_manifest_damages_nothing(
    raided: Raided, thief: Thief, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_backup(raided.owner(), "good")
    (manifest,) = raided.names("manifests/")
    thief.commit("evil", manifest=manifest)
    assert (raided.rows("good"), raided.listed()) == (ROWS, ["good"])
    assert raided.owner().damaged() == ()
    (reason,) = _reasons(raided)
    assert "source 'web1'" in reason
    assert "names the manifest of another backup" in reason
    _switch_off(monkeypatch, "log.authors")
    with pytest.raises(IntegrityError, match="not what was committed"):
        raided.rows("good")


def test_an_id_that_a_source_reserved_makes_the_owner_take_another(
    raided: Raided, thief: Thief
) -> None:
    for number in range(12):
        thief.commit(f"20261126T090000Z-full{f'-{number}' if number > 1 else ''}")
    backup = raided.owner().new_id(NOW, "full")
    add_backup(raided.owner(), backup)
    assert backup in raided.listed()
    assert raided.rows(backup) == ROWS


def _reserve_late(raided: Raided, thief: Thief) -> None:
    """Let a source take the owner's id between its choice and its commit."""
    owner = raided.owner()
    with owner.writer("backup") as writer:
        thief.commit("chosen")
        put_backup(owner, writer, "chosen")


def test_a_commit_under_an_id_that_a_source_took_just_now_fails(
    raided: Raided, thief: Thief, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(BackupExists, match="a backup chosen exists already"):
        _reserve_late(raided, thief)
    _switch_off(monkeypatch, "repo.counted")
    (tmp_path / "control").mkdir()
    control = Raided(tmp_path / "control")
    _reserve_late(control, Thief(control))
    assert control.listed() == []


def test_a_source_cannot_take_the_ids_of_another(raided: Raided, thief: Thief) -> None:
    raided.add_source("web2")
    other = raided.source("web2")
    backup = other.new_id(NOW, "full")
    thief.commit(backup)
    add_backup(other, backup)
    (listed,) = raided.owner().overview().backups
    assert (listed.id, listed.source) == (backup, "web2")
    assert raided.rows(backup) == ROWS


def test_an_entry_without_a_manifest_stops_no_prune(
    raided: Raided, thief: Thief, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backup in ("one", "two"):
        add_backup(raided.owner(), backup, [backup.encode() * 500])
    verify(raided.owner(), "one", "two")
    thief.commit("nothing")
    report = prune(raided.owner())
    assert [pruned.id for pruned in report.backups if not pruned.reasons] == ["one"]
    assert raided.rows("two") == [b"two" * 500]
    assert len(raided.names("packs/")) == 1
    _forget_authors(monkeypatch)
    with pytest.raises(RefusedError, match="pruning could lose data"):
        prune(raided.owner())


def test_a_source_cannot_make_its_own_entry_again(raided: Raided, thief: Thief) -> None:
    source = raided.source()
    add_backup(source, "mine")
    old = raided.storage.get(entry_name(3))
    number = len(raided.names("log/")) + 1
    thief.put(entry_name(number), old)
    assert raided.listed() == ["mine"]
    assert "not authentic" in _reasons(raided)[0]
    add_backup(raided.owner(), "next")
    assert raided.listed() == ["mine", "next"]


def _copy_header(raided: Raided) -> bytes:
    """Return the begin of an entry of the source: it names the source's epoch."""
    add_backup(raided.source(), "mine")
    return raided.storage.get(entry_name(len(raided.names("log/"))))[: HEADER.size]


def test_rubbish_of_a_source_at_the_end_of_the_log_stops_nobody(
    raided: Raided, thief: Thief
) -> None:
    header = _copy_header(raided)
    add_backup(raided.owner(), "one")
    thief.put(entry_name(len(raided.names("log/")) + 1), header + b"rubbish")
    add_backup(raided.owner(), "two")
    thief.put(entry_name(len(raided.names("log/")) + 1), header)
    assert raided.listed() == ["mine", "one", "two"]
    assert "2 entries of the log" in _reasons(raided)[0]
    assert "by source 'web1'" in _reasons(raided)[0]


def test_what_may_have_been_an_entry_of_the_owner_is_reported_as_tampering(
    raided: Raided, thief: Thief
) -> None:
    add_backup(raided.owner(), "one")
    thief.put(entry_name(len(raided.names("log/")) + 1), b"rubbish")
    with pytest.raises(TamperDetected, match="is damaged"):
        raided.listed()
    owner = raided.owner()
    renew_log(owner.insides())
    assert raided.listed() == ["one"]


def test_rubbish_in_the_place_of_an_owners_entry_is_still_found(raided: Raided) -> None:
    owner = raided.owner()
    for word in "abc":
        owner.log.append(partial(_hold, word))
    name = entry_name(len(raided.names("log/")) - 1)
    raided.storage.delete(name)
    raided.storage.put_new(name, [b"rubbish"])
    with pytest.raises(TamperDetected):
        raided.listed()


def test_an_owners_entry_is_missed_though_a_source_wrote_after_it(raided: Raided) -> None:
    """The chain of all entries alone would not prove it: a source can break that by itself."""
    owner = raided.owner()
    owner.log.append(lambda _: Held("a", "why"))
    at = len(raided.names("log/"))
    add_backup(raided.source(), "mine")
    raided.owner().log.append(lambda _: Held("b", "why"))
    raided.storage.delete(entry_name(at))
    raided.storage.put_new(entry_name(at), [b"rubbish"])
    with pytest.raises(TamperDetected):
        raided.listed()


@pytest.mark.parametrize("number", [40, 999_999_999_999])
def test_an_entry_far_beyond_the_end_costs_nothing(
    raided: Raided, thief: Thief, number: int
) -> None:
    thief.put(entry_name(number), b"rubbish")
    add_backup(raided.owner(), "one")
    add_backup(raided.source(), "two")
    assert raided.listed() == ["one", "two"]
    assert "after a gap" in _reasons(raided)[0]


def test_a_lost_entry_of_the_owner_is_still_missed(raided: Raided, thief: Thief) -> None:
    add_backup(raided.owner(), "one")
    add_backup(raided.owner(), "two")
    raided.storage.delete(entry_name(len(raided.names("log/")) - 1))
    with pytest.raises(TamperDetected, match="is missing"):
        raided.listed()


def test_many_entries_are_read_once_each_and_reported_in_one_line(
    raided: Raided, thief: Thief, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = _copy_header(raided)
    begin = len(raided.names("log/"))
    for number in range(begin + 1, begin + 2001):
        thief.put(entry_name(number), header + b"rubbish %d" % number)
    add_backup(raided.owner(), "one")
    owner = raided.owner()
    gets: list[str] = []
    get = raided.storage.get

    def count(name: str, offset: int = 0, size: int | None = None) -> bytes:
        gets.append(name)
        return get(name, offset, size)

    monkeypatch.setattr(raided.storage, "get", count)
    assert [summary.id for summary in owner.list()] == ["mine", "one"]
    assert len(gets) < 2100
    (line,) = [str(ignored) for ignored in owner.log.ignored()]
    assert line.startswith(f"2000 entries of the log from entry {begin + 1} on by sources/")


def test_check_and_repo_check_report_what_is_ignored(raided: Raided, thief: Thief) -> None:
    add_backup(raided.owner(), "one")
    thief.commit("evil", manifest=raided.names("manifests/")[0])
    checked = list(_examine_contents("main", raided.owner()))
    assert [one.severity for one in checked] == [Severity.OK, Severity.WARNING]
    assert "names the manifest of another backup" in checked[1].message
    report = run_repo_check(raided.owner(), Silent(), threads=1)
    assert report.status == "warnings"
    (finding,) = [one for one in report.findings if one.severity is Severity.WARNING]
    assert "counts for nothing" in finding.message
    assert raided.key().source.hex() in finding.message


# Order and clocks


def _take_over(raided: Raided) -> None:
    source = raided.source()
    with source.writer("backup") as writer:
        manifest = put_backup(source, writer, "first")
        late = replace(manifest, id=BackupId("evil"), begin="2096-01-01T00:00:00Z")
        source.commit(replace(late, end="2096-01-01T00:00:00Z"))


def test_a_clock_in_the_future_does_not_take_over_latest(raided: Raided) -> None:
    _take_over(raided)
    add_backup(raided.owner(), "good")
    assert raided.latest() == "good"
    assert any(
        "evil of source 'web1' says that it ended at 2096" in one for one in _reasons(raided)
    )
    by_clock = max(raided.owner().list(), key=lambda summary: summary.begin)
    assert by_clock.id == "evil"  # the control: this is what the clocks say


def test_nothing_of_a_removed_source_ranks_above_others(
    raided: Raided, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_backup(raided.owner(), "good")
    _take_over(raided)
    assert raided.latest() == "evil"
    raided.remove_source()
    assert raided.latest() == "good"
    (evil,) = [one for one in raided.owner().overview().backups if one.id == "evil"]
    assert (evil.source, evil.is_source_removed) == ("web1", True)
    _forget_authors(monkeypatch)
    assert raided.latest() == "evil"


def test_backups_of_a_source_do_not_push_others_out_of_retention(raided: Raided) -> None:
    add_backup(raided.owner(), "good")
    _take_over(raided)
    verify(raided.owner(), "good", "first", "evil")
    report = prune(raided.owner())
    assert "good" in {pruned.id for pruned in report.backups if pruned.reasons}
    assert raided.rows("good") == ROWS


# Objects that are large, lie, or are none


def _plant_bombs(thief: Thief, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    with monkeypatch.context() as patch:
        patch.setattr(objects, "_limit_plain", lambda *_: 1 << 40)
        record = PACK_RECORD.pack(bytes(32), 9, 400_000) + bytes(ENTRY.size * 400_000)
        return [thief.put_index(record * 4) for _ in range(2)]


def test_index_objects_that_swell_are_not_read(
    raided: Raided, thief: Thief, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_backup(raided.owner(), "one")
    bombs = _plant_bombs(thief, monkeypatch)
    assert max(len(raided.storage.get(name)) for name in bombs) < 16 << 10
    sizes: list[int] = []

    def measure(frame: bytes, limit_bytes: int) -> bytes:
        sizes.append(limit_bytes)
        return decompress(frame, limit_bytes)

    monkeypatch.setattr(objects, "decompress", measure)
    overview = raided.owner().overview()
    assert (len(overview.backups), overview.damaged) == (1, ())
    assert "2 index objects that no backup needs" in overview.ignored[0].message
    assert raided.rows("one") == ROWS
    swollen = 65 << 20
    assert [limit for limit in sizes if limit < 1 << 20]
    _switch_off(monkeypatch, "repo.record_limits")
    assert len(raided.owner().reader()._index.names) == 3
    assert max(sizes) > swollen


def test_an_honest_writer_never_writes_what_nobody_would_read(raided: Raided, thief: Thief) -> None:
    with pytest.raises(RefusedError, match="larger than any that is read"):
        thief.put_index(bytes(1 << 22))


def test_rubbish_among_index_objects_stops_no_prune(raided: Raided, thief: Thief) -> None:
    for backup in ("one", "two"):
        add_backup(raided.owner(), backup, [backup.encode() * 500])
    verify(raided.owner(), "one", "two")
    thief.put(f"index/{'ab' * 16}", b"rubbish")
    prune(raided.owner())
    assert (raided.listed(), raided.rows("two")) == (["two"], [b"two" * 500])


def test_an_index_that_lies_about_anothers_pack_makes_it_no_damage(
    raided: Raided, thief: Thief
) -> None:
    add_backup(raided.owner(), "one")
    packs = [bytes.fromhex(name.rpartition("/")[2]) for name in raided.names("packs/")]
    thief.put_index(b"".join(PACK_RECORD.pack(pack, 7, 0) for pack in packs))
    report = run_repo_check(raided.owner(), Silent(), threads=1)
    assert report.damage == ()
    assert [one for one in report.findings if one.severity is Severity.BLOCKER] == []
    assert find_unreadable(raided.owner()) == []


def test_what_a_source_says_of_chunks_is_no_reason_not_to_store_them(
    raided: Raided, thief: Thief
) -> None:
    owner = raided.owner()
    chunk = owner._ring.chunk_id(ChunkKind.ROWS, b"rows of the owner")
    entry = ENTRY.pack(chunk, 1, 50, 17)
    thief.put_index(PACK_RECORD.pack(os.urandom(32), 200, 1) + entry)
    with owner.writer("backup") as writer:
        assert writer.put(b"rows of the owner", ChunkKind.ROWS).stored_bytes > 0
        put_backup(owner, writer, "one", [b"rows of the owner"])
    assert raided.rows("one") == [b"rows of the owner"]


def _commit_manifest(thief: Thief, backup: str, manifest: object, index: tuple[str, ...]) -> None:
    name = thief.put_manifest(backup, manifest, index)
    thief.commit(backup, digest=sha256(thief.storage.get(name)).hexdigest())


BROKEN = {
    "of a newer version": {"version": 99},
    "with no time": {"begin": "yesterday"},
    "that is no manifest": {"shards": 7},
    "of another backup": {"id": "other"},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_manifest_that_cannot_be_read_stops_nobody(
    raided: Raided, thief: Thief, change: dict[str, object]
) -> None:
    for backup in ("one", "two"):
        add_backup(raided.owner(), backup, [backup.encode() * 500])
    verify(raided.owner(), "one", "two")
    fields = msgspec.to_builtins(make_manifest("evil", ()))
    _commit_manifest(thief, "evil", {**fields, **change}, ())
    assert raided.listed() == ["one", "two"]
    prune(raided.owner())
    assert raided.rows("two") == [b"two" * 500]
    raided.remove_source()
    assert raided.latest() == "two"


def test_a_manifest_that_names_chunks_which_are_not_stored_stops_no_prune(
    raided: Raided, thief: Thief
) -> None:
    for backup in ("one", "two"):
        add_backup(raided.owner(), backup, [backup.encode() * 500])
    verify(raided.owner(), "one", "two")
    manifest = msgspec.to_builtins(make_manifest("evil", (ChunkId(os.urandom(32)),)))
    _commit_manifest(thief, "evil", manifest, ("ab" * 16,))
    planned, done = Notices(), Notices()
    run_prune(raided.owner(), PruneOptions(LAST, is_dry=True), planned)
    run_prune(raided.owner(), PruneOptions(LAST), done)
    assert [text.count("stay as they are") for text in (*planned.seen, *done.seen)] == [1, 1]
    assert raided.rows("two") == [b"two" * 500]
    assert "one" not in raided.listed()


def test_every_backup_of_a_source_is_forgotten_in_one_step(raided: Raided, thief: Thief) -> None:
    add_backup(raided.owner(), "good")
    _take_over(raided)
    thief.commit("nothing")
    held = raided.owner()
    hold_backup(held, "first", "evidence")
    raided.remove_source()
    done = forget_source(raided.owner(), f"sources/{raided.key().source.hex()}")
    assert (set(done.backups), done.held) == ({"evil", "nothing"}, ("first",))
    assert raided.listed() == ["first", "good"]
    assert raided.owner().damaged() == ()
    prune(raided.owner())
    assert raided.rows("good") == ROWS


# Leases, on a store that knows no processes


@pytest.fixture
def remote(raided: Raided) -> Raided:
    raided.storage.features = StorageFeatures(atomic_create=True, owner_lock=False)
    return raided


def _scopes(raided: Raided) -> tuple[str, ...]:
    """Name the leases that the owner needs."""
    return ("prune", "keys", raided.owner()._scope(""))


def test_a_lease_of_a_source_keeps_nobody_from_work(
    remote: Raided, thief: Thief, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backup in ("one", "two"):
        add_backup(remote.owner(), backup, [backup.encode() * 500])
    verify(remote.owner(), "one", "two")
    for scope in _scopes(remote):
        thief.put_lease(scope, epoch=90)
    add_backup(remote.owner(), "three")
    prune(remote.owner())
    assert remote.listed() == ["two", "three"]
    remote.remove_source()
    for scope in _scopes(remote):
        thief.put_lease(scope, epoch=95)
    _switch_off(monkeypatch, "lease.authors")
    with pytest.raises(RepositoryLocked):
        add_backup(remote.owner(), "four")


def test_a_source_that_is_always_at_work_keeps_only_its_own_packs(
    remote: Raided, thief: Thief
) -> None:
    for backup in ("one", "two"):
        add_backup(remote.owner(), backup, [backup.encode() * 500])
    verify(remote.owner(), "one", "two")
    thief.put_lease(f"backup-x-{remote.key().source.hex()}")
    report = prune(remote.owner())
    assert (report.status, remote.listed()) == ("complete", ["two"])
    assert len(remote.names("packs/")) == 1
    assert remote.rows("two") == [b"two" * 500]


def test_packs_of_a_source_wait_for_its_session_and_not_once_its_key_is_removed(
    remote: Raided, thief: Thief
) -> None:
    for backup in ("one", "two"):
        add_backup(remote.source(), backup, [backup.encode() * 500])
    verify(remote.owner(), "one", "two")
    thief.put_lease(f"backup-x-{remote.key().source.hex()}")
    assert prune(remote.owner()).status == "waiting"
    assert len(remote.names("packs/")) == 2
    remote.remove_source()
    assert prune(remote.owner()).status == "complete"
    assert len(remote.names("packs/")) == 1


def test_rubbish_in_the_place_of_the_next_beat_ends_no_session(
    remote: Raided, thief: Thief
) -> None:
    owner = remote.owner()
    scope = owner._scope("")
    for epoch in (1, 2, 99_999_999):
        thief.put(f"leases/{scope}/{epoch:08d}-00000000", b"rubbish")
    with owner.writer("backup") as writer:
        session = owner._session
        assert session is not None
        for beat in range(1, 5):
            thief.put(f"leases/{scope}/{session.lease.epoch:08d}-{beat:08d}", b"rubbish")
        thief.put_lease(scope, epoch=session.lease.epoch + 1)
        for _ in range(3):
            session.lease.renew()
        put_backup(owner, writer, "one")
    assert remote.listed() == ["one"]


def test_a_source_is_stopped_by_its_own_lease_and_by_the_owner_alone(
    remote: Raided, thief: Thief
) -> None:
    remote.add_source("web2")
    source = remote.source("web2")
    with source.writer("backup"):
        scope = source._scope("")
        thief.put_lease(scope, epoch=50)
        with pytest.raises(RepositoryLocked), remote.source("web2").writer("backup"):
            raise AssertionError
    with source.writer("backup") as writer:
        assert remote.owner().leases.break_lease(scope) is not None
        with pytest.raises(RepositoryLocked, match="ended"):
            put_backup(source, writer, "three")


def test_a_source_with_many_leases_adds_little_to_the_log(remote: Raided, thief: Thief) -> None:
    remote.storage._now_s = lambda: 1e9
    for number in range(100):
        thief.put_lease(f"backup-{number}-{remote.key().source.hex()}")
    remote.storage._now_s = lambda: 1e9 + 1000
    before = len(remote.names("log/"))
    add_backup(remote.owner(), "one")
    assert len(remote.names("log/")) == before + 1
    assert remote.owner().leases.look_at_all() == ()


def test_many_objects_among_the_key_slots_keep_no_key_file_out(
    raided: Raided, thief: Thief
) -> None:
    for number in range(100):
        thief.put(f"keys/{number:032x}", b"rubbish")
    add_backup(raided.owner(), "one")
    keys = raided.owner().keychain().list()
    assert (raided.listed(), len(keys.slots)) == (["one"], 1)
    assert len(keys.damaged) == MAX_SLOTS + 1
