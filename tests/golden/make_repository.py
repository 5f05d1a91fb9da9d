"""Make the golden repository of a new format version: python -m tests.golden.make_repository.

It refuses to touch one that is there: a stored repository is never edited.
"""

from __future__ import annotations

import os
from pathlib import Path

from shardvault.repository.format import FORMAT_VERSION, IDENTITY_PREFIX
from shardvault.repository.keyfiles import create_private_line
from shardvault.repository.openers import Identity, PassphraseSecret
from shardvault.repository.sources import read_source_file
from shardvault.repository.store import create_repository, open_for_source
from shardvault.storage import open_storage
from tests.support.repositories import add_backup

BACKUP = "20261122T113000Z-full"
SOURCE_BACKUP = "20261122T120000Z-full"
SOURCE_ROWS = [b"rows that a source added", b"more of them"]
PASSPHRASE = "golden paßphrase"


def make_golden(folder: Path) -> None:
    """Make a repository with a slot of each kind of key, and a backup of each kind of author."""
    folder.mkdir()
    storage = open_storage(str(folder / "repository"))
    repository = create_repository(storage, folder / "repo.key")
    add_backup(repository, BACKUP)
    identity = os.urandom(32)
    create_private_line(folder / "identity", IDENTITY_PREFIX, identity)
    chain = repository.keychain()
    chain.add(Identity(identity), "offline")
    chain.add(PassphraseSecret(PASSPHRASE), "safe")
    chain.add_source("web1", folder / "source")
    source = open_for_source(storage, read_source_file(folder / "source"), folder / "state")
    add_backup(source, SOURCE_BACKUP, SOURCE_ROWS)


if __name__ == "__main__":
    make_golden(Path(__file__).parent / f"repository-v{FORMAT_VERSION}")
