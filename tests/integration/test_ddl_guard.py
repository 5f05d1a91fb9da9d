from __future__ import annotations

import pytest

from shardvault.dump.guard import DdlFound, find_ddl
from shardvault.errors import PrivilegeError, RefusedError, ServerError
from shardvault.model.ids import ShardName
from shardvault.model.position import Family, Position
from shardvault.model.target import Login
from shardvault.mysql.binlog import read_events
from shardvault.mysql.events import EventType
from shardvault.mysql.session import Session
from tests.integration.barrier_support import cut_of, make_schema, session_of, shard_of
from tests.support.servers import Instance

PARTITIONED = (
    "PARTITION BY RANGE (n)"
    " (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)"
)
SCHEMA = "guard"


def position_of(instance: Instance) -> Position:
    with cut_of([shard_of("s", instance)]) as cut:
        return cut.shards[ShardName("s")].position


def found_after(instance: Instance, *statements: str) -> tuple[DdlFound, ...]:
    """Run statements after a cut, then look for DDL that touches the guarded schema."""
    start = position_of(instance)
    with session_of(instance) as session:
        session.execute(f"USE {SCHEMA}")
        for statement in statements:
            session.execute(statement)
    with session_of(instance) as session:
        return find_ddl(session, start, lambda schema, _: schema == SCHEMA)


@pytest.fixture
def server(mariadb: Instance) -> Instance:
    make_schema(
        mariadb,
        SCHEMA,
        f"CREATE TABLE t (n INT PRIMARY KEY) {PARTITIONED}",
        "CREATE TABLE u (n INT PRIMARY KEY)",
        "CREATE TABLE v (n INT PRIMARY KEY)",
        "CREATE SEQUENCE s",
        "DROP DATABASE IF EXISTS elsewhere",
        "CREATE DATABASE elsewhere",
        "CREATE TABLE elsewhere.t (n INT)",
    )
    return mariadb


@pytest.mark.parametrize(
    ("statement", "kind", "name"),
    [
        ("ALTER TABLE t ENGINE=InnoDB, ALGORITHM=COPY", "alter table", "t"),
        ("ALTER TABLE t ADD COLUMN c INT, ALGORITHM=INSTANT", "alter table", "t"),
        ("ALTER TABLE t TRUNCATE PARTITION p0", "alter table", "t"),
        ("ALTER TABLE t DROP PARTITION p0", "alter table", "t"),
        ("ALTER TABLE t EXCHANGE PARTITION p0 WITH TABLE u", "alter table", "t"),
        ("TRUNCATE t", "truncate table", "t"),
        ("DROP TABLE u", "drop table", "u"),
        ("RENAME TABLE u TO w, v TO u, w TO v", "rename table", "u"),
        ("CREATE OR REPLACE TABLE u (n INT)", "create or replace table", "u"),
        ("CREATE INDEX i ON u (n)", "create index", "u"),
        ("OPTIMIZE TABLE u", "optimize table", "u"),
        ("CREATE TABLE w SELECT * FROM u", "create table", "w"),
        ("CREATE VIEW w AS SELECT * FROM u", "create view", "w"),
        ("CREATE TRIGGER w BEFORE INSERT ON u FOR EACH ROW SET @a = 1", "create trigger", "w"),
        ("CREATE PROCEDURE w() SELECT 1", "create procedure", "w"),
        ("CREATE FUNCTION w() RETURNS INT NO SQL RETURN 1", "create function", "w"),
        ("CREATE EVENT w ON SCHEDULE EVERY 1 DAY DO SELECT 1", "create event", "w"),
        ("ALTER SEQUENCE s RESTART 7", "alter sequence", "s"),
        (f"ALTER DATABASE {SCHEMA} CHARACTER SET latin1", "alter schema", ""),
        ("SET STATEMENT lock_wait_timeout = 5 FOR ALTER TABLE u FORCE", "alter table", "u"),
        ("BEGIN NOT ATOMIC ALTER TABLE u FORCE; END", "alter table", "u"),
    ],
)
def test_ddl_after_the_cut_is_found(server: Instance, statement: str, kind: str, name: str) -> None:
    hits = found_after(server, statement)
    assert (kind, SCHEMA, name) in [(hit.kind, hit.schema, hit.name) for hit in hits]


