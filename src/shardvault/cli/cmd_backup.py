"""Take a backup."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import read_scope, scope_options
from shardvault.errors import FindingsError


@click.command("backup", cls=Verb)
@scope_options
@click.pass_obj
def backup(settings: Settings, /, **scope: tuple[str, ...]) -> int:
    """Take a hot logical backup of the fleet at one cut."""
    from shardvault import app
    from shardvault.cli.page_backup import describe_backup

    with open_sink(settings) as sink:
        report = app.backup(
            settings.config, scope=read_scope(scope), threads=settings.threads, sink=sink
        )
    write_report(report, settings, describe_backup)
    return FindingsError.exit_code if report.status == "findings" else 0
