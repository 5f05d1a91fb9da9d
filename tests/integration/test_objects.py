"""Read views, code and accounts from one schema and create them anew, byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.fleet.objects import read_objects
from shardvault.load.events import put_to_sleep
from shardvault.load.objects import create_objects, wake_event
from shardvault.model.report import Finding
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.mysql.session import Session
from shardvault.mysql.state import LOAD_MODE, prepare_load
from tests.integration.copying import fresh_schema, loading, open_session, reading, run
from tests.support.servers import Instance

SCHEMA = "objects"
TABLES = frozenset({(SCHEMA, "t"), (SCHEMA, "log")})


@pytest.fixture(params=["mariadb", "mariadb118", "mysql"])
def instance(request: pytest.FixtureRequest) -> Instance:
    found: Instance = request.getfixturevalue(request.param)
    return found


def create(instance: Instance, *statements: str, mode: str = "") -> None:
    """Create objects as an application would, under its own sql_mode."""
    fresh_schema(
        instance, SCHEMA, "CREATE TABLE t (id INT, v VARCHAR(20))", "CREATE TABLE log (n INT)"
    )
    with open_session(instance) as session:
        session.execute(f"USE {SCHEMA}")
        for statement in statements:
            session.execute(f"SET sql_mode = '{mode}'")
            session.execute(statement)


def read(instance: Instance) -> tuple[CodeObject, ...]:
    with reading(instance) as session:
        return read_objects(session, [SCHEMA], TABLES)


def recreate(instance: Instance, items: tuple[CodeObject, ...]) -> tuple[Finding, ...]:
    fresh_schema(
        instance, SCHEMA, "CREATE TABLE t (id INT, v VARCHAR(20))", "CREATE TABLE log (n INT)"
    )
    with loading(instance) as session:
        findings = create_objects(session, items)
        for item in items:
            if item.is_enabled and item.kind is ObjectKind.EVENT and not findings:
                wake_event(session, item)
        prepare_load(session)
        assert session.text("SELECT @@sql_mode") == session.text(f"SELECT '{mode_of(session)}'")
        return findings


def mode_of(session: Session) -> str:
    session.execute(f"SET sql_mode = '{LOAD_MODE}'")
    return session.text("SELECT @@sql_mode")


def check_round_trip(instance: Instance, count: int) -> tuple[CodeObject, ...]:
    before = read(instance)
    assert len(before) == count
    assert recreate(instance, before) == ()
    assert read(instance) == before
    return before


def test_views_on_views_are_created_whatever_their_order(instance: Instance) -> None:
    create(
        instance,
        "CREATE VIEW z_base AS SELECT id, CONCAT(v, ', (') AS c FROM t",
        "CREATE VIEW m_middle AS SELECT * FROM z_base WHERE c <> 'it''s' WITH CHECK OPTION",
        "CREATE ALGORITHM=TEMPTABLE SQL SECURITY INVOKER VIEW a_top (`x``y`, `é`)"
        " AS SELECT * FROM m_middle",
        "CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1",
        "CREATE VIEW b_calls AS SELECT f(id) AS n FROM t",
    )
    check_round_trip(instance, 5)


def test_a_view_of_another_character_set_comes_back(instance: Instance) -> None:
    fresh_schema(
        instance, SCHEMA, "CREATE TABLE t (id INT, v VARCHAR(20))", "CREATE TABLE log (n INT)"
    )
    with open_session(instance) as session:
        session.execute(f"USE {SCHEMA}")
        session.execute("SET NAMES latin1")
        session.execute(b"CREATE VIEW latin AS SELECT 'caf\xe9' AS c, v FROM t WHERE v = '\xfc'")
        session.execute(b"CREATE PROCEDURE p() SELECT '\xe9\xfc' AS `n\xe9`")
        session.execute("SET NAMES utf8mb4")
        session.execute("CREATE PROCEDURE q() SELECT '漢字😀é'")
        session.execute("CREATE VIEW wide AS SELECT '漢字é' AS `é漢`")
    before = check_round_trip(instance, 4)
    assert {item.charset for item in before} == {"latin1", "utf8mb4"}
    with reading(instance) as session:
        session.execute(f"INSERT INTO {SCHEMA}.t VALUES (1, 'ü')")
        session.execute("SET NAMES utf8mb4")
        rows = session.rows(f"SELECT c FROM {SCHEMA}.latin")
    assert rows == [("café".encode(),)]


def test_a_database_with_a_foreign_name_takes_objects_of_any_character_set(
    instance: Instance,
) -> None:
    schema = fresh_schema(instance, "objécts")
    try:
        with open_session(instance) as session:
            session.execute(f"USE `{schema}`")
            session.execute("SET NAMES latin1")
            session.execute("CREATE PROCEDURE a() SELECT 1")
            session.execute("SET NAMES utf8mb4")
            session.execute("CREATE PROCEDURE b() SELECT 1")
        with reading(instance) as session:
            before = read_objects(session, [schema], frozenset())
        fresh_schema(instance, schema)
        with loading(instance) as session:
            assert create_objects(session, before) == ()
        with reading(instance) as session:
            assert read_objects(session, [schema], frozenset()) == before
    finally:
        run(instance, f"DROP DATABASE `{schema}`")


def test_an_invalid_view_is_reported_and_the_others_are_created(instance: Instance) -> None:
    create(
        instance,
        "CREATE TABLE gone (id INT)",
        "CREATE VIEW broken AS SELECT id FROM gone",
        "CREATE VIEW whole AS SELECT id FROM t",
        "DROP TABLE gone",
    )
    before = read(instance)
    assert [item.name for item in before] == ["broken", "whole"]
    findings = recreate(instance, before)
    assert [finding.where for finding in findings] == [f"{SCHEMA}.broken"]
    assert [item.name for item in read(instance)] == ["whole"]


def test_triggers_keep_their_order(instance: Instance) -> None:
    event = "BEFORE INSERT ON t FOR EACH ROW"
    create(
        instance,
        f"CREATE TRIGGER second {event} INSERT INTO log VALUES (2)",
        f"CREATE TRIGGER third {event} INSERT INTO log VALUES (3)",
        f"CREATE TRIGGER first {event} PRECEDES second INSERT INTO log VALUES (1)",
        f"CREATE TRIGGER last {event} FOLLOWS third INSERT INTO log VALUES (4)",
        "CREATE TRIGGER other AFTER DELETE ON t FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END",
    )
    check_round_trip(instance, 5)
    with loading(instance) as session:
        session.execute(f"INSERT INTO {SCHEMA}.t VALUES (1, 'x')")
        rows = session.rows(f"SELECT n FROM {SCHEMA}.log")
    assert rows == [(b"1",), (b"2",), (b"3",), (b"4",)]


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        ("ANSI_QUOTES", """SELECT 'a' AS "odd ""name", "id" FROM "t\""""),
        ("NO_BACKSLASH_ESCAPES", r"SELECT 'back\', 'slash'"),
        ("PIPES_AS_CONCAT,IGNORE_SPACE", "SELECT 'a' || 'b', COUNT (*) FROM t"),
        ("STRICT_ALL_TABLES,NO_ZERO_DATE", "SELECT '/* ; */ -- DELIMITER $$'"),
        ("ANSI", "SELECT 1"),
    ],
)
def test_a_routine_keeps_its_own_sql_mode(instance: Instance, mode: str, body: str) -> None:
    create(
        instance,
        f"CREATE PROCEDURE p(IN a INT, OUT b VARCHAR(9)) COMMENT 'c, (' {body}",
        f"CREATE PROCEDURE q() BEGIN {body}; END",
        f"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO BEGIN {body}; END",
        mode=mode,
    )
    before = check_round_trip(instance, 3)
    assert all(set(mode.split(",")) <= set(item.sql_mode.split(",")) for item in before)


