"""What the tests of whole operations share: a repository with its fleet files, and comparisons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from shardvault import app, failpoints
from shardvault.events import Event, PhaseStarted
from shardvault.model.report import BackupReport, RestoreReport, VerifyReport
from tests.integration.barrier_support import client_ids, wait_until
from tests.support.binaries import PROJECT
from tests.support.fleet import write_fleet_file
from tests.support.servers import Instance

FINISH_LIMIT_S = 60
SYSTEM = ("mysql", "sys", "information_schema", "performance_schema")
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Result:
    """Hold how a command of ours ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """Read what ``--format json`` printed."""
        return json.loads(self.out)


class Servers(Protocol):
    """Say what is needed of a fleet: its instances and root's password."""

    user: str
    shards: dict[str, Instance]

    @property
    def password(self) -> str: ...


@dataclass
class Lone:
    """Make a fleet of shared instances, whose passwords must be equal."""

    shards: dict[str, Instance]
    user: str = Instance.user

    @property
    def password(self) -> str:
        """Return root's password."""
        (password,) = {instance.password for instance in self.shards.values()}
        return password


class Vault:
    """Hold one repository, the file of its fleet, and the files of targets."""

    def __init__(
        self, folder: Path, source: Servers, *, tables: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.key = folder / "key"
        self.config = str(self._write("source", source, tables))
        app.init(self.config)

    def _write(self, name: str, fleet: Servers, tables: Sequence[Mapping[str, Any]] = ()) -> Path:
        password = self.folder / f"{name}.password"
        password.touch(mode=0o600)
        password.write_text(fleet.password)
        return write_fleet_file(
            self.folder / f"{name}.yaml",
            fleet.shards,
            user=fleet.user,
            password={"file": str(password)},
            tables=tables,
            repository=self.repository,
            key=self.key,
        )

    def configure(self, text: str) -> None:
        """Add sections to the file of the fleet."""
        with Path(self.config).open("a") as file:
            file.write(text)

    def target(self, fleet: Servers, name: str = "target") -> str:
        """Write the file of a target and return its path."""
        return str(self._write(name, fleet))

    def backup(self, sink: Steps | None = None, **options: Any) -> BackupReport:
        """Take a backup inside this process."""
        return app.backup(self.config, sink=sink, **options)

    def restore(self, target: str, sink: Steps | None = None, **options: Any) -> RestoreReport:
        """Restore the newest backup, whatever its scope, inside this process."""
        return app.restore(self.newest(), self.config, target=target, sink=sink, **options)

    def newest(self) -> str:
        """Give the id of the newest backup, complete or not."""
        return self.listed()[-1]

    def verify(self, backup: str = "latest") -> VerifyReport:
        """Read a backup back inside this process."""
        return app.verify(backup, self.config)

    def listed(self) -> list[str]:
        """Give the ids that ``list`` prints."""
        return [str(found.id) for found in app.list_backups(self.config).backups]

    def start(self, *words: str, fail_at: str = "") -> subprocess.Popen[str]:
        """Start the program on this repository; the caller ends it."""
        return start_program(*words, "--config", self.config, fail_at=fail_at)

    def run(self, *words: str, fail_at: str = "") -> Result:
        """Run the program on this repository."""
        return finish(self.start(*words, fail_at=fail_at))


class Steps:
    """Take events; do something, once, when an operation enters a phase."""

    def __init__(self, **actions: Callable[[], object]) -> None:
        self._actions = dict(actions)
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Take one event; actions run before the operation goes on."""
        self.events.append(event)
        if isinstance(event, PhaseStarted) and event.phase in self._actions:
            self._actions.pop(event.phase)()


def start_program(*words: str, fail_at: str = "") -> subprocess.Popen[str]:
    """Start ``shardvault`` with failpoints set."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src"), failpoints.VARIABLE: fail_at}
    return subprocess.Popen(
        [sys.executable, "-m", "shardvault", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> Result:
    """Wait for the program's end; kill it if that takes too long."""
    try:
        out, err = process.communicate(timeout=FINISH_LIMIT_S)
    finally:
        process.kill()
        process.wait()
    return Result(process.returncode, out, err)


def await_stopped(process: subprocess.Popen[str]) -> None:
    """Wait until a failpoint has stopped the program."""
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), finish(process)


def set_failpoints(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Set the failpoints of this very process."""
    monkeypatch.setattr(failpoints, "_points", failpoints._parse(text))


def assert_clean_failure(result: Result, code: int, *words: str) -> None:
    """Prove that a command failed as documented and says what, where and what to do."""
    shown = f"code {result.code}\n{result.out}\n{result.err}"
    assert result.code == code, shown
    assert "Traceback" not in result.err, shown
    assert "internal error" not in result.err, shown
    lines = result.err.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("shardvault: "))
    told = "\n".join(lines[first:])
    assert lines[first + 1 :], f"no next step: {shown}"
    for word in words:
        assert word in told, f"{word!r} is not in: {shown}"


def query(instance: Instance, statement: str, arguments: Sequence[Any] = ()) -> list[Row]:
    """Run one statement as root and return its rows."""
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return list(cursor.fetchall())


def run_all(instance: Instance, *statements: str) -> None:
    """Run statements as root in one session."""
    with instance.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def quote(name: str) -> str:
    """Put an identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def schemas(instance: Instance) -> list[str]:
    """Give the names of all schemas that are not the server's own."""
    return [name for (name,) in query(instance, "SHOW DATABASES") if name not in SYSTEM]


def wipe(*instances: Instance) -> None:
    """Drop every schema and account that is not the server's own."""
    for instance in instances:
        run_all(instance, "SET foreign_key_checks = 0", *map(_drop_schema, schemas(instance)))
        _drop_accounts(instance)


def _drop_schema(name: str) -> str:
    return f"DROP DATABASE {quote(name)}"


def _drop_accounts(instance: Instance) -> None:
    known = ("root", "mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema", "PUBLIC")
    for user, host in query(
        instance, "SELECT user, host FROM mysql.user WHERE user NOT IN %s", (known,)
    ):
        kind, place = ("USER", f"@{quote(host)}") if host else ("ROLE", "")
        run_all(instance, f"DROP {kind} {quote(user)}{place}")


def describe(instance: Instance, schema: str) -> dict[str, Any]:
    """Give all that a schema consists of, as the server itself tells it; rows as checksums."""
    with instance.connect() as connection, connection.cursor() as cursor:

        def read(statement: str, *arguments: str) -> list[Row]:
            cursor.execute(statement, arguments or None)
            return list(cursor.fetchall())

        created = read(f"SHOW CREATE DATABASE {quote(schema)}")
        return {"schema": created, **_describe_tables(read, schema), **_describe_code(read, schema)}


def _describe_tables(read: Callable[..., list[Row]], schema: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = "SELECT table_name, table_type FROM information_schema.tables"
    for name, kind in read(f"{names} WHERE BINARY table_schema = %s", schema):
        place = f"{quote(schema)}.{quote(name)}"
        found[name] = read(f"SHOW CREATE TABLE {place}")
        if kind == "BASE TABLE":
            found[f"rows of {name}"] = read(f"CHECKSUM TABLE {place}")
        elif kind == "SEQUENCE":
            found[f"state of {name}"] = read(f"SELECT * FROM {place}")
    return found


_ROUTINES = (
    "routine_name FROM information_schema.routines"
    " WHERE routine_type = '{}' AND BINARY routine_schema"
)
_CODE = (
    ("TRIGGER", "trigger_name FROM information_schema.triggers WHERE BINARY trigger_schema", 3),
    ("EVENT", "event_name FROM information_schema.events WHERE BINARY event_schema", 4),
    ("FUNCTION", _ROUTINES.format("FUNCTION"), 3),
    ("PROCEDURE", _ROUTINES.format("PROCEDURE"), 3),
)


def _describe_code(read: Callable[..., list[Row]], schema: str) -> dict[str, Any]:
    """Leave out what SHOW CREATE tells behind the text: the time of creation."""
    return {
        f"{kind} {name}": read(f"SHOW CREATE {kind} {quote(schema)}.{quote(name)}")[0][:shown]
        for kind, names, shown in _CODE
        for (name,) in read(f"SELECT {names} = %s", schema)
    }


def describe_account(instance: Instance, account: str) -> tuple[list[Row], list[Row]]:
    """Give how an account is created and what it may do."""
    created = query(instance, f"SHOW CREATE USER {account}")
    return created, query(instance, f"SHOW GRANTS FOR {account}")


def mark_of(instance: Instance) -> str | None:
    """Read whether a target says that it is incomplete."""
    if not query(
        instance, "SELECT 1 FROM information_schema.tables WHERE table_schema = '_shardvault'"
    ):
        return None
    rows = query(instance, "SELECT status FROM _shardvault.restore")
    return str(rows[0][0]) if rows else None


def _is_left(instance: Instance, known: set[int]) -> bool:
    return not client_ids(instance) - known


def assert_free(instances: Iterable[Instance], known: Mapping[str, set[int]]) -> None:
    """Prove that no session is left and that rows and definitions can be changed at once."""
    for instance in instances:
        wait_until(partial(_is_left, instance, known[instance.socket]))
        run_all(
            instance,
            "SET lock_wait_timeout = 1",
            "CREATE DATABASE writable",
            "CREATE TABLE writable.t (n INT)",
            "INSERT INTO writable.t VALUES (1)",
            "DROP DATABASE writable",
        )


def sessions_on(instances: Iterable[Instance]) -> dict[str, set[int]]:
    """Note which clients are connected now, for ``assert_free``."""
    return {instance.socket: client_ids(instance) for instance in instances}
