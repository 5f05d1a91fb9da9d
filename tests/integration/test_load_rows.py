"""Load rows that a server must refuse, warn about, or that are larger than a packet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from shardvault.dump.reader import RangeReader
from shardvault.errors import IntegrityError, ServerError
from shardvault.load.bulk import BulkLoader
from shardvault.load.infile import InfileLoader
from shardvault.load.rows import open_loader
from shardvault.model.schema import Column
from shardvault.mysql.session import Session
from tests.integration.copying import (
    PACKET_BYTES,
    Contents,
    fresh_schema,
    load_contents,
    load_rows,
    loading,
    read_contents,
    read_table,
    reading,
)
from tests.support.packets import chunk_of, frame
from tests.support.servers import Flavour, Instance, start_instance

SCHEMA = "load_rows"
LARGE_PACKETS = 64 << 20


def column(name: str, data_type: str, column_type: str = "") -> Column:
    return Column(name, data_type, column_type or data_type, None, None, True, False)


ID, TEXT = column("id", "int"), column("v", "varchar")


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def session(instance: Instance) -> Iterator[Session]:
    fresh_schema(instance, SCHEMA, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(5), UNIQUE (v))")
    with loading(instance) as found:
        yield found


def load(session: Session, chunk: bytes, columns: tuple[Column, ...] = (ID, TEXT)) -> int:
    with closing(open_loader(session, SCHEMA, "t", columns, PACKET_BYTES)) as loader:
        return loader.load(chunk)


def test_the_fast_way_of_each_family_is_chosen(instance: Instance) -> None:
    fresh_schema(instance, SCHEMA, "CREATE TABLE t (id INT)")
    with (
        loading(instance) as session,
        closing(open_loader(session, SCHEMA, "t", [ID], PACKET_BYTES)) as loader,
    ):
        is_mysql = instance.flavour is Flavour.MYSQL_97
        assert isinstance(loader, InfileLoader if is_mysql else BulkLoader)


def test_rows_are_loaded_and_counted(session: Session) -> None:
    assert load(session, chunk_of([[b"1", b"a"], [b"2", None], [b"3", b""]])) == 3
    assert load(session, b"") == 0
    rows = session.rows(f"SELECT id, v FROM {SCHEMA}.t ORDER BY id")
    assert rows == [(b"1", b"a"), (b"2", None), (b"3", b"")]


def test_a_value_cut_short_by_the_column_is_an_error(session: Session) -> None:
    with pytest.raises(ServerError, match="warnings while loading"):
        load(session, chunk_of([[b"1", b"abcdefgh"]]))


def test_a_row_that_is_there_already_is_an_error(session: Session) -> None:
    session.execute(f"INSERT INTO {SCHEMA}.t VALUES (1, 'x')")
    with pytest.raises(ServerError, match="Duplicate"):
        load(session, chunk_of([[b"1", b"y"]]))


def test_the_session_is_usable_after_a_refused_row(session: Session) -> None:
    session.execute(f"INSERT INTO {SCHEMA}.t VALUES (1, 'x')")
    with pytest.raises(ServerError):
        load(session, chunk_of([[b"1", b"y"]]))
    assert load(session, chunk_of([[b"2", b"y"]])) == 1


def test_a_server_that_stores_fewer_rows_than_sent_is_found_out(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.execute(f"INSERT INTO {SCHEMA}.t VALUES (1, 'x')")
    # LOAD DATA LOCAL leaves out rows that are there; INSERT does so when it is told to.
    monkeypatch.setattr("shardvault.load.taken._refuse_warnings", lambda *_: None)
    monkeypatch.setattr("shardvault.load.bulk.quote_table", lambda *_: f"{SCHEMA}.t")
    real = BulkLoader._prepare

    def prepare_ignoring(loader: BulkLoader) -> int:
        loader._statement = loader._statement.replace("INSERT INTO", "INSERT IGNORE INTO")
        return real(loader)

    monkeypatch.setattr(BulkLoader, "_prepare", prepare_ignoring)
    with pytest.raises(IntegrityError, match="sent 2 rows, server took 1"):
        load(session, chunk_of([[b"1", b"y"], [b"2", b"z"]]))


def test_an_error_value_of_an_enum_is_no_reason_to_overlook_another_warning(
    instance: Instance,
) -> None:
    fresh_schema(instance, SCHEMA, "CREATE TABLE t (e ENUM('a'), v VARCHAR(5))")
    columns = (column("e", "enum", "enum('a')"), TEXT)
    with loading(instance) as session:
        assert load(session, chunk_of([[b"0", b"a"], [b"1", b"b"]] * 200), columns) == 400
        with pytest.raises(ServerError, match="'v'"):
            load(session, chunk_of([[b"0", b"abcdefgh"]]), columns)


@pytest.mark.parametrize(
    "chunk",
    [frame(b"\x011"), frame(b"\x011\x01a\x01b"), frame(b"\x011\x09a"), b"\x05\x00\x00\x00\x01"],
)
def test_a_chunk_that_is_no_rows_of_the_table_is_an_integrity_error(
    session: Session, chunk: bytes
) -> None:
    with pytest.raises(IntegrityError, match="stored rows cannot be read"):
        load(session, chunk)
    assert session.value(f"SELECT COUNT(*) FROM {SCHEMA}.t") == b"0"


def test_many_chunks_go_over_one_loader(session: Session) -> None:
    with closing(open_loader(session, SCHEMA, "t", (ID, TEXT), PACKET_BYTES)) as loader:
        for number in range(300):
            assert loader.load(chunk_of([[str(number).encode(), None]])) == 1
    assert session.value(f"SELECT COUNT(*) FROM {SCHEMA}.t") == b"300"


def test_a_missing_table_is_an_error_that_names_it(session: Session) -> None:
    with pytest.raises(ServerError, match="no_table"):
        open_loader(session, SCHEMA, "no_table", (ID,), PACKET_BYTES).load(chunk_of([[b"1"]]))


def test_a_row_above_max_allowed_packet_is_refused_with_the_size_it_needs(
    mariadb: Instance,
) -> None:
    fresh_schema(mariadb, SCHEMA, "CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB)")
    chunk = chunk_of([[b"1", b"x" * (2 << 20)]])
    with (
        loading(mariadb) as session,
        closing(
            open_loader(session, SCHEMA, "t", (ID, column("v", "longblob")), 1 << 20)
        ) as loader,
    ):
        with pytest.raises(ServerError, match="does not pass max_allowed_packet") as caught:
            loader.load(chunk)
        assert "set max_allowed_packet of the target to at least 209" in (caught.value.hint or "")
        assert loader.load(chunk_of([[b"2", b"y"]])) == 1


@pytest.fixture(scope="module", params=[Flavour.MARIADB_1011, Flavour.MYSQL_97])
def large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """Start a private instance that takes rows of 40 MiB, and fill a table with such."""
    options = [f"--max-allowed-packet={LARGE_PACKETS}", "--skip-log-bin"]
    if request.param is Flavour.MYSQL_97:
        options.append("--innodb-redo-log-capacity=512M")
    else:
        options.append("--innodb-log-file-size=512M")
    folder = tmp_path_factory.mktemp("large") / "i"
    found = start_instance(request.param, folder, options=options)
    fresh_schema(
        found,
        SCHEMA,
        "CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB)",
        f"INSERT INTO t VALUES (1, REPEAT(X'005C0A09', {5 << 20}))",
        f"INSERT INTO t VALUES (2, REPEAT(X'{bytes(range(256)).hex()}', {(40 << 20) // 256}))",
        f"INSERT INTO t VALUES (3, REPEAT('a', {0xFFFFFF - 6})), (4, REPEAT('b', {0xFFFFFF - 5}))",
        "INSERT INTO t VALUES (5, 'short'), (6, NULL)",
    )
    yield found
    found.destroy()


def read_large(instance: Instance) -> Contents:
    with reading(instance) as session:
        return read_contents(session, read_table(session, SCHEMA, "t"))


def test_rows_of_many_packets_are_read_and_loaded(large: Instance) -> None:
    contents = read_large(large)
    assert contents.rows == 6
    assert contents.longest_row > 40 << 20
    copy = replace(contents.table, schema="copy")
    fresh_schema(large, "copy")
    with loading(large) as session:
        load_contents(session, replace(contents, table=copy), LARGE_PACKETS)
        wanted = session.rows(f"SELECT id, SHA2(v, 256), LENGTH(v) FROM {SCHEMA}.t ORDER BY id")
        assert session.rows("SELECT id, SHA2(v, 256), LENGTH(v) FROM copy.t ORDER BY id") == wanted
    with reading(large) as session:
        again = read_contents(session, copy)
    assert (again.rows, again.content_hash) == (6, contents.content_hash)


def test_the_buffer_for_a_giant_row_is_given_back(large: Instance) -> None:
    with reading(large) as session:
        reader = RangeReader(session)
        reader.read(f"SELECT v FROM {SCHEMA}.t WHERE id = 2", 1, lambda _: None)
        assert len(reader._buffer) == 0


def test_a_server_with_small_packets_refuses_a_giant_row_clearly(
    large: Instance, mariadb: Instance
) -> None:
    contents = read_large(large)
    fresh_schema(mariadb, SCHEMA, "CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB)")
    with loading(mariadb) as session, pytest.raises(ServerError, match="max_allowed_packet"):
        load_rows(session, contents)