def test_an_oracle_package_comes_back(mariadb: Instance) -> None:
    create(
        mariadb,
        "CREATE PACKAGE pk AS FUNCTION f RETURN INT; PROCEDURE p(a INT); END;",
        "CREATE PACKAGE BODY pk AS FUNCTION f RETURN INT AS BEGIN RETURN 7; END;"
        " PROCEDURE p(a INT) AS BEGIN SELECT a; END; END;",
        "CREATE FUNCTION g(a INT) RETURN INT DETERMINISTIC AS BEGIN RETURN a; END;",
        mode="ORACLE",
    )
    before = check_round_trip(mariadb, 3)
    kinds = {item.kind for item in before}
    assert kinds == {ObjectKind.FUNCTION, ObjectKind.PACKAGE, ObjectKind.PACKAGE_BODY}


def test_events_come_last_with_their_time_zone_and_state(instance: Instance) -> None:
    create(
        instance,
        "SET time_zone = '+05:30'",
        "CREATE EVENT here ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2030-01-01 00:00:00'"
        " COMMENT 'it''s' DO DELETE FROM t",
        "CREATE EVENT off ON SCHEDULE AT '2035-05-05 05:05:05' ON COMPLETION PRESERVE DISABLE"
        " DO SET @a = 'x;y'",
    )
    before = check_round_trip(instance, 2)
    assert [(item.time_zone, item.is_enabled) for item in before] == [
        ("+05:30", True),
        ("+05:30", False),
    ]


