"""Prune the configured repository, hold backups, and set its policy."""

from __future__ import annotations

from shardvault.app.building import Silent, load, narrow_latest, open_configured
from shardvault.errors import UsageError
from shardvault.interfaces import EventSink
from shardvault.model.policy import Keep, parse_keep
from shardvault.model.report import ForgetReport, HoldReport, PolicyReport, PruneReport


def prune(
    config: str | None = None,
    *,
    repository: str | None = None,
    keep: str | None = None,
    dry_run: bool = False,
    accept: str | None = None,
    reason: str = "",
    sink: EventSink | None = None,
) -> PruneReport:
    """Forget the backups that the policy does not keep, and free what no other needs.

    Args:
        config: the file that names the repository.
        repository: which of its repositories, by name or URL; None = the first.
        keep: rules for this run, as ``daily=7,within=30d``; None = the repository's policy.
        dry_run: change nothing, and report what would be done.
        accept: id of a backup that is much smaller than the one before, and right so.
        reason: why it is.
        sink: takes progress.
    """
    from shardvault.operations.prune import PruneOptions, run_prune
    from shardvault.operations.retention import accept_backup

    rules = None if keep is None else _parse(keep)
    loaded = load(config, repository)
    opened = open_configured(loaded)
    if accept is not None:
        accept_backup(opened, opened.find(accept, narrow_latest(loaded)), reason)
    options = PruneOptions(rules, dry_run, loaded.require_repository().parity_packs)
    return run_prune(opened, options, sink or Silent())


def forget(
    backup_id: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    confirm_last: str = "",
    dry_run: bool = False,
    sink: EventSink | None = None,
) -> ForgetReport:
    """Take one backup out of the catalog by its name, and free what no other backup needs.

    Args:
        backup_id: its id, the beginning of it, or ``latest:TAG``.
        config: the file that names the repository.
        repository: which of its repositories, by name or URL; None = the first.
        confirm_last: the whole id again; needed for a complete backup if no other complete
            backup of its fleet is verified.
        dry_run: change nothing, and report what would be done.
        sink: takes progress.
    """
    from shardvault.operations.forget import ForgetOptions, run_forget

    loaded = load(config, repository)
    parity_packs = loaded.require_repository().parity_packs
    opened = open_configured(loaded)
    backup = opened.find(backup_id, narrow_latest(loaded))
    options = ForgetOptions(backup, confirm_last, dry_run, parity_packs)
    return run_forget(opened, options, sink or Silent())


def policy(
    config: str | None = None, *, repository: str | None = None, keep: str | None = None
) -> PolicyReport:
    """Tell how long the repository keeps backups, after setting it if rules are given.

    Args:
        config: the file that names the repository.
        repository: which of its repositories, by name or URL; None = the first.
        keep: the new rules, as ``daily=7,within=30d``; an empty text keeps everything.
    """
    from shardvault.operations.retention import read_policy, set_policy

    rules = None if keep is None else _parse(keep)
    opened = open_configured(load(config, repository))
    return read_policy(opened) if rules is None else set_policy(opened, rules)


def keep(
    backup_id: str, reason: str, config: str | None = None, *, repository: str | None = None
) -> HoldReport:
    """Keep a backup whatever the policy says.

    Args:
        backup_id: an id, the beginning of one, ``latest`` or ``latest:TAG``.
        reason: why it is kept.
        config: the file that names the repository.
        repository: which of its repositories, by name or URL; None = the first.
    """
    from shardvault.operations.retention import hold_backup

    loaded = load(config, repository)
    opened = open_configured(loaded)
    return hold_backup(opened, opened.find(backup_id, narrow_latest(loaded)), reason)


def release(
    backup_id: str, config: str | None = None, *, repository: str | None = None
) -> HoldReport:
    """Leave a backup that was kept with ``keep`` to the policy again."""
    from shardvault.operations.retention import release_backup

    loaded = load(config, repository)
    opened = open_configured(loaded)
    return release_backup(opened, opened.find(backup_id, narrow_latest(loaded)))


def _parse(text: str) -> Keep:
    try:
        return parse_keep(text)
    except ValueError as error:
        raise UsageError(str(error), hint="write it as daily=7,weekly=4,within=30d") from None
