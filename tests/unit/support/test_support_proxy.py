from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from tests.support.proxy import FaultProxy
from tests.support.servers import Instance


@pytest.fixture
def proxy(mariadb: Instance) -> Iterator[FaultProxy]:
    with FaultProxy(mariadb.socket) as proxy:
        yield proxy


def connect(instance: Instance, proxy: FaultProxy) -> pymysql.Connection:
    return instance.connect(unix_socket=None, host=proxy.host, port=proxy.port, read_timeout=1)


def select(connection: pymysql.Connection, size: int = 1) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT REPEAT('x', %s)", (size,))
        ((text,),) = cursor.fetchall()
        return len(text)


def test_a_healthy_proxy_passes_everything_on(mariadb: Instance, proxy: FaultProxy) -> None:
    with connect(mariadb, proxy) as connection:
        assert select(connection, 1_000_000) == 1_000_000


def test_a_port_can_be_the_target(mariadb: Instance) -> None:
    with (
        FaultProxy((str(mariadb.endpoint.host), mariadb.port)) as proxy,
        connect(mariadb, proxy) as connection,
    ):
        assert select(connection) == 1


def test_a_reset_cuts_open_connections_and_lets_new_ones_in(
    mariadb: Instance, proxy: FaultProxy
) -> None:
    with connect(mariadb, proxy) as connection:
        proxy.reset()
        with pytest.raises(pymysql.OperationalError):
            select(connection)
    with connect(mariadb, proxy) as connection:
        assert select(connection) == 1


def test_a_black_hole_answers_nothing_and_closes_nothing(
    mariadb: Instance, proxy: FaultProxy
) -> None:
    with connect(mariadb, proxy) as connection:
        proxy.black_hole()
        with pytest.raises(pymysql.OperationalError, match="timed out"):
            select(connection)


def test_a_delay_beyond_the_clients_patience_is_felt(mariadb: Instance, proxy: FaultProxy) -> None:
    with connect(mariadb, proxy) as connection:
        proxy.delay(1.5)
        with pytest.raises(pymysql.OperationalError, match="timed out"):
            select(connection)


def test_a_limit_cuts_an_answer_in_the_middle(mariadb: Instance, proxy: FaultProxy) -> None:
    with connect(mariadb, proxy) as connection:
        proxy.limit(100_000)
        assert select(connection, 10_000) == 10_000
        with pytest.raises(pymysql.OperationalError):
            select(connection, 1_000_000)


def test_a_healed_proxy_is_healthy(mariadb: Instance, proxy: FaultProxy) -> None:
    proxy.black_hole()
    proxy.limit(0)
    proxy.delay(60)
    proxy.heal()
    with connect(mariadb, proxy) as connection:
        assert select(connection, 1_000_000) == 1_000_000
