"""Let one writer at a time into a repository."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import msgspec

from shardvault.clock import format_time, utc_now
from shardvault.errors import RepositoryLocked
from shardvault.interfaces import Storage
from shardvault.repository.format import WRITER_LOCK
from shardvault.storage.owners import OwnedStorage


@dataclass(frozen=True)
class Owner:
    """Describe a lock's owner.

    Attributes:
        id: random; nothing else tells two owners apart.
        place: host and process, for people only.
    """

    id: str
    command: str
    begin: str
    place: str


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
    place = f"{socket.gethostname()}, process {os.getpid()}"
    owner = Owner(secrets.token_hex(16), command, format_time(utc_now()), place)
    if not storage.features.owner_lock:
        yield
        return
    owned = cast("OwnedStorage", storage)
    release = owned.hold(WRITER_LOCK, msgspec.json.encode(owner))
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
        who = f"{owner.command} on {owner.place}, since {owner.begin} (owner {owner.id[:8]})"
    return RepositoryLocked(
        f"repository is locked by {who}",
        hint="wait until it ends; the lock ends with its process",
    )
