"""Say what a repository's log amounts to; pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from shardvault.repository.entries import (
    Accepted,
    Claimed,
    Committed,
    Doomed,
    Entry,
    Forgotten,
    Freed,
    Held,
    KeyChanged,
    LetGo,
    PolicySet,
    Repaired,
    Verified,
)

Rank = tuple[bool, int]
"""Orders backups: whether its author counts still, and its place in the log."""
LOWEST: Rank = (False, 0)
HIGHEST: Rank = (True, sys.maxsize)


@dataclass
class History:
    """Hold the state that a log leads to.

    Attributes:
        backups: by id, those that are listed, oldest first, with the number of their entry.
        commits: the same by the name of their manifest.
        sources: name of the source that took the backup, by its id; whoever holds the
            repository's key took the others.
        verified: numbers of the entries that say that a backup was verified, by its id.
        holds: reasons, by backup.
        forgotten: ids that were taken out of the catalog.
        doomed: entries whose objects may still be there, by number.
        epochs: newest fencing number of each lease that was taken over.
        replaced: names of all objects that were ever doomed.
        index: names of the index objects that took the place of doomed ones, and still count.
        last_doomed: number of the newest entry that doomed anything, 0 if none did.
        policy: JSON of the retention policy; empty if none was set.
        accepted: backups whose smallness somebody looked at.
        removed_keys: names of slots and sources that count no more.
        damaged: backups that cannot be restored whole, as the last repair found.
    """

    backups: dict[str, tuple[int, Committed]] = field(default_factory=dict)
    commits: dict[str, Committed] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    verified: dict[str, int] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    doomed: dict[int, Doomed] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    index: set[str] = field(default_factory=set)
    last_doomed: int = 0
    policy: str = ""
    accepted: set[str] = field(default_factory=set)
    removed_keys: set[str] = field(default_factory=set)
    damaged: frozenset[str] = frozenset()

    @property
    def doomed_packs(self) -> frozenset[bytes]:
        """Return the ids of packs that nothing new may rely on."""
        return frozenset(pack for entry in self.doomed.values() for pack in entry.packs)

    def ranks(self) -> dict[str, Rank]:
        """Return what orders the backups, by their ids: the latest has the highest rank.

        The log puts them into order, not the clocks of their writers. What a source wrote
        whose key was removed ranks below all that others wrote. Copies are in the order in
        which the first repository received them, in whatever order they were copied.
        """
        copies = sorted(
            (commit.received_s, number, backup)
            for backup, (number, commit) in self.backups.items()
            if commit.received_s is not None
        )
        slots = sorted(number for _, number, _ in copies)
        places = dict(zip((backup for _, _, backup in copies), slots, strict=True))
        return {
            backup: (self._is_trusted(backup), places.get(backup, number))
            for backup, (number, _) in self.backups.items()
        }

    def _is_trusted(self, backup: str) -> bool:
        return self.sources.get(backup, "") not in self.removed_keys


def read_history(entries: Iterable[Entry]) -> History:
    """Fold a log into the state that it leads to."""
    history = History()
    for entry in entries:
        _apply(history, entry)
    return history


def _apply(history: History, entry: Entry) -> None:
    match entry.action:
        case Committed(backup=backup) as commit if backup not in history.forgotten:
            _complete(history, entry, commit)
        case Claimed(scope=scope, epoch=epoch):
            history.epochs[scope] = max(epoch, history.epochs.get(scope, 0))
        case Verified(backup=backup):
            history.verified[backup] = entry.number
        case Held(backup=backup, reason=reason):
            history.holds[backup] = reason
        case LetGo(backup=backup):
            history.holds.pop(backup, None)
        case Forgotten(backups=backups):
            _forget(history, backups)
        case Doomed() as doomed:
            history.doomed[entry.number] = doomed
            history.last_doomed = entry.number
            history.replaced.update(doomed.objects)
            history.index = (history.index | set(doomed.index)) - history.replaced
        case Freed(doomed=number):
            history.doomed.pop(number, None)
        case PolicySet(policy=policy):
            history.policy = policy
        case Accepted(backup=backup):
            history.accepted.add(backup)
        case KeyChanged(change="removed", name=name):
            history.removed_keys.add(name)
        case Repaired(damaged=damaged):
            _note_damaged(history, damaged)


def _complete(history: History, entry: Entry, commit: Committed) -> None:
    if commit.backup not in history.backups:
        history.backups[commit.backup] = (entry.number, commit)
        history.commits[commit.manifest] = commit
        if source := entry.source or commit.source:
            history.sources[commit.backup] = source


def _forget(history: History, backups: Iterable[str]) -> None:
    for backup in backups:
        _, commit = history.backups.pop(backup, (0, None))
        if commit:
            history.commits.pop(commit.manifest, None)
        history.sources.pop(backup, None)
        history.holds.pop(backup, None)
        history.verified.pop(backup, None)
        history.forgotten.add(backup)
        history.damaged -= {backup}


def _note_damaged(history: History, damaged: Iterable[str]) -> None:
    """A damaged backup is no longer a verified one: keeping it must not cost another."""
    history.damaged = frozenset(damaged)
    for backup in damaged:
        history.verified.pop(backup, None)
