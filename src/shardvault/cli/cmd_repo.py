"""Look after the place where backups are stored."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Topic, Verb
from shardvault.errors import FindingsError
from shardvault.events import PhaseStarted


@click.group("repo", cls=Topic)
def repo() -> None:
    """Look after the repository and its store."""


@repo.command("probe", cls=Verb)
@click.argument("url", required=False, metavar="[URL]")
@click.pass_obj
def probe(settings: Settings, url: str | None) -> int:
    """Find out what a store really does, in under a minute.

    Objects are written to a folder of their own, read, listed, raced for and deleted. Without URL
    it is the configured store; with URL another place, reached as the configuration says.
    Exits with 3 if the store cannot hold a repository.
    """
    from shardvault import app
    from shardvault.cli.page_findings import describe_probe

    with open_sink(settings) as sink:
        sink.emit(PhaseStarted("probe", "the store"))
        report = app.probe(settings.config, url=url)
    write_report(report, settings, describe_probe)
    return FindingsError.exit_code if report.status == "unfit" else 0
