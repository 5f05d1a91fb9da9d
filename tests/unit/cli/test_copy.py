from __future__ import annotations

from pathlib import Path

import pytest

from shardvault import app
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import open_repository
from shardvault.storage import open_storage
from tests.support.repositories import add_backup
from tests.unit.cli.conftest import Run

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
    app.init(config)
    storage = open_storage(f"file://{tmp_path}/main")
    add_backup(open_repository(storage, read_key_file(tmp_path / "main.key")), "one")
    return config


def test_init_makes_each_repository_that_is_not_there_but_no_mirror(
    config: str, run: Run, tmp_path: Path
) -> None:
    report = app.init(config)
    assert [report.url, *(one.url for one in report.further)] == [
        f"file://{tmp_path}/main",
        f"file://{tmp_path}/offsite",
    ]
    assert not (tmp_path / "nas").exists()
    assert run("init", "-c", config).code == 2


def test_a_repository_that_joins_the_list_later_is_made_alone(config: str, tmp_path: Path) -> None:
    text = Path(config).read_text()
    Path(config).write_text("".join(text.splitlines(keepends=True)[:3]))
    assert app.init(config).further == ()
    Path(config).write_text(text)
    report = app.init(config)
    assert (report.url, report.further) == (f"file://{tmp_path}/offsite", ())


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
