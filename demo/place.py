"""Hold everything of one demo in one folder, and say how to reach it afterwards."""

from __future__ import annotations

import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from demo.screen import Screen
from shardvault.fleet.privileges import Purpose, needed_privileges
from shardvault.mysql.session import parse_version
from tests.support.fleet import Fleet, in_parallel, write_fleet_file
from tests.support.servers import Flavour, Instance
from tests.support.shop import TABLES

BACKUP_USER = "backup"
_BANK = "s${0..3}.bank."
_LOGICAL_TABLES = (
    *TABLES,
    {"logical": "tickets", "nodes": _BANK + "tickets"},
    {"logical": "bank_accounts", "nodes": _BANK + "accounts"},
    {"logical": "journal", "nodes": _BANK + "journal"},
    {"logical": "counters", "nodes": _BANK + "counters"},
)
# A process id alone may meanwhile be another program's; its working folder tells.
_STOP = """\
#!/bin/sh
# Stop every instance of this demo, and nothing else; then delete what it had.
for file in {folder}/*/*/pid; do
  pid=$(cat "$file")
  case $(readlink "/proc/$pid/cwd") in
    {folder}/*) kill -9 "$pid"; while readlink "/proc/$pid/cwd" > /dev/null; do sleep 0.1; done ;;
  esac
done
rm -rf {folders}
"""


@dataclass
class Place:
    """Know the folder of one demo and the fleets in it.

    Attributes:
        outlives: whether servers are started so that they may outlive this program.
        is_kept: the folder and the servers stay; see ``keep``.
    """

    folder: Path
    outlives: bool
    fleets: list[Fleet] = field(default_factory=list)
    is_kept: bool = False

    @property
    def repository(self) -> Path:
        """Return the folder of the repository."""
        return self.folder / "repository"

    @property
    def key(self) -> Path:
        """Return the file of the repository's key."""
        return self.folder / "repository.key"

    def make_fleet(self, name: str, size: int, prefix: str) -> Fleet:
        """Describe a fleet in a folder of its own; entering it starts its instances."""
        fleet = Fleet(
            [Flavour.MARIADB_1011] * size,
            folder=self.folder / name,
            prefix=prefix,
            outlives_parent=self.outlives,
        )
        self.fleets.append(fleet)
        return fleet

    def write_source(self, fleet: Fleet) -> None:
        """Write ``shardvault.yaml``: the fleet, seen by a user who may only back it up."""
        password = secrets.token_hex(12)
        in_parallel(lambda each: _create_backup_user(each, password), fleet.instances)
        write_fleet_file(
            self.folder / "shardvault.yaml",
            fleet.shards,
            user=BACKUP_USER,
            password=self._hide("backup.password", password),
            tables=_LOGICAL_TABLES,
            repository=self.repository,
            key=self.key,
        )

    def write_target(self, fleet: Fleet, name: str) -> None:
        """Write the file of a fleet that shall take a restore."""
        password = self._hide(f"{name}.password", fleet.password)
        path = self.folder / f"{name}.yaml"
        write_fleet_file(path, fleet.shards, user=fleet.user, password=password, name=name)

    def keep(self, screen: Screen) -> None:
        """Leave all servers up, and say how to reach and how to stop them."""
        for fleet in self.fleets:
            fleet.keep()
        self.is_kept = True
        self._write_stop()
        screen.heading("The fleets are up (--keep)")
        screen.line(f"cd {shlex.quote(str(self.folder))}")
        for fleet in self.fleets:
            self._show_logins(fleet, screen)
        screen.line(f"{_find_command()} list")
        screen.line("sh stop    # stops every instance, deletes this folder")

    def _write_stop(self) -> None:
        """Write a script that stops all servers; sockets may lie apart if TMPDIR is long."""
        sockets = {Path(each.socket).parent for fleet in self.fleets for each in fleet.instances}
        folders = [self.folder, *(s for s in sockets if not s.is_relative_to(self.folder))]
        quoted = [shlex.quote(str(folder)) for folder in folders]
        text = _STOP.format(folder=quoted[0], folders=" ".join(quoted))
        (self.folder / "stop").write_text(text)

    def _show_logins(self, fleet: Fleet, screen: Screen) -> None:
        options = fleet.folder.name + ".cnf"
        self._hide(options, f"[client]\nuser={fleet.user}\npassword={fleet.password}\n")
        for name, instance in fleet.shards.items():
            if instance.is_running:
                socket = instance.socket.removeprefix(f"{self.folder}/")
                screen.line(f"mariadb --defaults-file={options} --socket={socket}    # {name}")

    def _hide(self, name: str, text: str) -> dict[str, str]:
        """Write a file that only its owner can read, and return a reference to it."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return {"file": name}


@contextmanager
def opened_place(*, outlives: bool) -> Iterator[Place]:
    """Make a place that is gone with the ``with`` block unless it was kept."""
    folder = Path(tempfile.mkdtemp(prefix="shardvault-demo-")).resolve()
    place = Place(folder, outlives)
    try:
        yield place
    finally:
        if not place.is_kept:
            for fleet in place.fleets:  # one that was interrupted in the middle of its start
                fleet.destroy()
            shutil.rmtree(folder)


def _find_command() -> str:
    """Return how to call the program that the demo runs."""
    own_folder = str(Path(sys.executable).parent)
    return shutil.which("shardvault", path=own_folder) or f"{sys.executable} -m shardvault"


def _create_backup_user(instance: Instance, password: str) -> None:
    """Create a user who may do just what ``shardvault check`` asks for."""
    account = f"{BACKUP_USER}@localhost"
    with instance.connect() as connection, connection.cursor() as cursor:
        version = parse_version(connection.get_server_info())
        needed = needed_privileges(instance.flavour.family, version, Purpose.BACKUP)
        # The last one is not needed, but lets the snapshots give metadata locks back early.
        names = ", ".join([*(privilege.name for privilege in needed), "BINLOG ADMIN"])
        cursor.execute(f"CREATE USER {account} IDENTIFIED BY %s", (password,))
        cursor.execute(f"GRANT {names} ON *.* TO {account}")
