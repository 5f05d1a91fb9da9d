"""Which connections lead to one server is asked live; settings and addresses do not count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from shardvault.errors import ConnectError
from shardvault.fleet.instance_identity import are_same_instance, group_instances
from shardvault.model.target import Endpoint
from shardvault.mysql.session import Session
from tests.integration.copying import login_of
from tests.integration.operations_support import query, run_all
from tests.support.servers import Instance


@contextmanager
def _opened(instance: Instance, *places: Endpoint) -> Iterator[list[Session]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(Session.open(place, login_of(instance), shard=f"s{number}"))
            for number, place in enumerate(places)
        ]


@pytest.fixture(params=["mariadb105", "mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


def _places(instance: Instance) -> tuple[Endpoint, ...]:
    return (
        Endpoint(socket=instance.socket),
        Endpoint(host="127.0.0.1", port=instance.port),
        Endpoint(host="localhost", port=instance.port),
    )


def test_a_server_is_the_same_under_its_socket_its_address_and_its_name(
    instance: Instance,
) -> None:
    with _opened(instance, *_places(instance)) as (one, *others):
        assert all(are_same_instance(one, other) for other in others)


def test_two_servers_are_not_the_same(mariadb: Instance, mysql: Instance) -> None:
    with (
        _opened(mariadb, Endpoint(socket=mariadb.socket)) as (one,),
        _opened(mysql, Endpoint(socket=mysql.socket)) as (other,),
    ):
        assert not are_same_instance(one, other)
        assert group_instances({"a": one, "b": other}) == (("a",), ("b",))


def test_a_changed_server_id_hides_nothing(mariadb: Instance) -> None:
    with _opened(mariadb, *_places(mariadb)[:2]) as (one, other):
        before = one.text("SELECT @@GLOBAL.server_id")
        run_all(mariadb, "SET GLOBAL server_id = 77")
        assert are_same_instance(one, other)
        run_all(mariadb, f"SET GLOBAL server_id = {before}")


def test_groups_keep_the_order_and_leave_no_lock(mariadb: Instance, mysql: Instance) -> None:
    with (
        _opened(mariadb, *_places(mariadb)[:2]) as (first, third),
        _opened(mysql, Endpoint(socket=mysql.socket)) as (second,),
    ):
        found = group_instances({"a": first, "b": second, "c": third})
        assert found == (("a", "c"), ("b",))
        assert first.text("SELECT RELEASE_ALL_LOCKS()") == "0"


def test_a_single_connection_is_asked_nothing(mariadb: Instance) -> None:
    with _opened(mariadb, Endpoint(socket=mariadb.socket)) as (one,):
        one.abort()
        assert group_instances({"a": one}) == (("a",),)


def test_a_lost_connection_is_an_error_and_never_another_server(mariadb: Instance) -> None:
    with _opened(mariadb, *_places(mariadb)[:2]) as (one, other):
        query(mariadb, f"KILL {other.connection_id}")
        with pytest.raises(ConnectError):
            are_same_instance(one, other)
