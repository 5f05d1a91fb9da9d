"""Run other dump tools from one instance into another, as they come and with more options."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.binaries import find_runner
from tests.support.servers import Flavour, Instance

_LIMIT_S = 10  # each has a few rows to carry; some wait for ever on a name
_ENDLESS = f"did not end within {_LIMIT_S} s, twice"
_NOISE = re.compile(r"^\*\* \(\w+:\d+\): CRITICAL \*\*: (?:[\d:.]+: )?")
_TELLING = re.compile(r"error|critical", re.IGNORECASE)


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
        dump = _fill(self.dump, source, schemas, folder)
        dumped = _run(dump, output=file)
        if dumped.error == _ENDLESS:  # some hang only now and then
            shutil.rmtree(folder / "dump", ignore_errors=True)
            dumped = _run(dump, output=file)
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
_LARGE = "--max-allowed-packet=1G"
# Whatever is not the server's own, as the manual of mydumper writes it.
_OTHERS = r"^(?!(mysql|sys|information_schema|performance_schema)\.)"
_LOGIN = ("-S", "{socket}", "-u", "root", "-p", "{password}")
_MYDUMPER = ("mydumper", *_LOGIN, "-o", "{folder}/dump", "-x", _OTHERS)
_MYLOADER = ("myloader", *_LOGIN, "-d", "{folder}/dump")
_CODE = ("--routines", "--events", "--triggers")
_OPTIONS = ("--single-transaction", "--hex-blob", "--tz-utc", _LARGE, *_CODE)
_SCHEMAS = ("--databases", "{schemas}")

TOOLS = (
    Tool("mariadb-dump", Flavour.MARIADB_1011, (*_MARIADB_DUMP, *_SCHEMAS), _MARIADB),
    Tool(
        "mariadb-dump, with options",
        Flavour.MARIADB_1011,
        (*_MARIADB_DUMP, *_OPTIONS, "--dump-history", *_SCHEMAS),
        (*_MARIADB, "--comments", _LARGE),
    ),
    Tool("mydumper", Flavour.MARIADB_1011, _MYDUMPER, _MYLOADER),
    Tool(
        "mydumper, with options",
        Flavour.MARIADB_1011,
        (*_MYDUMPER, "--tz-utc", *_CODE, "--complete-insert"),
        _MYLOADER,
    ),
    Tool("mysqldump", Flavour.MYSQL_97, (*_MYSQLDUMP, "--set-gtid-purged=OFF", *_SCHEMAS), _MYSQL),
    Tool(
        "mysqldump, with options",
        Flavour.MYSQL_97,
        (*_MYSQLDUMP, "--set-gtid-purged=OFF", *_OPTIONS, *_SCHEMAS),
        (*_MYSQL, _LARGE),
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
            return Passage(_ENDLESS)
    written = ended.stderr.decode("utf-8", "backslashreplace").strip()
    if ended.returncode != 0:
        return Passage(error=_pick_line(written) or f"exit code {ended.returncode}")
    return Passage(messages=written)


def _pick_line(written: str) -> str:
    """Choose the line that says what went wrong."""
    lines = written.splitlines()
    telling = [line for line in lines if _TELLING.search(line)]
    return _NOISE.sub("", next(iter([*telling, *lines]), ""))
