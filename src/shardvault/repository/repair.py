"""Mend a repository: move damage away, save what is readable, list anew what is there.

The order is that of a prune: whatever takes the place of something is durable before the log
announces what goes, and what is deleted was announced, and copied to quarantine, before.
Killed anywhere, the next repair or prune goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from shardvault.errors import IntegrityError, ObjectExists, ObjectMissing
from shardvault.failpoints import failpoint
from shardvault.interfaces import ChunkKind
from shardvault.model.ids import ChunkId
from shardvault.repository.entries import Doomed, Entry, Forgotten, Freed, Repaired
from shardvault.repository.format import (
    ENTRY,
    HEADER,
    INDEX_PREFIX,
    KIND_BYTES,
    NAME_BYTES,
    QUARANTINE_PREFIX,
    ObjectType,
    pack_name,
)
from shardvault.repository.history import read_history
from shardvault.repository.index import PackRecord, fetch_index
from shardvault.repository.insides import Insides
from shardvault.repository.inspection import Inspection
from shardvault.repository.leases import Lease, locked_error
from shardvault.repository.moving import Chunk, Mover
from shardvault.repository.objects import author_of
from shardvault.repository.packs import Place, read_directory
from shardvault.repository.prune import SCOPE
from shardvault.storage.append_only import refuse_deletion

_Names = tuple[str, ...]
_KINDS = {byte: kind for kind, byte in KIND_BYTES.items()}


@dataclass(frozen=True)
class Unsound:
    """Say what a repair has to do.

    Attributes:
        index: names of index objects that are damaged or missing.
        packs: that are there and damaged, with the numbers of the blobs that can be read.
        missing: packs that an index names and that are gone.
    """

    index: frozenset[str]
    packs: Mapping[bytes, frozenset[int]]
    missing: frozenset[bytes]

    @property
    def lost(self) -> frozenset[bytes]:
        """Return every pack that no index may name any longer."""
        return self.missing | self.packs.keys()


class Repairer:
    """Take the steps of a repair; operations decide what is unsound."""

    def __init__(self, insides: Insides) -> None:
        """Prepare; nothing is read yet.

        Raises:
            RefusedError: the repository is only read, or nothing may be deleted here.
        """
        insides.ring.require_writable()
        if not insides.storage.features.may_delete:
            raise refuse_deletion("repair")
        self._insides = insides
        self._lease: Lease | None = None

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Be alone in the repository inside the ``with`` block.

        Raises:
            RepositoryLocked: a prune, or any other session, is at work.
        """
        with self._insides.leases.hold(SCOPE, "repair") as lease:
            for holding in self._insides.leases.end_gone(SCOPE):
                raise locked_error(holding)
            self._lease = lease
            yield

    def replace(
        self, found: Inspection, unsound: Unsound
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Quarantine what is damaged, and list anew all that is sound or can be saved.

        Returns:
            names of what was moved to quarantine, and of the new index objects.
        """
        stale = [name for name in sorted(found.listed) if _names(found.listed[name], unsound.lost)]
        goners = tuple(sorted({*stale, *unsound.index}))
        if not goners and not unsound.packs:
            return (), ()
        damaged = [pack_name(pack) for pack in sorted(unsound.packs)]
        moved = self._quarantine([*damaged, *sorted(unsound.index)])
        failpoint("repair.quarantined")
        index = self._write_index(found, unsound, stale)
        failpoint("repair.indexed")
        self._delete(Doomed(tuple(sorted(unsound.packs)), goners, index))
        return moved, index

    def put_back(self, pack: bytes, data: bytes) -> None:
        """Store the true bytes of a pack that is missing or damaged; the damaged ones are kept."""
        name = pack_name(pack)
        if self._quarantine([name]):
            self._insides.storage.delete(name)
        failpoint("repair.mended")
        self._insides.storage.put_new(name, [data])

    def note(self, moved: Sequence[str], mended: Sequence[str], damaged: Collection[str]) -> None:
        """Tell the log what was done, and which backups are damaged now; nothing if no news."""

        def decide(entries: Sequence[Entry]) -> Repaired | None:
            self._assert_held(entries)
            is_known = read_history(entries).damaged == frozenset(damaged)
            if is_known and not moved and not mended:
                return None
            return Repaired(tuple(moved), tuple(mended), tuple(sorted(damaged)))

        self._insides.log.append(decide)

    def forget(self, backups: Collection[str]) -> None:
        """Take damaged backups out of the catalog; the next prune frees what only they need."""

        def decide(entries: Sequence[Entry]) -> Forgotten | None:
            self._assert_held(entries)
            known = tuple(sorted(read_history(entries).backups.keys() & set(backups)))
            return Forgotten(known, "damaged") if known else None

        self._insides.log.append(decide)

    def _quarantine(self, names: Sequence[str]) -> tuple[str, ...]:
        """Copy objects, damaged as they are; give those that were there to be copied."""
        return tuple(name for name in names if self._copy(name))

    def _copy(self, name: str) -> bool:
        storage = self._insides.storage
        try:
            data = storage.get(name)
        except ObjectMissing:
            return False
        word = sha256(data).hexdigest()[: 2 * NAME_BYTES]
        with contextlib.suppress(ObjectExists):  # by a repair that was interrupted
            storage.put_new(f"{QUARANTINE_PREFIX}{word}/{name}", [data])
        return True

    def _write_index(
        self, found: Inspection, unsound: Unsound, stale: Sequence[str]
    ) -> tuple[str, ...]:
        inside = self._insides
        mover = Mover(inside.storage, inside.ring, inside.random_bytes)
        for name in stale:
            records, author = fetch_index(inside.storage, inside.ring, name)
            mover.keep((one for one in records if one.pack not in unsound.lost), author)
            for record in records:
                readable = unsound.packs.get(record.pack, frozenset())
                mover.move(_pick_readable(found, record, readable))
        if unsound.index:
            self._keep_unlisted(found, mover)
        return mover.finish()

    def _keep_unlisted(self, found: Inspection, mover: Mover) -> None:
        """List packs that only lost index objects named, by their own directories."""
        doomed = found.history.doomed_packs if found.history else frozenset()
        inside = self._insides
        for pack, size_bytes in sorted(found.index.present.items()):
            if pack in found.packs or pack in doomed:
                continue
            with contextlib.suppress(IntegrityError):  # a leftover: told by the check
                directory = read_directory(inside.storage, inside.ring, pack, size_bytes)
                header = inside.storage.get(pack_name(pack), 0, HEADER.size)
                author = author_of(inside.ring, ObjectType.PACK, header)
                mover.keep([PackRecord(pack, size_bytes, directory)], author)

    def _delete(self, doomed: Doomed) -> None:
        def announce(entries: Sequence[Entry]) -> Doomed:
            self._assert_held(entries)
            return doomed

        entry = self._insides.log.append(announce)
        failpoint("repair.doomed")
        for name in (*doomed.objects, *map(pack_name, doomed.packs)):
            with contextlib.suppress(ObjectMissing):
                self._insides.storage.delete(name)
        failpoint("repair.deleted")
        if entry is not None:
            self._insides.log.append(lambda _: Freed(entry.number))

    def _assert_held(self, entries: Sequence[Entry]) -> None:
        if self._lease is None:
            raise RuntimeError("a repair changes nothing without its lease")
        self._lease.assert_held(entries)


def _names(records: Sequence[PackRecord], packs: Collection[bytes]) -> bool:
    return any(record.pack in packs for record in records)


def _pick_readable(
    found: Inspection, record: PackRecord, readable: Collection[int]
) -> Iterator[Chunk]:
    """Give the chunks of a damaged pack that can be read, and lie nowhere better."""
    offset = HEADER.size
    for number, (chunk, kind, stored_bytes, plain_bytes) in enumerate(
        ENTRY.iter_unpack(record.directory)
    ):
        place = found.index.table.find(chunk)
        if number in readable and place is not None and place.pack == record.pack:
            yield (
                ChunkId(chunk),
                ChunkKind(_KINDS[kind]),
                Place(record.pack, number, offset, stored_bytes, plain_bytes),
            )
        offset += stored_bytes


def index_faults(found: Inspection) -> frozenset[str]:
    """Name the index objects that are damaged or missing."""
    return frozenset(fault.name for fault in found.faults if fault.name.startswith(INDEX_PREFIX))
