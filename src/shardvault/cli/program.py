"""Put the commands together and run one of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import click

from shardvault.cli.cmd_backup import backup
from shardvault.cli.cmd_check import check
from shardvault.cli.cmd_completion import COMPLETE_VARIABLE, complete, completion
from shardvault.cli.cmd_diff import diff
from shardvault.cli.cmd_find import find
from shardvault.cli.cmd_init import init
from shardvault.cli.cmd_key import key
from shardvault.cli.cmd_list import list_backups
from shardvault.cli.cmd_prune import forget, keep, policy, prune, unlock
from shardvault.cli.cmd_repo import repo
from shardvault.cli.cmd_restore import restore
from shardvault.cli.cmd_show import show
from shardvault.cli.cmd_verify import verify
from shardvault.cli.cmd_version import print_version, version
from shardvault.cli.failure import report_failure
from shardvault.cli.notices import Notices
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Program
from shardvault.errors import AfterwardsWarning

COMMANDS: tuple[click.Command, ...] = (
    init,
    check,
    backup,
    list_backups,
    show,
    find,
    diff,
    verify,
    restore,
    policy,
    keep,
    forget,
    prune,
    unlock,
    key,
    repo,
    version,
    completion,
)


@click.group(cls=Program)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Print the version.",
)
def program() -> None:
    """Back up and restore a sharded MySQL or MariaDB fleet at one consistent cut."""


for _command in COMMANDS:
    program.add_command(_command)


def run_program(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing ends in a traceback."""
    settings = Settings()
    with warnings.catch_warnings():
        warnings.simplefilter("always", AfterwardsWarning)
        warnings.showwarning = Notices(settings, warnings.showwarning).show
        return _run(arguments, settings)


def _run(arguments: Sequence[str], settings: Settings) -> int:
    try:
        if instruction := os.environ.get(COMPLETE_VARIABLE):
            return complete(program, instruction)
        with program.make_context("shardvault", list(arguments), obj=settings) as context:
            return int(program.invoke(context) or 0)
    except click.exceptions.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - the last one who can tell
        return report_failure(error, settings)
