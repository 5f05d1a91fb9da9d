"""Go on with a repository whose log lost entries, because somebody said so."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from shardvault.errors import IntegrityError
from shardvault.repository.entries import Committed, Created, Entry, HistoryAccepted
from shardvault.repository.format import LOG_PREFIX, MANIFEST_PREFIX, ObjectType, source_name
from shardvault.repository.history import read_history
from shardvault.repository.insides import Insides
from shardvault.repository.log import begin_log
from shardvault.repository.objects import author_of, fetch_sealed

_SCOPE = "rebuild"
"""Stands for the lease of backups whose entries were lost."""


def renew_log(insides: Insides) -> tuple[str, ...]:
    """Accept the log as it is, and list every authentic manifest that it does not tell of.

    What is wrong with the log stays in the store and is named by an entry, so that every
    client that opens the repository for the first time takes it for accepted; one that saw
    more still reports it.

    Returns:
        ids of the backups whose entries were lost.
    """
    log = insides.log
    is_gone = not any(True for _ in insides.storage.list(LOG_PREFIX))
    if is_gone:
        begin = Created(insides.ring.repository.hex())
        begin_log(insides.storage, insides.ring, begin, insides.random_bytes)
    if log.accept() or is_gone:
        log.append(lambda _: HistoryAccepted(log.faulty))
    return tuple(
        backup
        for found in list(insides.storage.list(MANIFEST_PREFIX))
        if (backup := _take_in(insides, found.name))
    )


def _take_in(insides: Insides, name: str) -> str:
    """List a backup unless the log tells of it; return its id, empty if it was not taken in."""
    try:
        manifest = insides.catalog.read_uncounted(name).manifest
    except IntegrityError:
        return ""
    stored = fetch_sealed(insides.storage, name)
    source = source_name(author_of(insides.ring, ObjectType.MANIFEST, stored).source)

    def decide(entries: Sequence[Entry]) -> Committed | None:
        history = read_history(entries)
        if manifest.id in history.backups or manifest.id in history.forgotten:
            return None
        if source in history.removed_keys:  # it may have been added after the revocation
            return None
        digest = sha256(stored).hexdigest()
        return Committed(manifest.id, manifest.fleet, name, digest, _SCOPE, 0, source=source)

    return manifest.id if insides.log.append(decide) else ""
