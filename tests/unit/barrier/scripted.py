"""Scripted servers and a clock that moves only when somebody waits."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shardvault.errors import ConnectError, ShardvaultError
from shardvault.model.ids import ShardName
from shardvault.model.position import Family
from shardvault.model.target import Endpoint, Login, Shard
from shardvault.mysql.session import Row, Session

ROUND_TRIP_S = 0.001


class FakePace:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.interrupt_at: str | None = None

    def now_s(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def wait_readable(self, sessions: Sequence[Session], timeout_s: float) -> list[Session]:
        scripted = [each for each in sessions if isinstance(each, ScriptedSession)]
        asked = " ".join(each.asked or "" for each in scripted)
        if self.interrupt_at is not None and self.interrupt_at in asked:
            raise KeyboardInterrupt
        first = min(each.ready_at for each in scripted)
        if first > self.now + timeout_s:
            self.now += max(timeout_s, 0.0)
            return []
        self.now = max(self.now, first)
        return [each for each in scripted if each.ready_at <= self.now]

    def jitter(self, low: float, high: float) -> float:
        return low


@dataclass
class Reply:
    """Say how a server answers: after how long, with which rows or error."""

    rows: list[Row] = field(default_factory=list)
    error: ShardvaultError | None = None
    after_s: float = ROUND_TRIP_S


LOST = Reply(error=ConnectError("connection lost"))
NEVER = Reply(after_s=1e9)


@dataclass
class ScriptedServer:
    """Answer statements; ``script`` overrides by the statement's beginning, first reply first.

    Attributes:
        log: every statement, with the time it was sent and the session's number.
    """

    name: str
    pace: FakePace
    family: Family = Family.MARIADB
    version: tuple[int, int, int] = (10, 11, 19)
    round_trip_s: float = ROUND_TRIP_S
    script: dict[str, list[Reply]] = field(default_factory=dict)
    log: list[tuple[float, int, str]] = field(default_factory=list)
    sessions: list[ScriptedSession] = field(default_factory=list)

    @property
    def shard(self) -> Shard:
        return Shard(ShardName(self.name), Endpoint(socket=self.name), Login("u"))

    @property
    def statements(self) -> list[str]:
        return [statement for _, _, statement in self.log]

    def open(self) -> ScriptedSession:
        session = ScriptedSession(self, number=10 + len(self.sessions))
        self.sessions.append(session)
        return session

    def answer(self, session: ScriptedSession, statement: str) -> Reply:
        self.log.append((self.pace.now, session.number, statement))
        for begin, replies in self.script.items():
            if statement.startswith(begin) and replies:
                return replies.pop(0)
        return Reply(self._usual(session, statement), after_s=self.round_trip_s)

    def _usual(self, session: ScriptedSession, statement: str) -> list[Row]:
        if statement == "SELECT CONNECTION_ID()":
            return [(str(session.number).encode(),)]
        if statement.startswith("SHOW GLOBAL VARIABLES"):
            return [(b"log_bin", b"ON")]
        if statement.startswith("SELECT @@global.gtid_binlog_pos"):
            return [(b"0-1-7",)]
        if statement.startswith(("SHOW MASTER", "SHOW BINARY")):
            return [(b"binlog.000001", b"500", b"", b"", b"uuid:1-7")]
        return []

    @property
    def open_sessions(self) -> list[int]:
        return [session.number for session in self.sessions if session.is_open]


class ScriptedSession(Session):
    def __init__(self, server: ScriptedServer, number: int) -> None:
        super().__init__(None, shard=server.name, place=server.name)
        self.server = server
        self.number = number
        self.is_open = True
        self.asked: str | None = None
        self.ready_at = 0.0
        self._reply = Reply()

    @property
    def family(self) -> Family:
        return self.server.family

    @property
    def version(self) -> tuple[int, int, int]:
        return self.server.version

    @property
    def connection_id(self) -> int:
        return self.number

    @property
    def socket(self) -> socket.socket:
        raise OSError("a scripted session has no socket")

    def send(self, statement: str | bytes) -> None:
        assert self.is_open, f"{statement!r} on a closed session"
        assert self.asked is None, f"{statement!r} before the answer to {self.asked}"
        self.asked = str(statement)
        self._reply = self.server.answer(self, self.asked)
        self.ready_at = self.server.pace.now + self._reply.after_s

    def receive(self, statement: str | bytes = "") -> list[Row]:
        self.asked = None
        if self._reply.error is not None:
            raise self._reply.error
        return self._reply.rows

    def set_read_timeout(self, timeout_s: float | None) -> None:
        assert timeout_s is not None
        assert timeout_s > 0

    def close(self) -> None:
        self.is_open = False

    def abort(self) -> None:
        self.is_open = False


def connector(servers: Sequence[ScriptedServer]) -> Callable[[Shard], Session]:
    by_name = {server.name: server for server in servers}
    return lambda shard: by_name[shard.name].open()
