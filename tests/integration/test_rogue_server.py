"""A server that asks for files, or breaks the protocol, gets nothing and a clear error."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from shardvault.dump import reader
from shardvault.dump.reader import RangeReader
from shardvault.errors import ConnectError, ServerError, ShardvaultError
from shardvault.load.bulk import BulkLoader
from shardvault.load.infile import InfileLoader
from shardvault.model.schema import Column
from shardvault.model.target import Login
from shardvault.mysql.session import Session
from tests.support.packets import EOF, FULL_PAYLOAD, chunk_of, frame
from tests.support.rogue import (
    LOGIN_COMMANDS,
    OK,
    RogueServer,
    after_login,
    answer,
    ask_for,
    define,
)

SECRET = b"the contents of a file that nobody may have"
COLUMN = Column("id", "int", "int", None, None, True, False)
CHUNK = chunk_of([[b"1"], [b"2"]])


def prepared(parameters: int) -> bytes:
    """Answer a COM_STMT_PREPARE."""
    head = struct.pack("<BIHHBH", 0, 1, 0, parameters, 0, 0)
    definitions = [frame(b"definition", 2 + at) for at in range(parameters)]
    return answer(head) + b"".join(definitions) + frame(b"\xfe\0\0\2\0", 2 + parameters)


MARIADB = "11.8.6-MariaDB"
MYSQL = "9.7.4"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    return path


def open_session(rogue: RogueServer) -> Session:
    return Session.open(
        rogue.endpoint,
        Login("app", lambda: "word"),
        shard="s0",
        read_timeout_s=10,
        local_infile=True,
    )


def query(session: Session) -> None:
    session.rows("SELECT 1")


def read(session: Session) -> None:
    RangeReader(session).read("SELECT 1", 1, lambda _: None)


def load_bulk(session: Session) -> None:
    BulkLoader(session, "s", "t", [COLUMN], 1 << 20).load(CHUNK)


def load_infile(session: Session) -> None:
    InfileLoader(session, "s", "t", [COLUMN]).load(CHUNK)


USES = {"query": query, "read": read, "load_bulk": load_bulk, "load_infile": load_infile}
OVER_ALL_USES = pytest.mark.parametrize("use", USES.values(), ids=USES.keys())


def assert_nothing_left(rogue: RogueServer, commands: int) -> None:
    """Prove that the client hung up and sent nothing but its own commands."""
    assert rogue.is_closed.wait(10)
    assert SECRET not in b"".join(rogue.received)
    assert len(rogue.received) == commands


@OVER_ALL_USES
def test_a_server_that_asks_for_a_file_gets_nothing(
    secret: Path, use: Callable[[Session], None]
) -> None:
    version = MYSQL if use is load_infile else MARIADB
    with RogueServer(after_login(lambda _: ask_for(str(secret))), version) as rogue:
        session = open_session(rogue)
        with pytest.raises(ServerError, match=r"nothing was sent") as caught:
            use(session)
        assert "not to be trusted" in (caught.value.hint or "")
        assert_nothing_left(rogue, commands=LOGIN_COMMANDS + 1)
        with pytest.raises(ConnectError):
            session.rows("SELECT 1")


def test_a_server_that_asks_for_a_file_instead_of_taking_rows_gets_nothing(secret: Path) -> None:
    replies = iter([prepared(1), ask_for(str(secret))])
    with RogueServer(after_login(lambda _: next(replies)), MARIADB) as rogue:
        with pytest.raises(ServerError, match="asked for a local file; nothing was sent"):
            load_bulk(open_session(rogue))
        assert_nothing_left(rogue, commands=LOGIN_COMMANDS + 2)


def test_a_server_that_asks_for_a_file_while_we_log_in_gets_nothing(secret: Path) -> None:
    with RogueServer(lambda _: ask_for(str(secret))) as rogue:
        with pytest.raises(ServerError, match="nothing was sent"):
            open_session(rogue)
        assert_nothing_left(rogue, commands=1)


def test_a_server_that_asks_for_a_file_after_our_own_data_gets_nothing(secret: Path) -> None:
    def reply(command: bytes) -> bytes:
        if command[1:].startswith(b"LOAD DATA"):
            return ask_for(command.split(b"'")[1].decode())
        return b"" if command else frame(b"\xfb" + str(secret).encode(), 4)

    with RogueServer(after_login(reply)) as rogue:
        with pytest.raises(ServerError, match="nothing was sent"):
            load_infile(open_session(rogue))
        assert_nothing_left(rogue, commands=LOGIN_COMMANDS + 3)
        assert rogue.received[LOGIN_COMMANDS + 1 :] == [b"1\n2\n", b""]


def test_the_drivers_own_way_would_hand_the_file_over(secret: Path) -> None:
    """The negative control: the rogue server does get a file from a client that trusts it."""

    def reply(command: bytes) -> bytes:
        if command[1:].startswith(b"SELECT"):
            return ask_for(str(secret))
        return b"" if command else frame(OK, 4)

    with RogueServer(after_login(reply)) as rogue:
        place = rogue.endpoint
        with closing(
            pymysql.connect(host=place.host, port=place.port, user="a", local_infile=True)
        ) as connection:
            connection.query("SELECT 1")
        assert SECRET in rogue.received


MALFORMED = {
    "hang up": None,
    "empty packet": answer(b""),
    "two empty packets": answer(b"") + frame(b"", 2),
    "wrong sequence": frame(OK, 9),
    "short OK": answer(b"\0"),
    "OK with a cut length": answer(b"\0\xfe\1"),
    "short error": answer(b"\xff"),
    "error without text": answer(b"\xff\x01\x00"),
    "count of no columns": answer(b"\xfc"),
    "huge count": answer(b"\xfe" + b"\xff" * 8),
    "two columns": answer(b"\2") + frame(b"x", 2) * 1,
    "one column that is none": answer(b"\1") + frame(b"\xff\1", 2) + frame(b"x", 3),
    "definitions without end": answer(b"\1") + frame(b"\3def\0\0\0\1a\1a" + b"\x0c", 2) * 2,
    "end without definitions": answer(b"\1") + frame(b"\xfe\0\0\2\0", 2),
    "noise": bytes(range(1, 200)),
}


MALFORMED |= {
    "empty row": define(frame(b"", 4) + EOF),
    "error instead of rows": define(frame(b"\xff", 4)),
}


@OVER_ALL_USES
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_is_a_clean_error(use: Callable[[Session], None], name: str) -> None:
    reply = after_login(lambda _: MALFORMED[name])
    with RogueServer(reply, MARIADB, answers=LOGIN_COMMANDS + 1) as rogue:
        session = open_session(rogue)
        with pytest.raises(ShardvaultError):
            use(session)
        session.abort()


GREETINGS = {
    "empty": b"",
    "noise": bytes(range(1, 200)),
    "other protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no end of version": b"\x0a9.7.4",
    "cut short": b"\x0a9.7.4\0\1\0\0\0salt",
    "refusal": b"\xff\x10\x04Too many connections",
    "short refusal": b"\xff",
    "version that is not ASCII": b"\x0a\xff\xfe\0" + bytes(60),
}


@pytest.mark.parametrize("name", GREETINGS)
def test_a_malformed_greeting_is_a_connect_error(name: str) -> None:
    with (
        RogueServer(lambda _: None, greeting=GREETINGS[name]) as rogue,
        pytest.raises(
            ConnectError, match=r"cannot connect to 127\.0\.0\.1|127\.0\.0\.1:\d+ refused"
        ),
    ):
        open_session(rogue)


def test_a_row_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_BUFFER_BYTES", 1 << 20)
    monkeypatch.setattr(reader, "_MAX_BUFFER_BYTES", 32 << 20)
    packet = b"\xff\xff\xff\4" + b"\1" * FULL_PAYLOAD
    with RogueServer(after_login(lambda _: define(packet * 3)), MARIADB) as rogue:
        session = open_session(rogue)
        with pytest.raises(ServerError, match="longer than any server allows"):
            read(session)
        assert rogue.is_closed.wait(10)


def test_a_server_that_prepares_another_statement_is_not_given_rows() -> None:
    with RogueServer(after_login(lambda _: prepared(2)), MARIADB) as rogue:
        with pytest.raises(ServerError, match="another statement"):
            load_bulk(open_session(rogue))
        assert_nothing_left(rogue, commands=LOGIN_COMMANDS + 1)
