"""Free what interrupted sessions left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from shardvault.interfaces import ObjectStat, Storage
from shardvault.repository.catalog import Catalog
from shardvault.repository.format import CLOCK_PREFIX, PACK_PREFIX, parse_pack_name
from shardvault.repository.index import Index
from shardvault.storage.owners import OwnedStorage


def reclaim_leftovers(
    storage: Storage,
    catalog: Catalog,
    read_index: Callable[[], Index],
    is_alone: Callable[[], bool],
) -> tuple[Index, int]:
    """Remove half-written objects, and packs and manifests that nothing makes count.

    What another session may have written is never touched: objects are listed first, and
    only then it is asked whether there is another session. A pack is removed only while
    every index object that any backup knows of was read: otherwise one that cannot be read
    may name it.

    Args:
        read_index: reads every index object anew.
        is_alone: says whether no other session is alive.

    Returns:
        the index as it was read last, and what was freed [bytes].
    """
    packs = [found for found in storage.list(PACK_PREFIX) if parse_pack_name(found.name)]
    manifests = catalog.uncommitted()
    clocks = [found.name for found in storage.list(CLOCK_PREFIX)]
    if not is_alone():
        return read_index(), 0
    index = read_index()
    freed = _sweep(storage)
    if not _is_complete(index, catalog):
        return index, freed
    for name in (*manifests, *clocks):
        freed += storage.stat(name).size_bytes
        storage.delete(name)
    return index, freed + _delete_unlisted(storage, packs, index)


def _sweep(storage: Storage) -> int:
    """Remove what a store keeps of interrupted writes, where it can have such."""
    return cast("OwnedStorage", storage).sweep() if storage.features.owner_lock else 0


def _delete_unlisted(storage: Storage, packs: list[ObjectStat], index: Index) -> int:
    freed = 0
    for found in packs:
        if parse_pack_name(found.name) not in index.packs:
            storage.delete(found.name)
            freed += found.size_bytes
    return freed


def _is_complete(index: Index, catalog: Catalog) -> bool:
    scan = catalog.scan()
    return not index.damaged and not scan.damaged and scan.index <= index.names
