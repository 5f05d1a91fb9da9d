from __future__ import annotations

import base64
import os
import sys
import time
from pathlib import Path

import pytest

from shardvault.config import key_command
from shardvault.config.key_command import run_key_command
from shardvault.errors import ConfigError

WHERE = "shop.yaml:3: repository.key"
KEY = bytes(range(200, 232))


def run(code: str, *arguments: str) -> bytes:
    return run_key_command([sys.executable, "-c", code, *arguments], WHERE)


def refusal(code: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        run(code)
    assert caught.value.message.startswith(f"{WHERE}: command {sys.executable}: ")
    return caught.value


@pytest.mark.parametrize(
    "printed",
    [KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode(), f"  {KEY.hex()}\r\n\n"],
)
def test_a_key_is_read_as_hexadecimal_or_base64(printed: str) -> None:
    assert run(f"print({printed!r})") == KEY


BASE64 = base64.b64encode(KEY).decode()
SPARE_BITS = BASE64[:-2] + chr(ord(BASE64[-2]) + 1) + "="


@pytest.mark.parametrize(
    "printed",
    ["", "canary", KEY.hex()[:-2], KEY.hex() + "00", SPARE_BITS, BASE64[:9] + "-" + BASE64[9:]],
)
def test_what_is_no_key_is_refused_and_not_repeated(printed: str) -> None:
    error = refusal(f"print({printed!r})")
    assert "prints no key" in error.message
    assert not printed or printed not in f"{error!r}{error.hint}"


def test_a_command_that_fails_is_refused() -> None:
    error = refusal(f"import sys; print({KEY.hex()!r}); sys.exit(3)")
    assert "exit code 3" in error.message


def test_a_command_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match="no-such-program: No such file"):
        run_key_command(["/no-such-program"], WHERE)


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    code = f"import sys; print({KEY.hex()!r} if sys.argv[1] == '$(id); *' else '')"
    assert run(code, "$(id); *") == KEY


def test_a_command_gets_no_input() -> None:
    assert run(f"import sys; assert not sys.stdin.read(); print({KEY.hex()!r})") == KEY


def test_a_command_that_prints_without_end_is_stopped() -> None:
    assert "prints more than 1024 bytes" in refusal("while True: print('x' * 999)").message


def test_a_command_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_command, "COMMAND_LIMIT_S", 0.5)
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "child.wait()"
    )
    assert "not finished after 0.5 s" in refusal(code).message
    child = Path(f"/proc/{note.read_text()}")
    for _ in range(100):
        if not child.exists() or "Z" in (child / "stat").read_text().split(")")[1][:3]:
            return
        time.sleep(0.05)
    os.kill(int(note.read_text()), 9)
    pytest.fail("the child went on")
