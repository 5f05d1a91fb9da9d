"""Free what interrupted sessions left behind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import cast

from shardvault.errors import ObjectMissing
from shardvault.interfaces import ObjectStat, Storage
from shardvault.repository.catalog import Scan
from shardvault.repository.format import (
    CLOCK_PREFIX,
    MANIFEST_PREFIX,
    PACK_PREFIX,
    ObjectType,
    parse_pack_name,
)
from shardvault.repository.history import History
from shardvault.repository.index import Index
from shardvault.repository.insides import Insides
from shardvault.repository.leases import Holding
from shardvault.repository.objects import find_source
from shardvault.storage.owners import OwnedStorage


def reclaim_leftovers(
    insides: Insides, read_index: Callable[[], Index], end_gone: Callable[[], Sequence[Holding]]
) -> tuple[Index, int]:
    """Remove half-written objects, and packs and manifests that nothing makes count.

    What another session may have written is never touched: objects are listed first, then
    it is asked whether there is another session, and only then what counts. A pack is
    removed only while every index object that any backup knows of was read: otherwise one
    that cannot be read may name it. What a source lost keeps only packs of that source.
    Packs that a prune doomed are left to a prune, which
    knows whether anything needs them after all.

    Args:
        read_index: reads every index object anew.
        end_gone: returns whose sessions are alive; none but those can write any more.

    Returns:
        the index as it was read last, and what was freed [bytes].
    """
    storage, catalog = insides.storage, insides.catalog
    packs = [found for found in storage.list(PACK_PREFIX) if parse_pack_name(found.name)]
    manifests = list(storage.list(MANIFEST_PREFIX))
    clocks = list(storage.list(CLOCK_PREFIX))
    if not storage.features.may_delete:
        return read_index(), 0
    working = {holding.source for holding in end_gone()}
    if "" in working:
        return read_index(), 0
    doomed = (catalog.history() or History()).doomed_packs
    index = read_index()
    freed = _sweep(storage)
    scan = catalog.scan()
    if not _is_complete(index, scan):
        return index, freed
    kept = unsound_sources(index, scan) | working
    unknown = [found for found in packs if not _is_known(found, index.packs, doomed)]
    stray = [found for found in unknown if not _is_of(insides, ObjectType.PACK, found, kept)]
    uncommitted = [
        found
        for found in catalog.pick_uncommitted(manifests)
        if not _is_of(insides, ObjectType.MANIFEST, found, working)
    ]
    return index, freed + sum(_delete(storage, found) for found in (*uncommitted, *clocks, *stray))


def _is_known(pack: ObjectStat, *known: Collection[bytes]) -> bool:
    name = parse_pack_name(pack.name)
    return any(name in some for some in known)


def _is_of(insides: Insides, kind: ObjectType, found: ObjectStat, sources: Collection[str]) -> bool:
    """Say whether one of the sources wrote an object, whose begin is read if there are any."""
    if not sources:
        return False
    return find_source(insides.storage, insides.ring, kind, found.name) in sources


def _delete(storage: Storage, found: ObjectStat) -> int:
    """Remove an object and return its size [bytes]; another session may have been faster."""
    try:
        storage.delete(found.name)
    except ObjectMissing:
        return 0
    return found.size_bytes


def _sweep(storage: Storage) -> int:
    """Remove what a store keeps of interrupted writes, where it can have such."""
    return cast("OwnedStorage", storage).sweep() if storage.features.owner_lock else 0


def _is_complete(index: Index, scan: Scan) -> bool:
    is_damaged = bool(index.damaged_among(scan.index)) or scan.has_own_damage
    return not is_damaged and scan.index <= index.names


def unsound_sources(index: Index, scan: Scan) -> frozenset[str]:
    """Name the sources that lost something, so that nobody knows what their backups need."""
    lost = (source for word, source in scan.source_index.items() if word not in index.names)
    return scan.unsound | set(lost)
