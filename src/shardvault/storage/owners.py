"""Describe stores that can tell whether an owner still lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from shardvault.interfaces import Storage

Release = Callable[[], None]


class OwnedStorage(Storage, Protocol):
    """Add locks that end with their process to a store."""

    def hold(self, name: str, note: bytes) -> Release | None:
        """Take the lock of that name at once, or return None if another owner has it.

        The lock ends when the returned function is called or the process dies,
        whichever is first. Call that function once.

        Args:
            note: what ``holder`` tells others meanwhile; kept if there is space for it.
        """

    def holder(self, name: str) -> bytes:
        """Return the note of the present owner; empty if there is none or it is unknown."""

    def make_reserve(self) -> None:
        """Occupy a little space, if there is any, so that a full store can still be pruned."""

    def spend_reserve(self) -> None:
        """Give that space up."""

    def sweep(self) -> int:
        """Remove what interrupted writes left behind [bytes]; call it only as sole writer."""