def test_a_dropped_and_recreated_table_is_found(server: Instance) -> None:
    hits = found_after(server, "DROP TABLE u", "CREATE TABLE u (n INT)")
    assert [hit.kind for hit in hits] == ["drop table", "create table"]


def test_what_changes_no_definition_in_scope_is_not_found(server: Instance) -> None:
    assert not found_after(
        server,
        "INSERT INTO u VALUES (1)",
        "UPDATE u SET n = 2",
        "DO NEXTVAL(s)",
        "ANALYZE TABLE u",
        "CREATE TEMPORARY TABLE tmp (n INT)",
        "DROP TEMPORARY TABLE tmp",
        "ALTER TABLE elsewhere.t ADD c INT",
        "CREATE OR REPLACE USER somebody@localhost",
        "FLUSH TABLES",
    )


def test_ddl_before_the_cut_is_not_found(server: Instance) -> None:
    with session_of(server) as session:
        session.execute(f"ALTER TABLE {SCHEMA}.u FORCE")
    assert not found_after(server)


def test_the_search_goes_on_in_the_next_binlog(server: Instance) -> None:
    hits = found_after(server, "FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "ALTER TABLE u FORCE")
    assert [hit.name for hit in hits] == ["u"]


def test_names_with_quotes_and_other_alphabets_are_found(server: Instance) -> None:
    hits = found_after(server, "CREATE TABLE `a``b.ü` (n INT)")
    assert [hit.name for hit in hits] == ["a`b.ü"]


def test_row_events_of_many_packets_are_skipped(server: Instance) -> None:
    size_bytes = 40 << 20
    with session_of(server) as session:
        limit = session.text("SELECT @@global.max_allowed_packet")
        session.execute(f"SET GLOBAL max_allowed_packet = {2 * size_bytes}")
    try:
        hits = found_after(
            server,
            "CREATE TABLE elsewhere.big (b LONGBLOB)",
            f"INSERT INTO elsewhere.big VALUES (REPEAT('x', {size_bytes}))",
            "ALTER TABLE u FORCE",
        )
    finally:
        with session_of(server) as session:
            session.execute(f"SET GLOBAL max_allowed_packet = {limit}")
    assert [hit.name for hit in hits] == ["u"]


def test_a_missing_binlog_is_an_error(server: Instance) -> None:
    start = Position(Family.MARIADB, "", "binlog.999999", 4)
    with session_of(server) as session, pytest.raises(ServerError):
        find_ddl(session, start, lambda *_: True)


def test_without_a_binlog_nothing_is_claimed(server: Instance) -> None:
    with session_of(server) as session, pytest.raises(RefusedError):
        find_ddl(session, Position(Family.MARIADB, "", "", 0), lambda *_: True)


def test_the_missing_privilege_is_named(server: Instance) -> None:
    start = position_of(server)
    with session_of(server) as session:
        session.execute("CREATE OR REPLACE USER poor@localhost IDENTIFIED BY 'x'")
    place = shard_of("s", server).primary
    with (
        Session.open(place, Login("poor", lambda: "x"), shard="s") as session,
        pytest.raises(PrivilegeError) as caught,
    ):
        find_ddl(session, start, lambda *_: True)
    assert "GRANT REPLICATION SLAVE" in str(caught.value.hint)


def test_mysql_streams_the_same_way(mysql: Instance) -> None:
    start = position_of(mysql)
    make_schema(mysql, "streamed", "CREATE TABLE t (n INT)")
    with session_of(mysql) as session:
        types = [event.header.type for event in read_events(session, start)]
    assert types.count(EventType.QUERY) == 3
