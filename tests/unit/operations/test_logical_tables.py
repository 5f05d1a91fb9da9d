from __future__ import annotations

from shardvault.kernel.pure import HASH_MODULUS
from shardvault.model.ids import ShardName
from shardvault.model.manifest import TableRecord
from shardvault.model.schema import Table, TableKind
from shardvault.model.target import Fleet, LogicalTable, Node
from shardvault.operations.logical_tables import sum_logical_tables


def record(name: str, rows: int, content_hash: int) -> TableRecord:
    table = Table("d", name, TableKind.ROWS, "InnoDB", True, b"", ())
    return TableRecord(table, (), rows, f"{content_hash:032x}", rows * 10, ())


def fleet_of(*tables: LogicalTable) -> Fleet:
    return Fleet("f", (), tables)


def nodes(*places: tuple[str, str]) -> tuple[Node, ...]:
    return tuple(Node(ShardName(shard), "d", table) for shard, table in places)


RECORDS = {
    ShardName("s0"): (record("t", 2, 5), record("all", 3, 9)),
    ShardName("s1"): (record("t", 4, HASH_MODULUS - 1), record("all", 3, 9)),
}


def test_rows_bytes_and_hashes_of_the_parts_are_summed() -> None:
    table = LogicalTable("t", nodes(("s0", "t"), ("s1", "t")), key="id", rule='{"mod": 2}')
    (found,) = sum_logical_tables(fleet_of(table), RECORDS)
    assert (found.rows, found.raw_bytes, found.content_hash) == (6, 60, f"{4:032x}")
    assert (found.nodes, found.key, found.rule) == (("s0.d.t", "s1.d.t"), "id", '{"mod": 2}')


def test_a_broadcast_table_counts_once_and_is_equal_if_all_nodes_are() -> None:
    table = LogicalTable("all", nodes(("s0", "all"), ("s1", "all")), broadcast=True)
    (found,) = sum_logical_tables(fleet_of(table), RECORDS)
    assert (found.rows, found.content_hash, found.is_equal) == (3, f"{9:032x}", True)


def test_a_broadcast_table_whose_nodes_differ_is_not_equal() -> None:
    table = LogicalTable("t", nodes(("s0", "t"), ("s1", "t")), broadcast=True)
    (found,) = sum_logical_tables(fleet_of(table), RECORDS)
    assert not found.is_equal


def test_a_table_without_a_part_in_scope_is_left_out() -> None:
    table = LogicalTable("gone", nodes(("s0", "gone")))
    assert sum_logical_tables(fleet_of(table), RECORDS) == ()
