"""Say what a repository's log amounts to; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


@dataclass
class History:
    """Hold the state that a log leads to.

    Attributes:
        backups: by id, those that are listed, oldest first, with the number of their entry.
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

    @property
    def commits(self) -> Mapping[str, Committed]:
        """Return the listed backups by the name of their manifest."""
        return {entry.manifest: entry for _, entry in self.backups.values()}


def read_history(entries: Iterable[Entry]) -> History:
    """Fold a log into the state that it leads to."""
    history = History()
    for entry in entries:
        _apply(history, entry)
    return history


def _apply(history: History, entry: Entry) -> None:
    match entry.action:
        case Committed(backup=backup) as commit if backup not in history.forgotten:
            history.backups.setdefault(backup, (entry.number, commit))
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


def _forget(history: History, backups: Iterable[str]) -> None:
    for backup in backups:
        history.backups.pop(backup, None)
        history.holds.pop(backup, None)
        history.verified.pop(backup, None)
        history.forgotten.add(backup)
        history.damaged -= {backup}


def _note_damaged(history: History, damaged: Iterable[str]) -> None:
    """A damaged backup is no longer a verified one: keeping it must not cost another."""
    history.damaged = frozenset(damaged)
    for backup in damaged:
        history.verified.pop(backup, None)
