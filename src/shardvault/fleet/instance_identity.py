"""Find out, by asking live, which connections lead to one and the same server instance.

Settings do not identify an instance: a server_id can be changed while it runs, a copied data
folder has the same server_uuid, and one server answers under many addresses. A user lock lives
in the memory of one server process: only a connection to the same process sees who holds it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from shardvault.errors import ServerError
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Session

_PREFIX = "shardvault-"
_RANDOM_BYTES = 16

_Key = TypeVar("_Key")


def are_same_instance(one: Session, other: Session) -> bool:
    """Say whether two connections lead to the same server process.

    Needs no privilege; takes and releases one user lock with a random name.

    Args:
        one: in any state; the lock is taken here.
        other: in any state.

    Raises:
        ConnectError: a connection was lost.
        ServerError: the lock was not given.
    """
    with _held_lock(one) as name:
        return name in _seen_locks(other, [name])


def group_instances(sessions: Mapping[_Key, Session]) -> tuple[tuple[_Key, ...], ...]:
    """Group connections by the server process that they lead to.

    Args:
        sessions: connections by any key, for example a shard's name.

    Returns:
        the keys of each instance in the order given; one group per instance.

    Raises:
        ConnectError: a connection was lost.
        ServerError: a lock was not given.
    """
    if len(sessions) < 2:
        return tuple((key,) for key in sessions)
    with ExitStack() as locks:
        names = {key: locks.enter_context(_held_lock(one)) for key, one in sessions.items()}
        groups: dict[frozenset[str], list[_Key]] = {}
        for key, session in sessions.items():
            groups.setdefault(_seen_locks(session, list(names.values())), []).append(key)
    return tuple(tuple(group) for group in groups.values())


@contextmanager
def _held_lock(session: Session) -> Iterator[str]:
    name = _PREFIX + secrets.token_hex(_RANDOM_BYTES)
    if session.text(f"SELECT GET_LOCK({quote_text(name)}, 0)") != "1":
        raise ServerError(
            "the server gives no user lock, so it cannot be identified",
            shard=session.shard,
            hint="connect to the instance directly, not through a proxy",
        )
    try:
        yield name
    finally:
        session.execute(f"DO RELEASE_LOCK({quote_text(name)})")


def _seen_locks(session: Session, names: Sequence[str]) -> frozenset[str]:
    """Name the locks that are held on the instance of this session."""
    asked = ", ".join(f"IS_USED_LOCK({quote_text(name)})" for name in names)
    row = session.rows(f"SELECT {asked}")[0]
    return frozenset(name for name, holder in zip(names, row, strict=True) if holder is not None)
