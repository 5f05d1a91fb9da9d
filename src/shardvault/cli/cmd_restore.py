"""Restore one backup, or say what that would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from shardvault.cli.output import write_outcome, write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Verb
from shardvault.cli.words import (
    choose_repository,
    limit_download,
    read_mapping,
    read_renames,
    read_scope,
    scope_options,
)
from shardvault.errors import FindingsError, IntegrityError, RefusedError, UsageError
from shardvault.events import PhaseStarted

if TYPE_CHECKING:
    from shardvault.cli.consent import Request
    from shardvault.model.export import ExportForm
    from shardvault.model.report import RestoreReport


@click.command("restore", cls=Verb)
@click.argument("backup_id", metavar="ID")
@click.option(
    "--target",
    type=click.Path(),
    metavar="FILE",
    help="Configuration of the fleet that takes the data; without it, the source fleet.",
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="SHARD=TARGET",
    help="Put a shard of the backup on another shard of the target, as s0=t3; repeatable. "
    "Others keep their name.",
)
@click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="OLD=NEW",
    help="Give a schema of the backup another name on the target, as shop=shop_test; or on one "
    "shard only, as s0/shop=shop_0; repeatable. Everything that names the schema follows.",
)
@click.option("--dry-run", is_flag=True, help="Only print the plan and what stands in its way.")
@click.option("--replace", is_flag=True, help="Drop what is in the way on the target.")
@click.option(
    "--source-fleet",
    metavar="NAME",
    help="The fleet's name, typed, to restore onto the source fleet itself.",
)
@click.option("--with-accounts", is_flag=True, help="Create users, roles and grants too.")
@click.option(
    "--events",
    type=click.Choice(["on", "off"]),
    default="on",
    help="Switch the events on when all else is done, or leave them disabled for a rehearsal; "
    "then the report says how to switch each of them on.",
)
@click.option(
    "--definer",
    "definers",
    multiple=True,
    metavar="RULE",
    help="For views, triggers, routines and events whose definer the target does not have, or "
    "which this login is not allowed to set: keep creates them all the same, skip leaves them out, "
    "OLD=NEW replaces a definer wherever it occurs, '*=NEW' every definer that the target cannot "
    "take; NEW is an account such as app@localhost, or CURRENT_USER. Repeatable. Without a rule "
    "such a definer stops the restore before any change.",
)
@click.option(
    "--skip-damaged",
    is_flag=True,
    help="Restore what is sound of a damaged backup: every row is read first, and tables that "
    "cannot be read whole are left out and named; exits with 3 then.",
)
@click.option(
    "--schema-only",
    is_flag=True,
    help="Restore databases, tables, views, routines, triggers and events without any row.",
)
@click.option(
    "--sql",
    metavar="FILE",
    help="Restore into no server: write databases, tables and rows in scope as SQL statements "
    "with exact literals; - is standard output.",
)
@click.option(
    "--csv",
    metavar="FILE",
    help="Write the rows of a table, or of tables with the same columns, as CSV in UTF-8; bytes "
    "as 0x and hex digits, NULL as an empty field, empty text as two quotes.",
)
@scope_options
@limit_download
@choose_repository
@click.pass_obj
def restore(settings: Settings, /, dry_run: bool, **options: Any) -> int:
    """Restore a backup and prove it by reading every table back.

    ID is what "shardvault list" prints, its beginning, latest or latest:TAG. The latest is the
    newest complete backup of the fleet, or one of exactly the same scope if that is newer. With
    --dry-run nothing is changed; it exits with 1 if something blocks the restore. With --replace a
    person at a terminal is asked first; without a terminal it needs --yes.
    """
    from shardvault.cli.consent import obtain_consent

    if options["sql"] is not None or options["csv"] is not None:
        return _export(_read_export(options | {"dry_run": dry_run}), options, settings)
    request = _read_request(options)
    if dry_run:
        return _print_plan(request, settings)
    report = _run_restore(obtain_consent(request, settings), settings)
    if not report.verified:
        return IntegrityError.exit_code
    return FindingsError.exit_code if report.status == "findings" else 0


def _read_request(options: dict[str, Any]) -> Request:
    from shardvault.cli.consent import Request

    return Request(
        backup_id=options["backup_id"],
        repository=options["repository"],
        target=options["target"],
        mapping=read_mapping(options["mapping"]),
        rename=read_renames(options["renames"]),
        scope=read_scope(options),
        replace=options["replace"],
        confirm_source=options["source_fleet"],
        with_accounts=options["with_accounts"],
        events_on=options["events"] == "on",
        definers=options["definers"],
        skip_damaged=options["skip_damaged"],
        schema_only=options["schema_only"],
        download_bytes_s=options["download_bytes_s"],
    )


def _print_plan(request: Request, settings: Settings) -> int:
    from shardvault.cli.page_restore import describe_plan
    from shardvault.model.report import Severity

    with open_sink(settings) as sink:
        sink.emit(PhaseStarted("restore", "plan"))
        plan = request.plan(settings)
    write_report(plan, settings, describe_plan)
    is_blocked = any(finding.severity is Severity.BLOCKER for finding in plan.findings)
    return RefusedError.exit_code if is_blocked else 0


def _run_restore(request: Request, settings: Settings) -> RestoreReport:
    from shardvault.cli.page_restore import describe_restore

    with open_sink(settings) as sink:
        sink.emit(PhaseStarted("restore", "plan"))
        report = request.run(settings, sink)
    write_outcome(report, settings, describe_restore)
    return report


_FOR_SERVERS = {
    "target": "--target",
    "mapping": "--map",
    "renames": "--rename",
    "dry_run": "--dry-run",
    "replace": "--replace",
    "source_fleet": "--source-fleet",
    "with_accounts": "--with-accounts",
    "definers": "--definer",
    "skip_damaged": "--skip-damaged",
    "schema_only": "--schema-only",
}
"""What an export would ignore, as the user writes it."""


def _read_export(options: dict[str, Any]) -> tuple[ExportForm, str]:
    """Read in which form tables are written, and where; refuse what would be ignored.

    Raises:
        UsageError: an option that only a restore into servers has, or no name of a file.
    """
    from shardvault.model.export import ExportForm

    form, place = next((form, options[form]) for form in ExportForm if options[form] is not None)
    given = [word for name, word in _FOR_SERVERS.items() if options[name]]
    given += ["--events"] if options["events"] != "on" else []
    given += ["--csv"] if form is ExportForm.SQL and options["csv"] is not None else []
    if given:
        raise UsageError(
            f"--{form} and {given[0]} exclude each other",
            hint=f"--{form} writes one file, and restores into no server",
        )
    if not place:
        raise UsageError(f"--{form} needs the name of a file, or -")
    return form, place


def _export(target: tuple[ExportForm, str], options: dict[str, Any], settings: Settings) -> int:
    """Write tables into a file; on standard output they take the place of the report."""
    from shardvault import app
    from shardvault.cli.page_restore import describe_export

    form, place = target
    with open_sink(settings) as sink:
        report = app.export(
            options["backup_id"],
            form,
            place,
            settings.config,
            repository=options["repository"],
            scope=read_scope(options),
            download_bytes_s=options["download_bytes_s"],
            sink=sink,
        )
    if place != "-":
        write_report(report, settings, describe_export)
    return 0
