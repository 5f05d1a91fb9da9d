"""Find the server programs that tests and demo run."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from shardvault.model.position import Family

PROJECT = Path(__file__).resolve().parents[2]


class ServerMissing(Exception):
    """Report a server program that is not on this machine, and how to get it."""


class Flavour(Enum):
    """Name the servers that can be started."""

    MARIADB_1011 = "mariadb1011"
    """MariaDB as installed on this machine: 10.11 on Debian 12 and Ubuntu 24.04."""
    MARIADB_118 = "mariadb118"
    MYSQL_97 = "mysql97"

    @property
    def family(self) -> Family:
        """Say whether this is MySQL or MariaDB."""
        return Family.MYSQL if self is Flavour.MYSQL_97 else Family.MARIADB


@dataclass(frozen=True)
class Binaries:
    """Say how one server is run.

    Attributes:
        program: the file whose change means another version.
        command: the server with the options that tell it where its own files lie.
        share: folder with the SQL files of the system tables.
    """

    program: Path
    command: tuple[str, ...]
    share: Path


def find_binaries(flavour: Flavour) -> Binaries:
    """Find a server; raises ServerMissing, which says how to get it."""
    if flavour is Flavour.MARIADB_1011:
        return _find_installed()
    return _find_unpacked(flavour)


def _find_installed() -> Binaries:
    program = shutil.which("mariadbd", path=f"{os.defpath}:/usr/sbin:/usr/libexec")
    if program is None:
        raise ServerMissing(
            "mariadbd is not installed; run `make setup` or `apt-get install mariadb-server-core`"
        )
    shares = [Path("/usr/share/mariadb"), Path("/usr/share/mysql")]
    share = next((folder for folder in shares if any(folder.glob("*_system_tables.sql"))), None)
    if share is None:
        raise ServerMissing(
            f"{program} has no *_system_tables.sql in {' or '.join(map(str, shares))};"
            " reinstall the package mariadb-server-core"
        )
    return Binaries(Path(program), (program, "--no-defaults", "--basedir=/usr"), share)


def _find_unpacked(flavour: Flavour) -> Binaries:
    runner = find_runner(flavour.value)
    folder = runner.parent
    is_mysql = flavour.family is Family.MYSQL
    server, share_name = ("mysqld", "mysql") if is_mysql else ("mariadbd", "mariadb")
    share = folder / "usr/share" / share_name
    command = (
        str(runner),
        server,
        "--no-defaults",
        f"--basedir={folder / 'usr'}",
        f"--lc-messages-dir={share}",
        f"--character-sets-dir={share / 'charsets'}",
        f"--plugin-dir={folder / 'usr/lib/mysql/plugin'}",
    )
    return Binaries(folder / "usr/sbin" / server, command, share)


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
