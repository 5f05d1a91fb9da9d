"""Describe one backup in full."""

from __future__ import annotations

from collections import Counter

from shardvault.interfaces import ChunkSource
from shardvault.model.manifest import Manifest
from shardvault.model.report import ShowReport, TableVolume
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
    objects["account"] = sum(len(part.accounts) for part in parts)
    return ShowReport(report_of(manifest), tables, dict(objects))
