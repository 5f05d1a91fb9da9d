"""A source learns that its key was removed, and from nobody else than the owner."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shardvault import failpoints
from shardvault.clock import format_time, utc_now
from shardvault.errors import IntegrityError, ShardvaultError, WrongKey
from shardvault.repository.tombstones import put_tombstone
from tests.support.repositories import add_backup, put_backup
from tests.support.sources import Raided, Thief


@pytest.fixture
def raided(tmp_path: Path) -> Raided:
    return Raided(tmp_path)


def _fail_at(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(failpoints, "_points", failpoints._parse(text))


def test_a_removed_source_is_refused_when_it_begins(raided: Raided) -> None:
    add_backup(raided.source(), "one")
    raided.remove_source()
    with pytest.raises(WrongKey, match=r"key of this source was removed at 20.*Z; what it adds"):
        raided.source()
    assert raided.listed() == ["one"]


def _remove_meanwhile(raided: Raided) -> None:
    source = raided.source()
    with source.writer("backup") as writer:
        raided.remove_source()
        put_backup(source, writer, "late")


def test_a_source_that_is_removed_while_it_works_reports_that_its_backup_does_not_count(
    raided: Raided, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(WrongKey, match="backup late was stored and counts for nothing"):
        _remove_meanwhile(raided)
    assert raided.listed() == []
    (tmp_path / "control").mkdir()
    control = Raided(tmp_path / "control")
    _fail_at(monkeypatch, "source.tombstone=off")
    _remove_meanwhile(control)  # success is reported
    assert control.listed() == []


def test_the_owner_sees_what_a_removed_source_added_and_by_whom(raided: Raided) -> None:
    thief = Thief(raided)
    raided.remove_source()
    for number in range(3):
        thief.commit(f"late{number}")
    (finding,) = raided.owner().overview().ignored
    assert "3 entries of the log" in finding.message
    assert "source 'web1'" in finding.message
    assert "the key of this source was removed before" in finding.message
    assert "key remove" in finding.remedy


def test_a_removal_that_ends_half_way_fails_the_source_and_not_the_other_way_round(
    raided: Raided, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_at(monkeypatch, "key.tombstone=error")
    with pytest.raises(ShardvaultError, match=r"key\.tombstone"):
        raided.remove_source()
    _fail_at(monkeypatch, "")
    with pytest.raises(WrongKey, match="removed"):
        raided.source()
    raided.remove_source()
    (source,) = raided.owner().keychain().list().sources
    assert source.is_revoked


def test_other_sources_go_on(raided: Raided) -> None:
    raided.add_source("web2")
    raided.remove_source()
    add_backup(raided.source("web2"), "two")
    assert raided.listed() == ["two"]


def _forge(raided: Raided, what: str) -> bytes:
    """Make something that looks like a tombstone and that the owner did not make."""
    raided.add_source("web2")
    identity = raided.key("web2").source
    removed = format_time(utc_now())
    put_tombstone(raided.storage, raided.owner()._ring, identity, removed, os.urandom)
    (name,) = raided.names("tombstones/")
    stored = raided.storage.get(name)
    return {"copied": stored, "empty": b"", "rubbish": os.urandom(200), "unsigned": stored[:-64]}[
        what
    ]


@pytest.mark.parametrize("what", ["copied", "empty", "rubbish", "unsigned"])
def test_nobody_but_the_owner_ends_a_source(raided: Raided, what: str) -> None:
    name = f"tombstones/{raided.key().source.hex()}/{'ab' * 16}"
    raided.storage.put_new(name, [_forge(raided, what)])
    add_backup(raided.source(), "one")
    assert raided.listed() == ["one"]
    raided.remove_source()
    with pytest.raises(WrongKey):
        raided.source()


def test_whoever_hides_a_tombstone_among_many_objects_is_found(raided: Raided) -> None:
    for number in range(300):
        raided.storage.put_new(f"tombstones/{raided.key().source.hex()}/{number:032x}", [b""])
    with pytest.raises(IntegrityError, match="more than there can be"):
        raided.source()


def test_a_tombstone_shows_no_label_and_is_no_stranger(raided: Raided) -> None:
    raided.remove_source()
    (name,) = raided.names("tombstones/")
    assert b"web1" not in raided.storage.get(name)
    assert b"removed" not in raided.storage.get(name)
    assert raided.owner().damaged() == ()
