from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from tests.support import servers
from tests.support.binaries import PROJECT
from tests.support.places import choose_port
from tests.support.servers import (
    Flavour,
    Instance,
    ServerFailed,
    ServerMissing,
    grant_backup_user,
    start_instance,
)

HELD_BY_BACKUP = {
    "mariadb": ("BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT", "BACKUP STAGE END"),
    "mysql": (
        "LOCK INSTANCE FOR BACKUP",
        "FLUSH TABLES WITH READ LOCK",
        "SELECT * FROM performance_schema.log_status",
        "UNLOCK TABLES",
        "UNLOCK INSTANCE",
    ),
}
READ_BY_BACKUP = (
    "XA RECOVER",
    "SHOW PROCESSLIST",
    "SHOW BINARY LOGS",
    "SHOW CREATE VIEW grants_test.v",
    "SHOW CREATE TRIGGER grants_test.g",
    "SHOW CREATE PROCEDURE grants_test.p",
    "SHOW CREATE EVENT grants_test.e",
    "SHOW CREATE USER root@localhost",
    "SHOW GRANTS FOR root@localhost",
)
GRANTS_TEST = (
    "DROP DATABASE IF EXISTS grants_test",
    "CREATE DATABASE grants_test",
    "CREATE TABLE grants_test.t (a INT)",
    "CREATE VIEW grants_test.v AS SELECT a FROM grants_test.t",
    "CREATE TRIGGER grants_test.g BEFORE INSERT ON grants_test.t FOR EACH ROW SET NEW.a = 1",
    "CREATE PROCEDURE grants_test.p() SELECT 1",
    "CREATE EVENT grants_test.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
)
START_AND_WAIT = """
import sys, time
from pathlib import Path
from tests.support.servers import Flavour, start_instance
print(start_instance(Flavour.MARIADB_1011, Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    instance = start_instance(Flavour.MARIADB_1011, tmp_path / "instance")
    yield instance
    instance.destroy()


@pytest.mark.parametrize("name", ["mariadb105", "mariadb", "mariadb118", "mysql"])
def test_root_logs_in_by_socket_and_by_port(name: str, request: pytest.FixtureRequest) -> None:
    instance: Instance = request.getfixturevalue(name)
    for unix_socket in (instance.socket, None):
        with instance.connect(unix_socket=unix_socket) as connection:
            assert query(connection, "SELECT @@log_bin, @@binlog_format") == ((1, "ROW"),)


def test_root_needs_the_password(mariadb: Instance) -> None:
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        mariadb.connect(password="guess")


@pytest.mark.parametrize("name", ["mariadb105", "mariadb", "mariadb118", "mysql"])
def test_the_backup_user_may_do_what_a_backup_needs(
    name: str, request: pytest.FixtureRequest
) -> None:
    instance: Instance = request.getfixturevalue(name)
    prepare_grants_test(instance)
    with instance.connect(user="backup", password="secret") as connection:
        for statement in (*HELD_BY_BACKUP[instance.flavour.family], *READ_BY_BACKUP):
            query(connection, statement)


@pytest.mark.parametrize("name", ["mariadb105", "mariadb", "mariadb118", "mysql"])
def test_the_backup_user_may_change_nothing(name: str, request: pytest.FixtureRequest) -> None:
    instance: Instance = request.getfixturevalue(name)
    prepare_grants_test(instance)
    with instance.connect(user="backup", password="secret") as connection:
        for statement in ("INSERT INTO grants_test.t VALUES (1)", "DROP TABLE grants_test.t"):
            with pytest.raises(pymysql.OperationalError, match="denied"):
                query(connection, statement)


def test_a_killed_instance_keeps_place_and_data(instance: Instance) -> None:
    endpoint = instance.endpoint
    with instance.connect() as connection:
        query(connection, "CREATE DATABASE kept")
    instance.kill()
    assert not instance.is_running
    instance.start()
    assert instance.endpoint == endpoint
    with instance.connect(database="kept") as connection:
        assert query(connection, "SELECT DATABASE()") == (("kept",),)


def test_a_stopped_instance_ended_in_order(instance: Instance) -> None:
    instance.stop()
    assert "Shutdown complete" in instance.log_tail()


def test_a_frozen_instance_answers_again_when_thawed(instance: Instance) -> None:
    with instance.connect(read_timeout=0.2) as connection:
        instance.freeze()
        with pytest.raises(pymysql.OperationalError):
            query(connection, "SELECT 1")
    instance.thaw()
    with instance.connect() as connection:
        assert query(connection, "SELECT 1") == ((1,),)


def test_a_frozen_instance_can_be_stopped(instance: Instance) -> None:
    instance.freeze()
    instance.stop()
    assert not instance.is_running


def test_a_destroyed_instance_leaves_nothing(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-long-name-of-a-folder"] * 5)
    instance = start_instance(Flavour.MARIADB_1011, deep / "instance")
    pid, socket_folder = instance.pid, Path(instance.socket).parent
    assert len(instance.socket) < 100
    instance.destroy()
    assert not is_alive(pid)
    assert not socket_folder.exists()
    assert not instance.folder.exists()


def test_a_port_taken_in_the_meantime_is_left_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken = owner.getsockname()[1]
        ports = iter([taken])
        monkeypatch.setattr(servers, "choose_port", lambda: next(ports, None) or choose_port())
        instance = start_instance(Flavour.MARIADB_1011, tmp_path / "instance")
        instance.destroy()
    assert instance.port != taken


def test_a_missing_server_is_named_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDVAULT_SERVERS", str(tmp_path / "nowhere"))
    with pytest.raises(ServerMissing, match=r"get_server\.sh mysql97"):
        start_instance(Flavour.MYSQL_97, tmp_path / "instance")


def test_a_server_that_does_not_start_shows_its_log_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="no-such-option"):
        start_instance(Flavour.MARIADB_1011, tmp_path / "instance", options=["--no-such-option=1"])
    assert not (tmp_path / "instance").exists()


def test_a_server_dies_with_the_program_that_started_it(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, str(tmp_path / "instance")],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'src'}"},
        text=True,
    )
    with program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        assert is_alive(pid)
        program.send_signal(signal.SIGKILL)
    assert ends_soon(pid)


def prepare_grants_test(instance: Instance) -> None:
    with instance.connect() as connection:
        for statement in GRANTS_TEST:
            query(connection, statement)
    grant_backup_user(instance, "secret")


def query(connection: pymysql.Connection, statement: str) -> tuple[tuple[object, ...], ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchall())


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and ") Z " not in stat.read_text()


def ends_soon(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)
