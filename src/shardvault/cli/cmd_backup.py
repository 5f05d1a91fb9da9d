"""Take a backup."""

from __future__ import annotations

from typing import Any

import click

from shardvault.cli.output import write_outcome, write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import (
    limit_upload,
    read_duration,
    read_scope,
    scope_options,
    split_words,
)
from shardvault.errors import FindingsError, RefusedError
from shardvault.model.loss import LossKind
from shardvault.model.target import Scope

_KINDS = "; ".join(f"{kind}: {kind.meaning}" for kind in LossKind)


@click.command("backup", cls=Verb)
@scope_options
@click.option(
    "--allow-loss",
    multiple=True,
    metavar="KIND",
    help="Take the backup although something of this kind is lost, and name the tables in it; "
    f"repeatable, or separated by commas. {_KINDS}.",
)
@click.option(
    "--wait-lock",
    "wait_lock_s",
    callback=read_duration,
    metavar="DURATION",
    help="Wait up to this long, for example 10min, for DDL, LOCK TABLES and long statements that "
    "are in the way of the locks. Rows can be changed meanwhile. Default: 30s.",
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="NAME",
    help="Give the backup a name, for `list --tag`, `latest:NAME` and the policy; repeatable, or "
    "separated by commas.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only print what the backup would hold and what stands in its way; nothing is locked or "
    "stored. Exits with 1 if something blocks the backup.",
)
@limit_upload
@click.pass_obj
def backup(settings: Settings, /, dry_run: bool, **options: Any) -> int:
    """Take a hot logical backup of the fleet at one cut.

    What cannot come back exactly is refused before anything is locked; --allow-loss accepts it.
    Options that leave something out make the backup a partial one: `latest` does not mean it, and
    retention counts it apart.
    """
    from shardvault import app
    from shardvault.cli.page_backup import describe_backup

    scope, allow_loss = read_scope(options), split_words(options["allow_loss"])
    if dry_run:
        return _print_plan(settings, scope, allow_loss)
    with open_sink(settings) as sink:
        report = app.backup(
            settings.config,
            scope=scope,
            allow_loss=allow_loss,
            tags=split_words(options["tags"]),
            threads=settings.threads,
            upload_bytes_s=options["upload_bytes_s"],
            wait_lock_s=options["wait_lock_s"],
            sink=sink,
        )
    write_outcome(report, settings, describe_backup)
    return FindingsError.exit_code if report.status == "findings" else 0


def _print_plan(settings: Settings, scope: Scope, allow_loss: tuple[str, ...]) -> int:
    from shardvault import app
    from shardvault.cli.page_backup_plan import describe_backup_plan

    with open_sink(settings) as sink:
        plan = app.plan_backup(settings.config, scope=scope, allow_loss=allow_loss, sink=sink)
    write_report(plan, settings, describe_backup_plan)
    return RefusedError.exit_code if plan.status == "blocked" else 0
