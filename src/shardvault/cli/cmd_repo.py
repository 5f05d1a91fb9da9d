"""Look after the place where backups are stored."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from shardvault.cli.escape import escape
from shardvault.cli.output import render_page, use_color, write_outcome, write_report
from shardvault.cli.render import open_sink
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Topic, Verb
from shardvault.cli.words import choose_repository, limit_download, limit_upload
from shardvault.errors import FindingsError, IntegrityError
from shardvault.events import PhaseStarted
from shardvault.units import parse_percent

if TYPE_CHECKING:
    from shardvault.model.upkeep import RepoRepairReport


def _read_percent(_: click.Context, option: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_percent(text)
    except ValueError as error:
        raise click.BadParameter(f"not a share: {text!r}; write 10%", param=option) from error


@click.group("repo", cls=Topic)
def repo() -> None:
    """Look after the repository and its store."""


@repo.command("probe", cls=Verb)
@click.argument("url", required=False, metavar="[URL]")
@click.pass_obj
def probe(settings: Settings, url: str | None) -> int:
    """Test how a store behaves, in under a minute.

    Objects are written to a folder of their own, read, listed, written by many at once, and
    deleted. Without URL the configured store is tested; with URL another one, with the login of
    the configuration.
    Exits with 3 if the store cannot hold a repository.
    """
    from shardvault import app
    from shardvault.cli.page_findings import describe_probe

    with open_sink(settings) as sink:
        sink.emit(PhaseStarted("probe", "the store"))
        report = app.probe(settings.config, url=url)
    write_report(report, settings, describe_probe)
    return FindingsError.exit_code if report.status == "unfit" else 0


@repo.command("check", cls=Verb)
@click.option(
    "--read-data",
    "read_percent",
    is_flag=False,
    flag_value="100%",
    callback=_read_percent,
    metavar="[SHARE]",
    help="Read every byte of every pack; or a share of them, as --read-data=10%: another one "
    "each time, so that ten checks read all.",
)
@limit_download
@choose_repository
@click.pass_obj
def check(
    settings: Settings,
    read_percent: float | None,
    download_bytes_s: int | None,
    *,
    repository: str | None,
) -> int:
    """Check the repository for damage, and list the backups that it affects.

    It checks the log, the keys, every manifest and index object, that every pack is present and
    complete, and that every chunk of every backup exists. It reports which tables of which
    backups cannot be restored; all others can. Exits with 15 if anything is damaged.
    """
    from shardvault import app
    from shardvault.cli.page_repo import describe_repo_check

    with open_sink(settings) as sink:
        report = app.check_repository(
            settings.config,
            repository=repository,
            read_percent=read_percent,
            threads=settings.threads,
            download_bytes_s=download_bytes_s,
            sink=sink,
        )
    write_report(report, settings, describe_repo_check)
    return IntegrityError.exit_code if report.status == "damaged" else 0


_forget_damaged = click.option(
    "--forget-damaged",
    is_flag=True,
    help="Remove backups that cannot be restored whole from the catalog, after asking; otherwise "
    "they stay listed as damaged, and what is sound in them can be restored.",
)


@repo.command("repair", cls=Verb)
@click.option("--read-data", is_flag=True, help="Look for damage in every byte first.")
@_forget_damaged
@choose_repository
@click.pass_obj
def repair(
    settings: Settings, read_data: bool, forget_damaged: bool, *, repository: str | None
) -> int:
    """Repair what can be repaired; delete nothing.

    Damaged objects are moved to quarantine/, chunks in them that can be read are saved, packs are
    rebuilt from parity where there is any, and the index is built again. Backups that remain
    damaged are reported. Exits with 15 if anything is still damaged.
    """
    return _repair(settings, repository, read_data=read_data, forget_damaged=forget_damaged)


@repo.command("rebuild", cls=Verb)
@click.option(
    "--accept-history",
    is_flag=True,
    help="Go on although the log was deleted, rolled back or altered: what is left counts, and "
    "every authentic manifest is listed again. First find out who changed the store.",
)
@_forget_damaged
@choose_repository
@click.pass_obj
def rebuild(
    settings: Settings, accept_history: bool, forget_damaged: bool, *, repository: str | None
) -> int:
    """Build index and catalog again from the objects alone.

    Needs only the url and a key, no state of this computer. Exits with 15 if anything is
    still damaged.
    """
    return _repair(
        settings, repository, accept_history=accept_history, forget_damaged=forget_damaged
    )


def _repair(
    settings: Settings, repository: str | None, *, forget_damaged: bool, **options: bool
) -> int:
    from shardvault.cli.asking import require_answer
    from shardvault.cli.page_repo import describe_repo_repair

    if forget_damaged:
        require_answer(settings)
    is_agreed = forget_damaged and settings.yes
    report = _run_repair(settings, repository, forget_damaged=is_agreed, **options)
    if forget_damaged and not is_agreed and report.damage:
        _agree_to_forget(settings, report)
        report = _run_repair(settings, repository, forget_damaged=True, **options)
    write_outcome(report, settings, describe_repo_repair)
    return IntegrityError.exit_code if report.status == "damaged" else 0


def _run_repair(settings: Settings, repository: str | None, **options: bool) -> RepoRepairReport:
    from shardvault import app

    with open_sink(settings) as sink:
        return app.repair_repository(
            settings.config,
            repository=repository,
            threads=settings.threads,
            sink=sink,
            **options,
        )


def _agree_to_forget(settings: Settings, report: RepoRepairReport) -> None:
    """Show what was mended and what is still damaged, and ask whether that may go."""
    from shardvault.cli.asking import confirm
    from shardvault.cli.page_repo import describe_forgetting

    has_color = use_color(settings, sys.stderr)
    page = render_page(report, describe_forgetting, has_color=has_color)
    click.echo(page, err=True, color=True)
    confirm(
        settings, "forget them?", kept="what could be repaired is repaired; no backup was forgotten"
    )


@repo.command("copy", cls=Verb)
@click.argument("backups", nargs=-1, metavar="[ID…]")
@click.option("--to", metavar="NAME", help="Only this copy, by name or URL; without it, each.")
@click.option(
    "--drop-pruned", is_flag=True, help="Delete in a mirror what its repository has pruned."
)
@limit_upload
@limit_download
@choose_repository
@click.pass_obj
def copy(settings: Settings, /, backups: tuple[str, ...], **options: Any) -> int:
    """Bring the copies of the repository up to date.

    What a copy has is not sent again, and an interrupted one goes on. A copy has keys, checks and
    retention of its own; only a mirror, `mirror: true`, is bit by bit the same. Without ID it is
    every backup. If one copy fails the others are still made. Exits with 15 if anything could not
    be copied because it is damaged; of several copies that failed, with the code of the first.
    """
    from shardvault import app
    from shardvault.cli.page_copy import describe_copy

    with open_sink(settings) as sink:
        report = app.copy_repository(
            backups, settings.config, threads=settings.threads, sink=sink, **options
        )
    write_outcome(report, settings, describe_copy)
    first = next((done for done in report.copies if done.findings), None)
    return (first.exit_code or IntegrityError.exit_code) if first else 0


@repo.command("stats", cls=Verb)
@choose_repository
@click.pass_obj
def stats(settings: Settings, *, repository: str | None) -> int:
    """Show the space that the repository uses, per backup, logical table and shard.

    A chunk that several backups hold is counted for the first. Exits with 3 if a damaged
    backup could not be counted.
    """
    from shardvault import app
    from shardvault.cli.page_repo import describe_repo_stats

    report = app.repository_stats(settings.config, repository=repository)
    write_report(report, settings, describe_repo_stats)
    return FindingsError.exit_code if report.unreadable else 0


@repo.command("accept", cls=Verb)
@choose_repository
@click.pass_obj
def accept(settings: Settings, *, repository: str | None) -> int:
    """Accept the current state of the repository as valid, after showing what is wrong.

    Every command refuses a repository whose history was deleted, rolled back or altered since
    this computer saw it last. First find out who did it: lost objects do not come back.
    `repo rebuild --accept-history` lists backups again whose entries were lost.
    """
    from shardvault import app
    from shardvault.cli.asking import confirm
    from shardvault.cli.page_prune import describe_history

    report = app.examine_history(settings.config, repository=repository)
    if report.faults:
        for fault in report.faults:
            click.echo(escape(fault), err=True)
        confirm(settings, "accept this state as valid?")
        report = app.accept_history(settings.config, repository=repository)
    write_outcome(report, settings, describe_history)
    return 0
