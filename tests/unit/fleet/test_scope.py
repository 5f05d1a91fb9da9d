from __future__ import annotations

import pytest

from shardvault.errors import UsageError
from shardvault.fleet.scope import Selection, select_tables
from shardvault.fleet.topology import expand_nodes
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Fleet, LogicalTable, Login, Scope, Shard

S0, S1 = ShardName("s0"), ShardName("s1")
SHARDS = tuple(Shard(name, Endpoint(name), Login("u")) for name in (S0, S1))
ORDERS = LogicalTable("orders", expand_nodes("s${0..1}.shop.orders_${0..1}"))
PLAIN = Fleet("shop", SHARDS)
SHARDED = Fleet("shop", SHARDS, (ORDERS,))
EXISTING = expand_nodes(
    "s${0..1}.shop.orders_${0..1}, s${0..1}.shop.notes, s0.crm.people, s0.`a.b`.`c.d`,"
    "s0.mysql.user, s1.sys.x, s1._shardvault.state, s0.INFORMATION_SCHEMA.TABLES"
)


def select(
    *include: str,
    exclude: tuple[str, ...] = (),
    shards: tuple[str, ...] = (),
    fleet: Fleet = PLAIN,
) -> Selection:
    empty = [(S1, "views_only"), (S0, "mysql")]
    return select_tables(fleet, Scope(shards, include, exclude), EXISTING, empty)


def tables(selection: Selection) -> set[str]:
    return {str(table) for table in selection.tables}


def schemas(selection: Selection) -> set[str]:
    return {
        f"{scope.shard}.{scope.schema}" + ("" if scope.is_whole else " partly")
        for scope in selection.schemas
    }


def refusal(*include: str, **scope: tuple[str, ...]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        select(*include, fleet=SHARDED, **scope)
    assert caught.value.exit_code == 2
    return caught.value


def test_without_filters_every_schema_but_the_systems_is_whole() -> None:
    selection = select()
    assert schemas(selection) == {"s0.shop", "s0.crm", "s0.a.b", "s1.shop", "s1.views_only"}
    assert tables(selection) == {
        "s0.shop.orders_0",
        "s0.shop.orders_1",
        "s0.shop.notes",
        "s0.crm.people",
        "s0.`a.b`.`c.d`",
        "s1.shop.orders_0",
        "s1.shop.orders_1",
        "s1.shop.notes",
    }


def test_with_logical_tables_the_schemas_of_their_nodes_are_whole_and_no_other() -> None:
    selection = select(fleet=SHARDED)
    assert schemas(selection) == {"s0.shop", "s1.shop"}
    assert "s0.shop.notes" in tables(selection)


def test_a_schema_that_nodes_name_on_one_shard_is_in_scope_on_every_shard() -> None:
    fleet = Fleet("shop", SHARDS, (LogicalTable("orders", expand_nodes("s0.shop.orders_0")),))
    assert schemas(select(fleet=fleet)) == {"s0.shop", "s1.shop"}


@pytest.mark.parametrize(
    ("pattern", "chosen_tables", "chosen_schemas"),
    [
        (
            "orders",
            "s0.shop.orders_0 s0.shop.orders_1 s1.shop.orders_0 s1.shop.orders_1",
            "s0.shop partly,s1.shop partly",
        ),
        (
            "ord*",
            "s0.shop.orders_0 s0.shop.orders_1 s1.shop.orders_0 s1.shop.orders_1",
            "s0.shop partly,s1.shop partly",
        ),
        ("crm", "s0.crm.people", "s0.crm"),
        ("c?m", "s0.crm.people", "s0.crm"),
        ("crm.*", "s0.crm.people", "s0.crm"),
        ("views_only", "", "s1.views_only"),
        ("shop.notes", "s0.shop.notes s1.shop.notes", "s0.shop partly,s1.shop partly"),
        ("shop.*_0", "s0.shop.orders_0 s1.shop.orders_0", "s0.shop partly,s1.shop partly"),
        ("*.people", "s0.crm.people", "s0.crm partly"),
        ("s1.shop.notes", "s1.shop.notes", "s1.shop partly"),
        ("s1.shop.*", "s1.shop.notes s1.shop.orders_0 s1.shop.orders_1", "s1.shop"),
        ("`a.b`", "s0.`a.b`.`c.d`", "s0.a.b"),
        ("`a.b`.`c.?`", "s0.`a.b`.`c.d`", "s0.a.b partly"),
    ],
)
def test_a_pattern_chooses_what_it_matches(
    pattern: str, chosen_tables: str, chosen_schemas: str
) -> None:
    selection = select(pattern, fleet=SHARDED)
    assert tables(selection) == set(chosen_tables.split())
    assert schemas(selection) == set(chosen_schemas.split(","))


def test_a_word_is_a_schema_only_if_no_logical_table_has_that_name() -> None:
    fleet = Fleet("shop", SHARDS, (LogicalTable("crm", expand_nodes("s0.shop.notes")),))
    assert tables(select("crm", fleet=fleet)) == {"s0.shop.notes"}
    assert tables(select("crm", fleet=PLAIN)) == {"s0.crm.people"}


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [
        ("orders_?", "orders_0 orders_1"),
        ("*_1", "orders_1"),
        ("not*", "notes"),
        ("people", "people"),
        ("`c.d`", "`c.d`"),
    ],
)
def test_physical_tables_are_found_by_their_bare_name(pattern: str, chosen: str) -> None:
    found = select(pattern, fleet=SHARDED).tables
    assert {str(node).partition(f".{node.schema}.")[2] or "`c.d`" for node in found} == set(
        chosen.split()
    )
    rest = select(exclude=(pattern,), fleet=PLAIN).tables
    assert not set(found) & set(rest)


