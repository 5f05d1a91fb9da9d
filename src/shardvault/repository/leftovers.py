"""Free what interrupted sessions left behind."""

from __future__ import annotations

from shardvault.repository.catalog import Catalog
from shardvault.repository.format import PACK_PREFIX, parse_pack_name
from shardvault.repository.index import Index
from shardvault.storage.owners import OwnedStorage


def reclaim_leftovers(storage: OwnedStorage, index: Index, catalog: Catalog) -> int:
    """Remove half-written objects and packs that no index names [bytes].

    Call it only under the writer lock. A pack is removed only while every index object
    that any backup knows of was read: otherwise one that cannot be read may name it.
    """
    freed = storage.sweep()
    if not _is_complete(index, catalog):
        return freed
    for found in list(storage.list(PACK_PREFIX)):
        pack = parse_pack_name(found.name)
        if pack is not None and pack not in index.packs:
            storage.delete(found.name)
            freed += found.size_bytes
    return freed


def _is_complete(index: Index, catalog: Catalog) -> bool:
    scan = catalog.scan()
    return not index.damaged and not scan.damaged and scan.index <= index.names
