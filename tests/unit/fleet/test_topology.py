from __future__ import annotations

import pytest

from shardvault.errors import ConfigError
from shardvault.fleet import topology
from shardvault.fleet.topology import TableSpec, build_fleet, expand_nodes, find_dangling
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Fleet, LogicalTable, Login, Node, Shard


def shard(name: str, *instances: Endpoint) -> Shard:
    primary, *replicas = instances or (Endpoint(name),)
    return Shard(ShardName(name), primary, Login("u"), tuple(replicas))


def locate(where: tuple[str | int, ...]) -> str:
    return "shop.yaml:7: " + "/".join(map(str, where))


def build(*tables: TableSpec, shards: tuple[Shard, ...] = (shard("s0"), shard("s1"))) -> Fleet:
    return build_fleet("shop", shards, tables, locate=locate)


def expand(text: str) -> list[str]:
    return [str(node) for node in expand_nodes(text)]


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("s0.shop.t", "s0.shop.t"),
        ("s${0..1}.shop.t_${0..1}", "s0.shop.t_0 s0.shop.t_1 s1.shop.t_0 s1.shop.t_1"),
        ("s$->{0..1}.shop.t", "s0.shop.t s1.shop.t"),
        ("${['a','b']}.shop.t", "a.shop.t b.shop.t"),
        ("${[ \"a\" , 0, 'b' ]}.shop.t", "a.shop.t 0.shop.t b.shop.t"),
        ("s0.shop.t_${ 2..0 }", "s0.shop.t_2 s0.shop.t_1 s0.shop.t_0"),
        ("s0.shop.t_${9..10}", "s0.shop.t_9 s0.shop.t_10"),
        ("s0.a.t, s1.b.t ,\n s2.c.t", "s0.a.t s1.b.t s2.c.t"),
        ("${['s0.shop','s1.crm']}.t", "s0.shop.t s1.crm.t"),
        ("s0.shop.t${['','_old']}", "s0.shop.t s0.shop.t_old"),
        ("s0.shop.t${['}','a,b']}", "s0.shop.`t}` s0.shop.`ta,b`"),
        ("s0.shop.a$b", "s0.shop.`a$b`"),
    ],
)
def test_an_expression_gives_its_nodes_in_the_order_of_shardingsphere(
    text: str, nodes: str
) -> None:
    assert expand(text) == nodes.split(" ")


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("s0.shop.`a.b`", "a.b"),
        ("s0.shop.`a,b`", "a,b"),
        ("s0.shop.`a b`", "a b"),
        ("s0.shop.`a``b`", "a`b"),
        ("s0.shop.`a.${0..0}`", "a.0"),
    ],
)
def test_a_part_in_backticks_may_hold_any_character(text: str, table: str) -> None:
    assert expand_nodes(text) == (Node(ShardName("s0"), "shop", table),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a node"),
        ("s0.shop.t,", "'' is not a node"),
        ("shop.t", "'shop.t' is not a node"),
        ("a.b.c.d", "'a.b.c.d' is not a node"),
        ("s0..t", "'s0..t' is not a node"),
        ("s0.shop.a b", "'s0.shop.a b' is not a node"),
        ("s0.shop.`t", "'s0.shop.`t' is not a node"),
        ("s0.shop.``", "'s0.shop.``' is not a node"),
        ("${['']}.shop.t", "'.shop.t' is not a node"),
        ("s${0..1.shop.t", "${ without its }"),
        ("s$->{0..1.shop.t", "${ without its }"),
        ("s${['a}.shop.t", "${ without its }"),
        ("s${}.shop.t", "cannot read ${}"),
        ("s${0..}.shop.t", "cannot read ${0..}"),
        ("s${0..x}.shop.t", "cannot read ${0..x}"),
        ("s${00..03}.shop.t", "cannot read ${00..03}"),
        ("s${-1..3}.shop.t", "cannot read ${-1..3}"),
        ("s${[]}.shop.t", "cannot read ${[]}"),
        ("s${[a]}.shop.t", "cannot read ${[a]}"),
        ("s${System.exit(1)}.shop.t", "cannot read ${System.exit(1)}"),
        ("s${0..١}.shop.t", "cannot read ${0..١}"),
    ],
)
def test_what_is_no_expression_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        expand_nodes(text)
    assert str(caught.value) == message
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "s${0..999999999999999999}.a.b",
        "s${0..9}.a${0..999}.b${0..999}",
        "s${0..999998}.a.b,s.a.b,t.a.b",
    ],
)
def test_an_expression_of_too_many_nodes_is_refused_before_it_is_expanded(text: str) -> None:
    with pytest.raises(ConfigError, match="nodes, more than 1000000"):
        expand_nodes(text)


