"""Write tables of a backup into a file."""

from __future__ import annotations

from shardvault.app.building import Silent, load, narrow_latest, open_copies
from shardvault.interfaces import EventSink
from shardvault.model.export import ExportForm, ExportReport
from shardvault.model.target import Scope


def export(
    backup_id: str,
    form: ExportForm,
    place: str,
    config: str | None = None,
    *,
    repository: str | None = None,
    scope: Scope | None = None,
    download_bytes_s: int | None = None,
    sink: EventSink | None = None,
) -> ExportReport:
    """Write tables as SQL statements or CSV; no server is needed.

    Args:
        backup_id: as for ``restore``.
        form: ``sql``: databases, tables and rows with exact literals; ``csv``: the rows of
            tables that have the same columns, in UTF-8.
        place: a file that does not exist yet, or ``-`` for standard output.
        config: the file that names the repository.
        repository: which of its repositories, by name or URL.
        scope: which tables; None = all, which CSV rarely takes.
        download_bytes_s: most bytes received from the store per second; None = the
            configuration's.
        sink: takes progress.
    """
    from shardvault.operations.export import run_export

    loaded, wanted = load(config, repository), scope or Scope()
    copies = open_copies(loaded, sink, download_bytes_s=download_bytes_s)
    backup = copies.open(backup_id, narrow_latest(loaded, wanted))
    return run_export(
        backup.manifest, backup, wanted, form=form, place=place, sink=sink or Silent()
    )
