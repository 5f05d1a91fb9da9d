"""Set the retention policy, hold backups, and say which of them were verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import msgspec

from shardvault.errors import (
    IntegrityError,
    RefusedError,
    ShardvaultError,
    UnknownBackup,
    UsageError,
)
from shardvault.events import Noticed
from shardvault.interfaces import EventSink
from shardvault.model.policy import Keep, format_keep
from shardvault.model.report import HoldReport, PolicyReport
from shardvault.repository.entries import Accepted, Action, Entry, Held, LetGo, PolicySet, Verified
from shardvault.repository.history import History, read_history
from shardvault.repository.store import Repository

_Decide = Callable[[History], Action | None]


def decode_policy(text: str) -> Keep:
    """Read the policy that a repository holds; none keeps every backup."""
    try:
        return msgspec.json.decode(text, type=Keep) if text else Keep()
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"the retention policy cannot be read: {error}") from error


def read_policy(repository: Repository) -> PolicyReport:
    """Tell the repository's policy and what is held."""
    history = _require_history(repository)
    return PolicyReport(format_keep(decode_policy(history.policy)), dict(history.holds))


def set_policy(repository: Repository, keep: Keep) -> PolicyReport:
    """Replace the repository's policy; the next prune follows it."""
    text = msgspec.json.encode(asdict(keep)).decode()
    holds: dict[str, str] = {}

    def decide(history: History) -> PolicySet | None:
        holds.clear()
        holds.update(history.holds)
        return None if history.policy == text else PolicySet(text)

    _append(repository, decide)
    return PolicyReport(format_keep(keep), holds)


def hold_backup(repository: Repository, backup: str, reason: str) -> HoldReport:
    """Keep a backup whatever the policy says; raises UnknownBackup."""
    _require_words(reason)
    found = repository.load(repository.find(backup)).id

    def decide(history: History) -> Action:
        if found not in history.backups:
            raise UnknownBackup(f"backup {found} was pruned just now")
        return Held(found, reason)

    _append(repository, decide)
    return HoldReport(found, is_held=True, reason=reason)


def release_backup(repository: Repository, backup: str) -> HoldReport:
    """End the hold on a backup; raises UnknownBackup, and UsageError if nobody holds it."""
    found = repository.load(repository.find(backup)).id

    def decide(history: History) -> Action:
        if found not in history.holds:
            raise UsageError(f"backup {found} is not held")
        return LetGo(found)

    _append(repository, decide)
    return HoldReport(found, is_held=False)


def accept_backup(repository: Repository, backup: str, reason: str) -> None:
    """Say that a backup much smaller than the one before was looked at, and is right."""
    _require_words(reason)
    found = repository.load(repository.find(backup)).id
    _append(
        repository,
        lambda history: None if found in history.accepted else Accepted(found, reason),
    )


def note_verified(repository: Repository, backup: str, by: str) -> None:
    """Say that all of a backup was read back and was equal; retention counts only such.

    Args:
        by: ``verify`` or ``restore``.
    """
    if repository.history() is None:
        return
    _append(
        repository,
        lambda history: Verified(backup, by) if backup in history.backups else None,
    )


def is_verified(repository: Repository, backup: str) -> bool:
    """Say whether all of a backup was read back and was equal."""
    history = repository.history()
    return history is not None and backup in history.verified


def tell_verified(repository: Repository, backup: str, by: str, sink: EventSink) -> None:
    """Note that a backup was verified; what is in the way of that is told and fails nothing."""
    try:
        note_verified(repository, backup, by)
    except ShardvaultError as error:
        sink.emit(Noticed(f"it is not noted that the backup is verified: {error.message}"))


def _append(repository: Repository, decide: _Decide) -> None:
    _require_history(repository)

    def decide_on(entries: Sequence[Entry]) -> Action | None:
        return decide(read_history(entries))

    repository.log.append(decide_on)


def _require_history(repository: Repository) -> History:
    history = repository.history()
    if history is None:
        raise RefusedError(
            "the repository has format version 1, which is only read",
            hint="create a new one at another place; this one stays readable",
        )
    return history


def _require_words(reason: str) -> None:
    if not reason.strip():
        raise UsageError("say why", hint="add --reason TEXT")
