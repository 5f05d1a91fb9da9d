"""List backups."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import choose_repository, split_words
from shardvault.errors import FindingsError


@click.command("list", cls=Verb)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME",
    help="List only backups with this tag; repeatable: with one of these.",
)
@choose_repository
@click.pass_obj
def list_backups(settings: Settings, tags: tuple[str, ...], *, repository: str | None) -> int:
    """List every backup, oldest first; where some are partial, with the scope of each.

    Exits with 3 if a manifest is there but cannot be read, or if the list is that of a copy because
    the first repository is missing or its history was tampered with.
    """
    from shardvault import app
    from shardvault.cli.page_catalog import describe_catalog

    report = app.list_backups(settings.config, repository=repository, tags=split_words(tags))
    write_report(report, settings, describe_catalog)
    return FindingsError.exit_code if report.damaged or report.findings else 0
