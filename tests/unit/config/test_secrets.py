from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from shardvault.config import secrets
from shardvault.config.schema import PasswordSection
from shardvault.config.secrets import Secret, open_secret
from shardvault.errors import ConfigError

WHERE = "shop.yaml:3: fleet.password"
PASSWORD = "hunter2 ä'\"\\"


def from_file(path: Path) -> Secret:
    return open_secret(PasswordSection(file=str(path)), WHERE)


def from_command(command: Sequence[str]) -> Secret:
    return open_secret(PasswordSection(command=tuple(command)), WHERE)


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "pw"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def refusal(secret: Secret) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        secret()
    assert str(caught.value).startswith(WHERE)
    assert "hunter2" not in f"{caught.value!r}{caught.value}{caught.value.hint}"
    return caught.value


def test_a_variable_gives_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    assert open_secret(PasswordSection(env="SHOP_PASSWORD"), WHERE)() == PASSWORD


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_or_empty_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_PASSWORD", value)
    error = refusal(open_secret(PasswordSection(env="SHOP_PASSWORD"), WHERE))
    assert "environment variable SHOP_PASSWORD" in str(error)


@pytest.mark.parametrize(
    ("text", "password"),
    [(PASSWORD, PASSWORD), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")],
)
def test_a_file_gives_all_but_one_newline_at_its_end(
    tmp_path: Path, text: str, password: str
) -> None:
    assert from_file(write(tmp_path, text))() == password


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_a_file_open_to_others_is_refused_with_the_command_that_helps(
    tmp_path: Path, mode: int
) -> None:
    path = write(tmp_path, "hunter2", mode)
    assert refusal(from_file(path)).hint == f"chmod 600 {path}"


def test_a_file_of_the_owner_alone_is_read(tmp_path: Path) -> None:
    assert from_file(write(tmp_path, "hunter2", 0o400))() == "hunter2"


def test_a_file_that_is_missing_empty_or_not_text_is_refused(tmp_path: Path) -> None:
    assert "No such file" in str(refusal(from_file(tmp_path / "pw")))
    path = write(tmp_path, "\n")
    assert str(refusal(from_file(path))).endswith("pw: empty")
    path.write_bytes(b"hunter2\xff")
    assert str(refusal(from_file(path))).endswith("pw: not UTF-8 text")


def test_a_pipe_or_folder_in_place_of_a_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert str(refusal(from_file(tmp_path / "pipe"))).endswith("pipe: not a regular file")
    assert str(refusal(from_file(tmp_path))).endswith("Is a directory")


def test_a_file_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "MAX_SECRET_FILE_BYTES", 4)
    assert str(refusal(from_file(write(tmp_path, "12345")))).endswith("larger than 4 bytes")


def test_a_command_gives_what_it_prints_without_a_shell() -> None:
    script = "import sys; print(sys.argv[1])"
    assert from_command([sys.executable, "-c", script, "$HOME `id`"])() == "$HOME `id`"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("print('hunter2'); raise SystemExit(3)", "exit code 3"),
        ("raise SystemExit('hunter2')", "exit code 1"),
        ("pass", "empty"),
        ("import sys; sys.stdout.buffer.write(b'hunter2\\xff')", "not UTF-8 text"),
    ],
)
def test_a_command_that_fails_is_refused_and_its_output_never_shown(
    capfd: pytest.CaptureFixture[str], script: str, message: str
) -> None:
    assert str(refusal(from_command([sys.executable, "-c", script]))).endswith(message)
    assert capfd.readouterr() == ("", "")


def test_a_command_is_stopped_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "COMMAND_LIMIT_S", 0.05)
    error = refusal(from_command([sys.executable, "-c", "import time; time.sleep(60)"]))
    assert str(error).endswith("not finished after 0.05 s")


def test_a_command_that_does_not_exist_is_refused() -> None:
    assert "No such file" in str(refusal(from_command(["/no/such/program", "hunter2"])))


def test_a_secret_is_looked_up_when_first_asked_for_and_only_once() -> None:
    calls: list[int] = []

    def read() -> str:
        calls.append(1)
        return PASSWORD

    secret = Secret("test", read)
    assert not calls
    assert [secret(), secret()] == [PASSWORD, PASSWORD]
    assert len(calls) == 1


def test_a_secret_that_was_looked_up_neither_prints_nor_pickles() -> None:
    secret = Secret("test", partial(str, PASSWORD))
    assert secret() == PASSWORD
    assert f"{secret} {secret!r}" == "Secret(test) Secret(test)"
    with pytest.raises(TypeError, match="lock"):
        pickle.dumps(secret)
