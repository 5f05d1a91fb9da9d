from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.binaries import (
    PROJECT,
    STAND_IN,
    Flavour,
    ServerMissing,
    choose_flavour,
    describe_servers,
    find_binaries,
    find_in_folder,
    find_runner,
    find_stand_in,
    parse_version,
)
from tests.support.servers import Instance, start_instance

WRAPPER = """\
#!/bin/sh
exec {runner} mariadbd "$@"
"""
COLLECT = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")


@pytest.fixture(params=["unpacked", "tarball", "program"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Lay out a server as users have it; the program is the same."""
    source = find_runner("mariadb118").parent
    if request.param == "unpacked":
        (tmp_path / "own").symlink_to(source)
        return tmp_path / "own"
    (tmp_path / "bin").mkdir()
    (tmp_path / "share").symlink_to(source / "usr/share/mariadb")
    program = tmp_path / "bin/mariadbd"
    program.write_text(WRAPPER.format(runner=source / "run.sh"))
    program.chmod(0o755)
    return tmp_path if request.param == "tarball" else program


@pytest.fixture
def instance(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    monkeypatch.setenv(STAND_IN, str(place))
    instance = start_instance(Flavour.MARIADB_118, tmp_path / "instance")
    yield instance
    instance.destroy()


def test_a_server_that_a_user_names_is_started_in_the_place_of_the_nearest_one(
    instance: Instance, place: Path
) -> None:
    program = find_binaries(Flavour.MARIADB_118).program
    assert program == place or program.is_relative_to(place)
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        ((version,),) = cursor.fetchall()
    (line,) = [line for line in describe_servers() if "SERVERS=" in line]
    assert version.split("-")[0] in line
    assert str(program) in line


@pytest.mark.parametrize(
    ("answer", "flavour", "text"),
    [
        ("mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)",
         Flavour.MYSQL_97, "MySQL 8.0.36"),
        ("mysqld  Ver 8.4.3-3 for Linux on x86_64 (Percona Server (GPL), Release 3)",
         Flavour.MYSQL_97, "Percona 8.4.3-3"),
        ("mariadbd  Ver 10.6.16-MariaDB-log for Linux", Flavour.MARIADB_105,
         "MariaDB 10.6.16-MariaDB-log"),
        ("mysqld  Ver 10.4.30-MariaDB for Linux", Flavour.MARIADB_105, "MariaDB 10.4.30-MariaDB"),
        ("mariadbd  Ver 11.4.2-MariaDB for Linux", Flavour.MARIADB_1011, "MariaDB 11.4.2-MariaDB"),
        ("mariadbd  Ver 12.1.1-MariaDB for Linux", Flavour.MARIADB_118, "MariaDB 12.1.1-MariaDB"),
    ],
)  # fmt: skip
def test_a_server_takes_the_place_that_its_own_answer_gives_it(
    answer: str, flavour: Flavour, text: str
) -> None:
    version = parse_version(answer)
    assert choose_flavour(version) is flavour
    assert version.text == text


def test_a_folder_without_a_server_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerMissing, match="no server program in"):
        find_in_folder(tmp_path)


def test_a_program_that_is_no_server_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin/mysqld"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    monkeypatch.setenv(STAND_IN, str(tmp_path))
    with pytest.raises(ServerMissing, match="hello"):
        find_stand_in()


def test_without_one_each_flavour_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STAND_IN, raising=False)
    assert find_stand_in() is None
    assert not any("SERVERS=" in line for line in describe_servers())


def test_only_tests_of_the_named_server_are_chosen_and_its_version_is_printed_first() -> None:
    environment = os.environ | {STAND_IN: str(find_runner("mariadb118").parent)}
    collected = subprocess.run(
        [sys.executable, *COLLECT, "-v", "tests/exactness/test_matrix.py", "-k", "empty_database"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert "mariadb118-d56_empty_database" in collected
    assert "mysql97-d56_empty_database" not in collected
    header = collected.index("server mariadb118: MariaDB 11.8")
    assert header < collected.index("d56_empty_database")
