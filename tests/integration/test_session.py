"""Open sessions to real servers, and to places where there is none."""

from __future__ import annotations

import contextlib
import socket
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardvault.errors import ConnectError, PrivilegeError, ServerError
from shardvault.fleet.inventory import list_tables
from shardvault.fleet.objects import read_objects
from shardvault.model.position import Family
from shardvault.model.target import Endpoint, Login, TlsOptions
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_load, prepare_read
from tests.integration.copying import fresh_schema, login_of, open_session, reading, run
from tests.support.servers import Instance


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


def test_a_session_knows_its_server(instance: Instance) -> None:
    with open_session(instance) as session:
        is_mysql = "mysql" in instance.flavour.value
        assert session.family is (Family.MYSQL if is_mysql else Family.MARIADB)
        assert session.version >= (9, 7, 0)
        assert ".".join(map(str, session.version)) in session.version_text
        assert session.value("SELECT CONNECTION_ID()") == str(session.connection_id).encode()


def test_values_come_back_as_bytes_whatever_their_type(instance: Instance) -> None:
    with open_session(instance) as session:
        row = session.rows("SELECT 1, 1.50, DATE'2020-01-01', NULL, '', X'FF00', 1e0")
    assert row == [(b"1", b"1.50", b"2020-01-01", None, b"", b"\xff\0", b"1")]


def test_a_session_works_by_socket_and_by_port(instance: Instance) -> None:
    for endpoint in (Endpoint(socket=instance.socket), Endpoint("127.0.0.1", instance.port)):
        with Session.open(endpoint, login_of(instance), shard="s0") as session:
            assert session.value("SELECT 1") == b"1"


def test_a_server_that_does_not_commit_by_itself_does_so_for_us(instance: Instance) -> None:
    try:
        run(instance, "SET GLOBAL autocommit = 0")
        with open_session(instance) as session:
            assert session.value("SELECT @@SESSION.autocommit") == b"1"
    finally:
        run(instance, "SET GLOBAL autocommit = 1")


def test_a_wrong_password_is_a_connect_error_without_the_password(instance: Instance) -> None:
    endpoint = Endpoint(socket=instance.socket)
    with pytest.raises(ConnectError, match=r"login of 'root' at .* refused") as caught:
        Session.open(endpoint, Login("root", lambda: "hunter2"), shard="s0")
    assert "hunter2" not in str(caught.value)


def test_a_refused_socket_is_a_connect_error_that_leaks_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.close()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for place in (path, str(tmp_path / "missing")):
            with pytest.raises(ConnectError, match=f"cannot connect to {place}"):
                Session.open(Endpoint(socket=place), Login("u"), shard="s0")
    assert [str(item.message) for item in caught] == []


def test_a_refused_port_is_a_connect_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = Endpoint("127.0.0.1", free.getsockname()[1])
        with pytest.raises(ConnectError, match="cannot connect"):
            Session.open(endpoint, Login("u"), shard="s0")


def test_a_server_that_never_greets_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint("127.0.0.1", silent.getsockname()[1])
        with pytest.raises(ConnectError, match="timed out"):
            Session.open(endpoint, Login("u"), shard="s0", timeout_s=0.2)


def test_tls_files_that_are_missing_are_a_connect_error(tmp_path: Path) -> None:
    endpoint = Endpoint("127.0.0.1", 1, tls=TlsOptions(ca=str(tmp_path / "no.pem")))
    with pytest.raises(ConnectError, match="cannot use the TLS files"):
        Session.open(endpoint, Login("u"), shard="s0")


def test_errors_name_the_shard_and_the_statement(instance: Instance) -> None:
    with open_session(instance) as session:
        with pytest.raises(ServerError, match="shard s0: SELECT nothing") as caught:
            session.rows("SELECT\n  nothing")
        assert caught.value.code == 1054


