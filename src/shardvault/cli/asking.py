"""Take secrets and texts from the terminal, standard input or a file, never from an argument."""

from __future__ import annotations

import sys

import click

from shardvault.cli.escape import escape
from shardvault.cli.settings import Settings
from shardvault.errors import RefusedError, UsageError

_MOST_BYTES = 64 << 10
_SHORTEST_PASSPHRASE = 12


def ask_new_passphrase() -> str:
    """Ask for a passphrase twice, unseen.

    Raises:
        UsageError: there is no terminal, they differ, or it is too short.
    """
    from getpass import getpass

    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to ask for a passphrase", hint="name a file with --passphrase-file"
        )
    first = getpass("new passphrase: ")
    if len(first) < _SHORTEST_PASSPHRASE:
        raise UsageError(
            f"a passphrase needs at least {_SHORTEST_PASSPHRASE} characters",
            hint="take several random words",
        )
    if getpass("the same again: ") != first:
        raise UsageError("the passphrases differ; nothing was changed")
    return first


def confirm(settings: Settings, question: str, *, kept: str = "nothing was changed") -> None:
    """Ask before something that cannot be undone, unless ``--yes`` was given.

    Args:
        kept: what to say after a no.

    Raises:
        UsageError: nobody is there to ask.
        RefusedError: the answer is no.
    """
    require_answer(settings)
    if not settings.yes and not click.confirm(escape(question), err=True):
        raise RefusedError(f"not confirmed; {kept}")


def require_answer(settings: Settings) -> None:
    """Make sure that ``--yes`` was given or somebody can be asked; raises UsageError."""
    if not (settings.yes or is_terminal()):
        raise UsageError("nobody is there to ask", hint="add --yes")


def is_terminal() -> bool:
    """Say whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def read_text(path: str, *, is_secret: bool = False) -> str:
    """Read a small text; ``-`` is standard input.

    Args:
        is_secret: refuse a file that others can read.

    Raises:
        UsageError: it cannot be read, is open to others, too long or no text.
    """
    from shardvault.config.secrets import read_file, refuse_foreign_access

    if path == "-":
        data = sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        data, mode = read_file(path, "arguments")
        if is_secret:
            refuse_foreign_access(path, mode, "arguments")
    try:
        text = data[:_MOST_BYTES].decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text") from None
    if len(data) > _MOST_BYTES or (is_secret and not text.strip()):
        raise UsageError(f"{path}: empty, or larger than {_MOST_BYTES} bytes")
    return text
