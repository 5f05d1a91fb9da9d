"""Who gets which name on the targets of a restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from shardvault.errors import UsageError
from shardvault.model.ids import ShardName
from shardvault.operations.schema_names import Place, plan_renaming
from tests.unit.load.renaming_support import MARIADB

S0, S1, T0 = ShardName("s0"), ShardName("s1"), ShardName("t0")
BOTH = (Place(S0, S0, ("shop", "app")), Place(S1, S1, ("shop",)))
ONE_TARGET = (Place(S0, T0, ("shop",)), Place(S1, T0, ("app", "shop")))


def names_of(
    wanted: Mapping[str, str], places: tuple[Place, ...] = BOTH, case_rule: int = 0
) -> dict[str, Mapping[str, str]]:
    server = replace(MARIADB, lower_case_table_names=case_rule)
    renamings = plan_renaming(wanted, places, {S0: server, S1: server})
    return {shard: renaming.names for shard, renaming in renamings.items()}


def test_a_schema_is_renamed_wherever_it_is() -> None:
    assert names_of({"shop": "a", "app": "b"}) == {
        "s0": {"shop": "a", "app": "b"},
        "s1": {"shop": "a"},
    }


def test_nothing_asked_renames_nothing() -> None:
    assert names_of({}) == {"s0": {}, "s1": {}}


@pytest.mark.parametrize("order", [1, -1])
def test_what_is_said_for_a_shard_goes_before_what_is_said_for_all(order: int) -> None:
    wanted = dict([("shop", "a"), ("s1/shop", "b")][::order])
    assert names_of(wanted) == {"s0": {"shop": "a"}, "s1": {"shop": "b"}}


def test_two_names_can_be_swapped() -> None:
    assert names_of({"shop": "app", "app": "shop"}, BOTH[:1])["s0"] == {
        "shop": "app",
        "app": "shop",
    }


def test_case_counts_as_it_did_at_the_source() -> None:
    with pytest.raises(UsageError, match="no schema 'SHOP'"):
        names_of({"SHOP": "a"})
    assert names_of({"SHOP": "a"}, case_rule=1)["s1"] == {"shop": "a"}
    assert names_of({"shop": "App"}, BOTH[:1])["s0"] == {"shop": "App"}
    assert names_of({"shop": "Big"}, BOTH[:1], case_rule=1)["s0"] == {"shop": "big"}
    assert names_of({"shop": "Big"}, BOTH[:1], case_rule=2)["s0"] == {"shop": "Big"}
    with pytest.raises(UsageError, match="would both be"):
        names_of({"shop": "App"}, BOTH[:1], case_rule=2)


def test_names_in_backticks_may_hold_any_character() -> None:
    places = (Place(S0, S0, ("a/b`c",)),)
    assert names_of({"s0/`a/b``c`": "`x=y`"}, places)["s0"] == {"a/b`c": "x=y"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"nix": "a"}, "no schema 'nix' in scope"),
        ({"s7/shop": "a"}, "no schema 'shop' in scope"),
        ({"s1/app": "a"}, "no schema 'app' in scope"),
        ({"shop": "app"}, "app and shop would both be 'app' on s0"),
        ({"shop": "x", "app": "x"}, "app and shop would both be 'x' on s0"),
        ({"shop": "mysql"}, "belongs to the server"),
        ({"shop": "Information_Schema"}, "belongs to the server"),
        ({"shop": "_shardvault"}, "belongs to the server"),
        ({"shop": "x" * 65}, "no schema can have the name"),
        ({"shop": "x "}, "no schema can have the name"),
        ({"shop": "\U0001f4a9"}, "no schema can have the name"),
        ({"shop": "a\udcff"}, "no schema can have the name"),
        ({"shop": "a\0"}, "no schema can have the name"),
        ({"shop": "#mysql50#a"}, "no schema can have the name"),
        ({"shop": ""}, "is not OLD=NEW"),
        ({"a/b/c": "x"}, "is not OLD=NEW"),
        ({"`a": "x"}, "is not OLD=NEW"),
    ],
)
def test_what_cannot_be_granted_is_explained(wanted: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        names_of(wanted)


def test_two_shards_may_bring_one_schema_to_a_target_but_not_two_under_one_name() -> None:
    assert names_of({"shop": "a"}, ONE_TARGET) == {"s0": {"shop": "a"}, "s1": {"shop": "a"}}
    with pytest.raises(UsageError, match="app and shop would both be 'app' on t0"):
        names_of({"s0/shop": "app", "s1/shop": "b"}, ONE_TARGET)
