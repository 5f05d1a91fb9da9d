"""Compare two backups."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import choose_repository
from shardvault.errors import FindingsError


@click.command("diff", cls=Verb)
@click.argument("first", metavar="ID")
@click.argument("second", metavar="ID")
@choose_repository
@click.pass_obj
def diff(settings: Settings, first: str, second: str, *, repository: str | None) -> int:
    """Show which tables, objects and accounts differ between two backups.

    Contents are compared by the hashes that the backups hold; no row is read. Exits with 0 if
    the backups are equal, and with 3 if they differ.
    """
    from shardvault import app
    from shardvault.cli.page_comparison import describe_diff

    report = app.diff(first, second, settings.config, repository=repository)
    write_report(report, settings, describe_diff)
    return 0 if report.status == "equal" else FindingsError.exit_code
