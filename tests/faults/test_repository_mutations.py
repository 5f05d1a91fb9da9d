"""Change every object of a repository in every way: all is found, and the report is exact."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from shardvault import failpoints
from shardvault.errors import ShardvaultError
from shardvault.operations.repo_check import run_repo_check
from shardvault.repository.history import History
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.samples import Sample
from shardvault.repository.store import open_repository
from shardvault.storage.memory import MemoryStorage
from tests.support.damage import (
    Contents,
    Overlay,
    Quiet,
    Remembered,
    add_tables,
    copy_store,
    names_of,
    read_lost,
    told_lost,
)
from tests.support.repositories import make_repository

ONE: Contents = {"a": [[b"a" * 30, b"b" * 30], [b"c" * 30]], "d": [[b"d" * 30]]}
TWO: Contents = {"a": ONE["a"], "e": [[b"e" * 30]]}
BACKUPS = {"one": ONE, "two": TWO}
Change = Mapping[str, bytes | None]


@dataclass(frozen=True)
class Sound:
    """Hold a sound repository, its key, what a client saw of it, and earlier states."""

    storage: MemoryStorage
    key: bytes
    memory: Remembered
    states: list[MemoryStorage]
    manifests: list[str]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    folder, storage, states = tmp_path_factory.mktemp("key"), MemoryStorage(), []
    repository = make_repository(storage, folder)
    for backup, contents in BACKUPS.items():
        states.append(copy_store(storage))
        add_tables(repository, backup, contents)
    key, memory = read_key_file(folder / "repo.key"), Remembered()
    open_repository(storage, key, memory=memory).list()
    manifests = [one.manifest for _, one in (repository.history() or History()).backups.values()]
    return Sound(storage, key, memory, states, manifests)


def judge(sound: Sound, change: Change) -> str:
    """Check the repository with a change, and compare the report with what really fails.

    A backup of which nothing is left, no entry and no manifest, cannot be named in it.
    """
    storage = Overlay(sound.storage, change)
    memory = Remembered(sound.memory.head)
    try:
        repository = open_repository(storage, sound.key, memory=memory)
    except ShardvaultError:
        return "refused"
    report = run_repo_check(repository, Quiet(), threads=1, sample=Sample())
    repository.log.accept()
    told, lost = told_lost(report.damage, BACKUPS), read_lost(repository, BACKUPS)
    assert told <= lost
    assert {backup for backup, _ in lost - told} <= forgotten(sound, change)
    return report.status


def forgotten(sound: Sound, change: Change) -> set[str]:
    """Name the backups whose entry and manifest are both hit."""
    backups = dict(zip(BACKUPS, names_of(sound.storage, "log/")[1:], strict=True))
    manifests = dict(zip(BACKUPS, sound.manifests, strict=True))
    return {backup for backup in BACKUPS if {backups[backup], manifests[backup]} <= set(change)}


def flips(sound: Sound) -> Iterator[Change]:
    for name in names_of(sound.storage):
        data = sound.storage.get(name)
        for position in range(8 * len(data)):
            changed = bytearray(data)
            changed[position // 8] ^= 1 << position % 8
            yield {name: bytes(changed)}


def cuts(sound: Sound) -> Iterator[Change]:
    for name in names_of(sound.storage):
        data = sound.storage.get(name)
        yield from ({name: data[:length]} for length in range(len(data)))


def swaps(sound: Sound) -> Iterator[Change]:
    for one, other in itertools.permutations(names_of(sound.storage), 2):
        yield {one: sound.storage.get(other)}
        yield {one: sound.storage.get(other), other: sound.storage.get(one)}


def deletions(sound: Sound) -> Iterator[Change]:
    yield from ({name: None} for name in names_of(sound.storage))


def rollbacks(sound: Sound) -> Iterator[Change]:
    """Bring back an earlier state of everything, or of one sort of objects."""
    for state in sound.states:
        for prefix in ("", "log/", "manifests/", "index/", "packs/"):
            newer = set(names_of(sound.storage, prefix)) - set(names_of(state, prefix))
            yield dict.fromkeys(newer)


def count(sound: Sound, changes: Iterator[Change]) -> Counter[str]:
    outcomes = Counter(judge(sound, change) for change in changes)
    assert outcomes.total()
    assert set(outcomes) <= {"damaged", "refused"}, outcomes
    return outcomes


def test_the_sound_repository_is_found_sound(sound: Sound) -> None:
    assert judge(sound, {}) == "ok"


def test_every_deleted_object_is_found_and_the_report_is_exact(sound: Sound) -> None:
    count(sound, deletions(sound))


def test_every_object_in_the_place_of_another_is_found(sound: Sound) -> None:
    count(sound, swaps(sound))


def test_every_part_of_an_older_state_is_found(sound: Sound) -> None:
    count(sound, rollbacks(sound))


@pytest.mark.parametrize("make", [flips, cuts])
def test_a_sample_of_flipped_bits_and_cuts_is_found(sound: Sound, make: object) -> None:
    assert callable(make)
    every = list(make(sound))
    count(sound, iter(random.Random(1).sample(every, 250)))


@pytest.mark.long(part="damage")
def test_every_flipped_bit_and_every_cut_is_found(sound: Sound) -> None:
    for make in (flips, cuts):
        outcomes = count(sound, make(sound))
        print(f"{make.__name__}: {outcomes.total()} changes, all found: {dict(outcomes)}")


def hide_history(sound: Sound, choose: random.Random) -> Change:
    """Delete random objects of the history, or bring an earlier state back, whole or in part."""
    names = names_of(sound.storage, "log/") + names_of(sound.storage, "manifests/")
    if choose.random() < 0.5:
        return dict.fromkeys(choose.sample(names, choose.randint(1, len(names))))
    state = choose.choice(sound.states)
    newer = sorted(set(names_of(sound.storage)) - set(names_of(state)))
    gone: dict[str, bytes | None] = dict.fromkeys(newer)
    kept = [name for name in newer if not name.startswith("log/")]
    for name in choose.sample(kept, choose.randint(0, len(kept))):
        del gone[name]
    return gone


def is_reported(sound: Sound, change: Change) -> bool:
    """Say whether the next `list` of the same client tells of it."""
    storage, memory = Overlay(sound.storage, change), Remembered(sound.memory.head)
    try:
        return bool(open_repository(storage, sound.key, memory=memory).damaged())
    except ShardvaultError:
        return True


def test_a_thousand_deletions_and_rollbacks_of_history_are_reported(sound: Sound) -> None:
    choose = random.Random(2)
    changes = [hide_history(sound, choose) for _ in range(1000)]
    assert [change for change in changes if not is_reported(sound, change)] == []


def test_without_its_memory_a_rollback_goes_unseen(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setitem(failpoints._points, "repo.memory", failpoints._Point("off", None))
    state = sound.states[-1]
    gone = set(names_of(sound.storage)) - set(names_of(state))
    assert not is_reported(sound, dict.fromkeys(gone))


def test_a_hole_in_the_reading_is_noticed(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a check that reads no bytes misses a flipped bit, and this test sees it."""
    name = names_of(sound.storage, "packs/")[0]
    data = bytearray(sound.storage.get(name))
    data[60] ^= 1
    monkeypatch.setattr(Sample, "has", lambda sample, pack: False)
    with pytest.raises(AssertionError):
        judge(sound, {name: bytes(data)})
