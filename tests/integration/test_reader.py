"""Read ranges from real servers, and have the servers fail in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shardvault.dump.reader import RangeReader
from shardvault.errors import ConnectError, DdlDetected, ServerError
from shardvault.kernel.pure import hash_rows
from shardvault.model.target import Endpoint
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_read
from tests.integration.copying import LIMIT_S, fresh_schema, login_of, reading, run
from tests.support.packets import chunk_of
from tests.support.proxy import FaultProxy
from tests.support.servers import Instance

SCHEMA = "reader"
ROWS = 3000
ALL = f"SELECT id, v FROM {SCHEMA}.t ORDER BY id"


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    rows = ",".join(f"({number}, REPEAT('x', 1000))" for number in range(ROWS))
    fresh_schema(
        found,
        SCHEMA,
        "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)",
        "CREATE TABLE one (id INT)",
        "CREATE TABLE none (id INT)",
        f"INSERT INTO t VALUES {rows}",
        "INSERT INTO one VALUES (5)",
    )
    return found


@pytest.fixture
def session(instance: Instance) -> Iterator[Session]:
    with reading(instance) as found:
        yield found


def collect(reader: RangeReader, statement: str, columns: int) -> tuple[list[bytes], int]:
    chunks: list[bytes] = []
    totals = reader.read(statement, columns, lambda chunk: chunks.append(bytes(chunk)))
    raw = b"".join(chunks)
    assert totals.raw_bytes == len(raw)
    assert hash_rows(raw) == (totals.rows, totals.content_hash)
    return chunks, totals.rows


def test_results_of_no_one_and_many_rows_follow_each_other(session: Session) -> None:
    reader = RangeReader(session)
    assert collect(reader, f"SELECT id FROM {SCHEMA}.none", 1) == ([], 0)
    assert collect(reader, f"SELECT id FROM {SCHEMA}.one", 1) == ([chunk_of([[b"5"]])], 1)
    chunks, rows = collect(reader, ALL, 2)
    assert rows == ROWS
    assert b"".join(chunks) == chunk_of([[str(n).encode(), b"x" * 1000] for n in range(ROWS)])
    assert len(chunks) > 1
    assert session.value("SELECT 7") == b"7"


def test_a_result_of_many_columns_is_read(session: Session) -> None:
    names = ", ".join(f"{number} AS c{number}" for number in range(600))
    chunks, _ = collect(RangeReader(session), f"SELECT {names}", 600)
    assert chunks == [chunk_of([[str(number).encode() for number in range(600)]])]


def test_an_error_behind_some_rows_is_a_server_error(session: Session) -> None:
    taken: list[int] = []
    late = f"(SELECT x.id FROM {SCHEMA}.t x WHERE x.id BETWEEN t.id - 1 AND t.id AND t.id > 2900)"
    statement = f"SELECT id, v, {late} FROM {SCHEMA}.t ORDER BY id"
    with pytest.raises(ServerError, match=r"reading rows failed: .*more than 1 row") as caught:
        RangeReader(session).read(statement, 3, lambda chunk: taken.append(len(chunk)))
    assert caught.value.code == 1242
    assert taken
    assert session.value("SELECT 7") == b"7"


def test_a_refused_statement_is_a_server_error(session: Session) -> None:
    with pytest.raises(ServerError, match="syntax"):
        RangeReader(session).read("SELECT FROM", 1, lambda _: None)


def test_another_number_of_columns_ends_the_connection(session: Session) -> None:
    with pytest.raises(ServerError, match="result has 2 columns, wanted 3"):
        RangeReader(session).read(ALL, 3, lambda _: None)
    with pytest.raises(ConnectError):
        session.rows("SELECT 1")


def test_a_statement_without_a_result_is_refused(session: Session) -> None:
    with pytest.raises(ServerError, match="result has 0 columns, wanted 1"):
        RangeReader(session).read("DO 1", 1, lambda _: None)


@pytest.mark.parametrize(
    ("change", "statement"),
    [
        ("DROP TABLE reader.t", ALL),
        ("ALTER TABLE reader.t DROP COLUMN v", ALL),
        ("DROP DATABASE reader", ALL),
        ("TRUNCATE TABLE reader.t", ALL),
    ],
)
def test_a_definition_that_changed_under_a_snapshot_is_detected(
    instance: Instance, session: Session, change: str, statement: str
) -> None:
    session.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    run(instance, change)
    with pytest.raises(DdlDetected, match="definition changed during the dump"):
        RangeReader(session).read(statement, 2, lambda _: None)


def test_read_released_gives_metadata_locks_back_and_keeps_the_snapshot(
    instance: Instance, session: Session
) -> None:
    session.execute("SET SESSION sql_log_bin = 0")
    session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    RangeReader(session).read_released(ALL, 2, lambda _: None)
    run(
        instance,
        "SET SESSION lock_wait_timeout = 5",
        f"INSERT INTO {SCHEMA}.one VALUES (6)",
        f"ALTER TABLE {SCHEMA}.t ENGINE=InnoDB",
    )
    assert session.rows(f"SELECT id FROM {SCHEMA}.one") == [(b"5",)]


def test_without_the_release_a_definition_cannot_be_changed(
    instance: Instance, session: Session
) -> None:
    session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    RangeReader(session).read(ALL, 2, lambda _: None)
    with pytest.raises(ServerError, match=r"[Ll]ock wait timeout"):
        run(
            instance,
            "SET SESSION lock_wait_timeout = 1",
            f"ALTER TABLE {SCHEMA}.t ADD COLUMN x INT",
        )


def test_a_connection_lost_among_the_rows_is_a_connect_error(instance: Instance) -> None:
    with FaultProxy(("127.0.0.1", instance.port)) as proxy:
        session = Session.open(
            Endpoint(proxy.host, proxy.port),
            login_of(instance),
            shard="s3",
            read_timeout_s=LIMIT_S,
        )
        prepare_read(session)
        proxy.limit(1_500_000)
        with pytest.raises(ConnectError, match=r"shard s3: (connection lost|server closed)"):
            RangeReader(session).read(ALL, 2, lambda _: None)
        with pytest.raises(ConnectError):
            session.rows("SELECT 1")


def test_a_silent_connection_is_given_up_after_its_limit(instance: Instance) -> None:
    with FaultProxy(("127.0.0.1", instance.port)) as proxy:
        session = Session.open(
            Endpoint(proxy.host, proxy.port), login_of(instance), shard="s0", read_timeout_s=0.3
        )
        proxy.black_hole()
        with pytest.raises(ConnectError, match="timed out"):
            RangeReader(session).read(ALL, 2, lambda _: None)


def test_an_aborted_session_reads_nothing(session: Session) -> None:
    session.abort()
    with pytest.raises(ConnectError):
        RangeReader(session).read(ALL, 2, lambda _: None)
