"""Run the commands on retention, leases and history on a real, small repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from shardvault.app.openers import remember_heads
from shardvault.operations.retention import note_verified
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import Repository, create_repository, open_repository
from shardvault.storage import open_storage
from tests.support.pruning import rows_of
from tests.support.repositories import add_backup
from tests.unit.cli.conftest import Outcome, Run


class Home:
    """Hold a repository of three verified backups, and its configuration."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.place = folder / "repo"
        self._run = run
        create_repository(open_storage(str(self.place)), folder / "repo.key")
        for number in range(3):
            add_backup(self.open(), f"b{number}", rows_of(number))
            note_verified(self.open(), f"b{number}", "verify")
        self.configure()

    def configure(self, more: str = "") -> None:
        (self.folder / "shop.yaml").write_text(
            "fleet: {name: shop, user: u, shards: [{name: s0, primary: {socket: /nowhere}}]}\n"
            f"repository: {{url: 'file://{self.place}', key: {{file: '{self.folder}/repo.key'}}"
            f"{more}}}\n"
        )

    def open(self) -> Repository:
        memory = remember_heads(f"file://{self.place}")
        key = read_key_file(self.folder / "repo.key")
        return open_repository(open_storage(str(self.place)), key, memory=memory)

    def run(self, *words: str) -> Outcome:
        return self._run("-c", str(self.folder / "shop.yaml"), *words)

    def ids(self) -> list[str]:
        return sorted(found["id"] for found in self.run("list", "--format=json").json["backups"])


@pytest.fixture
def home(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    return Home(tmp_path, run)


def test_a_policy_is_set_shown_and_followed(home: Home) -> None:
    assert "every backup" in home.run("policy").out
    assert home.run("policy", "last=1").code == 0
    assert home.run("policy", "--format=json").json["policy"] == "last=1"
    planned = home.run("prune", "--dry-run")
    assert "prune, dry run: nothing was changed: planned" in planned.out
    assert "2 would be forgotten, 1 kept" in planned.out
    assert planned.out.count("no rule keeps it") == 2
    assert "last verified" in planned.out
    assert home.ids() == ["b0", "b1", "b2"]
    pruned = home.run("prune")
    assert pruned.code == 0
    assert "prune: complete\n" in pruned.out
    assert "2 forgotten, 1 kept" in pruned.out
    assert home.ids() == ["b2"]
    assert home.run("policy", "--keep-all", "--format=json").json["policy"] == ""


def test_show_tells_like_the_list_whether_a_backup_was_verified(home: Home) -> None:
    add_backup(home.open(), "b3", rows_of(3))
    assert "backup b2: verified" in home.run("show", "b2").out
    assert "backup b3: complete" in home.run("show", "b3").out


def test_what_is_held_is_listed_and_stays(home: Home) -> None:
    assert home.run("keep", "b0", "--reason", "the audit").code == 0
    assert "b0: kept, the audit" in home.run("list").out
    assert home.run("prune", "--keep", "last=1").code == 0
    assert home.ids() == ["b0", "b2"]
    assert home.run("keep", "b0", "--release").code == 0
    assert home.run("keep", "b0", "--release").code == 2
    assert home.run("prune", "--keep", "last=1").code == 0
    assert home.ids() == ["b2"]


def test_a_partial_backup_is_shown_and_takes_no_place(home: Home) -> None:
    add_backup(home.open(), "b3", rows_of(3), scope=("--tables shop.orders_1",))
    note_verified(home.open(), "b3", "verify")
    assert "b3: partial, --tables shop.orders_1" in home.run("list").out
    planned = home.run("prune", "--keep", "last=1", "--dry-run")
    assert [line.split()[:4] for line in planned.out.splitlines()[-2:]] == [
        ["b2", "canary_fleet", "all", "yes"],
        ["b3", "canary_fleet", "partial", "yes"],
    ]
    assert home.run("show", "latest", "--format=json").json["backup"]["id"] == "b2"
    shown = home.run("prune", "--keep", "last=1", "--dry-run", "--format=json").json["backups"]
    assert [one["scope"] for one in shown] == [[], [], [], ["--tables shop.orders_1"]]


def test_a_backup_is_forgotten_by_its_name_after_consent(home: Home) -> None:
    refused = home.run("forget", "b0")
    assert (refused.code, home.ids()) == (2, ["b0", "b1", "b2"])
    assert "add --yes" in refused.err
    planned = home.run("forget", "b0", "--dry-run")
    assert "forget b0, dry run: nothing was changed: planned" in planned.out
    done = home.run("forget", "b0", "--yes", "--format=json")
    assert (done.json["id"], done.json["status"]) == ("b0", "complete")
    assert home.ids() == ["b1", "b2"]


def test_the_last_complete_backup_is_forgotten_only_if_its_id_is_typed(home: Home) -> None:
    for backup in ("b0", "b1"):
        assert home.run("forget", backup, "--yes").code == 0
    refused = home.run("forget", "b2", "--yes")
    assert refused.code == 1
    assert "--last-complete b2" in refused.err
    assert home.run("forget", "b2", "--last-complete", "b2", "--yes").code == 0
    assert home.ids() == []


def test_verify_and_show_take_the_latest_complete_backup_without_an_id(home: Home) -> None:
    add_backup(home.open(), "b3", rows_of(3), scope=("--tables shop.orders_1",))
    assert home.run("show", "--format=json").json["backup"]["id"] == "b2"
    assert home.run("verify", "--format=json").json["id"] == "b2"


def test_what_is_held_is_not_forgotten(home: Home) -> None:
    home.run("keep", "b0", "--reason", "the audit")
    refused = home.run("forget", "b0", "--yes")
    assert refused.code == 1
    assert "held: the audit" in refused.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["forget", "b7", "--yes"], "no backup 'b7'"),
        (["forget", "b", "--yes"], "3 backups have an id that begins with 'b'"),
        (["keep", "b", "--reason", "x"], "b0, b1, b2"),
        (["list", "--tag", "two words"], "is not a tag"),
        (["policy", "tag=-x"], "no rule 'tag=-x'"),
        (["policy", "daily"], "no rule 'daily'"),
        (["policy", "daily=0"], "'daily=0' keeps nothing"),
        (["policy", "last=1", "within=0d"], "'within=0d' keeps nothing"),
        (["prune", "--keep", "last=00"], "'last=00' keeps nothing"),
        (["policy", "daily=x"], "needs a whole number"),
        (["policy", "last=1", "last=2"], "stands there twice"),
        (["policy", "within=soon"], "not a duration"),
        (["policy", "last=1", "--keep-all"], "cannot be combined with rules"),
        (["prune", "--accept", "b0"], "need each other"),
        (["keep", "b0"], "either --reason TEXT or --release"),
        (["keep", "b7", "--reason", "x"], "no backup 'b7'"),
        (["keep", "b0", "--reason", " "], "say why"),
    ],
)
def test_bad_words_are_refused(home: Home, words: list[str], told: str) -> None:
    outcome = home.run(*words)
    assert outcome.code == 2
    assert told in outcome.err


