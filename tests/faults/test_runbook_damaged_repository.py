"""Follow docs/runbooks/damaged-repository.md with the very commands that stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import open_repository
from shardvault.storage import open_storage
from tests.architecture.source import PROJECT
from tests.support.damage import add_tables, names_of, read_lost
from tests.support.repositories import make_repository
from tests.unit.cli.conftest import Outcome, Run, run

__all__ = ["run"]

PAGE = PROJECT / "docs/runbooks/damaged-repository.md"
ROWS = {"orders": [[b"o" * 3000]], "items": [[b"i" * 3000]]}


def read_commands() -> list[list[str]]:
    """Return the page's commands, in order, but for those that need servers."""
    lines = re.findall(r"^ +shardvault (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return [words for words in map(shlex.split, lines) if words[0] == "repo"]


def test_the_page_leads_from_damage_to_a_sound_repository(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    storage = open_storage(f"{tmp_path}/repo")
    repository = make_repository(storage, tmp_path)
    add_tables(repository, "one", {"orders": ROWS["orders"]})
    lost_pack = names_of(storage, "packs/")[0]
    add_tables(repository, "two", ROWS)
    config = tmp_path / "shop.yaml"
    config.write_text(
        "fleet: {name: shop, user: u, shards: [{name: s0, primary: {socket: /nowhere}}]}\n"
        f"repository: {{url: 'file://{tmp_path}/repo', key: {{file: {tmp_path}/repo.key}}}}\n"
    )

    def follow(words: list[str]) -> Outcome:
        return run("-c", str(config), *words)

    check, repair, rebuild, again, forget, last = read_commands()
    for name in (lost_pack, *names_of(storage, "index/"), *names_of(storage, "log/")):
        storage.delete(name)
    assert follow(check).code == 15
    assert follow(repair).code == 15  # the log is lost
    assert follow(rebuild).code == 15  # a pack is lost for good
    repository = open_repository(storage, read_key_file(tmp_path / "repo.key"))
    add_tables(repository, "three", {"items": ROWS["items"]})
    assert follow(again).code == 15
    assert follow([*forget, "--yes"]).code == 0  # a person is asked
    assert follow(last).code == 0
    assert read_lost(repository, {"three": {"items": ROWS["items"]}}) == frozenset()
