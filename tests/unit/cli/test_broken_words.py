"""Secrets in URLs are never repeated, and words that are no text never end in an internal error."""

from __future__ import annotations

from pathlib import Path

import pytest

from shardvault.errors import RepositoryMissing
from tests.unit.cli.conftest import Run
from tests.unit.test_urls import CANARY, WITH_SECRETS

GOOD = "fleet: {name: shop, user: u, shards: [{name: s0, primary: {host: h}}]}\n"
FF = "\udcff"
COMMANDS = (
    ("init",),
    ("check",),
    ("backup",),
    ("list",),
    ("show", "latest"),
    ("verify", "latest"),
    ("restore", "latest"),
    ("policy",),
    ("prune",),
    ("unlock",),
    ("key", "list"),
    ("repo", "probe"),
    ("repo", "check"),
    ("repo", "copy"),
)
EVERY_COMMAND = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
EVERY_FORMAT = pytest.mark.parametrize("form", ["table", "json"])


def write(folder: Path, url: str, more: str = "") -> str:
    path = folder / "shop.yaml"
    path.write_text(f"{GOOD}repository:\n  url: '{url}'\n  key: {{file: k}}\n{more}")
    return str(path)


@EVERY_FORMAT
@EVERY_COMMAND
def test_no_command_repeats_a_secret_of_the_file(
    run: Run, tmp_path: Path, words: tuple[str, ...], form: str
) -> None:
    for url in (url for url in WITH_SECRETS if "://" in url):
        done = run(*words, "--config", write(tmp_path, url), "--format", form, "-v")
        assert done.code == 2
        assert CANARY not in done.out + done.err
        assert "shop.yaml:3: repository.url: " in done.err


@pytest.mark.parametrize("where", ["endpoint", "region"])
def test_no_other_option_of_a_store_repeats_a_secret(run: Run, tmp_path: Path, where: str) -> None:
    value = f'"https://u:{CANARY}@h\\u0007"'
    done = run("list", "--config", write(tmp_path, "s3://b", f"  {where}: {value}\n"))
    assert done.code == 2
    assert CANARY not in done.out + done.err
    assert f"shop.yaml:5: repository.{where}: " in done.err


@pytest.mark.parametrize("url", WITH_SECRETS)
def test_no_secret_of_the_command_line_is_repeated(run: Run, tmp_path: Path, url: str) -> None:
    config = ("--config", write(tmp_path, "file:///nowhere"))
    for words in (
        ("repo", "probe", url),
        ("list", "--repository", url),
        ("repo", "copy", "--to", url),
    ):
        done = run(*words, *config)
        assert done.code in (2, RepositoryMissing.exit_code)
        assert CANARY not in done.out + done.err


def test_without_the_mask_a_secret_of_the_command_line_is_repeated(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shardvault.config.schema.display_url", str)
    config = ("--config", write(tmp_path, "file:///nowhere"))
    assert CANARY in run("list", "--repository", f"s3://b?sig={CANARY}", *config).err


@pytest.mark.parametrize(
    "words",
    [
        ("show", FF),
        ("verify", FF),
        ("restore", FF),
        ("restore", "latest", "--map", f"{FF}=s0"),
        ("restore", "latest", "--map", f"s0={FF}"),
        ("restore", "latest", "--rename", f"a={FF}"),
        ("restore", "latest", "--source-fleet", FF),
        ("backup", "--tables", FF),
        ("backup", "--shards", FF),
        ("backup", "--exclude", "a\0b"),
        ("backup", "--allow-loss", FF),
        ("list", "--repository", FF),
        ("key", "add", "--label", FF),
        ("key", "remove", FF),
        ("keep", FF, "--reason", "x"),
        ("keep", "x", "--reason", FF),
        ("policy", FF),
        ("repo", "copy", "--to", FF),
        ("repo", "copy", FF),
        ("repo", "probe", f"s3://{FF}"),
        ("repo", "check", f"--read-data={FF}"),
        ("verify", "latest", "--limit-download", FF),
        (FF,),
        ("list", f"--{FF}"),
    ],
    ids=repr,
)
def test_a_word_that_is_no_text_is_an_error_of_usage(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = run(*words, "--config", write(tmp_path, "file:///nowhere"))
    assert done.code == 2
    assert "internal error" not in done.err
    assert FF not in done.err


def test_the_name_of_a_file_can_be_any_bytes(run: Run) -> None:
    done = run("list", "--config", f"/nowhere/{FF}.yaml")
    assert (done.code, "no configuration file" in done.err) == (2, True)