def test_a_logical_table_and_a_schema_come_before_a_bare_name() -> None:
    fleet = Fleet("shop", SHARDS, (LogicalTable("people", expand_nodes("s0.shop.notes")),))
    assert tables(select("people", fleet=fleet)) == {"s0.shop.notes"}
    existing = expand_nodes("s0.crm.people, s0.shop.crm")
    assert select_tables(PLAIN, Scope(include=("crm",)), existing).tables == existing[:1]


def test_a_bare_name_of_tables_in_several_schemas_is_refused() -> None:
    existing = expand_nodes("s${0..1}.shop.notes, s0.crm.notes")
    with pytest.raises(UsageError) as caught:
        select_tables(SHARDED, Scope(include=("note?",)), existing)
    assert str(caught.value) == "'note?' matches tables in several schemas: crm, shop"
    assert caught.value.hint == "write the schema too, for example crm.note?"


def test_only_stars_and_question_marks_are_special_in_a_pattern() -> None:
    with pytest.raises(UsageError, match="matches nothing"):
        select("shop.[n]otes")
    assert tables(select("shop.note?")) == {"s0.shop.notes", "s1.shop.notes"}


def test_several_patterns_add_up_and_a_schema_once_whole_stays_whole() -> None:
    selection = select("crm.people", "crm", "s0.shop.notes")
    assert tables(selection) == {"s0.crm.people", "s0.shop.notes"}
    assert schemas(selection) == {"s0.crm", "s0.shop partly"}


def test_an_excluded_table_goes_and_its_schema_stays_whole() -> None:
    selection = select("shop", exclude=("orders", "s1.shop.notes"), fleet=SHARDED)
    assert tables(selection) == {"s0.shop.notes"}
    assert schemas(selection) == {"s0.shop", "s1.shop"}


def test_an_excluded_schema_goes_with_all_its_tables() -> None:
    for pattern in ("shop", "shop.*"):
        selection = select("shop.notes", "crm", exclude=(pattern,))
        assert tables(selection) == {"s0.crm.people"}
        assert schemas(selection) == {"s0.crm"}


def test_shards_narrow_everything_else() -> None:
    assert schemas(select(shards=("s1",))) == {"s1.shop", "s1.views_only"}
    selection = select("orders", shards=("s1",), fleet=SHARDED)
    assert tables(selection) == {"s1.shop.orders_0", "s1.shop.orders_1"}


def test_a_selection_gives_the_part_on_one_shard() -> None:
    part = select("shop.notes", "crm").on_shard(S0)
    assert tables(part) == {"s0.shop.notes", "s0.crm.people"}
    assert schemas(part) == {"s0.crm", "s0.shop partly"}


def test_a_node_without_a_physical_table_is_not_selected() -> None:
    existing = expand_nodes("s0.shop.orders_0")
    selection = select_tables(SHARDED, Scope(include=("orders",)), existing)
    assert selection.tables == existing


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("ordres", "did you mean 'orders'?"),
        ("peopel", "did you mean 'people'?"),
        ("shp.notes", "did you mean 'shop.notes' or 'shop.orders_1' or 'shop.orders_0'?"),
        ("s0.crm.peple", "did you mean 's0.crm.people'?"),
        ("zzz", "a physical table is written schema.table"),
        ("mysql", "system schemas are never in scope"),
        ("mysql.user", "system schemas are never in scope"),
        ("s0.information_schema.TABLES", "system schemas are never in scope"),
    ],
)
def test_a_pattern_that_matches_nothing_is_refused_with_near_names(pattern: str, hint: str) -> None:
    for error in (refusal(pattern), refusal(exclude=(pattern,))):
        assert str(error) == f"{pattern!r} matches nothing"
        assert error.hint == hint


@pytest.mark.parametrize("pattern", ["", ".", "a..b", "a.b.c.d", "shop.my table", "`shop"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    assert str(refusal(pattern)) == f"{pattern!r} is not a pattern"


def test_an_unknown_shard_is_refused_with_those_known() -> None:
    assert refusal(shards=("s01",)).hint == "did you mean 's1' or 's0'?"
    assert refusal(shards=("west",)).hint == "shards are: s0, s1"


def test_filters_that_leave_nothing_are_refused() -> None:
    assert str(refusal("crm", shards=("s1",))) == "nothing is left in scope"
    assert str(refusal("crm", exclude=("crm",))) == "nothing is left in scope"


def test_an_empty_fleet_without_filters_is_an_empty_selection() -> None:
    assert select_tables(PLAIN, Scope(), ()) == Selection((), ())
