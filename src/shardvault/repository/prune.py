"""Free what no backup needs, beside running backups, in steps that may be killed anywhere.

What is announced in the log is decided on its newest state; what is deleted was announced
before. docs/retention.md has the order, and why it is safe.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from shardvault.errors import IntegrityError, ObjectMissing, RefusedError, StorageFull
from shardvault.failpoints import failpoint, is_off
from shardvault.interfaces import ChunkKind, ChunkSource
from shardvault.model.ids import BackupId, ChunkId
from shardvault.model.manifest import Manifest
from shardvault.repository.catalog import Record
from shardvault.repository.chunks import ChunkReader
from shardvault.repository.entries import Doomed, Entry, Forgotten, Freed
from shardvault.repository.format import (
    ENTRY,
    INDEX_PREFIX,
    KIND_BYTES,
    MANIFEST_PREFIX,
    PACK_OVERHEAD,
    ObjectType,
    pack_name,
    source_name,
)
from shardvault.repository.history import History, read_history
from shardvault.repository.index import Index, PackRecord, fetch_index, load_index
from shardvault.repository.insides import Insides
from shardvault.repository.leases import Holding, Lease
from shardvault.repository.leftovers import reclaim_leftovers, unsound_sources
from shardvault.repository.marking import Marks
from shardvault.repository.moving import Chunk, Mover, measure_packs
from shardvault.repository.objects import find_source
from shardvault.repository.parts import iterate_chunks
from shardvault.repository.receipts import read_receipts
from shardvault.storage.append_only import refuse_deletion

SCOPE = "prune"
_LOST = (IntegrityError, ObjectMissing)
_KINDS = {byte: kind for kind, byte in KIND_BYTES.items()}
_CHECK_HINT = "nothing was deleted; see `shardvault list` and verify what it names"


@dataclass(frozen=True)
class Survey:
    """Hold what a repository consists of, everything authenticated.

    Attributes:
        manifests: of every backup, by its id.
        words: index objects that a completed backup, or an earlier prune, knows of.
        received_s: when the store took the entry that completed each backup [s].
        is_quiet: no session was alive before all of this was read.
        index: read after the history was; what is doomed already can be found by it.
        unsound: names of sources that lost something; their packs stay, and stop no others.
    """

    history: History
    manifests: Mapping[str, Manifest]
    words: frozenset[str]
    received_s: Mapping[str, float]
    is_quiet: bool
    index: Index
    unsound: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Garbage:
    """Say which packs will go, and what of them is moved before.

    Attributes:
        packs: ids of all packs that will be deleted.
        words: index objects that name one of them.
        freed_bytes: size of these packs [bytes].
        moved_bytes: size of the new packs that hold what is needed of them [bytes].
    """

    packs: frozenset[bytes]
    words: tuple[str, ...]
    freed_bytes: int
    moved_bytes: int


class SourceUnsound(IntegrityError):
    """Report that what a source listed is not there; it stops no prune."""


class Pruner:
    """Take the steps of a prune; operations decide what is forgotten."""

    def __init__(self, insides: Insides, read: Callable[[], ChunkSource]) -> None:
        """Prepare; nothing is read yet.

        Args:
            read: returns a reader of what is stored now.
        """
        insides.ring.require_master()
        insides.ring.require_writable()
        self._insides = insides
        self._storage = insides.storage
        self._ring = insides.ring
        self._random_bytes = insides.random_bytes
        self._catalog = insides.catalog
        self._log = insides.log
        self._leases = insides.leases
        self._read = read
        self._lease: Lease | None = None

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Be the only prune inside the ``with`` block; raises RepositoryLocked, RefusedError."""
        if not self._storage.features.may_delete:
            raise refuse_deletion("prune")
        with self._leases.hold(SCOPE, "prune") as lease:
            self._lease = lease
            yield

    def finish_earlier(self) -> tuple[Holding, ...]:
        """Delete what earlier prunes announced and interrupted sessions left behind.

        Returns:
            owners that are at work: as long as they are, packs stay.
        """
        for name in self._forgotten_manifests():
            self._delete(name)
        alive = self.free()
        reclaim_leftovers(
            self._insides,
            lambda: load_index(self._storage, self._ring),
            lambda: self._leases.end_gone(SCOPE),
        )
        return alive

    def survey(self) -> Survey:
        """Read everything that decides what may go.

        Raises:
            RefusedError: something is damaged or missing, and may need what would go.
        """
        is_quiet = not [
            one for one in self._leases.look_at_all() if one.scope != SCOPE and one.is_alive
        ]
        history = read_history(self._log.read())
        index = load_index(self._storage, self._ring, history.doomed_packs)
        manifests: dict[str, Manifest] = {}
        names = set(history.index)

        def take(record: Record) -> None:
            manifests[record.manifest.id] = record.manifest
            is_own = record.manifest.id not in history.sources
            known = (*record.index, *record.seen) if is_own else set(record.index) - index.own
            names.update(INDEX_PREFIX + word for word in known)

        scan = self._catalog.gather(history, take)
        for error in scan.damaged if scan.has_own_damage else ():
            raise _refuse(error.message)
        for error in index.damaged_among(scan.index):
            raise _refuse(error.message)
        for word in sorted(scan.index - index.names):
            raise _refuse(f"object {INDEX_PREFIX}{word} is missing")
        words = frozenset(name.removeprefix(INDEX_PREFIX) for name in names - history.replaced)
        received = read_receipts(self._storage, self._log, history)
        unsound = unsound_sources(index, scan)
        return Survey(history, manifests, words, received, is_quiet, index, set(unsound))

    def mark(self, survey: Survey, forget: Collection[str]) -> Marks:
        """Mark what all backups but those to be forgotten need; raises RefusedError."""
        marks = Marks(survey.index.table, ChunkReader(self._storage, self._ring, survey.index))
        for backup, manifest in survey.manifests.items():
            if backup not in forget:
                try:
                    marks.add(manifest, is_damaged=backup in survey.history.damaged)
                except (IntegrityError, ObjectMissing) as error:
                    source = survey.history.sources.get(backup)
                    if not source:
                        raise _refuse(str(error)) from error
                    survey.unsound.add(source)
        return marks

    def find_garbage(self, survey: Survey, marks: Marks, *, may_move: bool = True) -> Garbage:
        """Choose the packs that go: those that nobody needs, or less than half of which.

        A pack that only the index objects of a running session name may be needed soon. With
        no session alive such index objects are those of interrupted ones, and go too.

        Args:
            may_move: choose packs too of which something must be moved.
        """
        index, needed = survey.index, marks.sum_bytes()
        words = index.names if survey.is_quiet else survey.words & index.names
        listed = frozenset(chain.from_iterable(index.listed[word] for word in words))
        packs = frozenset(
            pack
            for pack in listed - survey.history.doomed_packs
            if _is_garbage(needed.get(pack, 0), index.present.get(pack, 0), may_move=may_move)
            and not self._is_kept(pack, survey)
        )
        named = tuple(sorted(word for word, some in index.listed.items() if packs & set(some)))
        freed_bytes = sum(index.present.get(pack, 0) for pack in packs)
        moved_bytes = self._measure_moved(named, packs, index, marks)
        return Garbage(packs, named, freed_bytes, moved_bytes)

    def _is_kept(self, pack: bytes, survey: Survey) -> bool:
        """Say whether a pack stays because nobody knows what a source that lost something needs."""
        return self._is_of(pack, survey.unsound)

    def _measure_moved(
        self, words: Iterable[str], packs: Collection[bytes], index: Index, marks: Marks
    ) -> int:
        """Return the size of the packs that ``doom`` will write [bytes]."""
        blobs: dict[bytes, list[int]] = {}
        for word in words:
            records, author = fetch_index(self._storage, self._ring, INDEX_PREFIX + word)
            found = blobs.setdefault(author.source, [])
            seen = _pick_needed(records, packs, index, marks)
            found += (place.stored_bytes for _, _, place in seen)
        return sum(map(measure_packs, blobs.values()))

    def forget(self, choose: Callable[[History], Sequence[str]], reason: str) -> tuple[str, ...]:
        """Take backups out of the catalog, and delete their manifests.

        Args:
            choose: names them, asked again on the newest history.
        """

        def decide(entries: Sequence[Entry]) -> Forgotten | None:
            self._assert_held(entries)
            chosen = tuple(choose(read_history(entries)))
            return Forgotten(chosen, reason) if chosen else None

        entry = self._log.append(decide)
        failpoint("prune.forgotten")
        for name in self._forgotten_manifests():
            self._delete(name)
        return entry.action.backups if entry and isinstance(entry.action, Forgotten) else ()

    def doom(self, survey: Survey, marks: Marks, garbage: Garbage) -> None:
        """Move what is needed, list what remains again, announce the rest, delete its index.

        Raises:
            SourceUnsound: something that a source listed cannot be moved; nothing was changed,
                and from now on ``find_garbage`` leaves its packs where they are.
        """
        failpoint("prune.marked")
        mover = self._new_mover()
        names = list(self._replace_index(survey, marks, garbage, mover))
        failpoint("prune.indexed")

        def decide(entries: Sequence[Entry]) -> Doomed:
            self._assert_held(entries)
            history = read_history(entries)
            backups = history.backups.keys() - marks.backups
            if backups and not is_off("prune.late"):
                names.extend(self._save(backups, history, survey.index, garbage.packs, mover))
                marks.backups.update(backups)
            objects = tuple(INDEX_PREFIX + word for word in garbage.words)
            return Doomed(tuple(sorted(garbage.packs)), objects, tuple(names))

        self._log.append(decide)
        failpoint("prune.doomed")

    def free(self) -> tuple[Holding, ...]:
        """Delete all that was announced, unless a session that may rely on it is alive.

        Index objects go first: whoever starts afterwards relies on none of the packs. Then,
        once all that started before are over, nobody does; what they committed meanwhile
        is in the log, and chunks that only doomed packs hold are moved.

        Returns:
            owners that are at work; as long as they are, packs stay.
        """
        doomed = read_history(self._log.read()).doomed
        for entry in doomed.values():
            for name in entry.objects:
                self._delete(name)
        failpoint("prune.index_deleted")
        alive = self._leases.end_gone(SCOPE) if doomed else ()
        working = {one.source for one in alive} if not is_off("prune.waiting") else set()
        if "" in working:
            return alive
        kept = [self._free(number, entry, working) for number, entry in doomed.items()]
        return alive if any(kept) else ()

    def _free(self, number: int, doomed: Doomed, working: Collection[str]) -> bool:
        """Free what an entry doomed, but for packs of sources that are at work.

        The session of a source relies on nothing that others wrote.

        Returns:
            whether such packs stay.
        """
        history = read_history(self._log.read())
        backups = {name for name, (at, _) in history.backups.items() if at > number}
        if backups and not is_off("prune.late"):
            index = load_index(self._storage, self._ring, doomed.packs)
            self._save(backups, history, index, frozenset(doomed.packs), self._new_mover())
        kept = {pack for pack in doomed.packs if self._is_of(pack, working)}
        for pack in doomed.packs:
            if pack not in kept:
                self._delete(pack_name(pack))
                failpoint("prune.pack_deleted")
        if kept:
            return True
        self._log.append(lambda entries: self._say_freed(entries, number))
        failpoint("prune.freed")
        return False

    def _is_of(self, pack: bytes, sources: Collection[str]) -> bool:
        """Say whether one of the sources wrote a pack, which is read only if there are any."""
        if not sources:
            return False
        return find_source(self._storage, self._ring, ObjectType.PACK, pack_name(pack)) in sources

    def _say_freed(self, entries: Sequence[Entry], number: int) -> Freed | None:
        self._assert_held(entries)
        return Freed(number) if number in read_history(entries).doomed else None

    def _new_mover(self) -> Mover:
        return Mover(self._storage, self._ring, self._random_bytes)

    def _save(
        self,
        backups: Iterable[str],
        history: History,
        index: Index,
        packs: Collection[bytes],
        mover: Mover,
    ) -> tuple[str, ...]:
        """Move what backups need of packs that will go; they were committed meanwhile.

        Returns:
            names of the new index objects.
        """
        reader = self._read()
        sources = history.sources
        for backup in sorted(backups):
            # What a source committed and cannot be read must not stop a prune.
            with contextlib.suppress(*_LOST if backup in sources else ()):
                manifest = self._catalog.load(BackupId(backup))
                mover.move(_pick_in(packs, index, iterate_chunks(reader, manifest)))
        return mover.finish()

    def _replace_index(
        self, survey: Survey, marks: Marks, garbage: Garbage, mover: Mover
    ) -> tuple[str, ...]:
        """Store the index of what remains, moved or not; a full store is left as it was."""
        try:
            for word in garbage.words:
                records, author = fetch_index(self._storage, self._ring, INDEX_PREFIX + word)
                mover.keep((one for one in records if one.pack not in garbage.packs), author)
                with _blaming(survey, author.source):
                    mover.move(_pick_needed(records, garbage.packs, survey.index, marks))
            return mover.finish()
        except (StorageFull, SourceUnsound):
            mover.abandon()
            raise

    def _forgotten_manifests(self) -> list[str]:
        """Name manifests of forgotten backups that are still there."""
        present = {found.name for found in self._storage.list(MANIFEST_PREFIX)}
        history = read_history(self._log.read())
        names = map(self._catalog.name_of, sorted(history.forgotten))
        return [name for name in names if name in present and name not in history.commits]

    def _assert_held(self, entries: Sequence[Entry]) -> None:
        if self._lease is None:
            raise RuntimeError("a prune changes nothing without its lease")
        self._lease.assert_held(entries)

    def _delete(self, name: str) -> None:
        with contextlib.suppress(ObjectMissing):
            self._storage.delete(name)


