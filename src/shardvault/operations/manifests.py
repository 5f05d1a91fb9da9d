"""Turn what a backup took into its manifest, and a manifest into a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shardvault.barrier.cut import Cut
from shardvault.clock import format_time, monotonic_s, utc_now
from shardvault.interfaces import ChunkStore
from shardvault.model.ids import BackupId, ShardName
from shardvault.model.manifest import (
    MANIFEST_VERSION,
    LogicalTableRecord,
    Manifest,
    ShardPart,
    ShardRecord,
    TableRecord,
    Totals,
)
from shardvault.model.report import BackupReport, ShardVolume
from shardvault.model.schema import TableKind
from shardvault.model.target import Fleet, Scope
from shardvault.operations.dumping import DumpedShard, is_uncomputed
from shardvault.operations.logical_tables import sum_logical_tables
from shardvault.operations.losses import Losses
from shardvault.operations.survey import ShardSurvey
from shardvault.repository.parts import put_part


@dataclass(frozen=True)
class Taken:
    """Hold all that a dump yielded, before it becomes a manifest.

    Attributes:
        left_out: names of the schemas that are not in scope.
        is_complete: no shard or table was left out that a backup without options holds.
        losses: what the backup does not hold exactly.
    """

    surveys: Mapping[ShardName, ShardSurvey]
    cut: Cut
    records: Mapping[ShardName, tuple[TableRecord, ...]]
    dumped: Mapping[ShardName, DumpedShard]
    left_out: tuple[str, ...] = ()
    is_complete: bool = False
    losses: Losses = field(default_factory=Losses)


@dataclass(frozen=True)
class Heading:
    """Hold what a manifest says of the backup as a whole.

    Attributes:
        begin_s: monotonic time of the begin [s].
    """

    id: BackupId
    begin: str
    begin_s: float
    tool_version: str
    scope: Scope
    tags: tuple[str, ...] = ()


def build_manifest(heading: Heading, fleet: Fleet, taken: Taken, store: ChunkStore) -> Manifest:
    """Store each shard's part and write the manifest; nothing is committed yet."""
    shards = tuple(_shard_record(name, taken, store) for name in taken.surveys)
    logical_tables = sum_logical_tables(fleet, taken.records)
    seconds = round(monotonic_s() - heading.begin_s, 3)
    return Manifest(
        version=MANIFEST_VERSION,
        id=heading.id,
        fleet=fleet.name,
        type="full",
        mode="hot-logical",
        tool_version=heading.tool_version,
        begin=heading.begin,
        end=format_time(utc_now()),
        consistency=taken.cut.consistency,
        claims_not=taken.cut.claims_not,
        barrier=taken.cut.record,
        scope=() if taken.is_complete else heading.scope.describe(),
        shards=shards,
        logical_tables=logical_tables,
        totals=Totals(
            shards=len(shards),
            tables=sum(shard.tables for shard in shards),
            rows=sum(shard.rows for shard in shards),
            bytes_read=sum(shard.bytes_read for shard in shards),
            bytes_stored=sum(shard.bytes_stored for shard in shards),
            seconds=seconds,
        ),
        notices=_notices(logical_tables, taken),
        allowed_losses=taken.losses.allowed,
        tags=heading.tags,
    )


def _shard_record(name: ShardName, taken: Taken, store: ChunkStore) -> ShardRecord:
    survey, dumped, tables = taken.surveys[name], taken.dumped[name], taken.records[name]
    part = ShardPart(
        name,
        survey.inventory.schemas,
        tables,
        survey.objects,
        survey.accounts,
        survey.instance_objects,
    )
    cut = taken.cut.shards[name]
    return ShardRecord(
        name=name,
        server=survey.server,
        position=cut.position,
        held_ms=cut.held_ms,
        tables=len(tables),
        rows=sum(table.rows for table in tables),
        bytes_read=sum(table.raw_bytes for table in tables),
        bytes_stored=dumped.stored_bytes,
        seconds=round(max(0.0, dumped.end_s - dumped.begin_s), 3),
        part=put_part(store, part),
    )


def _notices(logical_tables: Sequence[LogicalTableRecord], taken: Taken) -> tuple[str, ...]:
    found: list[str] = []
    if taken.left_out:
        found.append(f"schemas outside the scope, not in the backup: {', '.join(taken.left_out)}")
    found += taken.losses.notices
    for name, survey in taken.surveys.items():
        found += survey.notices
        found += [
            f"shard {name}: table {record.table.qualified} ({record.table.engine}) is kept "
            "as a definition; its rows live elsewhere"
            for record in taken.records[name]
            if record.table.kind is TableKind.DEFINITION
        ]
        found += [
            f"shard {name}: the source itself cannot compute generated columns of "
            f"{record.table.qualified} in all rows; a target may refuse these rows"
            for record in taken.records[name]
            if is_uncomputed(record)
        ]
    found += [
        f"broadcast table {table.name} is not equal on all its nodes"
        for table in logical_tables
        if not table.is_equal
    ]
    return tuple(found)


def report_of(manifest: Manifest) -> BackupReport:
    """Tell a person or a machine what a manifest says."""
    return BackupReport(
        id=manifest.id,
        status="complete",
        type=manifest.type,
        mode=manifest.mode,
        fleet=manifest.fleet,
        begin=manifest.begin,
        end=manifest.end,
        consistency=manifest.consistency,
        claims_not=manifest.claims_not,
        barrier=manifest.barrier,
        shards=tuple(
            ShardVolume(
                name=shard.name,
                position=shard.position,
                tables=shard.tables,
                rows=shard.rows,
                bytes_read=shard.bytes_read,
                bytes_stored=shard.bytes_stored,
                seconds=shard.seconds,
            )
            for shard in manifest.shards
        ),
        logical_tables=manifest.logical_tables,
        totals=manifest.totals,
        notices=manifest.notices,
        allowed_losses=manifest.allowed_losses,
        scope=manifest.scope,
        tags=manifest.tags,
    )
