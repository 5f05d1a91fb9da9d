"""Run the commands on the repository on a real, small one."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.repository.mending import renew_parity
from shardvault.storage import open_storage
from tests.support.damage import add_tables, names_of
from tests.support.repositories import make_repository
from tests.unit.cli.conftest import Outcome, Run

ROWS = {"orders": [[b"o" * 3000], [b"p" * 3000]], "items": [[b"i" * 3000]]}


class Home:
    """Hold a repository of two backups and its configuration file."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self._run = run
        self.storage = open_storage(f"{folder}/repo")
        repository = self._repository = make_repository(self.storage, folder)
        add_tables(repository, "one", {"orders": ROWS["orders"]})
        add_tables(repository, "two", ROWS)
        (folder / "shop.yaml").write_text(
            "fleet: {name: shop, user: u, shards: [{name: s0, primary: {socket: /nowhere}}]}\n"
            f"repository: {{url: 'file://{folder}/repo', key: {{file: {folder}/repo.key}}}}\n"
        )

    def run(self, *words: str) -> Outcome:
        return self._run("-c", str(self.folder / "shop.yaml"), *words)

    def protect(self) -> None:
        """Protect all packs by one object of parity."""
        insides = self._repository.insides()
        packs = [bytes.fromhex(name[-64:]) for name in names_of(self.storage, "packs/")]
        renew_parity(insides, packs, len(packs))

    def read(self, *words: str) -> int:
        return int(self.run("repo", "check", *words, "--format=json").json["packs_read"])

    def spoil(self, prefix: str) -> str:
        name = names_of(self.storage, prefix)[0]
        path = self.folder / "repo" / name
        path.write_bytes(path.read_bytes()[:-9])
        return name


