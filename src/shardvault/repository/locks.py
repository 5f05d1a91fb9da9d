"""Let one writer at a time into a repository."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import cast

import msgspec

from shardvault.errors import RepositoryLocked
from shardvault.interfaces import Storage
from shardvault.repository.format import WRITER_LOCK
from shardvault.repository.owners import Owner, describe_owner, new_owner
from shardvault.storage.owners import OwnedStorage


@contextlib.contextmanager
def hold_writer_lock(storage: Storage, command: str) -> Iterator[None]:
    """Be the only writer inside the ``with`` block; the lock also ends with the process.

    A store without such locks lets everybody in. Whoever creates a repository there loses at
    its format object, which only one can create.

    Args:
        command: what others are told meanwhile, as ``backup``.

    Raises:
        RepositoryLocked: says whose lock it is, since when, and for what command.
    """
    if not storage.features.owner_lock:
        yield
        return
    owned = cast("OwnedStorage", storage)
    release = owned.hold(WRITER_LOCK, msgspec.json.encode(new_owner(command)))
    if release is None:
        raise _locked(owned.holder(WRITER_LOCK))
    try:
        yield
    finally:
        release()


def _locked(note: bytes) -> RepositoryLocked:
    try:
        owner = msgspec.json.decode(note, type=Owner)
    except msgspec.MsgspecError:
        who = "another process"
    else:
        who = describe_owner(owner)
    return RepositoryLocked(
        f"repository is locked by {who}",
        hint="wait until it ends; the lock ends with its process",
    )
