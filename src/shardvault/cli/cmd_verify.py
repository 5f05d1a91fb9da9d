"""Verify one backup."""

from __future__ import annotations

import click

from shardvault.cli.output import write_outcome
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import choose_repository, limit_download
from shardvault.errors import FindingsError, IntegrityError
from shardvault.model.ids import LATEST

_EXIT_CODES = {"ok": 0, "findings": FindingsError.exit_code}


@click.command("verify", cls=Verb)
@click.argument("backup_id", metavar="[ID]", default=LATEST)
@limit_download
@choose_repository
@click.pass_obj
def verify(
    settings: Settings, backup_id: str, download_bytes_s: int | None, *, repository: str | None
) -> int:
    """Read a whole backup back and compare it with its manifest.

    ID is what "shardvault list" prints, its beginning, latest or latest:TAG; without it the latest.
    Exits with 15 if anything is damaged, with 3 if the backup is sound but was read from a copy
    because the first repository is missing or its history was tampered with.
    """
    from shardvault import app
    from shardvault.cli.page_findings import describe_verify

    with open_sink(settings) as sink:
        report = app.verify(
            backup_id,
            settings.config,
            repository=repository,
            threads=settings.threads,
            download_bytes_s=download_bytes_s,
            sink=sink,
        )
    write_outcome(report, settings, describe_verify)
    return _EXIT_CODES.get(report.status, IntegrityError.exit_code)
