"""Append to a repository's log as many commands would, one after the other: a child of tests.

Arguments: folder of the repository, key file, state folder, number of commands.
"""

from __future__ import annotations

import sys
from pathlib import Path

from shardvault.errors import ShardvaultError
from shardvault.repository.entries import Held
from shardvault.repository.heads import HeadMemory
from shardvault.repository.keyfiles import read_key_file
from shardvault.repository.store import open_repository
from shardvault.storage.local import LocalStorage


def append_often(repository: Path, key: Path, state: Path, times: int) -> int:
    """Open the repository and append one entry, so many times; return an exit code."""
    for _ in range(times):
        memory = HeadMemory(state / "heads", str(repository))
        try:
            opened = open_repository(LocalStorage(repository), read_key_file(key), memory=memory)
            opened.log.append(lambda _: Held("one", "why"))
        except ShardvaultError as error:
            print(error, flush=True)
            return error.exit_code
    return 0


if __name__ == "__main__":
    repository, key, state, times = sys.argv[1:]
    sys.exit(append_often(Path(repository), Path(key), Path(state), int(times)))
