"""Read one backup from the first repository that holds it, and what is damaged from its copies.

Each chunk is authenticated in the repository that it comes from, under that one's keys and id.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from shardvault.errors import IntegrityError, ObjectMissing, ShardvaultError, StorageError
from shardvault.interfaces import ChunkKind, ChunkSource
from shardvault.model.ids import ChunkId
from shardvault.model.manifest import Manifest, ShardPart, ShardRecord
from shardvault.model.report import Finding, Severity
from shardvault.repository.pairs import pair_chunks
from shardvault.repository.parts import get_part
from shardvault.repository.store import Repository

Tell = Callable[[str], None]
Opened = tuple[Manifest, ChunkSource]
_UNREADABLE = (IntegrityError, StorageError)


class Holder:
    """Read what one repository holds of a backup; safe for many threads."""

    def __init__(self, name: str, open_backup: Callable[[], Opened]) -> None:
        """Open nothing yet.

        Args:
            open_backup: returns the repository's own manifest of the backup, and a reader.
        """
        self.name = name
        self._open_backup = open_backup
        self._opened: Opened | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def open(self) -> Opened | None:
        """Return manifest and reader; None if they cannot be had, or no longer."""
        with self._lock:
            if self._opened is None and not self._is_closed:
                try:
                    self._opened = self._open_backup()
                except ShardvaultError:
                    self._is_closed = True
            return None if self._is_closed else self._opened

    def close(self) -> None:
        """Ask this repository nothing more."""
        self._is_closed = True

    def record(self, shard: ShardRecord) -> ShardRecord | None:
        """Return what its own manifest says of a shard."""
        found = self.open()
        records = found[0].shards if found else ()
        return next((record for record in records if record.name == shard.name), None)

    def part(self, shard: ShardRecord) -> ShardPart | None:
        """Read its own part of a shard; None if that cannot be read."""
        found, record = self.open(), self.record(shard)
        if found is None or record is None:
            return None
        try:
            return get_part(found[1], record.part)
        except _UNREADABLE:
            return None

    def read_meta(self, chunks: Sequence[ChunkId]) -> dict[ChunkId, bytes] | None:
        """Read chunks of metadata by their own ids; None if one cannot be read."""
        try:
            return {chunk: self.get(chunk, ChunkKind.META) for chunk in chunks}
        except _UNREADABLE:
            return None

    def has(self, chunk: ChunkId) -> bool:
        """Say whether its index names the chunk, by this id."""
        found = self.open()
        return found is not None and found[1].has(chunk)

    def get(self, chunk: ChunkId, kind: ChunkKind) -> bytes:
        """Read a chunk by its own id; raises IntegrityError, StorageError.

        A store that fails as a whole, after all tries, is not asked again.
        """
        found = self.open()
        if found is None:
            raise StorageError(f"repository {self.name} does not answer any more")
        try:
            return found[1].get(chunk, kind)
        except ObjectMissing:
            raise
        except StorageError:
            self.close()
            raise


class BackupReader:
    """Give the chunks of one backup; safe for many threads.

    Attributes:
        manifest: a shard whose part is damaged at home is described by a copy's.
    """

    def __init__(
        self,
        home: Holder,
        manifest: Manifest,
        copies: Sequence[Holder],
        *,
        repository: Repository,
        tell: Tell,
        notes: Sequence[Finding] = (),
    ) -> None:
        """Read the parts once, and keep them, if there are copies.

        Args:
            home: what is read first.
            manifest: its own.
            copies: who may help, the nearest first.
            repository: that of ``home``.
            tell: takes a sentence when a copy helps for the first time.
            notes: what was found on the way here.
        """
        self._home = home
        self._repository = repository
        self._copies = tuple(copies)
        self._tell = tell
        self._notes = tuple(notes)
        self._lock = threading.Lock()
        self._twins: dict[Holder, dict[ChunkId, ChunkId]] = {}
        self._helped: Counter[str] = Counter()
        self._reason: ShardvaultError | None = None
        self._meta: dict[ChunkId, bytes] = {}
        self.manifest = replace(manifest, shards=tuple(map(self._mend, manifest.shards)))

    def get(self, chunk: ChunkId, kind: ChunkKind) -> bytes:
        """Read a chunk; raises what the home repository raises if no copy has it either."""
        if not self._copies:
            return self._home.get(chunk, kind)
        if kind is ChunkKind.META and chunk in self._meta:
            return self._meta[chunk]
        error: ShardvaultError | None = None
        if self._home.has(chunk):
            try:
                return self._home.get(chunk, kind)
            except _UNREADABLE as caught:
                error = caught
        for holder, twin in self._places(chunk):
            try:
                data = holder.get(twin, kind)
            except _UNREADABLE:
                continue
            self._note(holder, error)
            return data
        raise error or ObjectMissing(f"chunk {chunk.hex()} is in no repository")

    def has(self, chunk: ChunkId) -> bool:
        """Say whether the chunk is stored anywhere."""
        return self._home.has(chunk) or any(self._places(chunk))

    def proven(self) -> Repository | None:
        """Return the repository that gave all that was read; None if a copy had to help."""
        return None if self._helped else self._repository

    def findings(self) -> tuple[Finding, ...]:
        """Say which repositories were passed over, and what was taken from which copy."""
        reason = self._reason or "it does not have them"
        helped = sorted(self._helped.items())
        return (
            *self._notes,
            *(
                Finding(
                    Severity.WARNING,
                    self._home.name,
                    "copies",
                    f"{count:,} objects of the backup were taken from {name}: {reason}",
                    "repair or replace this repository: what it lacks is safe in fewer places",
                )
                for name, count in helped
            ),
        )

    def _mend(self, shard: ShardRecord) -> ShardRecord:
        """Take a shard's part that cannot be read at home from a copy, chunk ids and all."""
        for holder in (self._home, *self._copies) if self._copies else ():
            record = holder.record(shard)
            meta = holder.read_meta(record.part) if record else None
            if record is not None and meta is not None:
                self._meta |= meta
                if holder is not self._home:
                    self._note(holder, None)
                return record
        return shard

    def _places(self, chunk: ChunkId) -> Iterator[tuple[Holder, ChunkId]]:
        """Give where else a chunk lies: under its own id, or under that of its twin."""
        for holder in self._copies:
            twin = chunk if holder.has(chunk) else self._twins_in(holder).get(chunk)
            if twin is not None:
                yield holder, twin

    def _twins_in(self, holder: Holder) -> dict[ChunkId, ChunkId]:
        """Match all chunks that the backup names with those of a copy, once, by their places."""
        with self._lock:
            if holder not in self._twins:
                self._twins[holder] = dict(self._pair(holder))
            return self._twins[holder]

    def _pair(self, holder: Holder) -> Iterator[tuple[ChunkId, ChunkId]]:
        for shard in self.manifest.shards:
            part = holder.part(shard)
            if part is not None and self._meta.keys() >= set(shard.part):
                yield from pair_chunks(get_part(self, shard.part), part)

    def _note(self, holder: Holder, error: ShardvaultError | None) -> None:
        with self._lock:
            is_first = holder.name not in self._helped
            self._helped[holder.name] += 1
            self._reason = self._reason or error
        if is_first:
            why = f": {error}" if error else ""
            self._tell(f"repository {self._home.name} is damaged, {holder.name} helps out{why}")
