"""Bring damaged packs back by parity, and protect those that have none."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from shardvault.errors import IntegrityError, ObjectMissing
from shardvault.repository.format import pack_name
from shardvault.repository.insides import Insides
from shardvault.repository.inspection import Inspection
from shardvault.repository.parity import (
    Group,
    ParityBuilder,
    find_mendable,
    list_useless,
    mend,
    read_groups,
)
from shardvault.repository.repair import Repairer


def mend_packs(
    insides: Insides, repairer: Repairer, found: Inspection, damaged: Collection[bytes]
) -> tuple[bytes, ...]:
    """Bring back every pack that is damaged or missing and alone so in its group.

    Returns:
        ids of the packs that are whole again.
    """
    lost = {*damaged, *(found.packs.keys() - found.index.present.keys())}
    groups = _groups(insides)
    return tuple(pack for group in groups for pack in _mend(insides, repairer, group, lost))


def _mend(
    insides: Insides, repairer: Repairer, group: Group, lost: set[bytes]
) -> tuple[bytes, ...]:
    pack = find_mendable(group, lost)
    data = None if pack is None else mend(insides.storage, group, pack)
    if pack is None or data is None:
        return ()
    repairer.put_back(pack, data)
    lost.remove(pack)
    return (pack,)


def renew_parity(insides: Insides, packs: Collection[bytes], group_packs: int) -> tuple[str, ...]:
    """Drop parity that protects nothing any more, and protect what it leaves, and what had none.

    Also for a prune, after it deleted packs: the others of their groups are protected anew
    before the old object goes.

    Args:
        packs: all that shall be protected; they are there and sound.
        group_packs: packs in a new group; 0 = protect nothing anew.

    Returns:
        names of the objects that were dropped.
    """
    groups = _groups(insides)
    useless = list_useless(groups, packs)
    protected = {pack for group in groups if group.name not in useless for pack in group.sizes}
    if group_packs:
        _protect(insides, sorted(set(packs) - protected), group_packs)
    for name in useless:
        with contextlib.suppress(ObjectMissing):
            insides.storage.delete(name)
    return tuple(useless)


def _protect(insides: Insides, packs: Collection[bytes], group_packs: int) -> None:
    builder = ParityBuilder(insides.storage, insides.ring, insides.random_bytes, group_packs)
    for pack in packs:
        builder.add(pack, [insides.storage.get(pack_name(pack))])
    builder.finish()


def _groups(insides: Insides) -> list[Group]:
    found = read_groups(insides.storage, insides.ring)
    return [group for group in found if not isinstance(group, IntegrityError)]
