"""Take a backup."""

from __future__ import annotations

import click

from shardvault.cli.output import write_report
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
from shardvault.errors import FindingsError
from shardvault.model.loss import LossKind

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
@limit_upload
@click.pass_obj
def backup(
    settings: Settings,
    /,
    allow_loss: tuple[str, ...],
    wait_lock_s: int | None,
    tags: tuple[str, ...],
    upload_bytes_s: int | None,
    **scope: tuple[str, ...],
) -> int:
    """Take a hot logical backup of the fleet at one cut.

    What cannot come back exactly is refused before anything is locked; --allow-loss accepts it.
    Options that leave something out make the backup a partial one: `latest` does not mean it, and
    retention counts it apart.
    """
    from shardvault import app
    from shardvault.cli.page_backup import describe_backup

    with open_sink(settings) as sink:
        report = app.backup(
            settings.config,
            scope=read_scope(scope),
            allow_loss=split_words(allow_loss),
            tags=split_words(tags),
            threads=settings.threads,
            upload_bytes_s=upload_bytes_s,
            wait_lock_s=wait_lock_s,
            sink=sink,
        )
    write_report(report, settings, describe_backup)
    return FindingsError.exit_code if report.status == "findings" else 0
