"""Lose packs of groups of four, each of which has one object of parity."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from shardvault.interfaces import ChunkKind
from shardvault.model.policy import Keep
from shardvault.operations.prune import PruneOptions, run_prune
from shardvault.operations.repo_check import run_repo_check
from shardvault.operations.repo_repair import RepairOptions, run_repo_repair
from shardvault.repository.format import pack_name
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.mending import renew_parity
from shardvault.repository.parity import Group, read_groups
from shardvault.repository.samples import Sample
from shardvault.repository.store import open_repository
from shardvault.storage.memory import MemoryStorage
from tests.support.damage import Overlay, Quiet, copy_store, names_of
from tests.support.pruning import rows_of, verify
from tests.support.repositories import make_repository, put_backup


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryStorage, bytes]:
    folder, storage = tmp_path_factory.mktemp("key"), MemoryStorage()
    repository = make_repository(storage, folder)
    choose = random.Random(5)
    with repository.writer("backup", parity_packs=4) as writer:
        for number in range(10):
            data = choose.randbytes(200 + 50 * number)
            writer.put(data, ChunkKind.ROWS)
            writer.flush()
        writer.prove()
    return storage, read_key_file(folder / "repo.key")


def groups_of(storage: MemoryStorage, key: bytes) -> list[list[str]]:
    ring = open_repository(storage, key).insides().ring
    return [
        [pack_name(pack) for pack in group.sizes]
        for group in read_groups(storage, ring)
        if isinstance(group, Group)
    ]


def test_one_lost_or_damaged_pack_of_each_group_is_brought_back_bit_by_bit(
    protected: tuple[MemoryStorage, bytes],
) -> None:
    storage, key = protected
    groups, choose, mended = groups_of(storage, key), random.Random(7), 0
    assert sorted(map(len, groups)) == [2, 4, 4]
    for _ in range(1000 // len(groups) + 1):
        victims = [choose.choice(group) for group in groups]
        copy = Overlay(
            storage,
            {name: choose.choice([None, storage.get(name)[:-1], b"\0" * 50]) for name in victims},
        )
        options = RepairOptions(1)
        report = run_repo_repair(open_repository(copy, key), Quiet(), options)
        assert sorted(report.mended) == sorted(victims)
        assert all(copy.get(name) == storage.get(name) for name in names_of(storage))
        mended += len(victims)
    assert mended >= 1000


def test_two_lost_packs_of_a_group_are_told(protected: tuple[MemoryStorage, bytes]) -> None:
    storage, key = protected
    group = max(groups_of(storage, key), key=len)
    copy = Overlay(storage, dict.fromkeys(group[:2]))
    report = run_repo_repair(open_repository(copy, key), Quiet(), RepairOptions(1))
    assert report.mended == ()
    assert {finding.what for finding in report.findings} >= set(group[:2])


def test_damaged_parity_is_told_and_mends_nothing_wrong(
    protected: tuple[MemoryStorage, bytes],
) -> None:
    storage, key = protected
    copy = copy_store(storage)
    for name in names_of(storage, "parity/"):
        data = bytearray(storage.get(name))
        data[-1] ^= 1
        copy.delete(name)
        copy.put_new(name, [bytes(data)])
    repository = open_repository(copy, key)
    report = run_repo_check(repository, Quiet(), threads=1, sample=Sample())
    assert report.status == "warnings"
    assert {finding.what for finding in report.findings} == set(names_of(storage, "parity/"))


def test_a_group_that_lost_packs_to_a_prune_is_made_anew(
    protected: tuple[MemoryStorage, bytes],
) -> None:
    storage, key = protected
    group = max(groups_of(storage, key), key=len)
    copy = Overlay(storage, {group[0]: None})
    insides = open_repository(copy, key).insides()
    packs = {bytes.fromhex(name[-64:]) for name in names_of(copy, "packs/")}
    assert len(renew_parity(insides, packs, 4)) == 1
    covered = [name for one in groups_of(copy, key) for name in one]
    assert sorted(covered) == names_of(copy, "packs/")


def test_a_prune_protects_anew_what_shared_parity_with_packs_that_went(tmp_path: Path) -> None:
    storage = MemoryStorage()
    repository = make_repository(storage, tmp_path)
    for number in range(4):
        with repository.writer("backup", parity_packs=2) as writer:
            put_backup(repository, writer, f"b{number}", rows_of(number, common=1))
        verify(repository, f"b{number}")
    key = read_key_file(tmp_path / "repo.key")
    run_prune(open_repository(storage, key), PruneOptions(Keep(last=1), parity_packs=2), Quiet())
    packs = sorted(names_of(storage, "packs/"))
    assert sorted(name for group in groups_of(storage, key) for name in group) == packs
    original = storage.get(packs[0])
    storage.delete(packs[0])
    assert run_repo_repair(open_repository(storage, key), Quiet(), RepairOptions(1)).mended
    assert storage.get(packs[0]) == original
