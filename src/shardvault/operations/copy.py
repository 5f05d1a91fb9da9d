"""Copy backups into another repository, under its own keys.

The copy of a backup has a manifest like the first, but for the ids of its chunks. So which
chunk became which need not be written down: both manifests name them in the same order. What
an earlier backup shares with the next is neither read nor sent again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from shardvault.clock import monotonic_s
from shardvault.errors import BackupExists, IntegrityError, ObjectMissing, RefusedError
from shardvault.events import PhaseStarted
from shardvault.interfaces import ChunkKind, ChunkSource, EventSink
from shardvault.model.ids import BackupId, ChunkId, ShardName
from shardvault.model.manifest import (
    Manifest,
    RangeRecord,
    ShardPart,
    ShardRecord,
    TableRecord,
)
from shardvault.model.report import Finding, RepositoryCopy, Severity
from shardvault.operations.progress import Meter
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.history import History
from shardvault.repository.pairs import describe_apart, pair_chunks
from shardvault.repository.parts import get_part, put_part
from shardvault.repository.receipts import read_receipts
from shardvault.repository.store import Repository
from shardvault.workers.local import Lane, run_lanes

_OPERATION = "repo copy"
_Kin = tuple[str, frozenset[str]]
"""Fleet and scope of a backup: what the next backup of the same is compared with."""
_FLUSH_BYTES = 1 << 30
"""After so much was sent it is made to last, so that an interrupted copy need not send it
again [bytes]."""


@dataclass(frozen=True)
class CopyOptions:
    """Say what is copied, and how.

    Attributes:
        name: of the destination, for the report.
        backups: ids; none = every backup of the source.
        threads: chunks read at the same time.
        zstd_level: compression at the destination.
    """

    name: str
    threads: int
    zstd_level: int
    backups: tuple[BackupId, ...] = ()


@dataclass(frozen=True)
class _Ends:
    """Hold one backup as it is in both repositories."""

    source: Manifest
    destination: Manifest


@dataclass
class _Tally:
    copied: list[BackupId] = field(default_factory=list)
    present: int = 0
    left_out: int = 0
    bytes_read: int = 0
    bytes_stored: int = 0
    findings: list[Finding] = field(default_factory=list)


def run_copy(
    source: Repository, destination: Repository, options: CopyOptions, sink: EventSink
) -> RepositoryCopy:
    """Copy every backup that the destination does not have, oldest first.

    Each is committed by itself, through the destination's own session and log; so the copy
    is checked and pruned on its own. A damaged backup is reported, and the next is copied.

    Raises:
        RefusedError: the destination is the source, or its retention took out a backup that
            was named.
        UnknownBackup: the source has no such backup.
    """
    if source.id == destination.id:
        raise RefusedError(
            f"{options.name} is the same repository, not a copy with keys of its own",
            hint="make the copy with `shardvault init`; or, if it is to be bit by bit the same, "
            "set `mirror: true`",
        )
    begin_s = monotonic_s()
    run = _Run(source, destination, options, sink)
    for backup in run.choose():
        run.take(backup)
    return RepositoryCopy(
        repository=options.name,
        mode="re-encrypted",
        backups=tuple(run.tally.copied),
        present=run.tally.present,
        left_out=run.tally.left_out,
        bytes_read=run.tally.bytes_read,
        bytes_stored=run.tally.bytes_stored,
        seconds=round(monotonic_s() - begin_s, 3),
        findings=tuple(run.tally.findings),
    )


class _Run:
    """Hold what one copy has open and has done."""

    def __init__(
        self, source: Repository, destination: Repository, options: CopyOptions, sink: EventSink
    ) -> None:
        self.tally = _Tally()
        self._source = source
        self._destination = destination
        self._options = options
        self._sink = sink
        self._there = destination.history() or History()
        self._received = _read_receipts(source)
        self._last: dict[_Kin, _Ends] = {}

    def choose(self) -> Iterator[BackupId]:
        """Give the backups of the source in order; those not asked for only if both have them."""
        wanted = {self._source.find(backup) for backup in self._options.backups}
        for backup in wanted & self._there.forgotten:
            raise RefusedError(
                f"the retention of {self._options.name} took backup {backup} out",
                hint="its id cannot come back there; keep more there by its policy",
            )
        for error in self._source.damaged():
            self._find(str(error), "the source", error.hint)
        for summary in self._source.list():
            if not wanted or summary.id in wanted or summary.id in self._there.backups:
                yield summary.id

    def take(self, backup: BackupId) -> None:
        """Copy a backup unless it is there; damage in the source is noted."""
        if backup in self._there.forgotten:
            self.tally.left_out += 1
            return
        try:
            manifest = self._source.load(backup)
            if backup in self._there.backups:
                self._compare(manifest)
            else:
                self._copy(manifest)
        except (BackupExists, IntegrityError, ObjectMissing) as error:
            self._find(f"not copied: {error}", backup, error.hint)

    def _compare(self, manifest: Manifest) -> None:
        """Make sure that what is there is this backup, and learn from it what became what."""
        copy = self._destination.load(manifest.id)
        theirs = describe_apart(copy, self._destination.id)
        if describe_apart(manifest, self._source.id) != theirs:
            self._find("another backup of that id is there", manifest.id, None)
            return
        self.tally.present += 1
        self._last[_kin(manifest)] = _Ends(manifest, copy)

    def _copy(self, manifest: Manifest) -> None:
        self._sink.emit(PhaseStarted(_OPERATION, "copy", manifest.id))
        last = self._last.get(_kin(manifest)) or self._last.get((manifest.fleet, frozenset()))
        totals = {shard.name: shard.bytes_read for shard in manifest.shards}
        with self._destination.writer(
            _OPERATION, fleet=manifest.fleet, level=self._options.zstd_level
        ) as writer:
            meter = Meter(self._sink, "copy", totals)
            copier = _Copier(self._source.reader(), writer, self._options.threads, meter)
            shards = tuple(
                copier.copy_shard(shard, self._learn(shard.name, last)) for shard in manifest.shards
            )
            copy = _rewrite(manifest, shards, manifest.copied_from or self._source.id)
            self._destination.commit(copy, received_s=self._received.get(manifest.id))
        self._last[_kin(manifest)] = _Ends(manifest, copy)
        self.tally.copied.append(manifest.id)
        self.tally.bytes_read += copier.bytes_read
        self.tally.bytes_stored += copier.bytes_stored

    def _learn(self, shard: ShardName, ends: _Ends | None) -> dict[ChunkId, ChunkId]:
        """Return what chunk became what when the fleet's last backup was copied."""
        mine, theirs = (
            _find_shard(manifest, shard)
            for manifest in ((ends.source, ends.destination) if ends else (None, None))
        )
        if mine is None or theirs is None:
            return {}
        try:
            part = get_part(self._source.reader(), mine.part)
            copied = get_part(self._destination.reader(), theirs.part)
        except (IntegrityError, ObjectMissing):  # then all is read again
            return {}
        return dict(pair_chunks(part, copied))

    def _find(self, message: str, where: str, hint: str | None) -> None:
        remedy = hint or "look at both repositories with `shardvault repo check`"
        self.tally.findings.append(Finding(Severity.BLOCKER, where, "copy", message, remedy))


