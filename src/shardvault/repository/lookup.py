"""Find the backup that a user means: by its id, by the beginning of its id, or the latest; pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from shardvault.errors import AmbiguousBackup, UnknownBackup
from shardvault.failpoints import is_off
from shardvault.model.ids import LATEST, BackupId
from shardvault.model.report import BackupSummary

_TAGGED = f"{LATEST}:"
_WHOLE_ID = re.compile(r"\d{8}T\d{6}Z-full(?:-[0-9a-f]{8})?(?:-(?:\d+|x[0-9a-f]{12}))?")
_MOST_NAMED = 5


@dataclass(frozen=True)
class Latest:
    """Narrow which backups ``latest`` chooses from.

    Attributes:
        fleet: the fleet whose backups are meant; where the repository has backups of one other
            fleet only, those. Empty = any fleet.
        scope: the options that narrow the operation; a partial backup of exactly this scope can
            be the latest one too.
    """

    fleet: str = ""
    scope: tuple[str, ...] = ()


def asks_latest(word: str) -> bool:
    """Return whether a word is ``latest`` or ``latest:TAG``."""
    return word == LATEST or word.startswith(_TAGGED)


def find_latest(word: str, backups: Sequence[BackupSummary], narrow: Latest) -> BackupSummary:
    """Choose the newest complete backup; with ``latest:TAG`` the newest backup with that tag.

    Args:
        word: ``latest`` or ``latest:TAG``.
        backups: all backups, oldest first.
        narrow: fleet and scope.

    Raises:
        UnknownBackup: there is no such backup; the hint names what there is.
    """
    if not backups:
        raise UnknownBackup("the repository holds no backup yet")
    candidates = _of_fleet(backups, narrow.fleet)
    _, is_tagged, tag = word.partition(":")
    if is_tagged:
        return _newest_with_tag(tag, candidates)
    for backup in reversed(candidates):
        if is_off("latest.scope") or not backup.scope or _is_same_scope(backup, narrow.scope):
            return backup
    newest = candidates[-1]
    raise UnknownBackup(
        f"no complete backup; the newest partial one is {newest.id} ({' '.join(newest.scope)})",
        hint="name a backup by its id, or give backups a tag and name latest:TAG",
    )


def find_id(word: str, known: Collection[str]) -> BackupId:
    """Find the only id that begins with a word; an exact id comes first.

    A word in the form of a whole id is only that: the backup can be gone, and another id can
    begin with the same characters.

    Raises:
        UnknownBackup: there is none; near ids are in the hint.
        AmbiguousBackup: several ids begin so; names them.
    """
    if word in known:
        return BackupId(word)
    is_prefix = bool(word) and not _WHOLE_ID.fullmatch(word)
    candidates = sorted(found for found in known if is_prefix and found.startswith(word))
    if len(candidates) == 1:
        return BackupId(candidates[0])
    if candidates:
        raise AmbiguousBackup(
            f"{len(candidates)} backups have an id that begins with {word!r}: "
            f"{_shorten(candidates)}",
            hint="write more of the id",
        )
    raise unknown_backup(word, known)


def unknown_backup(word: str, known: Iterable[str]) -> UnknownBackup:
    """Make the error for a word that no backup fits; near ids are in the hint."""
    near = difflib.get_close_matches(word, [*known, LATEST], n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see `shardvault list`"
    return UnknownBackup(f"no backup {word!r}", hint=hint)


def _of_fleet(backups: Sequence[BackupSummary], fleet: str) -> Sequence[BackupSummary]:
    own = [backup for backup in backups if backup.fleet == fleet]
    fleets = sorted({backup.fleet for backup in backups})
    if own or not fleet or len(fleets) == 1:
        return own or backups
    raise UnknownBackup(
        f"no backup of fleet {fleet!r}; the repository has backups of {', '.join(fleets)}",
        hint="name a backup by its id; `shardvault list` shows them",
    )


def _newest_with_tag(tag: str, backups: Sequence[BackupSummary]) -> BackupSummary:
    tagged = [backup for backup in backups if tag in backup.tags]
    if tagged:
        return tagged[-1]
    known = sorted({name for backup in backups for name in backup.tags})
    raise UnknownBackup(
        f"no backup has the tag {tag!r}",
        hint=f"tags are: {_shorten(known)}" if known else "no backup has a tag",
    )


def _is_same_scope(backup: BackupSummary, scope: Iterable[str]) -> bool:
    return set(backup.scope) == set(scope)


def _shorten(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(names[:_MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
