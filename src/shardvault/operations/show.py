"""Describe one backup in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shardvault.fleet.instance_objects import write_create
from shardvault.interfaces import ChunkSource
from shardvault.model.manifest import Manifest, ShardPart
from shardvault.model.report import Definition, DefinitionsReport, ShowReport, TableVolume
from shardvault.operations.manifests import report_of
from shardvault.repository.parts import get_part


def run_show(manifest: Manifest, store: ChunkSource) -> ShowReport:
    """List every table of a backup and count its objects."""
    parts = [get_part(store, shard.part) for shard in manifest.shards]
    tables = tuple(
        TableVolume(
            shard=part.name,
            schema=record.table.schema,
            name=record.table.name,
            kind=record.table.kind,
            rows=record.rows,
            raw_bytes=record.raw_bytes,
            content_hash=record.content_hash,
        )
        for part in parts
        for record in part.tables
    )
    objects = Counter(str(item.kind) for part in parts for item in part.objects)
    objects.update(str(item.kind) for part in parts for item in part.instance_objects)
    objects["account"] = sum(len(part.accounts) for part in parts)
    return ShowReport(report_of(manifest), tables, dict(objects))


def run_show_definitions(manifest: Manifest, store: ChunkSource) -> DefinitionsReport:
    """List the text of every database, table and code object of a backup."""
    parts = (get_part(store, shard.part) for shard in manifest.shards)
    return DefinitionsReport(manifest.id, tuple(found for part in parts for found in _list(part)))


def _list(part: ShardPart) -> Iterator[Definition]:
    for schema in part.schemas:
        yield Definition(part.name, schema.name, "", "database", _text(schema.create_sql))
    for table in (record.table for record in part.tables):
        text = _text(table.create_sql)
        yield Definition(part.name, table.schema, table.name, "table", text)
    for one in part.instance_objects:
        text = write_create(one, is_shown=True)
        yield Definition(part.name, "", one.name, one.kind, text)
    for item in part.objects:
        yield Definition(part.name, item.schema, item.name, item.kind, _text(item.create_sql))


def _text(create_sql: bytes) -> str:
    return create_sql.decode("utf-8", "backslashreplace")