def test_unlock_shows_whose_lease_it_is_and_breaks_it_after_consent(home: Home) -> None:
    assert "nobody" in home.run("unlock").out
    repository = home.open()
    lease = repository.leases.acquire("backup-x", "backup")
    shown = home.run("unlock").out
    assert "yes    backup   backup on " in shown
    assert f"(owner {lease.owner.id[:8]})" in " ".join(shown.split())
    assert "…" not in shown
    refused = home.run("unlock", "--break")
    assert refused.code == 2
    assert "nobody is there to ask" in refused.err
    assert home.run("unlock", "--break", "--yes").code == 0
    assert "nobody" in home.run("unlock").out
    with pytest.raises(Exception, match="another may have taken its place"):
        lease.assert_held(repository.log.read())


def test_a_history_that_went_back_is_refused_until_it_is_accepted(home: Home) -> None:
    assert "nothing to accept" in home.run("repo", "accept").out
    copy = home.folder / "copy"
    shutil.copytree(home.place, copy)
    add_backup(home.open(), "b3", rows_of(3))
    shutil.rmtree(home.place)
    copy.rename(home.place)
    assert home.run("list").code == 15
    asked = home.run("repo", "accept")
    assert asked.code == 2
    assert "went back to an older state" in asked.err
    assert home.run("list").code == 15
    assert home.run("repo", "accept", "--yes").code == 0
    assert home.ids() == ["b0", "b1", "b2"]


@pytest.mark.parametrize(
    "words", [["prune"], ["unlock", "--break", "--yes"], ["key", "remove", "first", "--yes"]]
)
def test_a_computer_that_may_only_add_deletes_nothing(home: Home, words: list[str]) -> None:
    home.configure(", append_only: true")
    home.open().leases.acquire("backup-x", "backup")
    outcome = home.run(*words)
    assert outcome.code == 1
    assert "may only add" in outcome.err
    assert home.run("prune", "--dry-run").code == 0


def test_a_backup_on_a_computer_that_may_only_add_succeeds(home: Home) -> None:
    from shardvault.storage.append_only import AppendOnlyStorage

    storage = AppendOnlyStorage(open_storage(str(home.place)))
    repository = open_repository(storage, read_key_file(home.folder / "repo.key"))
    storage.put_new("packs/" + "00" * 1 + "/" + "00" * 32, [b"of an interrupted session"])
    add_backup(repository, "b9", rows_of(9))
    assert home.ids() == ["b0", "b1", "b2", "b9"]
