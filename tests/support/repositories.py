"""Build small repositories and backups."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from shardvault.interfaces import ChunkKind, Storage
from shardvault.model.ids import BackupId, ChunkId, ShardName
from shardvault.model.manifest import (
    BarrierRecord,
    Consistency,
    Manifest,
    RangeRecord,
    ServerIdentity,
    ShardPart,
    ShardRecord,
    TableRecord,
    Totals,
)
from shardvault.model.position import Family, Position
from shardvault.model.schema import Schema, Table, TableKind
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.parts import put_part
from shardvault.repository.store import Repository, create_repository

ROWS = [b"row one of canary_rows", b"row two " * 50, b""]
CANARIES = ["canary_schema", "canary_table", "canary_column", "canary_shard", "canary_fleet"]


def counted_bytes() -> Callable[[int], bytes]:
    """Return a source of bytes that are the same in every run, and never twice in one."""
    calls = 0

    def take(size: int) -> bytes:
        nonlocal calls
        calls += 1
        return hashlib.shake_256(calls.to_bytes(8, "big")).digest(size)

    return take


def make_repository(storage: Storage, folder: Path) -> Repository:
    """Create a repository whose key file is ``folder/repo.key``."""
    return create_repository(storage, folder / "repo.key", random_bytes=counted_bytes())


def make_part(chunks: tuple[ChunkId, ...]) -> ShardPart:
    """Describe one table whose rows are the chunks."""
    table = Table(
        schema="canary_schema",
        name="canary_table",
        kind=TableKind.ROWS,
        engine="InnoDB",
        is_transactional=True,
        create_sql=b"CREATE TABLE `canary_table` (`canary_column` int) \xff\x00",
        columns=(),
    )
    rows = RangeRecord(None, None, 3, "00" * 16, 99, chunks)
    record = TableRecord(table, ("canary_column",), 3, "00" * 16, 99, (rows,))
    schema = Schema("canary_schema", b"CREATE DATABASE `canary_schema`")
    return ShardPart(ShardName("canary_shard"), (schema,), (record,), (), ())


def make_manifest(backup: str, part: tuple[ChunkId, ...], begin: str = "") -> Manifest:
    """Describe a backup of one shard."""
    server = ServerIdentity("11.8", "mariadb", "id", 0, "utf8mb4", "utf8mb4_bin", "", "SYSTEM")
    position = Position(Family.MARIADB, "0-1-2", "binlog.000001", 4)
    shard = ShardRecord(ShardName("canary_shard"), server, position, 1.5, 1, 3, 99, 40, 0.1, part)
    begin = begin or "2026-11-22T11:30:00Z"
    return Manifest(
        version=1,
        id=BackupId(backup),
        fleet="canary_fleet",
        type="full",
        mode="hot-logical",
        tool_version="0.1.0",
        begin=begin,
        end=begin,
        consistency=Consistency.BARRIER,
        claims_not=(),
        barrier=BarrierRecord(1.5, 0.5, 1),
        scope=(),
        shards=(shard,),
        logical_tables=(),
        totals=Totals(1, 1, 3, 99, 40, 0.1),
    )


def put_backup(
    repository: Repository,
    writer: ChunkWriter,
    backup: str,
    rows: list[bytes] | None = None,
    **changes: Any,
) -> Manifest:
    """Store rows, part and manifest, whose fields can be changed, through an open session."""
    chunks = tuple(writer.put(row, ChunkKind.ROWS).chunk for row in rows or ROWS)
    manifest = replace(make_manifest(backup, put_part(writer, make_part(chunks))), **changes)
    writer.flush()
    repository.commit(manifest)
    return manifest


def add_backup(
    repository: Repository, backup: str, rows: list[bytes] | None = None, **changes: Any
) -> Manifest:
    """Store a backup in a session of its own."""
    with repository.writer("backup") as writer:
        return put_backup(repository, writer, backup, rows, **changes)