@pytest.fixture
def home(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    return Home(tmp_path, run)


def test_a_sound_repository_is_said_to_be_sound(home: Home) -> None:
    outcome = home.run("repo", "check")
    assert outcome.code == 0
    assert "2 with 3 tables" in outcome.out


def test_all_is_read_when_asked(home: Home) -> None:
    assert (home.read(), home.read("--read-data")) == (0, 2)


def test_a_sample_of_half_reads_all_in_two_checks(home: Home) -> None:
    assert home.read("--read-data=50%") + home.read("--read-data=50%") == 2


@pytest.mark.parametrize("share", ["0%", "101", "much"])
def test_a_share_that_makes_no_sense_is_refused(home: Home, share: str) -> None:
    outcome = home.run("repo", "check", f"--read-data={share}")
    assert outcome.code == 2
    assert "not a share" in outcome.err


def test_damage_has_its_exit_code_and_names_tables(home: Home) -> None:
    pack = names_of(home.storage, "packs/")[0]
    home.storage.delete(pack)
    outcome = home.run("repo", "check")
    assert outcome.code == 15
    assert "cannot be restored; everything else can" in outcome.out
    damage = home.run("repo", "check", "--format=json").json["damage"]
    assert all(item["objects"] == [pack] for item in damage)


def test_what_parity_brings_back_is_not_said_to_be_lost(home: Home) -> None:
    home.protect()
    home.storage.delete(names_of(home.storage, "packs/")[0])
    told = home.run("repo", "check", "--read-data")
    assert told.code == 15
    assert "can be rebuilt from parity: run `shardvault repo repair`" in told.out
    assert "-> `shardvault repo repair` brings it back by parity" in told.out
    assert "cannot be restored" not in told.out
    assert "mends nothing more" not in told.out
    assert home.run("repo", "repair").code == 0
    assert home.run("repo", "check", "--read-data").code == 0


def test_what_is_too_much_for_parity_is_said_to_be_lost(home: Home) -> None:
    home.protect()
    for name in names_of(home.storage, "packs/"):
        home.storage.delete(name)
    told = home.run("repo", "check")
    assert "cannot be restored; everything else can" in told.out
    assert "by parity" not in told.out
    assert "mends nothing more" in told.out


def test_damaged_parity_is_not_said_to_bring_a_pack_back(home: Home) -> None:
    home.protect()
    parity = home.folder / "repo" / names_of(home.storage, "parity/")[0]
    data = bytearray(parity.read_bytes())
    data[-1] ^= 1
    parity.write_bytes(data)
    home.storage.delete(names_of(home.storage, "packs/")[0])
    told = home.run("repo", "check", "--read-data")
    assert "cannot be restored; everything else can" in told.out
    assert "by parity" not in told.out


def test_a_missing_pack_is_not_counted_as_read(home: Home) -> None:
    home.storage.delete(names_of(home.storage, "packs/")[0])
    assert home.read("--read-data") == 1


def test_a_lost_index_is_made_anew(home: Home) -> None:
    lost = home.spoil("index/")
    assert home.run("repo", "check").code == 15
    outcome = home.run("repo", "repair")
    assert outcome.code == 0
    assert f"  {lost}" in outcome.out
    assert home.run("repo", "check").code == 0


def test_a_lost_log_is_given_up_only_when_asked(home: Home) -> None:
    home.run("list")
    for name in names_of(home.storage, "log/"):
        home.storage.delete(name)
    assert home.run("repo", "rebuild").code == 15
    assert home.run("repo", "rebuild", "--accept-history").code == 0
    outcome = home.run("list", "--format=json")
    assert [one["id"] for one in outcome.json["backups"]] == ["one", "two"]


def test_a_backup_that_stays_damaged_is_listed_as_such_until_it_is_forgotten(home: Home) -> None:
    home.storage.delete(names_of(home.storage, "manifests/")[0])
    assert home.run("repo", "repair").code == 15
    assert home.run("repo", "repair", "--forget-damaged", "--yes").code == 0
    assert len(home.run("list", "--format=json").json["backups"]) == 1


def test_nothing_is_forgotten_where_nobody_can_be_asked(home: Home) -> None:
    home.storage.delete(names_of(home.storage, "manifests/")[0])
    for verb in ("repair", "rebuild"):
        outcome = home.run("repo", verb, "--forget-damaged")
        assert (outcome.code, "--yes" in outcome.err) == (2, True)
    assert home.run("repo", "check", "--format=json").json["backups"] == 2


@pytest.mark.parametrize(("answer", "code", "left"), [(False, 1, 2), (True, 0, 1)])
def test_damaged_backups_are_forgotten_after_a_yes(
    home: Home, monkeypatch: pytest.MonkeyPatch, answer: bool, code: int, left: int
) -> None:
    monkeypatch.setattr("shardvault.cli.asking.is_terminal", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: answer)
    home.storage.delete(names_of(home.storage, "manifests/")[0])
    outcome = home.run("repo", "repair", "--forget-damaged")
    told = " ".join(outcome.err.split())
    assert "1 of 2 backups would go for good" in told
    assert "1 would remain. Take a backup, then repair again" in told
    assert ("no backup was forgotten" in told) is not answer
    assert outcome.code == code
    assert home.run("repo", "check", "--format=json").json["backups"] == left


def test_nothing_is_asked_while_nothing_is_damaged(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shardvault.cli.asking.is_terminal", lambda: True)
    assert home.run("repo", "repair", "--forget-damaged").code == 0


def test_figures_add_up(home: Home) -> None:
    found = home.run("repo", "stats", "--format=json").json
    needed = found["needed_bytes"]
    saved = found["saved_by_dedup_bytes"] + found["saved_by_compression_bytes"]
    assert found["raw_bytes"] == saved + needed == sum(one["raw_bytes"] for one in found["tables"])
    for parts, key in (
        ("tables", "stored_bytes"),
        ("shards", "stored_bytes"),
        ("backups", "new_bytes"),
    ):
        assert sum(one[key] for one in found[parts]) == needed, parts
    assert sum(found["objects"].values()) == found["stored_bytes"]
    packs = found["objects"]["packs"]
    assert packs == needed + found["unneeded_bytes"] + found["overhead_bytes"]
    on_disk = sum(home.storage.stat(name).size_bytes for name in names_of(home.storage, "packs/"))
    assert packs == on_disk


def test_figures_tell_shared_from_own(home: Home) -> None:
    found = home.run("repo", "stats", "--format=json").json
    one, two = found["backups"]
    assert one["shared_bytes"] == two["shared_bytes"] > 0
    assert two["own_bytes"] == two["new_bytes"]
    assert one["new_bytes"] == one["own_bytes"] + one["shared_bytes"]
    assert found["saved_by_dedup_bytes"] == 6000
    assert [share["name"] for share in found["tables"]].count("canary_schema.orders") == 1


def test_figures_are_shown_to_people(home: Home) -> None:
    outcome = home.run("repo", "stats")
    assert outcome.code == 0
    assert "canary_schema.items" in outcome.out
    assert "unneeded" not in outcome.out


def test_what_cannot_be_counted_is_said(home: Home) -> None:
    home.spoil("manifests/")
    outcome = home.run("repo", "stats")
    assert outcome.code == 3
    assert "not counted" in outcome.out
