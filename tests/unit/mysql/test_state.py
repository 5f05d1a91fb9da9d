from __future__ import annotations

import secrets
from typing import Any, cast

import pytest

from shardvault.errors import PrivilegeError, ServerError
from shardvault.model.position import Family
from shardvault.mysql.session import Row, Session
from shardvault.mysql.state import prepare_load, prepare_read


class Server:
    """Hold variables as a server does; some cannot be changed."""

    family = Family.MARIADB
    version = (11, 8, 0)
    shard = "s0"
    version_text = "11.8.0-MariaDB"

    def __init__(self, stuck: dict[str, str], missing: frozenset[str] = frozenset()) -> None:
        self.values: dict[str, str] = {}
        self.place = secrets.token_hex(8)  # what is known of a server is kept by its place
        self.refused: frozenset[str] = frozenset()
        self.stuck = stuck
        self.missing = missing

    def execute(self, statement: str) -> None:
        pairs = statement.removeprefix("SET SESSION ").split(", ")
        if any(pair.partition(" = ")[0] in self.refused for pair in pairs):
            raise PrivilegeError("Access denied")
        for pair in pairs:
            name, _, value = pair.partition(" = ")
            assert name not in self.missing
            self.values[name] = self.stuck.get(name, value.strip("'"))

    def rows(self, statement: str) -> list[Row]:
        among = statement.rpartition("(")[2].rstrip(")")
        names = [part.strip("'") for part in among.split(",")]
        if statement.startswith("SHOW"):
            return [(name.encode(), b"") for name in names if name not in self.missing]
        wanted = [part.split("`")[1] for part in statement.split(",")[1:]]
        return [(b"", *(self._encode(self.values.get(name, "default")) for name in wanted))]

    def _encode(self, value: str) -> bytes | None:
        return None if value == "NULL" else value.encode()


def as_session(server: Server) -> Session:
    return cast(Session, cast(Any, server))


@pytest.mark.parametrize("prepare", [prepare_read, prepare_load])
def test_a_variable_that_does_not_take_its_value_is_an_error(prepare: Any) -> None:
    prepare(as_session(Server({})))
    with pytest.raises(ServerError, match=r"time_zone is 'SYSTEM', wanted '\+00:00'") as caught:
        prepare(as_session(Server({"time_zone": "SYSTEM"})))
    assert "proxy" in (caught.value.hint or "")


def test_modes_may_come_back_in_another_order() -> None:
    order = "NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO"
    prepare_load(as_session(Server({"sql_mode": order})))
    with pytest.raises(ServerError, match="sql_mode"):
        prepare_load(as_session(Server({"sql_mode": order + ",ANSI_QUOTES"})))


def test_a_variable_that_the_server_does_not_have_is_left_out() -> None:
    prepare_read(as_session(Server({}, frozenset({"check_constraint_checks"}))))


def test_a_variable_that_needs_a_privilege_is_only_set_where_it_differs() -> None:
    server = Server({})
    server.values |= {"binlog_format": "ROW", "enforce_storage_engine": "NULL"}
    server.refused = frozenset({"binlog_format", "enforce_storage_engine"})
    prepare_load(as_session(server))
    server.values["binlog_format"] = "MIXED"
    with pytest.raises(ServerError, match="is 'MIXED', must be 'ROW'") as caught:
        prepare_load(as_session(server))
    assert "SET GLOBAL binlog_format = 'ROW'" in (caught.value.hint or "")


def test_a_variable_that_needs_a_privilege_on_some_server_is_left_alone_if_it_is_right() -> None:
    server = Server({})
    server.refused = frozenset({"max_sort_length"})
    server.values["max_sort_length"] = "1024"
    prepare_read(as_session(server))
    assert server.values["time_zone"] == "+00:00"
    server.values["max_sort_length"] = "64"
    with pytest.raises(ServerError, match="max_sort_length is '64', must be '1024'"):
        prepare_read(as_session(server))
