"""Prune, hold backups, set the policy, and break leases."""

from __future__ import annotations

import click

from shardvault.cli.asking import confirm, is_terminal
from shardvault.cli.output import write_outcome, write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import choose_repository
from shardvault.errors import UsageError


@click.command("prune", cls=Verb)
@click.option("--dry-run", is_flag=True, help="Show what would go and why, and change nothing.")
@click.option(
    "--keep",
    metavar="RULES",
    help="Rules for this run, as daily=7,within=30d; else those that `policy` set.",
)
@click.option(
    "--accept",
    metavar="ID",
    help="Say that this backup is right, though much smaller than the one before.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why it is; goes with --accept.")
@choose_repository
@click.pass_obj
def prune(
    settings: Settings,
    dry_run: bool,
    keep: str | None,
    accept: str | None,
    reason: str,
    *,
    repository: str | None,
) -> int:
    """Forget the backups that the policy does not keep, and free what no other needs.

    Only verified backups count, by the time at which the store took them, and each fleet and scope
    apart: a partial backup never takes the place of a complete one. The last verified one of each
    never goes. Backups and restores may run meanwhile. Killed at any step, the next prune goes on.
    """
    from shardvault import app
    from shardvault.cli.page_prune import describe_prune

    if bool(accept) != bool(reason):
        raise UsageError("--accept and --reason need each other")
    with open_sink(settings) as sink:
        report = app.prune(
            settings.config,
            repository=repository,
            keep=keep,
            dry_run=dry_run,
            accept=accept,
            reason=reason,
            sink=sink,
        )
    write_outcome(report, settings, describe_prune)
    return 0


@click.command("forget", cls=Verb)
@click.argument("backup_id", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Show what would go, and change nothing.")
@click.option(
    "--last-complete",
    default="",
    metavar="ID",
    help="The whole id, typed again: needed if no other complete backup of the fleet is verified.",
)
@choose_repository
@click.pass_obj
def forget(
    settings: Settings,
    backup_id: str,
    dry_run: bool,
    last_complete: str,
    *,
    repository: str | None,
) -> int:
    """Forget one backup by its name, and free what no other backup needs.

    The guards are those of `prune`: a backup that is held stays, and nothing is deleted while
    something is damaged. The last verified complete backup of a fleet goes only if its whole id is
    typed. A person at a terminal is asked first; without a terminal it needs --yes.
    """
    from shardvault import app
    from shardvault.cli.page_prune import describe_forget

    with open_sink(settings) as sink:
        planned = app.forget(
            backup_id, settings.config, repository=repository, dry_run=True, sink=sink
        )
    if dry_run:
        write_report(planned, settings, describe_forget)
        return 0
    if planned.is_last and not last_complete and is_terminal():
        last_complete = click.prompt(
            "no other complete backup of the fleet is verified; type the id to forget this one",
            err=True,
        )
    confirm(settings, f"forget backup {planned.id}?")
    with open_sink(settings) as sink:
        report = app.forget(
            planned.id,
            settings.config,
            repository=repository,
            confirm_last=last_complete,
            sink=sink,
        )
    write_outcome(report, settings, describe_forget)
    return 0


@click.command("policy", cls=Verb)
@click.argument("rules", nargs=-1, metavar="[RULE…]")
@click.option("--keep-all", is_flag=True, help="Remove every rule: no backup is deleted.")
@choose_repository
@click.pass_obj
def policy(
    settings: Settings, rules: tuple[str, ...], keep_all: bool, *, repository: str | None
) -> int:
    """Show how long the repository keeps backups, or set it.

    RULE is last=N, hourly=N, daily=N, weekly=N, monthly=N or yearly=N: the newest verified backup
    of each of that many hours, days … that have one; within=AGE, for example 30d: every backup
    since; tag=NAME: every backup with that tag. Each fleet and each scope is counted apart. The
    rules given replace all that were there.
    """
    from shardvault import app
    from shardvault.cli.page_prune import describe_policy

    if rules and keep_all:
        raise UsageError("--keep-all cannot be combined with rules", hint="give one of them")
    new = ",".join(rules) if rules or keep_all else None
    report = app.policy(settings.config, repository=repository, keep=new)
    write = write_report if new is None else write_outcome
    write(report, settings, describe_policy)
    return 0


@click.command("keep", cls=Verb)
@click.argument("backup_id", metavar="ID")
@click.option("--reason", metavar="TEXT", help="Why it is kept; required unless --release.")
@click.option("--release", is_flag=True, help="Let the policy decide again.")
@choose_repository
@click.pass_obj
def keep(
    settings: Settings, backup_id: str, reason: str | None, release: bool, *, repository: str | None
) -> int:
    """Keep a backup whatever the policy says, until it is released."""
    from shardvault import app
    from shardvault.cli.page_prune import describe_hold

    if (reason is None) != release:
        raise UsageError("keep needs either --reason TEXT or --release")
    if reason is None:
        report = app.release(backup_id, settings.config, repository=repository)
    else:
        report = app.keep(backup_id, reason, settings.config, repository=repository)
    write_outcome(report, settings, describe_hold)
    return 0


@click.command("unlock", cls=Verb)
@click.option("--break", "is_breaking", is_flag=True, help="Remove the leases, after asking.")
@choose_repository
@click.pass_obj
def unlock(settings: Settings, is_breaking: bool, *, repository: str | None) -> int:
    """Show who holds locks (leases) on the repository; with --break remove them.

    The lease of a process that ended expires within a minute, if the store has a clock. A process
    that still runs cannot commit anything after its lease is broken.
    """
    from shardvault import app
    from shardvault.cli.page_prune import describe_leases

    report = app.leases(settings.config, repository=repository)
    if is_breaking and report.leases:
        for lease in report.leases:
            confirm(settings, f"break the lease of {lease.owner}?")
        write_outcome(app.unlock(settings.config, repository=repository), settings, describe_leases)
        return 0
    write_report(report, settings, describe_leases)
    return 0
