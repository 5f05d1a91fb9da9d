from __future__ import annotations

import pytest

from tests.integration.operations_support import query, run_all, schemas
from tests.support.servers import Instance
from tests.support.sharing import SharedServers


@pytest.fixture(params=["mariadb", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


def test_what_a_file_of_tests_leaves_on_a_shared_server_is_gone_after_it(
    instance: Instance,
) -> None:
    shared = SharedServers()
    shared.add(instance)
    before = query(instance, "SELECT @@global.sql_mode, @@global.max_connections")
    run_all(
        instance,
        "CREATE DATABASE `left`",
        "CREATE USER left_over@localhost",
        "SET GLOBAL sql_mode = '', GLOBAL max_connections = 77",
    )
    shared.clean()
    assert "left" not in schemas(instance)
    assert not query(instance, "SELECT 1 FROM mysql.user WHERE user = 'left_over'")
    assert query(instance, "SELECT @@global.sql_mode, @@global.max_connections") == before


def test_a_server_that_is_forgotten_is_left_alone(mariadb: Instance) -> None:
    shared = SharedServers()
    shared.add(mariadb)
    run_all(mariadb, "CREATE DATABASE kept")
    shared.forget(mariadb)
    shared.clean()
    assert "kept" in schemas(mariadb)