class _Copier:
    """Carry chunks from a reader to a writer; safe for many threads."""

    def __init__(
        self, reader: ChunkSource, writer: ChunkWriter, threads: int, meter: Meter
    ) -> None:
        self.bytes_read = 0
        self.bytes_stored = 0
        self._reader = reader
        self._writer = writer
        self._threads = threads
        self._meter = meter
        self._unflushed_bytes = 0
        self._lock = threading.Lock()

    def copy_shard(self, shard: ShardRecord, known: dict[ChunkId, ChunkId]) -> ShardRecord:
        """Copy the chunks of a shard, then its part, and return its record at the destination.

        Args:
            known: what became of chunks before; grows.
        """
        before = self.bytes_stored
        part = get_part(self._reader, shard.part)
        tasks = [found for record in part.tables for found in record.ranges]

        def work(_: int, found: RangeRecord) -> None:
            for chunk in found.chunks:
                known[chunk] = self._carry(chunk, known.get(chunk))
            self._meter.add(shard.name, found.raw_bytes, found.rows)

        lane = Lane(range(self._threads), tasks)
        run_lanes([lane], work, limit=self._threads, abort=lambda: None)
        chunks = put_part(self._writer, _rename(part, known))
        return replace(shard, part=chunks, bytes_stored=self.bytes_stored - before)

    def _carry(self, chunk: ChunkId, copied: ChunkId | None) -> ChunkId:
        if copied is not None and self._writer.has(copied):
            return copied
        data = self._reader.get(chunk, ChunkKind.ROWS)
        result = self._writer.put(data, ChunkKind.ROWS)
        with self._lock:
            self.bytes_read += len(data)
            self.bytes_stored += result.stored_bytes
            self._unflushed_bytes += result.stored_bytes
            is_due = self._unflushed_bytes >= _FLUSH_BYTES
            self._unflushed_bytes = 0 if is_due else self._unflushed_bytes
        if is_due:
            self._writer.flush()
        return result.chunk


def _kin(manifest: Manifest) -> _Kin:
    return manifest.fleet, frozenset(manifest.scope)


def _read_receipts(source: Repository) -> dict[str, float]:
    history, insides = source.history(), source.insides()
    return read_receipts(insides.storage, insides.log, history) if history else {}


def _find_shard(manifest: Manifest | None, shard: ShardName) -> ShardRecord | None:
    shards = manifest.shards if manifest else ()
    return next((record for record in shards if record.name == shard), None)


def _rename(part: ShardPart, known: dict[ChunkId, ChunkId]) -> ShardPart:
    """Name every chunk of a part as the destination does."""

    def rename(record: TableRecord) -> TableRecord:
        ranges = tuple(
            replace(found, chunks=tuple(known[chunk] for chunk in found.chunks))
            for found in record.ranges
        )
        return replace(record, ranges=ranges)

    return replace(part, tables=tuple(map(rename, part.tables)))


def _rewrite(manifest: Manifest, shards: tuple[ShardRecord, ...], origin: str) -> Manifest:
    stored_bytes = sum(shard.bytes_stored for shard in shards)
    totals = replace(manifest.totals, bytes_stored=stored_bytes)
    return replace(manifest, shards=shards, totals=totals, copied_from=origin)
