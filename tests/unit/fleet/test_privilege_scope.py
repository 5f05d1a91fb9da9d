"""What a backup needs privileges on is found without a server; what is not seen may be there."""

from __future__ import annotations

import pytest

from shardvault.fleet.privilege_scope import PrivilegeScope, find_privilege_scope
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Fleet, LogicalTable, Login, Node, Scope, Shard

S0, S1 = ShardName("s0"), ShardName("s1")
SHARDS = tuple(Shard(name, Endpoint(), Login("")) for name in (S0, S1))
PLAIN = Fleet("shop", SHARDS)
NODES = (Node(S0, "shop_0", "orders"), Node(S1, "shop_1", "orders"))
LOGICAL = Fleet("shop", SHARDS, (LogicalTable("orders", NODES),))
SEEN = ("mysql", "shop_0", "shop_1", "other")


def _find(
    fleet: Fleet = PLAIN,
    *include: str,
    exclude: tuple[str, ...] = (),
    seen: tuple[str, ...] = SEEN,
    sees_all: bool = True,
) -> PrivilegeScope:
    return find_privilege_scope(fleet, Scope((), include, exclude), S0, seen, sees_all=sees_all)


def _schemas(found: PrivilegeScope) -> set[str]:
    assert not found.is_everything
    return set(found.schemas)


def test_without_a_scope_every_schema_is_needed() -> None:
    assert _schemas(_find()) == {"shop_0", "shop_1", "other"}


@pytest.mark.parametrize("include", [(), ("*.*",), ("shop_?",), ("sh*.orders",), ("unknown",)])
def test_an_open_scope_needs_everything_of_a_login_that_does_not_see_all(
    include: tuple[str, ...],
) -> None:
    assert _find(PLAIN, *include, sees_all=False).is_everything
    assert not _find(PLAIN, *include).is_everything


def test_schemas_named_in_full_need_no_more_than_themselves() -> None:
    assert _schemas(_find(PLAIN, "shop_0", "other.*", sees_all=False)) == {"shop_0", "other"}


def test_a_pattern_of_tables_needs_their_whole_schema() -> None:
    assert _schemas(_find(PLAIN, "shop_0.ord*", sees_all=False)) == {"shop_0"}


def test_tables_named_in_full_need_only_themselves() -> None:
    found = _find(PLAIN, "shop_0.orders", "s0.other.`a.b`", "s1.other.x", sees_all=False)
    assert found.tables == {("shop_0", "orders"), ("other", "a.b")}
    assert not found.schemas
    assert not found.has_code


def test_a_logical_table_needs_its_nodes_on_this_shard() -> None:
    found = _find(LOGICAL, "orders", sees_all=False)
    assert found.tables == {("shop_0", "orders")}
    assert not found.schemas


def test_logical_tables_of_the_file_need_the_schemas_that_they_name() -> None:
    assert _schemas(_find(LOGICAL, seen=("shop_0",))) == {"shop_0"}
    assert _schemas(_find(LOGICAL, seen=("shop_0",), sees_all=False)) == {"shop_0", "shop_1"}


def test_what_is_excluded_whole_is_not_needed() -> None:
    assert _schemas(_find(exclude=("other", "shop_1.*"))) == {"shop_0"}
    assert _schemas(_find(exclude=("other.big", "s1.other"))) == {"shop_0", "shop_1", "other"}


def test_a_table_in_a_chosen_schema_is_not_named_twice() -> None:
    found = _find(PLAIN, "shop_0", "shop_0.orders")
    assert found.schemas == {"shop_0"}
    assert not found.tables


def test_what_does_not_exist_is_not_needed_where_all_is_seen() -> None:
    found = _find(PLAIN, "nowhere.*", "nowhere.t", "shop_0.t", seen=("shop_0",))
    assert found.tables == {("shop_0", "t")}


def test_only_a_scope_of_tables_does_without_accounts() -> None:
    assert _find().has_accounts
    assert _find(exclude=("other",)).has_accounts
    assert not _find(PLAIN, "shop_0").has_accounts
