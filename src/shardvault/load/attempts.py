"""Create things that may need one another, in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from shardvault.errors import ServerError

_Thing = TypeVar("_Thing")


def try_all(
    things: Sequence[_Thing], attempt: Callable[[_Thing], None]
) -> list[tuple[_Thing, ServerError]]:
    """Try each in turn; those refused are tried again as long as another one succeeds.

    Returns:
        what was refused to the end, with the last refusal, in the order given.
    """
    refused: list[tuple[_Thing, ServerError]] = []
    waiting = list(things)
    while waiting:
        refused = _try_each(waiting, attempt)
        if len(refused) == len(waiting):
            break
        waiting = [thing for thing, _ in refused]
    return refused


def _try_each(
    things: Sequence[_Thing], attempt: Callable[[_Thing], None]
) -> list[tuple[_Thing, ServerError]]:
    refused = []
    for thing in things:
        try:
            attempt(thing)
        except ServerError as error:
            refused.append((thing, error))
    return refused
