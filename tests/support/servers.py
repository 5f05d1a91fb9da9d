"""Run private database instances on loopback and a socket; nothing of the host is touched."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql

from shardvault.model.position import Family
from shardvault.model.target import Endpoint
from tests.support.binaries import Flavour, ServerMissing, find_binaries
from tests.support.places import (
    HOST,
    START_LIMIT_S,
    ServerFailed,
    choose_port,
    is_served,
    make_socket_folder,
)
from tests.support.processes import kill_process, spawn, stop_process
from tests.support.templates import REDO_LOG, copy_template, server_user

__all__ = [
    "Flavour",
    "Instance",
    "ServerFailed",
    "ServerMissing",
    "grant_backup_user",
    "start_instance",
]

STOP_LIMIT_S = 30.0
STATEMENT_LIMIT_S = 300
_PORT_TRIES = 8
_POLL_S = 0.02

_OPTIONS = (
    f"--bind-address={HOST}",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=48M",
    "--innodb-use-native-aio=OFF",  # the kernel's aio slots are few
    "--innodb-flush-log-at-trx-commit=2",  # survives a killed server, not a power cut
    "--sync-binlog=0",
)
_FAMILY_OPTIONS = {
    Family.MARIADB: ("--gtid-strict-mode=ON", "--innodb-log-file-size=64M"),
    Family.MYSQL: (
        "--gtid-mode=ON",
        "--enforce-gtid-consistency=ON",
        "--local-infile=ON",
        "--secure-file-priv=NULL",  # the compiled-in folder does not exist; MySQL would abort
        "--mysqlx=OFF",
        REDO_LOG,
    ),
}

_MINIMAL_PRIVILEGES = {
    Family.MARIADB: "SELECT, RELOAD, PROCESS, BINLOG MONITOR, REPLICATION SLAVE, SHOW VIEW,"
    " TRIGGER, EVENT",
    Family.MYSQL: "SELECT, RELOAD, PROCESS, REPLICATION CLIENT, SHOW VIEW, TRIGGER, EVENT,"
    " SHOW_ROUTINE, BACKUP_ADMIN, XA_RECOVER_ADMIN",
}


class Instance:
    """Hold one running server; root logs in by socket or on 127.0.0.1 with ``password``.

    Stopping and killing concern only the process started here. An instance may be
    started again after ``stop`` or ``kill``; its place stays the same.
    """

    user = "root"

    def __init__(
        self,
        flavour: Flavour,
        folder: Path,
        password: str,
        options: Sequence[str],
        outlives_parent: bool,
    ) -> None:
        self.flavour = flavour
        self.folder = folder
        self.password = password
        self.port = choose_port()
        self._own_socket_folder = make_socket_folder(folder)
        self.socket = str((self._own_socket_folder or folder) / "sock")
        self._options = tuple(options)
        self._outlives_parent = outlives_parent
        self._server_id = 1 + secrets.randbelow(2**31)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Say where the instance listens; both the socket and the port are served."""
        return Endpoint(host=HOST, port=self.port, socket=self.socket)

    @property
    def pid(self) -> int:
        """Return the id of the server process."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Say whether the server process is alive, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def data_folder(self) -> Path:
        """Return the server's data folder."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server and wait until root can log in.

        Raises:
            ServerFailed: it ended or was not ready within START_LIMIT_S.
        """
        first_statements = self._write_first_statements()
        try:
            for _ in range(_PORT_TRIES):
                if self._try_start(first_statements):
                    return
                self.port = choose_port()
        finally:
            first_statements.unlink()
        raise ServerFailed(f"{self.flavour.value}: {_PORT_TRIES} ports in turn were taken")

    def connect(self, **options: Any) -> pymysql.Connection:
        """Connect as root by socket, without TLS; ``unix_socket=None`` goes over TCP.

        Args:
            options: as of ``pymysql.connect``.
        """
        defaults = {
            "unix_socket": self.socket,
            "host": HOST,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "charset": "utf8mb4",
            "autocommit": True,
            "connect_timeout": 10,
            "read_timeout": STATEMENT_LIMIT_S,
        }
        chosen = defaults | options
        # The driver loads every root certificate for each TLS connection: 30 ms of CPU.
        return pymysql.connect(**{"ssl_disabled": chosen["unix_socket"] is not None} | chosen)

    def stop(self) -> None:
        """Shut the server down in order; kill it if that takes longer than STOP_LIMIT_S."""
        stop_process(self._running(), limit_s=STOP_LIMIT_S)

    def kill(self) -> None:
        """End the server at once, as a crash does; its data stay."""
        kill_process(self._running())

    def freeze(self) -> None:
        """Halt the server without closing a connection."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._running().send_signal(signal.SIGCONT)

    def destroy(self) -> None:
        """Kill the server and delete all it had; may be called twice."""
        if self.is_running:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._own_socket_folder is not None:
            shutil.rmtree(self._own_socket_folder, ignore_errors=True)

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines of the server's log."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @property
    def _log(self) -> Path:
        return self.folder / "error.log"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerFailed(f"{self.flavour.value} in {self.folder} was never started")
        return self._process

    def _command(self, first_statements: Path) -> tuple[str, ...]:
        return (
            *find_binaries(self.flavour).command,
            *_OPTIONS,
            *_FAMILY_OPTIONS[self.flavour.family],
            *server_user(),
            f"--datadir={self.data_folder}",
            f"--tmpdir={self.folder}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            f"--server-id={self._server_id}",
            f"--init-file={first_statements}",
            *self._options,
        )

    def _write_first_statements(self) -> Path:
        """Write what the server runs before it takes connections: root gets its password."""
        path = self.folder / "first.sql"
        path.touch(mode=0o600)
        path.write_text(
            "SET SESSION sql_log_bin = 0;\n"
            f"ALTER USER root@localhost IDENTIFIED BY '{self.password}';\n"
            f"CREATE USER IF NOT EXISTS root@'{HOST}' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO root@'{HOST}' WITH GRANT OPTION;\n"
        )
        return path

    def _try_start(self, first_statements: Path) -> bool:
        """Start once; return False if another program took the port in the meantime."""
        self._log.unlink(missing_ok=True)
        self._process = spawn(
            self._command(first_statements),
            log=self._log,
            cwd=self.folder,
            outlives_parent=self._outlives_parent,
        )
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return self._judge_early_end()
            if self._answers():
                return True
            time.sleep(_POLL_S)
        self.kill()
        raise ServerFailed(f"not ready after {START_LIMIT_S:.0f} s:\n{self.log_tail()}")

    def _judge_early_end(self) -> bool:
        tail = self.log_tail()
        if "Bind on TCP/IP port" in tail or "Do you already have another" in tail:
            return False
        raise ServerFailed(f"{self.flavour.value} ended at once:\n{tail}")

    def _answers(self) -> bool:
        if not is_served(self.socket):
            return False
        try:
            self.connect(connect_timeout=5).close()
        except pymysql.MySQLError:
            return False
        return True


