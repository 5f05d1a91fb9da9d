"""Check whether a backup would succeed."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import read_scope, scope_options
from shardvault.errors import FindingsError


@click.command("check", cls=Verb)
@scope_options
@click.pass_obj
def check(settings: Settings, /, **scope: tuple[str, ...]) -> int:
    """Examine every shard, the store and each repository; change nothing.

    Exits with 0 if a backup of the same scope can be taken, also with warnings, and with 3 if
    something blocks it, or if a repository is missing, damaged, or not what this computer saw
    of it before.
    """
    from shardvault import app
    from shardvault.cli.page_findings import describe_check

    with open_sink(settings) as sink:
        report = app.check(settings.config, scope=read_scope(scope), sink=sink)
    write_report(report, settings, describe_check)
    return FindingsError.exit_code if report.status == "blocked" else 0
