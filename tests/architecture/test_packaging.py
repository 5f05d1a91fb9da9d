"""Prove that the package installs without a compiler and carries what it needs.

The tools of the private environment build it, so nothing is fetched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PROJECT

_BUILT = ("*.so", "_native.c", "*.egg-info", "__pycache__", "build")
_SHIPPED = (
    "shardvault/py.typed",
    "shardvault/kernel/pure.py",
    "shardvault/kernel/_columns.pxi",
    "shardvault/kernel/_native.pyx",
    "shardvault/kernel/vendor/xxhash.h",
    "shardvault/kernel/vendor/LICENSE.xxhash",
)
_KERNEL = (
    "import shardvault, shardvault.kernel.select as s; print(s.KERNEL, shardvault.__path__[0])"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what a clean clone holds; a kernel that was compiled before stays behind."""
    copy = tmp_path_factory.mktemp("clone")
    shutil.copytree(PROJECT / "src", copy / "src", ignore=shutil.ignore_patterns(*_BUILT))
    shutil.copytree(PROJECT / "tests", copy / "tests", ignore=shutil.ignore_patterns(*_BUILT))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy2(PROJECT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package into a folder of its own on a machine without a compiler."""
    folder = tmp_path_factory.mktemp("installed")
    _install(source, folder, compiler="/bin/false")
    return folder


def _install(source: Path, folder: Path, *, compiler: str | None = None) -> None:
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--target", str(folder)]
    environment = os.environ | ({"CC": compiler} if compiler else {})
    _run([sys.executable, "-m", "pip", "install", *options, str(source)], env=environment)


def _run(command: list[str], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _ask_kernel(folder: Path) -> list[str]:
    command = [sys.executable, "-c", _KERNEL]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    environment.pop("SHARDVAULT_KERNEL", None)
    return _run(command, env=environment, cwd=folder).split()


def _list_files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def test_without_a_compiler_the_pure_kernel_is_installed_and_serves(installed: Path) -> None:
    assert _ask_kernel(installed) == ["pure", str(installed / "shardvault")]


@pytest.mark.long(part="packages")
def test_with_a_compiler_the_native_kernel_is_installed(source: Path, tmp_path: Path) -> None:
    _install(source, tmp_path)
    assert _ask_kernel(tmp_path) == ["native", str(tmp_path / "shardvault")]


def test_what_is_installed_carries_types_kernel_and_licences(installed: Path) -> None:
    files = set(_list_files(installed))
    assert set(_SHIPPED) - files == set()
    licences = {Path(name).name for name in files if "/licenses/" in name}
    assert licences == {"LICENSE", "LICENSE.xxhash"}
    assert "shardvault/kernel/_native.c" not in files


def test_what_is_installed_holds_no_tests_and_nothing_outside_the_package(installed: Path) -> None:
    rooms = {name.split("/")[0] for name in _list_files(installed)}
    assert {room for room in rooms if not room.endswith(".dist-info")} == {"shardvault", "bin"}


def test_the_source_archive_can_be_built_from_and_holds_no_tests(
    source: Path, tmp_path: Path
) -> None:
    build = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    _run([sys.executable, "-c", build, str(tmp_path)], cwd=source)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        files = {name.partition("/")[2] for name in opened.getnames()}
    needed = {"LICENSE", "README.md", "setup.py", "pyproject.toml", *(f"src/{n}" for n in _SHIPPED)}
    assert needed - files == set()
    assert [name for name in files if name.startswith(("tests", "benchmarks", "demo"))] == []
