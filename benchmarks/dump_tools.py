"""Run other dump tools from one instance into another, without and with their best options."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.binaries import find_runner
from tests.support.servers import Flavour, Instance

_LIMIT_S = 20  # each has a few rows to carry; some wait for ever on a name


@dataclass(frozen=True)
class Passage:
    """Tell how one dump and load went.

    Attributes:
        error: what the tool wrote when it failed, empty if it left with exit code 0.
        messages: what it wrote to standard error although it left with exit code 0.
    """

    error: str = ""
    messages: str = ""


@dataclass(frozen=True)
class Tool:
    """Describe a pair of programs that dumps schemas and loads them again.

    Attributes:
        flavour: the server that it is used with.
        dump: the dump's words; ``{schemas}`` stands for as many words as there are schemas.
        load: the load's words; it reads the dump from standard input unless it is a folder.
    """

    name: str
    flavour: Flavour
    dump: tuple[str, ...]
    load: tuple[str, ...]

    @property
    def version(self) -> str:
        """Ask the program for its version."""
        shown = subprocess.run(
            [*_resolve(self.dump[:1]), "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_LIMIT_S,
        )
        return " ".join(shown.stdout.split()).partition(",")[0]

    def carry(
        self, source: Instance, target: Instance, schemas: Sequence[str], folder: Path
    ) -> Passage:
        """Dump schemas and load them into an instance that lacks them."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        file = folder / "dump.sql"
        dumped = _run(_fill(self.dump, source, schemas, folder), output=file)
        if dumped.error:
            return Passage(f"dump: {dumped.error}")
        loaded = _run(_fill(self.load, target, schemas, folder), given=file)
        if loaded.error:
            return Passage(f"load: {loaded.error}")
        return Passage(messages="\n".join(filter(None, (dumped.messages, loaded.messages))))


_MARIADB_DUMP = ("mariadb-dump", "--defaults-file={options}")
_MARIADB = ("mariadb", "--defaults-file={options}")
_MYSQLDUMP = ("mysqldump", "--defaults-file={options}")
_MYSQL = ("mysql", "--defaults-file={options}")
_LOGIN = ("-S", "{socket}", "-u", "root", "-p", "{password}")
_MYDUMPER = ("mydumper", *_LOGIN, "-o", "{folder}/dump", "-x", "{regex}")
_MYLOADER = ("myloader", *_LOGIN, "-d", "{folder}/dump")
_CODE = ("--routines", "--events", "--triggers")
_BEST = ("--single-transaction", "--hex-blob", "--tz-utc", *_CODE)
_SCHEMAS = ("--databases", "{schemas}")

TOOLS = (
    Tool("mariadb-dump", Flavour.MARIADB_1011, (*_MARIADB_DUMP, *_SCHEMAS), _MARIADB),
    Tool(
        "mariadb-dump, best options",
        Flavour.MARIADB_1011,
        (*_MARIADB_DUMP, *_BEST, "--dump-history", *_SCHEMAS),
        _MARIADB,
    ),
    Tool("mydumper", Flavour.MARIADB_1011, _MYDUMPER, _MYLOADER),
    Tool(
        "mydumper, best options",
        Flavour.MARIADB_1011,
        (*_MYDUMPER, "--tz-utc", *_CODE, "--complete-insert"),
        _MYLOADER,
    ),
    Tool("mysqldump", Flavour.MYSQL_97, (*_MYSQLDUMP, "--set-gtid-purged=OFF", *_SCHEMAS), _MYSQL),
    Tool(
        "mysqldump, best options",
        Flavour.MYSQL_97,
        (*_MYSQLDUMP, "--set-gtid-purged=OFF", *_BEST, *_SCHEMAS),
        _MYSQL,
    ),
)


def _fill(
    words: Sequence[str], instance: Instance, schemas: Sequence[str], folder: Path
) -> list[str]:
    values = {
        "{options}": str(_write_options(instance)),
        "{socket}": instance.socket,
        "{password}": instance.password,
        "{folder}": str(folder),
        "{regex}": f"^({'|'.join(map(re.escape, schemas))})\\.",
    }
    filled: list[str] = []
    for word in words:
        if word == "{schemas}":
            filled += schemas
            continue
        for place, value in values.items():
            word = word.replace(place, value)
        filled.append(word)
    return [*_resolve(filled[:1]), *filled[1:]]


def _resolve(program: Sequence[str]) -> list[str]:
    """MySQL's own programs come with the server that was fetched; others are installed."""
    if program[0] in ("mysqldump", "mysql"):
        return [str(find_runner(Flavour.MYSQL_97.value)), *program]
    return list(program)


def _write_options(instance: Instance) -> Path:
    path = instance.folder / "client.cnf"
    path.touch(mode=0o600)
    path.write_text(
        f"[client]\nuser=root\npassword={instance.password}\nsocket={instance.socket}\n"
    )
    return path


def _run(command: list[str], *, output: Path | None = None, given: Path | None = None) -> Passage:
    """Run one program; standard output goes to a file, standard input comes from one."""
    with (
        (output or Path("/dev/null")).open("wb") as out,
        (given if given is not None else Path("/dev/null")).open("rb") as text,
    ):
        try:
            ended = subprocess.run(
                command,
                stdin=text,
                stdout=out,
                stderr=subprocess.PIPE,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Passage(f"did not end within {_LIMIT_S} s")
    written = ended.stderr.decode("utf-8", "backslashreplace").strip()
    if ended.returncode != 0:
        last = written.splitlines()[-1:] or [f"exit code {ended.returncode}"]
        return Passage(error=last[0])
    return Passage(messages=written)
