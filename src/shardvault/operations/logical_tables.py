"""Sum up logical tables over all shards."""

from __future__ import annotations

from collections.abc import Mapping

from shardvault.model.ids import ShardName
from shardvault.model.manifest import LogicalTableRecord, TableRecord
from shardvault.model.target import Fleet, LogicalTable, Node
from shardvault.operations.dumping import sum_hashes

Records = Mapping[ShardName, tuple[TableRecord, ...]]


def sum_logical_tables(fleet: Fleet, records: Records) -> tuple[LogicalTableRecord, ...]:
    """Sum up each logical table of the fleet that has a part in scope."""
    by_node = {
        Node(shard, record.table.schema, record.table.name): record
        for shard, tables in records.items()
        for record in tables
    }
    found = []
    for table in fleet.tables:
        parts = {node: by_node[node] for node in table.nodes if node in by_node}
        if parts:
            found.append(_sum(table, parts))
    return tuple(found)


def _sum(table: LogicalTable, parts: Mapping[Node, TableRecord]) -> LogicalTableRecord:
    records = list(parts.values())
    counted = records[:1] if table.broadcast else records
    return LogicalTableRecord(
        name=table.name,
        broadcast=table.broadcast,
        nodes=tuple(str(node) for node in parts),
        rows=sum(record.rows for record in counted),
        content_hash=sum_hashes(record.content_hash for record in counted),
        raw_bytes=sum(record.raw_bytes for record in counted),
        is_equal=not table.broadcast or len({record.content_hash for record in records}) == 1,
        key=table.key,
        rule=table.rule,
    )
