"""Compare backups, and search them by name."""

from __future__ import annotations

import dataclasses

from shardvault.app.building import Silent, load, narrow_latest, open_copies
from shardvault.interfaces import EventSink
from shardvault.model.comparison import DiffReport, FindReport


def diff(
    first: str, second: str, config: str | None = None, *, repository: str | None = None
) -> DiffReport:
    """Report how the second backup differs from the first.

    Each is named by an id, the beginning of one, ``latest`` or ``latest:TAG``.
    """
    from shardvault.operations.diff import Side, run_diff

    loaded = load(config, repository)
    copies = open_copies(loaded)
    opened = [copies.open(word, narrow_latest(loaded)) for word in (first, second)]
    report = run_diff(*(Side(backup.manifest, backup) for backup in opened))
    return dataclasses.replace(report, findings=copies.findings())


def find(
    pattern: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    sink: EventSink | None = None,
) -> FindReport:
    """Name the backups that hold tables or code objects of some name.

    Args:
        pattern: a name, schema.name or shard.schema.name, with ``*`` and ``?``.
        config: the file that names the repository.
        repository: which of its repositories; None = the nearest that can be opened.
        sink: takes progress.
    """
    from shardvault.operations.find import run_find

    copies = open_copies(load(config, repository))
    report = copies.first(lambda opened: run_find(pattern, opened, sink or Silent()))
    return dataclasses.replace(report, findings=copies.findings())
