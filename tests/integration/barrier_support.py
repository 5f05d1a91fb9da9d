"""What the tests of the barrier share: shards, sinks, writers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from shardvault.barrier import BarrierLimits, Cut, take_cut
from shardvault.errors import ServerError
from shardvault.events import Event
from shardvault.model.ids import ShardName
from shardvault.model.target import Endpoint, Login, Shard
from shardvault.mysql.session import Session
from tests.support.servers import Instance

WAIT_LIMIT_S = 30.0
LEASE_S = 2
ONCE = BarrierLimits(attempts=1, gentle_s=1.5)


class ListSink:
    def __init__(self, react: Callable[[Event], None] | None = None) -> None:
        self.events: list[Event] = []
        self._react = react

    def emit(self, event: Event) -> None:
        self.events.append(event)
        if self._react is not None:
            self._react(event)


def shard_of(name: str, instance: Instance) -> Shard:
    login = Login(instance.user, lambda: instance.password)
    return Shard(ShardName(name), Endpoint(socket=instance.socket), login)


def shards_of(instances: Mapping[str, Instance]) -> list[Shard]:
    return [shard_of(name, instance) for name, instance in instances.items()]


def session_of(instance: Instance) -> Session:
    shard = shard_of("test", instance)
    return Session.open(shard.primary, shard.login, shard="test", read_timeout_s=WAIT_LIMIT_S)


@contextmanager
def cut_of(
    shards: Sequence[Shard], limits: BarrierLimits = ONCE, *, snapshots: int = 1, **options: Any
) -> Iterator[Cut]:
    options.setdefault("sink", ListSink())
    cut = take_cut(shards, snapshots_per_shard=snapshots, limits=limits, **options)
    try:
        yield cut
    finally:
        cut.close()


def make_schema(instance: Instance, schema: str, *statements: str) -> None:
    with session_of(instance) as session:
        for statement in (
            f"DROP DATABASE IF EXISTS {schema}",
            f"CREATE DATABASE {schema}",
            f"USE {schema}",
            *statements,
        ):
            session.execute(statement)


@contextmanager
def running(instance: Instance, statement: str) -> Iterator[int]:
    """Keep a statement running on a connection of its own; give the connection's id."""
    with session_of(instance) as runner, session_of(instance) as watcher:
        runner.send(statement)
        number = runner.connection_id
        wait_until(lambda: is_executing(watcher, number))
        try:
            yield number
        finally:
            watcher.execute(f"KILL {number}")


def is_executing(watcher: Session, number: int) -> bool:
    """Say whether a statement has run for a second, so that it counts as long."""
    rows = watcher.rows("SHOW PROCESSLIST")
    return any(int(row[0] or 0) == number and int(row[5] or 0) >= 1 for row in rows)


def client_ids(instance: Instance) -> set[int]:
    """Give the ids of all connections that clients hold, but for the one that asks."""
    with session_of(instance) as session:
        rows = session.rows("SHOW PROCESSLIST")
        clients = {
            int(row[0] or 0) for row in rows if row[1] not in (b"system user", b"event_scheduler")
        }
        return clients - {session.connection_id}


def end_statements(instance: Instance) -> None:
    """End what a test left running: a server goes on with a statement whose client is gone."""
    with session_of(instance) as session:
        for number in client_ids(instance) - {session.connection_id}:
            with suppress(ServerError):  # it has ended by itself
                session.execute(f"KILL {number}")
    wait_until(lambda: not client_ids(instance))


def wait_until(is_so: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(int(WAIT_LIMIT_S / 0.02)):
        if is_so():
            return
        tick.wait(0.02)
    raise AssertionError("it did not come about in time")


class ChainWriter(threading.Thread):
    """Write 1, 2, 3 … to the shards in turn, each only after the one before was acknowledged."""

    def __init__(self, instances: Sequence[Instance], table: str) -> None:
        super().__init__(daemon=True)
        self._instances = instances
        self._table = table
        self._stop_asked = threading.Event()
        self.acknowledged = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            sessions = [session_of(instance) for instance in self._instances]
            while not self._stop_asked.is_set():
                number = self.acknowledged + 1
                session = sessions[number % len(sessions)]
                session.execute(f"INSERT INTO {self._table} VALUES ({number})")
                self.acknowledged = number
            for session in sessions:
                session.close()
        except BaseException as error:
            self.error = error

    def __enter__(self) -> ChainWriter:
        self.start()
        wait_until(lambda: self.acknowledged > 20 or self.error is not None)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_asked.set()
        self.join(WAIT_LIMIT_S)
        if self.error is not None:
            raise self.error
