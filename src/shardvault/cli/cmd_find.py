"""Search the backups for a name."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import choose_repository
from shardvault.errors import FindingsError


@click.command("find", cls=Verb)
@click.argument("pattern", metavar="PATTERN")
@choose_repository
@click.pass_obj
def find(settings: Settings, pattern: str, *, repository: str | None) -> int:
    """List the backups that hold tables or code objects whose name matches PATTERN.

    PATTERN is a name, schema.name or shard.schema.name; * and ? stand for any characters.
    "changed" marks a backup in which contents or definition differ from the one before. Exits
    with 3 if a backup, or something of the catalog, could not be read.
    """
    from shardvault import app
    from shardvault.cli.page_comparison import describe_find

    with open_sink(settings) as sink:
        report = app.find(pattern, settings.config, repository=repository, sink=sink)
    write_report(report, settings, describe_find)
    return FindingsError.exit_code if report.unreadable or report.damaged else 0
