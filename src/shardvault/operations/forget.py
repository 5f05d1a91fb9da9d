"""Forget one backup by its name, with the guards of a prune."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shardvault.errors import RefusedError, UnknownBackup
from shardvault.failpoints import is_off
from shardvault.interfaces import EventSink
from shardvault.model.ids import BackupId
from shardvault.model.report import ForgetReport
from shardvault.operations.prune import PruneOptions, free_unneeded, refuse_shrunk
from shardvault.repository.entries import Entry, Forgotten
from shardvault.repository.history import History, read_history
from shardvault.repository.prune import Survey
from shardvault.repository.retention import Reasons
from shardvault.repository.store import Repository

_OTHER = "not named"
_SOURCE_REASON = "the key of its source was removed"


@dataclass(frozen=True)
class SourceForgotten:
    """Say which backups of a source were forgotten, and which are held and stay."""

    backups: tuple[BackupId, ...]
    held: tuple[BackupId, ...]


@dataclass(frozen=True)
class ForgetOptions:
    """Say which backup is forgotten.

    Attributes:
        backup: its id.
        confirmed: the whole id again, for the last verified complete backup of a fleet.
        is_dry: change nothing.
        parity_packs: packs that share one object of parity; 0 = none is made.
    """

    backup: BackupId
    confirmed: str = ""
    is_dry: bool = False
    parity_packs: int = 0


def run_forget(repository: Repository, options: ForgetOptions, sink: EventSink) -> ForgetReport:
    """Take one backup out of the catalog, and free what no other backup needs.

    Raises:
        UnknownBackup: there is no such backup.
        RefusedError: it is held; it is the last verified complete one and not confirmed;
            something is damaged or missing; or a prune would be refused because of another
            backup that is much smaller than the one before. Nothing was deleted.
        RepositoryLocked: a prune is running.
    """
    backup = repository.find(options.backup)

    def choose(survey: Survey, history: History, _now_s: float) -> Reasons:
        refuse_shrunk(survey, but=backup)
        _refuse_guarded(survey, history, backup, options)
        return {one: [] if one == backup else [_OTHER] for one in survey.manifests}

    steps = PruneOptions(is_dry=options.is_dry, parity_packs=options.parity_packs)
    done = free_unneeded(repository, choose, steps, sink)
    manifest = done.plan.survey.manifests[backup]
    return ForgetReport(
        id=backup,
        status=done.status,
        fleet=manifest.fleet,
        scope=manifest.scope,
        is_last=_is_last(done.plan.survey, done.plan.survey.history, backup),
        packs=len(done.garbage.packs),
        freed_bytes=done.garbage.freed_bytes - done.garbage.moved_bytes,
        moved_bytes=done.garbage.moved_bytes,
        waiting_for=done.waiting,
        seconds=done.seconds,
    )


def forget_source(repository: Repository, source: str) -> SourceForgotten:
    """Take every backup of a source out of the catalog but those that are held.

    The next prune frees what no other backup needs. Nothing is read of the backups, so that
    nothing that the source wrote can be in the way.

    Args:
        source: name of its object.
    """

    def choose(history: History) -> tuple[str, ...]:
        own = (backup for backup, name in history.sources.items() if name == source)
        return tuple(backup for backup in own if backup not in history.holds)

    def decide(entries: Sequence[Entry]) -> Forgotten | None:
        chosen = choose(read_history(entries))
        return Forgotten(chosen, _SOURCE_REASON) if chosen else None

    entry = repository.log.append(decide)
    forgotten = entry.action.backups if entry and isinstance(entry.action, Forgotten) else ()
    history = read_history(repository.log.read())
    held = sorted(backup for backup, name in history.sources.items() if name == source)
    return SourceForgotten(tuple(map(BackupId, forgotten)), tuple(map(BackupId, held)))


def _refuse_guarded(
    survey: Survey, history: History, backup: BackupId, options: ForgetOptions
) -> None:
    if backup not in history.backups:
        raise UnknownBackup(f"backup {backup} is not listed any more")
    if backup not in survey.manifests:
        raise RefusedError(
            f"the manifest of backup {backup} cannot be read",
            hint="shardvault repo repair --forget-damaged",
        )
    if backup in history.holds:
        raise RefusedError(
            f"backup {backup} is held: {history.holds[backup]}",
            hint=f"shardvault keep {backup} --release",
        )
    is_confirmed = options.confirmed == backup or options.is_dry or is_off("forget.last")
    if _is_last(survey, history, backup) and not is_confirmed:
        raise RefusedError(
            f"backup {backup} is complete, and no other complete backup of the fleet is verified",
            hint=f"verify another one first; or confirm it: --last-complete {backup}",
        )


def _is_last(survey: Survey, history: History, backup: BackupId) -> bool:
    """Return whether a backup is complete and no other complete one is verified.

    Only backups of the same fleet by the same author count. A source whose key was removed is
    no author any more: what it wrote goes without a question.
    """
    author = history.sources.get(backup, "")
    manifest = survey.manifests[backup]
    if manifest.scope or author in history.removed_keys:
        return False
    others = (one for one in survey.manifests.values() if one.id != backup)
    return not any(
        one.fleet == manifest.fleet
        and not one.scope
        and history.sources.get(one.id, "") == author
        and one.id in history.verified
        for one in others
    )
