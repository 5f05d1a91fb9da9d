"""Define the options that every command takes, before its name, after it or by environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource


@dataclass
class Settings:
    """Collect the global options while the command line is read; the later one wins."""

    config: str | None = None
    format: str = "table"
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    no_progress: bool = False
    threads: int | None = None
    yes: bool = False

    @property
    def wants_json(self) -> bool:
        """Say whether the report goes out as JSON."""
        return self.format == "json"


class GlobalOption(click.Option):
    """Mark an option that goes into the settings instead of into the command."""


_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("-c", "--config"),
        {
            "type": click.Path(),
            "metavar": "FILE",
            "help": "Configuration; without it ./shardvault.yaml, then "
            "/etc/shardvault/shardvault.yaml.",
        },
    ),
    (
        ("--format",),
        {
            "type": click.Choice(["table", "json"]),
            "help": "Print the report as a table (default) or as one JSON object.",
        },
    ),
    (("-q", "--quiet"), {"is_flag": True, "help": "Print only the report and errors."}),
    (
        ("-v", "--verbose"),
        {"is_flag": True, "help": "After an internal error print where in the program it arose."},
    ),
    (
        ("--color",),
        {
            "type": click.Choice(["auto", "always", "never"]),
            "help": "Color the output; auto (default) does it on a terminal.",
        },
    ),
    (("--no-progress",), {"is_flag": True, "help": "Print no progress, only notices."}),
    (
        ("-j", "--threads"),
        {"type": click.IntRange(min=1), "metavar": "N", "help": "Limit the number of threads."},
    ),
    (
        ("-y", "--yes"),
        {"is_flag": True, "help": "Answer yes; never stands in for typing a fleet's name."},
    ),
)


def global_options(*, with_environment: bool) -> list[click.Option]:
    """Build the global options once more.

    Args:
        with_environment: let ``SHARDVAULT_…`` variables set them; true only before the
            command's name, so that the environment never wins over a word.
    """
    options: list[click.Option] = []
    for names, attributes in _OPTIONS:
        option = GlobalOption(names, expose_value=False, callback=_store, **attributes)
        if with_environment:
            option.envvar = f"SHARDVAULT_{str(option.name).upper()}"
            option.show_envvar = True
        options.append(option)
    return options


def _store(context: click.Context, option: click.Parameter, value: Any) -> None:
    name = str(option.name)
    if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
        setattr(context.obj, name, value)
