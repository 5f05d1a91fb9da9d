from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shardvault import app
from shardvault.app.openers import remember_heads
from shardvault.model.ids import ShardName
from shardvault.model.manifest import ShardPart
from shardvault.repository.parts import put_part
from shardvault.repository.store import Repository, create_repository
from shardvault.storage import open_storage
from tests.support.repositories import add_backup, make_manifest
from tests.unit.cli.conftest import Outcome, Run

CONFIG = """\
fleet: {{name: shop, user: u, shards: [{{name: s0, primary: {{socket: /run/s0.sock}}}}]}}
repository:
  - {{name: main, url: 'file://{folder}/main', key: {{file: main.key}}}}
  - {{name: offsite, url: 'file://{folder}/offsite', key: {{file: offsite.key}}}}
  - {{name: nas, url: 'file://{folder}/nas', key: {{file: main.key}}, mirror: true}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    path = tmp_path / "shop.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return str(path)


@pytest.fixture
def filled(config: str, tmp_path: Path) -> str:
    add_backup(_make(tmp_path / "main"), "one")
    _make(tmp_path / "offsite")
    return config


def _make(folder: Path) -> Repository:
    """Create a repository as `init` does, but for the probe, which takes long."""
    url, key = f"file://{folder}", folder.with_suffix(".key")
    return create_repository(open_storage(url), key, memory=remember_heads(url))


def _add_sound_backup(repository: Repository, backup: str) -> None:
    """Store a backup of a shard without tables: all that its manifest says is true."""
    with repository.writer("backup") as writer:
        chunks = put_part(writer, ShardPart(ShardName("canary_shard"), (), (), (), ()))
        manifest = make_manifest(backup, chunks)
        writer.flush()
        shards = tuple(replace(shard, tables=0, rows=0) for shard in manifest.shards)
        repository.commit(replace(manifest, shards=shards))


def test_init_makes_each_repository_that_is_not_there_but_no_mirror(
    config: str, run: Run, tmp_path: Path
) -> None:
    report = app.init(config)
    assert [report.url, *(one.url for one in report.further)] == [
        f"file://{tmp_path}/main",
        f"file://{tmp_path}/offsite",
    ]
    assert not (tmp_path / "nas").exists()


def test_init_of_a_list_that_is_all_there_says_so_of_each(config: str, run: Run) -> None:
    made = app.init(config)
    outcome = run("init", "-c", config)
    assert (outcome.code, outcome.out.count("repository is there already")) == (0, 2)
    assert "keep a copy" not in outcome.out
    again = app.init(config)
    assert [one.repository_id for one in (again, *again.further)] == [
        one.repository_id for one in (made, *made.further)
    ]


def test_a_repository_that_joins_the_list_later_is_made_alone(
    config: str, run: Run, tmp_path: Path
) -> None:
    text = Path(config).read_text()
    Path(config).write_text("".join(text.splitlines(keepends=True)[:3]))
    assert app.init(config).further == ()
    refused = run("init", "-c", config)
    assert (refused.code, f"already: file://{tmp_path}/main" in refused.err) == (2, True)
    Path(config).write_text(text)
    report = app.init(config)
    assert [(one.url, one.is_new) for one in (report, *report.further)] == [
        (f"file://{tmp_path}/main", False),
        (f"file://{tmp_path}/offsite", True),
    ]


def test_init_makes_nothing_where_a_repository_was_seen_and_is_gone(
    config: str, run: Run, tmp_path: Path
) -> None:
    app.init(config)
    (tmp_path / "offsite").rename(tmp_path / "moved")
    refused = run("init", "-c", config)
    assert (refused.code, "is gone" in refused.err) == (15, True)
    assert not (tmp_path / "offsite").exists()
    (memory,) = re.findall(r"delete (\S+\.json)", refused.err)
    Path(memory).unlink()
    assert run("init", "-c", config).code == 0


@pytest.mark.parametrize("key", ["file: none.key", "source: none.key", "passphrase: {file: none}"])
def test_a_repository_that_was_never_made_is_told_before_its_key(
    config: str, run: Run, key: str
) -> None:
    text = Path(config).read_text().replace("file: main.key", key)
    Path(config).write_text("".join(text.splitlines(keepends=True)[:3]))
    outcome = run("backup", "-q", "-c", config)
    assert (outcome.code, "shardvault init" in outcome.err) == (10, True)


def test_a_mirror_that_was_never_filled_says_how(config: str, run: Run) -> None:
    app.init(config)
    outcome = run("list", "-c", config, "--repository", "nas")
    assert (outcome.code, "shardvault repo copy" in outcome.err) == (10, True)


def test_every_copy_is_brought_up_to_date_and_told(filled: str, run: Run) -> None:
    outcome = run("repo", "copy", "-c", filled, "--format", "json")
    assert outcome.code == 0
    assert [copy["mode"] for copy in outcome.json["copies"]] == ["re-encrypted", "mirror"]
    page = run("repo", "copy", "-c", filled).out
    assert "0 copied, 1 there before" in page
    assert "0 sent" in page


@pytest.mark.parametrize("name", ["main", "offsite", "nas"])
def test_each_repository_is_listed_by_name(filled: str, run: Run, name: str) -> None:
    assert run("repo", "copy", "-c", filled).code == 0
    outcome = run("list", "-c", filled, "--repository", name, "--format", "json")
    assert [backup["id"] for backup in outcome.json["backups"]] == ["one"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("repo", "copy", "--to", "nowhere"), "no repository is called"),
        (("list", "--repository", "nowhere"), "no repository is called"),
        (("repo", "copy", "one"), "a mirror takes every backup"),
        (("repo", "copy", "--to", "main"), "same repository"),
        (("policy", "last=3", "--repository", "nas"), "mirror"),
    ],
)
def test_what_makes_no_sense_is_refused(
    filled: str, run: Run, words: tuple[str, ...], message: str
) -> None:
    run("repo", "copy", "-c", filled)
    outcome = run(*words, "-c", filled)
    assert outcome.code in {1, 2}
    assert message in outcome.err


def test_damage_is_told_and_ends_with_15(filled: str, run: Run, tmp_path: Path) -> None:
    for pack in (tmp_path / "main").glob("packs/*/*"):
        pack.unlink()
    assert run("repo", "copy", "--to", "offsite", "-c", filled).code == 15


def test_without_a_copy_there_is_nothing_to_copy(filled: str, run: Run) -> None:
    lines = Path(filled).read_text().splitlines(keepends=True)
    Path(filled).write_text("".join(lines[:3]))
    outcome = run("repo", "copy", "-c", filled)
    assert (outcome.code, "names no copy" in outcome.err) == (2, True)


def _lose(repository: Path) -> None:
    shutil.rmtree(repository)


def _exchange(repository: Path) -> None:
    """Put another repository in its place, of the same key."""
    shutil.rmtree(repository)
    create_repository(open_storage(f"file://{repository}"), repository.with_suffix(".key"))


def _roll_back(repository: Path) -> None:
    max(repository.glob("log/*")).unlink()


def _status(outcome: Outcome) -> tuple[int, str]:
    return outcome.code, outcome.json["status"]


def test_a_copy_that_fails_does_not_stop_the_others(filled: str, run: Run, tmp_path: Path) -> None:
    _lose(tmp_path / "offsite")
    outcome = run("repo", "copy", "-c", filled, "--format", "json")
    assert _status(outcome) == (15, "failed")
    offsite, nas = outcome.json["copies"]
    assert "that was here is gone" in offsite["findings"][0]["message"]
    assert (offsite["exit_code"], nas["exit_code"], nas["findings"]) == (15, 0, [])
    assert run("list", "-c", filled, "--repository", "nas").code == 0
    page = run("repo", "copy", "-c", filled)
    assert "that was here is gone" in page.out
    assert "offsite failed" in page.err


def test_the_first_copy_that_fails_gives_the_exit_code(
    filled: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "offsite.key").write_bytes((tmp_path / "main.key").read_bytes())
    (tmp_path / "nas").mkdir()
    (tmp_path / "nas" / "format").write_bytes(b"of something else")
    outcome = run("repo", "copy", "-c", filled, "--format", "json")
    assert _status(outcome) == (12, "failed")
    assert [copy["exit_code"] > 0 for copy in outcome.json["copies"]] == [True, True]


def test_a_mirror_that_was_lost_is_made_anew_and_trusted(
    filled: str, run: Run, tmp_path: Path
) -> None:
    assert run("repo", "copy", "-c", filled).code == 0
    assert run("list", "-c", filled, "--repository", "nas").code == 0
    _lose(tmp_path / "main")
    _lose(tmp_path / "nas")
    _make(tmp_path / "main")
    assert run("repo", "copy", "-c", filled, "--repository", "offsite", "--to", "main").code == 0
    assert run("repo", "copy", "-c", filled, "--to", "nas").code == 0
    outcome = run("list", "-c", filled, "--repository", "nas", "--format", "json")
    assert outcome.code == 0
    assert [backup["id"] for backup in outcome.json["backups"]] == ["one"]


@pytest.mark.parametrize("harm", [_lose, _exchange, _roll_back])
def test_reading_a_copy_because_the_first_repository_is_not_sound_is_a_finding(
    config: str, run: Run, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    for name in ("main", "offsite"):
        _add_sound_backup(_make(tmp_path / name), "one")
    assert run("list", "-c", config).code == 0
    assert run("verify", "latest", "-c", config).code == 0
    harm(tmp_path / "main")
    listed = run("list", "-c", config, "--format", "json")
    assert (listed.code, [backup["id"] for backup in listed.json["backups"]]) == (3, ["one"])
    verified = run("verify", "latest", "-c", config, "--format", "json")
    assert _status(verified) == (3, "findings")
    assert [finding["where"] for finding in verified.json["findings"]] == ["main"]


def test_a_backup_that_only_a_copy_has_is_no_finding(config: str, run: Run, tmp_path: Path) -> None:
    _make(tmp_path / "main")
    _add_sound_backup(_make(tmp_path / "offsite"), "two")
    outcome = run("verify", "two", "-c", config, "--format", "json")
    assert _status(outcome) == (0, "ok")


def test_check_opens_every_repository(filled: str, run: Run, tmp_path: Path) -> None:
    def check() -> dict[str, str]:
        findings = run("check", "-c", filled, "--format", "json").json["findings"]
        return {
            found["what"]: found["severity"]
            for found in findings
            if found["where"] == "repository" and found["what"] != "keys"
        }

    assert check() == {"main": "ok", "offsite": "ok", "nas": "warning"}
    (tmp_path / "offsite").rename(tmp_path / "moved")
    assert check() == {"main": "ok", "offsite": "blocker", "nas": "warning"}