def start_instance(
    flavour: Flavour,
    folder: Path,
    *,
    password: str | None = None,
    options: Sequence[str] = (),
    outlives_parent: bool = False,
) -> Instance:
    """Make a fresh instance in a new folder and wait until it is ready.

    The server ends with this program, however that ends, unless it is told to outlive it.

    Args:
        folder: must not exist; ``Instance.destroy`` removes it.
        password: of root, without quotes or backslashes; default: a random one.
        options: server options that override ours.

    Raises:
        ServerMissing: no such server on this machine; says how to get it.
        ServerFailed: it did not start; the end of its log is in the message.
    """
    find_binaries(flavour)
    folder = folder.resolve()
    folder.mkdir(parents=True)
    instance = Instance(
        flavour, folder, password or secrets.token_hex(12), options, outlives_parent
    )
    try:
        copy_template(flavour, instance.data_folder, options)
        instance.start()
    except BaseException:
        instance.destroy()
        raise
    return instance


def grant_backup_user(instance: Instance, password: str, user: str = "backup") -> None:
    """Create anew, on one instance, a user who may do just what a backup needs."""
    privileges = _MINIMAL_PRIVILEGES[instance.flavour.family]
    with instance.connect() as connection, connection.cursor() as cursor:
        for host in ("localhost", HOST):
            cursor.execute("DROP USER IF EXISTS %s@%s", (user, host))
            cursor.execute("CREATE USER %s@%s IDENTIFIED BY %s", (user, host, password))
            cursor.execute(f"GRANT {privileges} ON *.* TO %s@%s", (user, host))
