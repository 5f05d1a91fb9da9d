"""Run the commands on keys on a real, small repository."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.openers import PassphraseSecret
from shardvault.repository.store import create_repository, open_repository
from shardvault.storage import open_storage
from tests.support.repositories import add_backup
from tests.unit.cli.conftest import Outcome, Run

PASSPHRASE = "canary passphrase, long"


class Home:
    """Hold a repository and its configuration files."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.run_program = run
        self.write("shop.yaml", f"file: {folder}/repo.key")
        create_repository(open_storage(f"{folder}/repo"), folder / "repo.key")

    def write(self, name: str, key: str) -> Path:
        path = self.folder / name
        path.write_text(
            "fleet: {name: shop, user: u, shards: [{name: s0, primary: {socket: /nowhere}}]}\n"
            f"repository: {{url: 'file://{self.folder}/repo', key: {{{key}}}}}\n"
        )
        return path

    def run(self, *words: str, config: str = "shop.yaml") -> Outcome:
        return self.run_program("-c", str(self.folder / config), *words)

    def secret(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text)
        return path

    def labels(self, config: str = "shop.yaml") -> list[str]:
        return sorted(
            key["label"]
            for key in self.run("key", "list", "--format=json", config=config).json["keys"]
        )


@pytest.fixture
def home(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("SHARDVAULT_STATE", str(tmp_path / "state"))
    return Home(tmp_path, run)


def test_one_key_alone_is_warned_of(home: Home) -> None:
    outcome = home.run("key", "list")
    assert outcome.code == 0
    assert "a lost key loses everything" in " ".join(outcome.out.split())
    assert home.run("key", "add", "--label", "two", "--file", str(home.folder / "2.key")).code == 0
    assert "loses everything" not in home.run("key", "list").out


def test_a_key_file_is_added_and_opens(home: Home) -> None:
    path = home.folder / "second.key"
    assert home.run("key", "add", "--label", "second", "--file", str(path)).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    home.write("second.yaml", f"file: {path}")
    assert home.labels("second.yaml") == ["first", "second"]


def test_a_passphrase_is_taken_from_a_private_file(home: Home) -> None:
    secret = home.secret("passphrase", f"{PASSPHRASE}\n")
    assert home.run("key", "add", "--label", "safe", "--passphrase-file", str(secret)).code == 0
    home.write("safe.yaml", f"passphrase: {{file: {secret}}}")
    assert home.labels("safe.yaml") == ["first", "safe"]
    secret.chmod(0o644)
    outcome = home.run("key", "add", "--label", "again", "--passphrase-file", str(secret))
    assert (outcome.code, "chmod 600" in outcome.err) == (2, True)


def test_a_passphrase_is_asked_for_twice(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter([PASSPHRASE, PASSPHRASE])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    assert home.run("key", "add", "--label", "typed", "--passphrase").code == 0
    open_repository(open_storage(f"{home.folder}/repo"), PassphraseSecret(PASSPHRASE))


@pytest.mark.parametrize(
    ("answers", "said"), [(["short"], "12 characters"), ([PASSPHRASE, "another one"], "differ")]
)
def test_a_passphrase_that_is_no_good_adds_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, answers: list[str], said: str
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    typed = iter(answers)
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    outcome = home.run("key", "add", "--label", "typed", "--passphrase")
    assert (outcome.code, said in outcome.err) == (2, True)
    assert home.labels() == ["first"]


def test_nobody_there_to_type_a_passphrase_is_said(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    outcome = home.run("key", "add", "--label", "typed", "--passphrase")
    assert (outcome.code, "--passphrase-file" in outcome.err) == (2, True)


def test_an_identity_opens_what_was_closed_for_its_recipient(home: Home) -> None:
    identity = home.folder / "dba.identity"
    made = home.run("key", "identity", str(identity), "--format=json").json
    assert identity.stat().st_mode & 0o777 == 0o600
    recipient = home.folder / "dba.recipient"
    recipient.write_text(made["recipient"] + "\n")
    assert home.run("key", "add", "--label", "dba", "--recipient", str(recipient)).code == 0
    home.write("dba.yaml", f"identity: {identity}")
    assert home.labels("dba.yaml") == ["dba", "first"]
    home.write("wrong.yaml", f"identity: {recipient}")
    recipient.chmod(0o600)
    outcome = home.run("key", "list", config="wrong.yaml")
    assert (outcome.code, "shardvault-identity-1:" in outcome.err) == (2, True)


def test_a_command_gives_the_key(home: Home) -> None:
    words = [sys.executable, "-c", f"print({'ab' * 32!r})"]
    assert home.run("key", "add", "--label", "kms", "--command", "--", *words).code == 0
    home.write("kms.yaml", f"command: [{', '.join(map(repr, words[:2]))}, \"print('ab' * 32)\"]")
    assert home.labels("kms.yaml") == ["first", "kms"]


@pytest.mark.parametrize(
    "words",
    [(), ("--file", "x", "--passphrase"), ("--command",), ("--file", "x", "--", "program")],
)
def test_not_exactly_one_kind_of_key_is_refused(home: Home, words: tuple[str, ...]) -> None:
    outcome = home.run("key", "add", "--label", "x", *words)
    assert outcome.code == 2
    assert home.labels() == ["first"]


def test_a_rotated_key_opens_nothing_any_more(home: Home) -> None:
    new = home.folder / "new.key"
    assert home.run("key", "rotate", "first", "--file", str(new)).code == 0
    assert home.run("key", "list").code == 12
    home.write("shop.yaml", f"file: {new}")
    assert home.labels() == ["first"]


def test_a_slot_that_fails_leaves_no_key_file(home: Home) -> None:
    new = home.folder / "new.key"
    assert home.run("key", "add", "--label", "", "--file", str(new)).code == 2
    assert not new.exists()


def test_a_key_is_removed_after_a_yes(home: Home) -> None:
    new = home.folder / "new.key"
    home.run("key", "add", "--label", "new", "--file", str(new))
    assert home.run("key", "remove", "new").code == 2
    assert home.run("key", "remove", "new", "--yes").code == 0
    assert home.labels() == ["first"]
    outcome = home.run("key", "remove", "first", "--yes")
    assert (outcome.code, "only key slot" in outcome.err) == (1, True)


def test_the_paper_brings_the_repository_back(home: Home) -> None:
    page = home.run("key", "export")
    assert page.code == 0
    (home.folder / "repo.key").unlink()
    paper = home.secret("paper", page.out)
    new = home.folder / "new.key"
    words = ("key", "recover", "--label", "paper", "--out", str(new), str(paper))
    assert home.run(*words).code == 0
    home.write("shop.yaml", f"file: {new}")
    assert home.labels() == ["first", "paper"]


def test_a_wrong_letter_on_the_paper_is_named_by_its_line(home: Home) -> None:
    lines = home.run("key", "export").out.splitlines()
    (number, line), *_ = [(n, x) for n, x in enumerate(lines) if x.startswith("  4  ")]
    lines[number] = line[:-1] + ("A" if line[-1] != "A" else "B")
    paper = home.secret("paper", "\n".join(lines))
    new = str(home.folder / "new.key")
    outcome = home.run("key", "recover", "--label", "paper", "--out", new, str(paper))
    assert (outcome.code, "line 4" in outcome.err) == (2, True)


def test_a_source_file_adds_backups_and_reads_none(home: Home) -> None:
    file = home.folder / "web1.source"
    assert home.run("key", "add-source", "--label", "web1", "--out", str(file)).code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    home.write("web1.yaml", f"source: {file}")
    for words in (("list",), ("show", "x"), ("verify", "x"), ("restore", "x", "--dry-run"),
                  ("key", "list"), ("key", "export"), ("key", "remove", "web1", "-y")):  # fmt: skip
        outcome = home.run(*words, config="web1.yaml")
        assert (outcome.code, "only add backups" in outcome.err) == (12, True), outcome
    assert home.labels() == ["first", "web1"]


def test_a_wrong_or_missing_key_says_so_and_writes_nothing(home: Home) -> None:
    before = sorted((home.folder / "repo").rglob("*"))
    home.write("gone.yaml", f"file: {home.folder}/gone.key")
    outcome = home.run("list", config="gone.yaml")
    assert (outcome.code, "gone.key" in outcome.err) == (2, True)
    home.write("wrong.yaml", f"passphrase: {{file: {home.secret('p', 'wrong passphrase')}}}")
    assert home.run("list", config="wrong.yaml").code == 12
    assert sorted((home.folder / "repo").rglob("*")) == before


def test_no_secret_is_printed_or_stored_or_seen_by_other_processes(home: Home) -> None:
    secret = home.secret("passphrase", PASSPHRASE)
    key = read_key_file(home.folder / "repo.key")
    add_backup(open_repository(open_storage(f"{home.folder}/repo"), key), "one")
    command = [sys.executable, "-m", "shardvault", "-c", str(home.folder / "shop.yaml"), "-v"]
    command += ["key", "add", "--label", "safe", "--passphrase-file", str(secret)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = b""
    while process.poll() is None:
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            for kind in ("cmdline", "environ"):
                seen += Path(f"/proc/{process.pid}/{kind}").read_bytes()
        os.sched_yield()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"safe" in seen
    stored = b"".join(p.read_bytes() for p in (home.folder / "repo").rglob("*") if p.is_file())
    for canary in (PASSPHRASE.encode(), key, key.hex().encode()):
        assert canary not in seen + output + stored


def test_every_file_is_private(home: Home) -> None:
    home.run("key", "add", "--label", "new", "--file", str(home.folder / "new.key"))
    for path in (home.folder / "repo").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
