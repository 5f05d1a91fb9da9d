"""Say which version runs, and on which kernel."""

from __future__ import annotations

import platform

import click

import shardvault
from shardvault.cli.output import write_json, write_text
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb


@click.command("version", cls=Verb)
@click.pass_obj
def version(settings: Settings) -> int:
    """Print the versions of shardvault, its kernel and Python."""
    from shardvault.kernel.select import KERNEL

    python = platform.python_version()
    if settings.wants_json:
        write_json({"version": shardvault.__version__, "kernel": KERNEL, "python": python})
    else:
        write_text(f"shardvault {shardvault.__version__} ({KERNEL} kernel, Python {python})")
    return 0


def print_version(context: click.Context, _option: click.Parameter, value: bool) -> None:
    """Answer ``--version``."""
    if value and not context.resilient_parsing:
        write_text(f"shardvault {shardvault.__version__}")
        context.exit()
