"""Write tickets, transfers and counter rows, each client on connections of its own."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from random import Random

import pymysql

from tests.support.workload.board import Board, Tally
from tests.support.workload.schema import SCHEMA, accounts_of

Connections = Mapping[int, pymysql.Connection]
COUNTER_REST_S = 0.002
_HIGHEST_AMOUNT = 100
_LOST = {
    1053,  # server shutdown in progress
    1927,  # connection was killed
    2006,  # server has gone away
    2013,  # lost connection during query
    4031,  # disconnected by the server
}


class ShardLost(Exception):
    """Report a write that was not acknowledged because its server has gone."""


class Client(threading.Thread):
    """Write in a loop until the board says stop.

    A client closes its connections when it ends. A write that has begun is finished, so
    what is counted and what is stored differ only for a lost shard.
    """

    def __init__(self, board: Board, connections: Connections, tally: Tally) -> None:
        super().__init__(daemon=True, name=tally.kind)
        self.board = board
        self.tally = tally
        self.random = Random(secrets.randbits(64))
        self._connections = connections

    def run(self) -> None:
        """Repeat the client's step; any error but a tolerated loss ends the whole run."""
        try:
            while not self.board.stopping.is_set() and (usable := self._usable()):
                self.step(usable)
        except Exception as error:
            self.board.fail(f"{self.name}: {error!r}")
        finally:
            for connection in self._connections.values():
                _close(connection)

    def step(self, usable: Sequence[int]) -> None:
        """Do one unit of this client's work.

        Args:
            usable: shards that are not lost, at least one.
        """
        raise NotImplementedError

    def write(self, shard: int, *statements: str) -> None:
        """Run statements as one transaction and wait for its acknowledgement.

        Raises:
            ShardLost: the server has gone; nobody knows whether it was committed.
        """
        connection = self._connections[shard]
        begin_s = time.monotonic()
        try:
            for statement in statements:
                connection.query(statement)
        except (pymysql.OperationalError, pymysql.InterfaceError, OSError) as error:
            if not _is_loss(error):
                raise
            self.board.lose(shard, str(error))
            raise ShardLost from error
        self.board.add_write(self.tally, shard, begin_s, time.monotonic())

    def _usable(self) -> list[int]:
        return [shard for shard in self._connections if shard not in self.board.lost]


class TicketClient(Client):
    """Write ticket n+1 to a random shard only after ticket n was acknowledged."""

    def step(self, usable: Sequence[int]) -> None:
        """Write the next ticket; after a loss the same number goes to another shard."""
        ticket = self.tally.last + 1
        try:
            shard = self.random.choice(usable)
            self.write(shard, f"INSERT INTO {SCHEMA}.tickets VALUES ({ticket})")
        except ShardLost:
            return
        self.tally.last = ticket


class CounterClient(Client):
    """Write the rows k = 0, 1, 2 … of one shard, at a measured pace.

    A counter proves less per row than the others do and must not eat their time.
    """

    def step(self, usable: Sequence[int]) -> None:
        """Write the next row and rest."""
        (shard,) = usable
        k = self.tally.last + 1
        try:
            self.write(shard, f"INSERT INTO {SCHEMA}.counters VALUES ({shard},{k})")
        except ShardLost:
            return
        self.tally.last = k
        time.sleep(COUNTER_REST_S)


class TransferClient(Client):
    """Move money in two steps: the credit begins after the debit was acknowledged."""

    def step(self, usable: Sequence[int]) -> None:
        """Do one transfer; if a shard is lost its money stays in flight."""
        source, sink = self.random.sample(usable, 2) if len(usable) > 1 else (usable[0],) * 2
        debited = self.random.choice(accounts_of(source))
        credited = self.random.choice(accounts_of(sink))
        amount = self.random.randint(1, _HIGHEST_AMOUNT)
        transfer = self.random.getrandbits(62)
        row = f"{debited},{credited},{amount}"
        try:
            self.write(source, *_booking(transfer, "debit", row, debited, -amount))
            self.write(sink, *_booking(transfer, "credit", row, credited, amount))
        except ShardLost:
            return
        self.tally.last += 1


def _booking(transfer: int, side: str, row: str, account: int, change: int) -> tuple[str, ...]:
    return (
        "BEGIN",
        f"UPDATE {SCHEMA}.accounts SET balance = balance + ({change}) WHERE account = {account}",
        f"INSERT INTO {SCHEMA}.journal VALUES ({transfer},'{side}',{row})",
        "COMMIT",
    )


def _is_loss(error: Exception) -> bool:
    if isinstance(error, pymysql.OperationalError):
        return error.args[0] in _LOST
    return True


def _close(connection: pymysql.Connection) -> None:
    if connection.open:
        connection.close()
