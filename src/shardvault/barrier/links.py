"""Open and close the connections that one shard needs for a cut."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from shardvault.barrier.limits import SETUP_LIMIT_S
from shardvault.barrier.locks import LockStatements, lock_statements
from shardvault.errors import PrivilegeError
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.model.target import Shard
from shardvault.mysql.session import Session

_OPENING_THREADS = 16


@dataclass(eq=False)
class Link:
    """Hold the connections to one shard, all opened before any lock.

    Attributes:
        locker: takes and releases the blocking lock, does nothing else; never a snapshot.
        guard: takes the first phase; the locker itself on MariaDB, a connection of its own on
            MySQL, where protection from DDL outlives the barrier.
        observer: reads positions and processes, and kills a lock that is pending too long.
        snapshots: the sessions that become the snapshots.
        server_ids: ``CONNECTION_ID()`` of locker and guard when they were set up.
    """

    shard: ShardName
    locks: LockStatements
    locker: Session
    guard: Session
    observer: Session
    snapshots: tuple[Session, ...]
    server_ids: dict[Session, bytes | None] = field(default_factory=dict)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Give every connection once; those that hold locks come first."""
        guard = () if self.guard is self.locker else (self.guard,)
        return (self.locker, *guard, *self.snapshots, self.observer)

    def abort_all_but_observer(self) -> None:
        """Cut off every connection but the observer's; the server drops what they held."""
        for session in self.sessions:
            if session is not self.observer:
                session.abort()

    def abort(self) -> None:
        """Cut off every connection."""
        for session in self.sessions:
            session.abort()


OpenSession = Callable[[Shard], Session]


def open_session(shard: Shard) -> Session:
    """Connect to the shard's primary."""
    return Session.open(shard.primary, shard.login, shard=shard.name)


def open_link(shard: Shard, snapshots: int, connect: OpenSession = open_session) -> Link:
    """Open every connection of one shard; all or none.

    Raises:
        ConnectError: a connection failed; those before it are closed.
    """
    with contextlib.ExitStack() as undo:

        def opened() -> Session:
            session = connect(shard)
            undo.callback(session.close)
            return session

        observer, locker = opened(), opened()
        guard = opened() if locker.family is Family.MYSQL else locker
        link = Link(
            shard=shard.name,
            locks=lock_statements(locker.family, locker.version),
            locker=locker,
            guard=guard,
            observer=observer,
            snapshots=tuple(_out_of_binlog(opened()) for _ in range(snapshots)),
        )
        undo.pop_all()
    return link


def _out_of_binlog(session: Session) -> Session:
    """Take a MariaDB session out of the binlog, if its login may do that.

    A snapshot that takes part in the binlog keeps the metadata lock of every table it has
    read, also behind ROLLBACK TO SAVEPOINT: an ALTER, and all new statements on its table
    behind it, would wait for the end of the dump (measured on 10.11 and 11.8).
    """
    if session.family is Family.MARIADB:
        session.set_read_timeout(SETUP_LIMIT_S)
        with contextlib.suppress(PrivilegeError):
            session.rows("SET SESSION sql_log_bin = 0")
    return session


@contextlib.contextmanager
def opened_links(
    shards: Sequence[Shard], snapshots: int, connect: OpenSession = open_session
) -> Iterator[tuple[Link, ...]]:
    """Open the links of all shards at once; on any error every one is cut off.

    Raises:
        ConnectError: of the first shard that failed, in the order given.
    """
    links: list[Link] = []
    try:
        with ThreadPoolExecutor(min(len(shards), _OPENING_THREADS)) as pool:
            tasks = [pool.submit(open_link, shard, snapshots, connect) for shard in shards]
        links += [task.result() for task in tasks if task.exception() is None]
        for task in tasks:
            task.result()
        yield tuple(links)
    except BaseException:
        for link in links:
            link.abort()
        raise
