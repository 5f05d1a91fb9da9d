"""Turn the keys that a configuration or a user names into what opens or closes a slot."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shardvault.config.key_command import run_key_command
from shardvault.config.schema import KeySection
from shardvault.config.secrets import open_secret
from shardvault.errors import UsageError
from shardvault.repository.format import IDENTITY_PREFIX, KEY_BYTES, RECIPIENT_PREFIX
from shardvault.repository.heads import HeadMemory
from shardvault.repository.keyfiles import (
    create_key_file,
    read_key_file,
    read_private_line,
    read_public_line,
)
from shardvault.repository.openers import (
    Closer,
    CommandSecret,
    FileSecret,
    Identity,
    PassphraseSecret,
    Recipient,
)

Secret = FileSecret | PassphraseSecret | Identity | CommandSecret
STATE_VARIABLE = "SHARDVAULT_STATE"


@dataclass(frozen=True)
class NewKey:
    """Say what a new slot is closed with; exactly one of the fields.

    Attributes:
        file: where a new key file is made.
        passphrase: gives the passphrase; it may ask for it.
        recipient: file that holds the public key of an identity.
        command: program and arguments that print a key.
    """

    file: str | None = None
    passphrase: Callable[[], str] | None = field(default=None, repr=False)
    recipient: str | None = None
    command: Sequence[str] = ()


def open_key(section: KeySection, where: str) -> Secret:
    """Get the configured key; raises UsageError, ConfigError if it cannot be had."""
    if section.file is not None:
        return FileSecret(read_key_file(Path(section.file)))
    if section.passphrase is not None:
        return PassphraseSecret(open_secret(section.passphrase, where)())
    if section.identity is not None:
        return read_identity(Path(section.identity))
    if section.command is not None:
        return CommandSecret(run_key_command(section.command, where))
    raise UsageError(
        "a source can add backups and do nothing else",
        hint="use a configuration whose repository.key opens the repository",
    )


def read_identity(path: Path) -> Identity:
    """Read an identity file; raises UsageError."""
    return Identity(read_private_line(path, IDENTITY_PREFIX, KEY_BYTES, "identity file"))


@contextlib.contextmanager
def new_closer(key: NewKey) -> Iterator[Closer]:
    """Make what closes a new slot; a key file that was made is removed if the slot fails.

    Raises:
        UsageError: not exactly one kind was asked for, or it cannot be had.
    """
    wanted = [name for name, value in vars(key).items() if value]
    if len(wanted) != 1:
        raise UsageError(f"a key is of one kind, not of {len(wanted)}: {', '.join(wanted)}")
    if key.file is None:
        yield _closer(key)
        return
    path = Path(key.file)
    closer = FileSecret(create_key_file(path, secrets.token_bytes))
    try:
        yield closer
    except BaseException:
        path.unlink()
        raise


def _closer(key: NewKey) -> Closer:
    if key.passphrase is not None:
        return PassphraseSecret(key.passphrase())
    if key.recipient is not None:
        path = Path(key.recipient)
        return Recipient(read_public_line(path, RECIPIENT_PREFIX, KEY_BYTES, "recipient file"))
    return CommandSecret(run_key_command(key.command, "new key"))


def state_folder() -> Path:
    """Return the folder in which this computer remembers repositories; it need not exist.

    Raises:
        UsageError: no variable names it, and there is no home folder.
    """
    if named := os.environ.get(STATE_VARIABLE):
        return Path(named)
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base) / "shardvault"
    try:
        return Path.home() / ".local" / "state" / "shardvault"
    except RuntimeError:
        raise UsageError(
            "the home folder is unknown, and with it where this computer remembers repositories",
            hint=f"name a private folder in the environment variable {STATE_VARIABLE}",
        ) from None


def remember_heads(url: str) -> HeadMemory:
    """Return what this computer remembers of the repository at a place."""
    return HeadMemory(state_folder() / "heads", url)
