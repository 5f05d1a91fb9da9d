"""Describe a backup: what it consists of and what it claims.

A manifest is small; the tables and objects of each shard lie in that shard's
*part*, a ``ShardPart`` encoded as JSON and stored as meta chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shardvault.model.ids import BackupId, ChunkId, ShardName
from shardvault.model.loss import AllowedLoss
from shardvault.model.position import Position
from shardvault.model.schema import Account, CodeObject, InstanceObject, Schema, Table

MANIFEST_VERSION = 1


class Consistency(StrEnum):
    """Name what a cut claims; see docs/consistency.md."""

    NONE = "none"
    PER_SHARD = "per-shard"
    BARRIER = "barrier"
    BARRIER_XA = "barrier+xa"


@dataclass(frozen=True)
class RangeRecord:
    """Describe the stored rows of one range of a table.

    Attributes:
        lower: SQL literals of the first key that is inside, one per key column; None = no bound.
        upper: SQL literals of the first key that is outside; None = no bound.
        rows: rows inside [rows].
        content_hash: order-independent hash of the rows, 32 hex digits.
        raw_bytes: row packets as stored, before compression [bytes].
        chunks: the chunks that hold the rows, in order.
        generated_hash: the same over the stored and then the generated columns, which are
            not stored; empty if there are none, or the source could not compute them.
    """

    lower: tuple[str, ...] | None
    upper: tuple[str, ...] | None
    rows: int
    content_hash: str
    raw_bytes: int
    chunks: tuple[ChunkId, ...]
    generated_hash: str = ""


@dataclass(frozen=True)
class TableRecord:
    """Describe one stored table: definition, proof and place of its rows.

    Attributes:
        select_columns: names of the columns each stored row carries, in order.
        content_hash: sum over the ranges, 32 hex digits.
        longest_row: longest row as read; a target's max_allowed_packet must hold it [bytes].
        generated_hash: sum over the ranges; empty if any of them has none.
    """

    table: Table
    select_columns: tuple[str, ...]
    rows: int
    content_hash: str
    raw_bytes: int
    ranges: tuple[RangeRecord, ...]
    longest_row: int = 0
    generated_hash: str = ""


@dataclass(frozen=True)
class ShardPart:
    """Hold all that one shard contributed.

    Attributes:
        instance_objects: of the instance, not of a database; empty for a backup without this
            field.
    """

    name: ShardName
    schemas: tuple[Schema, ...]
    tables: tuple[TableRecord, ...]
    objects: tuple[CodeObject, ...]
    accounts: tuple[Account, ...]
    instance_objects: tuple[InstanceObject, ...] = ()


@dataclass(frozen=True)
class ServerIdentity:
    """Tell one server from another and say what it can do.

    Attributes:
        identity: stable over restarts, different for every data folder as far as the
            server can tell (MySQL: server_uuid; MariaDB: host, port, folder, server id).
    """

    version: str
    family: str
    identity: str
    lower_case_table_names: int
    default_charset: str
    default_collation: str
    sql_mode: str
    time_zone: str


@dataclass(frozen=True)
class ShardRecord:
    """Summarise one shard in the manifest.

    Attributes:
        bytes_read: row packets read [bytes].
        bytes_stored: bytes that this backup added to the store for the shard [bytes].
        part: chunks of the encoded ShardPart, in order.
    """

    name: ShardName
    server: ServerIdentity
    position: Position
    held_ms: float
    tables: int
    rows: int
    bytes_read: int
    bytes_stored: int
    seconds: float
    part: tuple[ChunkId, ...]


@dataclass(frozen=True)
class LogicalTableRecord:
    """Sum up a logical table over all shards; the hash is the sum of its parts.

    Attributes:
        broadcast: every node holds the same rows; then rows and hash are those of one node
            and ``is_equal`` says whether all nodes agreed.
        nodes: ``shard.schema.table`` of each part.
    """

    name: str
    broadcast: bool
    nodes: tuple[str, ...]
    rows: int
    content_hash: str
    raw_bytes: int
    is_equal: bool = True
    key: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class BarrierRecord:
    """Report the barrier: longest hold, longest wait for a lock, number of tries."""

    held_ms: float
    lock_wait_ms: float
    attempts: int
    skew_ms: float = 0.0


@dataclass(frozen=True)
class Totals:
    """Add up all shards [rows] [bytes] [s]."""

    shards: int
    tables: int
    rows: int
    bytes_read: int
    bytes_stored: int
    seconds: float


@dataclass(frozen=True)
class Manifest:
    """State what a backup consists of; a backup exists only once this is stored.

    Attributes:
        type: ``full``.
        mode: ``hot-logical``.
        scope: the options that narrowed the backup, as text, sorted; empty = the backup is
            complete: all shards of the fleet file of its time, and all that the fleet file has
            in scope.
        claims_not: what the reached level does not guarantee, for people.
        allowed_losses: tables that are not held exactly, each by a loss that was allowed.
        copied_from: id of the repository in which the backup was taken, if this is a copy.
        tags: names that the user gave the backup, sorted.
    """

    version: int
    id: BackupId
    fleet: str
    type: str
    mode: str
    tool_version: str
    begin: str
    end: str
    consistency: Consistency
    claims_not: tuple[str, ...]
    barrier: BarrierRecord
    scope: tuple[str, ...]
    shards: tuple[ShardRecord, ...]
    logical_tables: tuple[LogicalTableRecord, ...]
    totals: Totals
    notices: tuple[str, ...] = ()
    allowed_losses: tuple[AllowedLoss, ...] = ()
    copied_from: str = ""
    tags: tuple[str, ...] = ()
