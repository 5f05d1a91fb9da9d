"""Find the server programs that tests and demo run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from shardvault.model.position import Family

PROJECT = Path(__file__).resolve().parents[2]
STAND_IN = "SHARDVAULT_SERVER_UNDER_TEST"
"""Variable with a folder, or a program: the server of ``make test SERVERS=PATH``."""


class ServerMissing(Exception):
    """Report a server program that is not on this machine, and how to get it."""


class Flavour(Enum):
    """Name the servers that can be started."""

    MARIADB_105 = "mariadb105"
    MARIADB_1011 = "mariadb1011"
    """MariaDB as installed on this machine: 10.11 on Debian 12 and Ubuntu 24.04."""
    MARIADB_118 = "mariadb118"
    MYSQL_97 = "mysql97"

    @property
    def family(self) -> Family:
        """Say whether this is MySQL or MariaDB."""
        return Family.MYSQL if self is Flavour.MYSQL_97 else Family.MARIADB


SERIES = {
    Flavour.MARIADB_105: (10, 5),
    Flavour.MARIADB_1011: (10, 11),
    Flavour.MARIADB_118: (11, 8),
    Flavour.MYSQL_97: (9, 7),
}


@dataclass(frozen=True)
class Binaries:
    """Say how one server is run.

    Attributes:
        program: the file whose change means another version.
        command: the server with the options that say where its own files are.
        share: folder with the SQL files of the system tables.
    """

    program: Path
    command: tuple[str, ...]
    share: Path


@dataclass(frozen=True)
class Version:
    """Say which server a program is, in its own words."""

    family: Family
    numbers: tuple[int, int, int]
    text: str


def find_binaries(flavour: Flavour) -> Binaries:
    """Find a server; raises ServerMissing, which says how to get it.

    A server that stands in for this flavour takes its place; see ``find_stand_in``.
    """
    stand_in = find_stand_in()
    if stand_in is not None and stand_in[0] is flavour:
        return stand_in[1]
    if flavour is Flavour.MARIADB_1011:
        return _find_installed()
    runner = find_runner(flavour.value)
    return find_in_folder(runner.parent)


def find_in_folder(place: Path) -> Binaries:
    """Find the server in a folder: unpacked by ``get_server.sh``, a tarball, or installed.

    Args:
        place: the folder, or the server program itself.

    Raises:
        ServerMissing: the place has no server, or not the files that every server needs.
    """
    program = place if place.is_file() else _first(_list_programs(place))
    if program is None or not os.access(program, os.X_OK):
        raise ServerMissing(
            f"no server program in {place}; name a folder with bin/mysqld, bin/mariadbd,"
            " usr/sbin/mysqld or usr/sbin/mariadbd, or the program itself"
        )
    base = program.parent.parent
    return Binaries(program, _write_command(program, base), _find_share(program, base))


def find_stand_in() -> tuple[Flavour, Binaries] | None:
    """Find the server of ``make test SERVERS=PATH`` and the flavour whose place it takes.

    That is the newest one of its family that is not newer than the server, else the oldest.
    """
    place = os.environ.get(STAND_IN)
    return _judge_stand_in(Path(place)) if place else None


@cache
def _judge_stand_in(place: Path) -> tuple[Flavour, Binaries]:
    binaries = find_in_folder(place)
    return choose_flavour(read_version(binaries)), binaries


def choose_flavour(version: Version) -> Flavour:
    """Choose the flavour whose place a server takes."""
    family = [flavour for flavour in Flavour if flavour.family is version.family]
    older = [flavour for flavour in family if SERIES[flavour] <= version.numbers[:2]]
    return older[-1] if older else family[0]


def read_version(binaries: Binaries) -> Version:
    """Ask a server program for its version; raises ServerMissing if it has no answer."""
    command = (*binaries.command, "--version")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    try:
        return parse_version(done.stdout)
    except ValueError as error:
        raise ServerMissing(f"{binaries.program} --version says {done.stdout!r}") from error


def parse_version(text: str) -> Version:
    """Read the answer to ``--version``; raises ValueError."""
    found = re.search(r"Ver (\d+)\.(\d+)\.(\d+)\S*", text)
    if found is None:
        raise ValueError(text)
    family = Family.MARIADB if "mariadb" in text.lower() else Family.MYSQL
    name = next((name for name in ("MariaDB", "Percona") if name in text), "MySQL")
    numbers = (int(found[1]), int(found[2]), int(found[3]))
    return Version(family, numbers, f"{name} {found[0].removeprefix('Ver ')}")


def describe_servers() -> list[str]:
    """Say which version each flavour is on this machine, one line for each."""
    stand_in = find_stand_in()
    lines = []
    for flavour in Flavour:
        try:
            binaries = find_binaries(flavour)
            shown = f"{read_version(binaries).text} ({binaries.program})"
        except ServerMissing as error:
            shown = f"missing: {error}"
        note = ", from SERVERS=" if stand_in is not None and stand_in[0] is flavour else ""
        lines.append(f"server {flavour.value}: {shown}{note}")
    return lines


def _list_programs(folder: Path) -> Iterable[Path]:
    for place in ("usr/sbin", "usr/bin", "sbin", "bin", "libexec"):
        for name in ("mariadbd", "mysqld"):
            yield folder / place / name


def _write_command(program: Path, base: Path) -> tuple[str, ...]:
    """Write the command; a folder of ``get_server.sh`` has a loader of its own."""
    runner = base.parent / "run.sh"
    start = (str(runner), program.name) if os.access(runner, os.X_OK) else (str(program),)
    places = (base / name / "charsets" for name in ("share/mariadb", "share/mysql", "share"))
    charsets = _first(places)
    plugins = _first(base / name for name in ("lib/mysql/plugin", "lib64/mysql/plugin"))
    own = []
    if charsets is not None:
        own = [f"--lc-messages-dir={charsets.parent}", f"--character-sets-dir={charsets}"]
    if plugins is not None:
        own.append(f"--plugin-dir={plugins}")
    return (*start, "--no-defaults", f"--basedir={base}", *own)


def _find_share(program: Path, base: Path) -> Path:
    """Find the SQL files of MariaDB's system tables; MySQL has them inside the program."""
    shares = [base / name for name in ("share/mariadb", "share/mysql", "share")]
    share = next((folder for folder in shares if any(folder.glob("*_system_tables.sql"))), None)
    if share is None and program.resolve().name == "mysqld":
        return shares[1]
    if share is None:
        raise ServerMissing(
            f"{program} has no *_system_tables.sql in {' or '.join(map(str, shares))};"
            " reinstall the package mariadb-server-core"
        )
    return share


def _first(places: Iterable[Path]) -> Path | None:
    return next((place for place in places if place.exists()), None)


def _find_installed() -> Binaries:
    program = shutil.which("mariadbd", path=f"{os.defpath}:/usr/sbin:/usr/libexec")
    if program is None:
        raise ServerMissing(
            "mariadbd is not installed; run `make setup` or `apt-get install mariadb-server-core`"
        )
    return find_in_folder(Path(program))


def find_runner(name: str) -> Path:
    """Return the ``run.sh`` of an unpacked server; raises ServerMissing."""
    runner = servers_folder() / name / "run.sh"
    if not os.access(runner, os.X_OK):
        raise ServerMissing(
            f"{name} is not in {runner.parent};"
            f" run `make servers` or `tests/support/get_server.sh {name}`"
        )
    return runner


def servers_folder() -> Path:
    """Return the folder of unpacked servers: SHARDVAULT_SERVERS, else the project's cache."""
    return Path(os.environ.get("SHARDVAULT_SERVERS") or PROJECT / ".cache/servers").resolve()
