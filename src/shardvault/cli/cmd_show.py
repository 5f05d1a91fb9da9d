"""Show one backup."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb


@click.command("show", cls=Verb)
@click.argument("backup_id", metavar="ID")
@click.pass_obj
def show(settings: Settings, backup_id: str) -> int:
    """Show one backup in full: its cut, its shards and every table.

    ID is what "shardvault list" prints, or "latest".
    """
    from shardvault import app
    from shardvault.cli.page_backup import describe_show

    write_report(app.show(backup_id, settings.config), settings, describe_show)
    return 0
