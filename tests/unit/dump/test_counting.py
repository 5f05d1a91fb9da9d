"""A table is counted in its snapshot, however long the server needs for it."""

from __future__ import annotations

from unittest.mock import Mock, create_autospec

import pytest

from shardvault.dump.reader import RangeReader
from shardvault.errors import DdlDetected, ServerError
from shardvault.mysql.session import Session

COUNT = "SELECT COUNT(*) FROM `shop`.`large`"


@pytest.fixture
def session() -> Mock:
    found: Mock = create_autospec(Session, instance=True, shard="s0")
    found.value.return_value = b"7"
    return found


def calls(session: Mock) -> list[str]:
    names = {"value", "set_read_timeout"}
    return [f"{name} {args[0]}" for name, args, _ in session.method_calls if name in names]


def test_a_count_has_a_day_and_the_next_range_its_own_limit_again(session: Mock) -> None:
    assert RangeReader(session).count_released(COUNT, next_read_timeout_s=600.0) == 7
    assert calls(session) == [
        "set_read_timeout 86400.0",
        f"value {COUNT}",
        "set_read_timeout 600.0",
    ]


def test_a_definition_that_changed_before_the_count_is_ddl(session: Mock) -> None:
    session.value.side_effect = ServerError("Table definition has changed", code=1412)
    with pytest.raises(DdlDetected):
        RangeReader(session).count_released(COUNT, next_read_timeout_s=600.0)


def test_what_else_the_server_refuses_stays_what_it_is(session: Mock) -> None:
    session.value.side_effect = ServerError("Out of memory", code=1037)
    with pytest.raises(ServerError, match="Out of memory"):
        RangeReader(session).count_released(COUNT, next_read_timeout_s=600.0)
