"""Create a repository and its key."""

from __future__ import annotations

import click

from shardvault.cli.output import write_outcome
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.events import PhaseStarted


@click.command("init", cls=Verb)
@click.pass_obj
def init(settings: Settings) -> int:
    """Create the repository and its key file."""
    from shardvault import app
    from shardvault.cli.page_init import describe_init

    with open_sink(settings) as sink:
        sink.emit(PhaseStarted("init", "probe the store"))
        report = app.init(settings.config)
    write_outcome(report, settings, describe_init)
    return 0
