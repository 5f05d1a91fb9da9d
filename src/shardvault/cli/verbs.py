"""Define what commands have in common: global options, help, and "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from shardvault.cli.output import write_text
from shardvault.cli.settings import GlobalOption, global_options
from shardvault.errors import UsageError
from shardvault.urls import display_url

_ANY_BYTES = ("FILE", "[-- PROGRAM ARGUMENT…]")
"""What stands for the name of a file, or for words of another program."""


class Verb(click.Command):
    """Take the global options after the command's name as well."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes, add_help_option=False)
        self.params += [*global_options(with_environment=False), _help_option()]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, once every word is known to be text; names of files need not be."""
        for param in self.params:
            if getattr(param, "metavar", None) not in _ANY_BYTES:
                _refuse_broken_text(param, ctx.params.get(str(param.name)))
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options and then, apart, the global ones."""
        _write_options(self, ctx, formatter)


class Topic(click.Group):
    """Hold commands in the order in which one meets them, as those of ``key``."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes, add_help_option=False, no_args_is_help=False)
        self.params += [*global_options(with_environment=self.is_outermost), _help_option()]

    is_outermost = False
    """Say whether the environment sets the global options here."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, the global ones apart, and then the commands."""
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """List the commands as they were added."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; raises UsageError that offers the nearest one."""
        name = args[0]
        if name not in self.commands and not ctx.resilient_parsing:
            raise UsageError(f"unknown command {name!r}", hint=_suggest(name, self.commands))
        return super().resolve_command(ctx, args)


class Program(Topic):
    """Hold all commands and topics."""

    is_outermost = True


def _refuse_broken_text(param: click.Parameter, value: Any) -> None:
    words = value if isinstance(value, tuple) else (value,)
    for word in words:
        if isinstance(word, str) and ("\0" in word or not _is_text(word)):
            name = param.opts[0] if isinstance(param, click.Option) else str(param.metavar)
            raise UsageError(
                f"{name} {display_url(word)!r}: not UTF-8 text", hint="write it in UTF-8"
            )


def _is_text(word: str) -> bool:
    """Say whether a word was text; the shell can hand over any bytes."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def _write_options(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    options = [param for param in command.params if isinstance(param, click.Option)]
    own = [option for option in options if not isinstance(option, GlobalOption)]
    shared: list[click.Option] = [option for option in options if isinstance(option, GlobalOption)]
    for title, options in (("Options", own), ("Global options", shared)):
        records = [record for option in options if (record := option.get_help_record(ctx))]
        with formatter.section(title):
            formatter.write_dl(records)


def _suggest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"commands are: {', '.join(known)}"


def _help_option() -> click.Option:
    return click.Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        help="Print this help.",
    )


def _show_help(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        write_text(context.get_help())
        context.exit()