def test_a_missing_privilege_is_a_privilege_error(instance: Instance) -> None:
    run(
        instance,
        "DROP USER IF EXISTS poor@localhost",
        "CREATE USER poor@localhost IDENTIFIED BY 'x'",
    )
    endpoint = Endpoint(socket=instance.socket)
    with (
        Session.open(endpoint, Login("poor", lambda: "x"), shard="s0") as session,
        pytest.raises(PrivilegeError),
    ):
        session.rows("SELECT * FROM mysql.user")
    run(instance, "DROP USER poor@localhost")


def test_a_session_aborted_under_a_waiting_thread_wakes_it(instance: Instance) -> None:
    session = open_session(instance)
    errors: list[Exception] = []

    def wait() -> None:
        try:
            session.rows("SELECT SLEEP(60)")
        except ConnectError as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    session.value("SELECT 1")
    thread.start()
    with open_session(instance) as other:
        mine = f"SELECT 1 FROM information_schema.processlist WHERE id = {session.connection_id}"
        while other.value(f"{mine} AND info LIKE '%SLEEP%'") is None:
            pass
    session.abort()
    thread.join(10)
    assert len(errors) == 1
    with pytest.raises(OSError, match="closed"):
        _ = session.socket


def test_a_session_may_be_closed_twice_and_after_its_server_is_gone(instance: Instance) -> None:
    session = open_session(instance)
    run(instance, f"KILL {session.connection_id}")
    session.close()
    session.close()
    session.abort()


def test_the_state_does_not_depend_on_the_servers_own(instance: Instance) -> None:
    with open_session(instance) as session:
        session.execute("SET sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES', time_zone = '+05:00'")
        session.execute("SET sql_select_limit = 1, foreign_key_checks = 1")
        prepare_read(session)
        wanted = "SELECT @@sql_mode, @@time_zone, @@foreign_key_checks, @@character_set_results"
        assert session.rows(wanted) == [(b"", b"+00:00", b"0", None)]
        assert len(session.rows("SELECT 1 UNION SELECT 2")) == 2
        prepare_load(session)
        modes = (session.value("SELECT @@sql_mode") or b"").split(b",")
        assert b"NO_AUTO_VALUE_ON_ZERO" in modes
        assert not any(mode.startswith(b"STRICT") for mode in modes)


def test_schemas_that_differ_by_case_or_accent_are_told_apart(instance: Instance) -> None:
    names = ["Apart", "apart", "apårt"]
    for name in names:
        fresh_schema(
            instance, name, f"CREATE TABLE `in_{name}` (id INT)", "CREATE PROCEDURE p() DO 1"
        )
    try:
        with reading(instance) as session:
            for name in names:
                assert list_tables(session, [name]) == ((name, f"in_{name}"),)
                (found,) = read_objects(session, [name], frozenset())
                assert found.schema == name
    finally:
        run(instance, *(f"DROP DATABASE `{name}`" for name in names))


@pytest.fixture
def account(instance: Instance) -> Iterator[str]:
    drop = "DROP USER IF EXISTS refused@localhost"
    run(instance, drop)
    yield "refused@localhost IDENTIFIED BY 'p'"
    run(instance, drop)


@pytest.mark.parametrize(
    ("clause", "opened", "remedy"),
    [
        ("ACCOUNT LOCK", 0, "ACCOUNT UNLOCK"),
        ("WITH MAX_USER_CONNECTIONS 1", 1, "ALTER USER"),
        ("REQUIRE SSL", 0, "REQUIRE SSL"),
    ],
)
def test_a_refused_account_is_told_from_a_place_that_does_not_answer(
    instance: Instance, account: str, clause: str, opened: int, remedy: str
) -> None:
    run(instance, f"CREATE USER {account} {clause}")
    place = Endpoint(socket=instance.socket)  # by TCP the driver takes the TLS that is offered

    def connect() -> Session:
        return Session.open(place, Login("refused", lambda: "p"), shard="s")

    with contextlib.ExitStack() as stack:
        for _ in range(opened):
            stack.enter_context(connect())
        with pytest.raises(ConnectError, match="refused") as caught:
            connect()
    assert remedy in (caught.value.hint or "")
    assert "firewall" not in (caught.value.hint or "")
