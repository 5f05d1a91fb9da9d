"""Choose tables of a backup."""

from __future__ import annotations

from collections.abc import Mapping

from shardvault.fleet.scope import Selection, select_tables
from shardvault.fleet.topology import split_name
from shardvault.model.ids import ShardName
from shardvault.model.manifest import Manifest, ShardPart
from shardvault.model.target import Endpoint, Fleet, LogicalTable, Login, Node, Scope, Shard


def select_in_backup(
    manifest: Manifest, parts: Mapping[ShardName, ShardPart], scope: Scope
) -> Selection:
    """Choose tables of the backup by the names that its fleet had."""
    fleet = Fleet(
        manifest.fleet,
        tuple(Shard(shard.name, Endpoint(), Login("")) for shard in manifest.shards),
        tuple(
            LogicalTable(table.name, tuple(_node(text) for text in table.nodes), table.broadcast)
            for table in manifest.logical_tables
        ),
    )
    nodes = [
        Node(name, record.table.schema, record.table.name)
        for name, part in parts.items()
        for record in part.tables
    ]
    places = [(name, schema.name) for name, part in parts.items() for schema in part.schemas]
    include = scope.include or ("*.*",)
    return select_tables(fleet, Scope(scope.shards, include, scope.exclude), nodes, places)


def _node(text: str) -> Node:
    shard, schema, table = split_name(text)
    return Node(ShardName(shard), schema, table)
