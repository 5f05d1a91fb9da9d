"""Show one backup."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import choose_repository
from shardvault.model.ids import LATEST


@click.command("show", cls=Verb)
@click.argument("backup_id", metavar="[ID]", default=LATEST)
@click.option("--sql", is_flag=True, help="Print the stored CREATE statements instead.")
@choose_repository
@click.pass_obj
def show(settings: Settings, backup_id: str, sql: bool, *, repository: str | None) -> int:
    """Show one backup in full: its cut, its shards and every table.

    ID is what "shardvault list" prints, its beginning, latest or latest:TAG; without it the latest.
    """
    from shardvault import app
    from shardvault.cli.page_backup import describe_definitions, describe_show

    if sql:
        definitions = app.show_definitions(backup_id, settings.config, repository=repository)
        write_report(definitions, settings, describe_definitions)
        return 0
    write_report(
        app.show(backup_id, settings.config, repository=repository), settings, describe_show
    )
    return 0
