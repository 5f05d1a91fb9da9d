"""List, add, replace and remove keys; write one on paper and read it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from shardvault.cli.asking import ask_new_passphrase, confirm, read_text
from shardvault.cli.output import write_outcome, write_report
from shardvault.cli.settings import Settings
from shardvault.cli.verbs import Topic, Verb
from shardvault.cli.words import choose_repository
from shardvault.errors import UsageError

_CLOSERS: tuple[Callable[[Any], Any], ...] = (
    click.option("--file", metavar="FILE", help="Make a key file there."),
    click.option("--passphrase", is_flag=True, help="Ask for a passphrase at the terminal, twice."),
    click.option(
        "--passphrase-file",
        metavar="FILE",
        help="Take the passphrase from a file that only its owner can read; - is standard input.",
    ),
    click.option(
        "--recipient", metavar="FILE", help="Let the owner of that identity open the repository."
    ),
    click.option(
        "--command",
        "has_command",
        is_flag=True,
        help="Run the words after -- as a program that prints 32 bytes in base64 or hexadecimal.",
    ),
    click.argument("words", nargs=-1, metavar="[-- PROGRAM ARGUMENT…]"),
)


def _takes_new_key(command: Callable[..., int]) -> Callable[..., int]:
    for decorate in reversed(_CLOSERS):
        command = decorate(command)
    return command


@click.group("key", cls=Topic)
def key() -> None:
    """Say who can open the repository."""


@key.command("list", cls=Verb)
@choose_repository
@click.pass_obj
def list_keys(settings: Settings, *, repository: str | None) -> int:
    """List every key of the repository.

    Exits with 3 if one is damaged, or was not made by who holds the repository's key.
    """
    from shardvault import app
    from shardvault.cli.page_key import describe_keys
    from shardvault.errors import FindingsError
    from shardvault.model.report import Severity

    report = app.list_keys(settings.config, repository=repository)
    write_report(report, settings, describe_keys)
    is_damaged = any(finding.severity is Severity.BLOCKER for finding in report.findings)
    return FindingsError.exit_code if is_damaged else 0


@key.command("add", cls=Verb)
@click.option(
    "--label", required=True, metavar="TEXT", help="Name of the key, for people; required."
)
@_takes_new_key
@choose_repository
@click.pass_obj
def add_key(settings: Settings, /, label: str, repository: str | None, **wanted: Any) -> int:
    """Let one more key open the repository."""
    from shardvault import app
    from shardvault.cli.page_key import describe_change

    closer = _closer(**wanted)
    report = app.add_key(label, settings.config, repository=repository, **closer)
    write_outcome(report, settings, describe_change)
    return 0


@key.command("add-source", cls=Verb)
@click.option(
    "--label", required=True, metavar="TEXT", help="Name of the source, for people; required."
)
@click.option("--out", required=True, metavar="FILE", help="Make the source file there; required.")
@choose_repository
@click.pass_obj
def add_source(settings: Settings, label: str, out: str, *, repository: str | None) -> int:
    """Create a write-only key (source file): it can add backups but not read them.

    Copy it to the machine that makes backups, as `repository: {key: {source: FILE}}`, and delete
    it here. Whoever steals it can read nothing in the repository.
    """
    from shardvault import app
    from shardvault.cli.page_key import describe_change

    write_outcome(
        app.add_source(label, out, settings.config, repository=repository),
        settings,
        describe_change,
    )
    return 0


@key.command("remove", cls=Verb)
@click.argument("name", metavar="KEY")
@click.option(
    "--forget-backups",
    is_flag=True,
    help="Remove every backup of a source from the catalog, except backups that `keep` protects.",
)
@choose_repository
@click.pass_obj
def remove_key(
    settings: Settings, name: str, *, forget_backups: bool, repository: str | None
) -> int:
    """Remove a key; after the removal of a source, backups that it adds are refused.

    KEY is an id as `key list` shows it, its first four digits or more, or a label. The last key
    that opens the repository cannot be removed.
    """
    from shardvault import app
    from shardvault.cli.page_key import describe_change

    also = " and forget every backup that this source took" if forget_backups else ""
    confirm(settings, f"remove key {name!r}{also}?")
    report = app.remove_key(
        name, settings.config, repository=repository, forget_backups=forget_backups
    )
    write_outcome(report, settings, describe_change)
    return 0


@key.command("rotate", cls=Verb)
@click.argument("name", metavar="KEY")
@_takes_new_key
@choose_repository
@click.pass_obj
def rotate_key(settings: Settings, /, name: str, repository: str | None, **wanted: Any) -> int:
    """Replace a key by a new one with the same label; the old one opens nothing any more.

    KEY is an id as `key list` shows it, its first four digits or more, or a label. Stored data
    stays as it is. The configuration must name the new key afterwards.
    """
    from shardvault import app
    from shardvault.cli.page_key import describe_change

    closer = _closer(**wanted)
    report = app.rotate_key(name, settings.config, repository=repository, **closer)
    write_outcome(report, settings, describe_change)
    return 0


@key.command("export", cls=Verb)
@choose_repository
@click.pass_obj
def export_key(settings: Settings, *, repository: str | None) -> int:
    """Write the master key for paper; whoever reads the paper can read every backup."""
    from shardvault import app
    from shardvault.cli.page_key import describe_paper

    write_report(app.export_key(settings.config, repository=repository), settings, describe_paper)
    return 0


@key.command("recover", cls=Verb)
@click.option("--label", required=True, metavar="TEXT", help="Label of the new key; required.")
@click.option("--out", required=True, metavar="FILE", help="Make a key file there; required.")
@click.argument("paper", metavar="FILE")
@choose_repository
@click.pass_obj
def recover_key(
    settings: Settings, label: str, out: str, paper: str, *, repository: str | None
) -> int:
    """Make a key file from the lines that `key export` printed.

    FILE holds the numbered lines, typed from the paper; - is standard input.
    """
    from shardvault import app
    from shardvault.cli.page_key import describe_change

    report = app.recover_key(read_text(paper), label, out, settings.config, repository=repository)
    write_outcome(report, settings, describe_change)
    return 0


@key.command("identity", cls=Verb)
@click.argument("file", metavar="FILE")
@click.pass_obj
def make_identity(settings: Settings, file: str) -> int:
    """Make an identity file, and print its public recipient for `key add --recipient`."""
    from shardvault import app
    from shardvault.cli.page_key import describe_identity

    write_report(app.make_identity(file), settings, describe_identity)
    return 0


def _closer(
    *,
    file: str | None,
    passphrase: bool,
    passphrase_file: str | None,
    recipient: str | None,
    has_command: bool,
    words: Sequence[str],
) -> dict[str, Any]:
    """Say what the options ask for, as ``app.add_key`` takes it."""
    if bool(words) != has_command:
        raise UsageError("--command and the words after -- need each other")
    kinds = (file, passphrase, passphrase_file, recipient, has_command)
    if sum(map(bool, kinds)) != 1:
        raise UsageError(
            "say what kind of key, once",
            hint="one of --file, --passphrase, --passphrase-file, --recipient, --command",
        )
    asked: Callable[[], str] | None = None
    if passphrase:
        asked = ask_new_passphrase
    elif passphrase_file is not None:
        text = read_text(passphrase_file, is_secret=True).rstrip("\r\n")
        asked = lambda: text  # noqa: E731
    return {"file": file, "passphrase": asked, "recipient": recipient, "command": words}
