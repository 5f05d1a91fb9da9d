"""Write the references of commands and exit codes from the code.

Run ``python -m shardvault.cli.reference`` in the project's folder; it writes
docs/reference/commands.md and docs/reference/exit-codes.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path

import click

from shardvault import errors
from shardvault.cli.failure import InternalError
from shardvault.cli.program import COMMANDS, program
from shardvault.cli.settings import GlobalOption
from shardvault.errors import ShardvaultError

FOLDER = Path("docs/reference")

_COMMANDS_HEAD = """\
# Commands

<!-- Made from src/shardvault/cli; change it there, then run
     python -m shardvault.cli.reference -->

`shardvault [global options] COMMAND [options]`. Global options may stand before the command's
name or after it; of several the later one wins, and every one wins over its environment variable.

With `--format json` the report is one JSON object, on the last line of standard output; its fields
are those of the dataclasses in `shardvault.model.report`, which the Python API returns too. An
error is `{"error": {"kind", "message", "shard", "table", "hint", "exit_code"}}` there. Progress
goes to standard error: bars on a terminal, else a line at most every 5 s, and with
`--format json` one JSON object per line. [Exit codes](exit-codes.md) have their own page.

Names that hold control characters are printed with escapes, as `\\n` or `\\x1b`; tables shorten
long names in the middle, JSON has them in full.

## Global options

| option | environment | meaning |
|---|---|---|
"""

_CODES_HEAD = """\
# Exit codes

<!-- Made from src/shardvault/errors.py and src/shardvault/cli/reference.py, then run
     python -m shardvault.cli.reference -->

Codes are stable: a program may rely on them.

| code | meaning | errors |
|---|---|---|
"""

MEANINGS = {
    0: "done; `check` also with warnings",
    1: "failed, or refused before anything was changed; `restore --dry-run` with a blocker",
    2: "the command line or the configuration is wrong",
    3: "finished, but with findings: `check` with a blocker, `list` with an unreadable manifest, "
    "`key list` with a key that is not sound, `repo probe` of a store that is unfit, `repo stats` "
    "with a backup that cannot be counted, `verify` of a sound backup if a repository was passed "
    "over, `restore` with warnings, helped by a copy, or if `--skip-damaged` left something out",
    10: "no repository",
    11: "the repository is locked",
    12: "wrong key",
    13: "no connection, or a privilege is missing",
    15: "damage: `verify`, or a restore whose contents are not those of the backup",
    130: "interrupted, by Ctrl-C or SIGTERM; locks were given back",
}


def render_commands() -> str:
    """Write the reference of every command and option, as Markdown."""
    shared = (option for option in program.params if isinstance(option, GlobalOption))
    head = _COMMANDS_HEAD + "".join(map(_render_global, shared))
    return "\n".join([head, *(_render_command(*found) for found in _list_commands(COMMANDS))])


def render_exit_codes() -> str:
    """Write the reference of exit codes, as Markdown."""
    kinds = _list_kinds()
    rows = []
    for code, meaning in MEANINGS.items():
        names = ", ".join(f"`{kind.__name__}`" for kind in kinds if kind.exit_code == code)
        rows.append(f"| {code} | {meaning} | {names} |\n")
    details = "".join(map(_render_kind, kinds))
    kinds_head = "\n## Errors\n\n| error | code | meaning |\n|---|---|---|\n"
    return _CODES_HEAD + "".join(rows) + kinds_head + details


def _render_global(option: click.Option) -> str:
    return f"| {_spell(option)} | `{option.envvar}` | {option.help} |\n"


def _list_commands(
    commands: Iterable[click.Command], topic: str = ""
) -> Iterator[tuple[str, click.Command]]:
    """Give each command with its words, those of a topic behind one another."""
    for command in commands:
        words = f"{topic}{command.name}"
        if isinstance(command, click.Group):
            yield from _list_commands(command.commands.values(), f"{words} ")
        else:
            yield words, command


def _render_command(name: str, command: click.Command) -> str:
    own = [p for p in command.params if not isinstance(p, GlobalOption) and p.name != "help"]
    words = [name, *(str(p.metavar) for p in own if isinstance(p, click.Argument))]
    text = f"## {name}\n\n    shardvault {' '.join(words)}\n\n{cleandoc(command.help or '')}\n"
    options = [p for p in own if isinstance(p, click.Option)]
    if options:
        text += "\n| option | meaning |\n|---|---|\n"
        text += "".join(f"| {_spell(option)} | {option.help} |\n" for option in options)
    return text


def _spell(option: click.Option) -> str:
    value = option.metavar or "|".join(getattr(option.type, "choices", ()))
    names = ", ".join(f"`{name}`" for name in option.opts)
    return f"{names} `{value}`".replace("|", "\\|") if value else names


def _render_kind(kind: type[ShardvaultError]) -> str:
    meaning = "Any error of shardvault." if kind is ShardvaultError else _first_line(kind)
    return f"| `{kind.__name__}` | {kind.exit_code} | {meaning} |\n"


def _first_line(kind: type[ShardvaultError]) -> str:
    words = (kind.__doc__ or "").strip().splitlines()[0]
    words = words.removeprefix("Report ").removeprefix("that ")
    return words[:1].upper() + words[1:]


def _list_kinds() -> list[type[ShardvaultError]]:
    """List every error that a program may meet, in the order of the source."""
    values = (*vars(errors).values(), InternalError)
    return [kind for kind in values if isinstance(kind, type) and issubclass(kind, ShardvaultError)]


def write_references(folder: Path = FOLDER) -> None:
    """Write both files."""
    for name, text in (("commands", render_commands()), ("exit-codes", render_exit_codes())):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_references()