def test_as_many_nodes_as_the_limit_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "MAX_NODES", 4)
    assert len(expand_nodes("s${0..2}.a.b,s9.a.b")) == 4


def test_a_fleet_keeps_what_was_configured() -> None:
    fleet = build(
        TableSpec("orders", "s${0..1}.shop.orders", key="id", rule='{"mod":2}'),
        TableSpec("country", "s${0..1}.shop.country", broadcast=True),
    )
    assert (fleet.name, [shard.name for shard in fleet.shards]) == ("shop", ["s0", "s1"])
    assert fleet.tables == (
        LogicalTable("orders", expand_nodes("s${0..1}.shop.orders"), False, "id", '{"mod":2}'),
        LogicalTable("country", expand_nodes("s${0..1}.shop.country"), True),
    )


@pytest.mark.parametrize(
    ("tables", "message", "hint"),
    [
        (
            [("a", "s${1..2}0.shop.a")],
            "tables/0/nodes: s10.shop.a: no shard 's10'",
            "did you mean 's1' or 's0'?",
        ),
        (
            [("a", "west.shop.a")],
            "tables/0/nodes: west.shop.a: no shard 'west'",
            "shards are: s0, s1",
        ),
        (
            [("a", "s0.MySQL.user")],
            "tables/0/nodes: s0.MySQL.user: lies in a system schema",
            None,
        ),
        (
            [("a", "s0.shop.a,s1.shop.a,s0.shop.a")],
            "tables/0/nodes: s0.shop.a is already a node of table 'a'",
            None,
        ),
        (
            [("a", "s${0..1}.shop.a"), ("b", "s1.shop.${['b','a']}")],
            "tables/1/nodes: s1.shop.a is already a node of table 'a'",
            None,
        ),
        (
            [("a", "s0.shop.a"), ("a", "s1.shop.a")],
            "tables/1/logical: a second table is named 'a'",
            None,
        ),
        (
            [("a", "s0.shop.a"), ("b", "s${x}.shop.a")],
            "tables/1/nodes: cannot read ${x}",
            "write a range as ${0..3} or a list as ${['a','b']}",
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused_with_their_place(
    tables: list[tuple[str, str]], message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(*(TableSpec(*table) for table in tables))
    assert (str(caught.value), caught.value.hint) == (f"shop.yaml:7: fleet/{message}", hint)


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ((), "shards: no shards"),
        (
            (shard("s0"), shard("s0", Endpoint("x"))),
            "shards/1/name: a second shard is named 's0'",
        ),
        (
            (shard("s0", Endpoint("h")), shard("s1", Endpoint("H"))),
            "shards/1/primary: H:3306 is already an instance of shard 's0'",
        ),
        (
            (shard("s0", Endpoint(socket="/s")), shard("s1", Endpoint(socket="/s"))),
            "shards/1/primary: /s is already an instance of shard 's0'",
        ),
        (
            (shard("s0", Endpoint("a"), Endpoint("b")), shard("s1", Endpoint("b"))),
            "shards/1/primary: b:3306 is already an instance of shard 's0'",
        ),
        (
            (shard("s0", Endpoint("a"), Endpoint("b"), Endpoint("a")),),
            "shards/0/replicas/1: a:3306 is already an instance of shard 's0'",
        ),
    ],
)
def test_shards_that_do_not_fit_are_refused_with_their_place(
    shards: tuple[Shard, ...], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(shards=shards)
    assert str(caught.value) == f"shop.yaml:7: fleet/{message}"


def test_shards_on_one_host_with_different_ports_or_sockets_are_allowed() -> None:
    instances = (Endpoint("h", 1), Endpoint("h", 2), Endpoint(socket="/s"), Endpoint(socket="/S"))
    shards = tuple(shard(f"s{number}", place) for number, place in enumerate(instances))
    assert build(shards=shards).shards == shards


def test_nodes_without_a_physical_table_are_found_in_order() -> None:
    fleet = build(
        TableSpec("a", "s${1..0}.shop.a_${0..1}"), TableSpec("b", "s0.shop.b", broadcast=True)
    )
    existing = expand_nodes("s0.shop.a_0, s1.shop.a_0, s1.shop.other")
    assert [str(node) for node in find_dangling(fleet, existing)] == [
        "s1.shop.a_1",
        "s0.shop.a_1",
        "s0.shop.b",
    ]
    assert find_dangling(fleet, [node for table in fleet.tables for node in table.nodes]) == ()
