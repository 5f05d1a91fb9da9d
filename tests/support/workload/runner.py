"""Run all clients against a fleet until the time is over or somebody says stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import pymysql

from shardvault.model.target import Endpoint
from tests.support.workload.board import Board
from tests.support.workload.clients import Client, CounterClient, TicketClient, TransferClient
from tests.support.workload.schema import SCHEMA, connect

MARK_EVERY_S = 0.1
END_LIMIT_S = 10.0

Connect = Callable[[Endpoint], pymysql.Connection]


class Run:
    """Hold one run of the workload; it goes on where an earlier run on the same data ended."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        user: str,
        password: str,
        clients: int,
        log: TextIO,
        tolerates_loss: bool = False,
    ) -> None:
        """Connect every client.

        Args:
            endpoints: one per shard, in the order in which the bank was created.
            clients: how many clients do transfers at once; one more writes the tickets
                and one per shard its counter.
            log: takes JSON lines.
            tolerates_loss: go on without a shard whose server has gone.
        """
        self._endpoints = dict(enumerate(endpoints))
        self._login = (user, password)
        self._board = Board(log, tolerates_loss=tolerates_loss)
        self._clients: list[Client] = [self._ticket_client()]
        self._clients += [self._counter_client(shard) for shard in self._endpoints]
        self._clients += [self._transfer_client() for _ in range(clients)]

    def stop(self) -> None:
        """Let every client finish its write and end; may be called from a signal handler."""
        self._board.stopping.set()

    def run(self, seconds: float | None) -> dict[str, Any]:
        """Write until the time is over [s] or ``stop`` is called; return the report."""
        deadline = None if seconds is None else time.monotonic() + seconds
        self._board.begin()
        for client in self._clients:
            client.start()
        while deadline is None or time.monotonic() < deadline:
            if self._board.stopping.wait(MARK_EVERY_S):
                break
            self._board.mark()
        self.stop()
        self._join()
        report = self._board.report()
        self._board.note("report", time.monotonic(), **report)
        return report

    def _join(self) -> None:
        deadline = time.monotonic() + END_LIMIT_S
        for client in self._clients:
            client.join(max(0.0, deadline - time.monotonic()))
        unfinished = [client.name for client in self._clients if client.is_alive()]
        if unfinished:
            self._board.fail(f"no answer after {END_LIMIT_S:.0f} s: {', '.join(unfinished)}")

    def _connect(self, shard: int) -> pymysql.Connection:
        return connect(self._endpoints[shard], *self._login)

    def _connect_all(self) -> dict[int, pymysql.Connection]:
        return {shard: self._connect(shard) for shard in self._endpoints}

    def _ticket_client(self) -> Client:
        connections = self._connect_all()
        query = f"SELECT COALESCE(MAX(n), 0) FROM {SCHEMA}.tickets"
        last = max(_read_number(connection, query) for connection in connections.values())
        return TicketClient(self._board, connections, self._board.open_tally("ticket", last=last))

    def _counter_client(self, shard: int) -> Client:
        connection = self._connect(shard)
        query = f"SELECT COALESCE(MAX(k), -1) FROM {SCHEMA}.counters WHERE client = {shard}"
        tally = self._board.open_tally("counter", shard=shard, last=_read_number(connection, query))
        return CounterClient(self._board, {shard: connection}, tally)

    def _transfer_client(self) -> Client:
        return TransferClient(self._board, self._connect_all(), self._board.open_tally("transfer"))


def _read_number(connection: pymysql.Connection, query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        (number,) = cursor.fetchone()
        return int(number)
