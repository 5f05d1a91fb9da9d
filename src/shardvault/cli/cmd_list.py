"""List backups."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.errors import FindingsError


@click.command("list", cls=Verb)
@click.pass_obj
def list_backups(settings: Settings) -> int:
    """List every complete backup, oldest first.

    Exits with 3 if a manifest is there but cannot be read.
    """
    from shardvault import app
    from shardvault.cli.page_catalog import describe_catalog

    report = app.list_backups(settings.config)
    write_report(report, settings, describe_catalog)
    return FindingsError.exit_code if report.damaged else 0
