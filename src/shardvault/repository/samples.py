"""Choose which packs are read when not all are, so that after some turns all were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from shardvault.errors import StorageError
from shardvault.repository.private_folders import make_private_folder

_PREFIX_BYTES = 8


@dataclass(frozen=True)
class Sample:
    """Choose one of so many equal parts; a pack's id says in which part it is.

    Attributes:
        parts: number of turns in which every pack is read once.
        turn: number of this one; any number.
    """

    parts: int = 1
    turn: int = 0

    def has(self, pack: bytes) -> bool:
        """Say whether the pack is read in this turn."""
        return int.from_bytes(pack[:_PREFIX_BYTES], "big") % self.parts == self.turn % self.parts


class TurnMemory:
    """Remember on this computer which part of a repository was read last.

    Args:
        path: a small file in a private folder that exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def choose(self, percent: float) -> Sample:
        """Return the sample whose turn it is; the first if nothing is remembered.

        Args:
            percent: above 0; 10 reads every pack once in ten turns.
        """
        return Sample(math.ceil(100 / percent), self._recall())

    def finish(self, sample: Sample) -> None:
        """Let the next sample follow this one; raises StorageError."""
        try:
            make_private_folder(self._path.parent)
            self._path.touch(0o600)
            self._path.write_text(str(sample.turn + 1))
        except OSError as error:
            raise StorageError(
                f"cannot remember in {self._path} what was read: {error.strerror}",
                hint="make the folder writable, or name another with SHARDVAULT_STATE",
            ) from error

    def _recall(self) -> int:
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return 0