@contextlib.contextmanager
def _blaming(survey: Survey, source: bytes) -> Iterator[None]:
    """Note a source as unsound if what it listed cannot be read."""
    try:
        yield
    except _LOST as error:
        if not source:
            raise
        survey.unsound.add(source_name(source))
        raise SourceUnsound(str(error)) from error


def _is_garbage(needed_bytes: int, size_bytes: int, *, may_move: bool) -> bool:
    if not needed_bytes:
        return True
    return may_move and 2 * needed_bytes < size_bytes - PACK_OVERHEAD


def _pick_needed(
    records: Iterable[PackRecord], packs: Collection[bytes], index: Index, marks: Marks
) -> Iterator[Chunk]:
    """Give what an index object lists that is needed and lies in packs that will go."""
    for record in records:
        if record.pack in packs:
            yield from _pick_in({record.pack}, index, _list_needed(record, marks))


def _list_needed(record: PackRecord, marks: Marks) -> Iterator[tuple[ChunkId, ChunkKind]]:
    for chunk, kind, _, _ in ENTRY.iter_unpack(record.directory):
        if marks.needs(chunk):
            yield ChunkId(chunk), _KINDS[kind]


def _pick_in(
    packs: Collection[bytes], index: Index, chunks: Iterable[tuple[ChunkId, ChunkKind]]
) -> Iterator[Chunk]:
    """Give those chunks, with their places, that lie in some packs and nowhere better."""
    for chunk, kind in chunks:
        place = index.table.find(chunk)
        if place is not None and place.pack in packs:
            yield chunk, kind, place


def _refuse(message: str) -> RefusedError:
    return RefusedError(f"pruning could lose data: {message}", hint=_CHECK_HINT)
