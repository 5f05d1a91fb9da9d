from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.binaries import PROJECT

SCRIPT = PROJECT / "tests/support/get_server.sh"


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), *arguments], capture_output=True, check=False, text=True, timeout=60
    )


def test_an_unknown_server_is_a_usage_error() -> None:
    done = call("oracle")
    assert done.returncode == 2
    assert "mysql97|mariadb118" in done.stderr


def test_a_server_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    runner = tmp_path / "mysql97/run.sh"
    runner.parent.mkdir()
    runner.write_text('#!/bin/sh\necho "$1 is here"\n')
    runner.chmod(0o755)
    done = call("mysql97", str(runner.parent))
    assert (done.returncode, done.stdout) == (0, "mysqld is here\n")


def test_damaged_packages_are_not_unpacked(tmp_path: Path) -> None:
    packages = tmp_path / "mysql97.debs"
    packages.mkdir()
    (packages / "server.deb").write_bytes(b"damaged")
    (packages / "SHA256SUMS").write_text(f"{'0' * 64}  server.deb\n")
    done = call("mysql97", str(tmp_path / "mysql97"))
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert not (tmp_path / "mysql97").exists()


def test_a_broken_unpack_leaves_no_half_server(tmp_path: Path) -> None:
    packages = tmp_path / "mysql97.debs"
    packages.mkdir()
    (packages / "server.deb").write_bytes(b"not a package")
    subprocess.run("sha256sum *.deb > SHA256SUMS", shell=True, check=True, cwd=packages)
    assert call("mysql97", str(tmp_path / "mysql97")).returncode != 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mysql97.debs", "mysql97.lock"]
