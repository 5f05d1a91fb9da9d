"""Create things that may need one another, in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from shardvault.errors import PrivilegeError, ServerError

_Thing = TypeVar("_Thing")
Refused = ServerError | PrivilegeError


def try_all(
    things: Sequence[_Thing], attempt: Callable[[_Thing], None]
) -> list[tuple[_Thing, Refused]]:
    """Try each in turn; those refused are tried again as long as another one succeeds.

    Returns:
        what was refused to the end, with the last refusal, in the order given.
    """
    refused: list[tuple[_Thing, Refused]] = []
    waiting = list(things)
    while waiting:
        refused = _try_each(waiting, attempt)
        if len(refused) == len(waiting):
            break
        waiting = [thing for thing, _ in refused]
    return refused


def _try_each(
    things: Sequence[_Thing], attempt: Callable[[_Thing], None]
) -> list[tuple[_Thing, Refused]]:
    refused = []
    for thing in things:
        try:
            attempt(thing)
        except (ServerError, PrivilegeError) as error:
            refused.append((thing, error))
    return refused