def test_an_event_wakes_with_its_own_definer_and_character_set(instance: Instance) -> None:
    fresh_schema(instance, SCHEMA, "CREATE USER IF NOT EXISTS owner@localhost")
    with open_session(instance) as session:
        session.execute(f"USE {SCHEMA}")
        session.execute("SET NAMES latin1 COLLATE latin1_german1_ci")
        session.execute("SET sql_mode = 'ANSI_QUOTES', time_zone = '+05:30'")
        session.execute(
            b"CREATE DEFINER=owner@localhost EVENT `\xe9` ON SCHEDULE EVERY 1 DAY"
            b" STARTS '2030-01-01' COMMENT '\xfc' DO SELECT '\xe9' AS \"\xfc\""
        )
    (before,) = read(instance)
    assert (before.name, before.charset, before.is_enabled) == ("é", "latin1", True)
    fresh_schema(instance, SCHEMA)
    with loading(instance) as session:
        assert create_objects(session, [before]) == ()
        (asleep,) = read(instance)
        assert asleep == put_to_sleep(before)
        wake_event(session, before)
    assert read(instance) == (before,)
    run(instance, "DROP USER owner@localhost")


def test_names_and_comments_of_another_character_set_come_back(instance: Instance) -> None:
    fresh_schema(instance, SCHEMA, "CREATE TABLE t (id INT, v VARCHAR(20))")
    with open_session(instance) as session:
        session.execute(f"USE {SCHEMA}")
        session.execute("SET NAMES latin1")
        for statement in (
            b"CREATE PROCEDURE `\xe9`(`\xe4` INT) COMMENT 'it''s \xfc' SELECT '\xe9'",
            b"CREATE FUNCTION `f\xe9`(`\xe4` INT) RETURNS INT DETERMINISTIC COMMENT '\xfc'"
            b" RETURN 1",
            b"CREATE TRIGGER `\xe9` BEFORE INSERT ON t FOR EACH ROW SET NEW.v = '\xe9'",
            b"CREATE VIEW `\xe9` AS SELECT '\xe9' AS `\xfc`",
        ):
            session.execute(statement)
    before = read(instance)
    assert sorted(item.name for item in before) == ["fé", "é", "é", "é"]
    fresh_schema(instance, SCHEMA, "CREATE TABLE t (id INT, v VARCHAR(20))")
    with loading(instance) as session:
        assert create_objects(session, before) == ()
    assert read(instance) == before


def test_an_event_of_the_past_that_the_server_drops_at_once_is_reported(
    instance: Instance,
) -> None:
    create(
        instance,
        "SET @@GLOBAL.event_scheduler = OFF",
        "CREATE EVENT past ON SCHEDULE AT '2035-05-05 05:05:05' DO DELETE FROM t",
    )
    (item,) = read(instance)
    expired = replace(item, create_sql=item.create_sql.replace(b"2035", b"2005"))
    (finding,) = recreate(instance, (expired,))
    assert finding.where == f"{SCHEMA}.past"
    assert read(instance) == ()


def test_the_database_collation_of_a_routine_comes_back(instance: Instance) -> None:
    create(
        instance,
        f"ALTER DATABASE {SCHEMA} CHARACTER SET latin1",
        "CREATE FUNCTION f(a VARCHAR(9)) RETURNS VARCHAR(9) DETERMINISTIC RETURN a",
        "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET @a = 'x'",
        f"ALTER DATABASE {SCHEMA} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
        "CREATE FUNCTION g(a VARCHAR(9)) RETURNS VARCHAR(9) DETERMINISTIC RETURN a",
    )
    before = read(instance)
    assert {item.database_collation for item in before} > {"utf8mb4_unicode_ci"}
    assert recreate(instance, before) == ()
    with loading(instance) as session:
        session.execute(f"ALTER DATABASE {SCHEMA} COLLATE utf8mb4_unicode_ci")
        session.execute(f"DROP FUNCTION {SCHEMA}.f")
        assert create_objects(session, [before[0]]) == ()
        session.execute(f"USE {SCHEMA}")
        assert session.text("SELECT @@collation_database") == "utf8mb4_unicode_ci"
    assert read(instance) == before
