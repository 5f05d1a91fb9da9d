"""D58 to D65: views, triggers, routines, events, accounts, and what is broken at the source."""

# ruff: noqa: E501 - a statement is read best in one line
from __future__ import annotations

from tests.exactness.case import EVERYWHERE, MARIADB, MYSQL, Case, insert

_TABLE = "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))"
_ROWS = insert("t", ["'x'", "'y'"])


def _code(trap: str, name: str, *statements: str | bytes, **more: object) -> Case:
    return Case(trap, name, (_TABLE, _ROWS, *statements), **more)  # type: ignore[arg-type]


CASES = (
    _code(
        "D58",
        "views_on_views",
        "CREATE VIEW z AS SELECT id, CONCAT(v, ', (') AS c FROM t",
        "CREATE VIEW m AS SELECT * FROM z WHERE c <> 'it''s'",
        "CREATE VIEW a (`x``y`, `é`) AS SELECT * FROM m",
        probes=("SELECT * FROM a ORDER BY 1",),
    ),
    _code(
        "D58",
        "views_across_schemas",
        "CREATE DATABASE `zz_{S}`",
        "CREATE VIEW `zz_{S}`.v AS SELECT id FROM `{S}`.t",
        "CREATE VIEW a AS SELECT * FROM `zz_{S}`.v",
        "CREATE VIEW `zz_{S}`.w AS SELECT * FROM a",
        probes=("SELECT * FROM `zz_{S}`.w ORDER BY 1",),
        also=("zz_{S}",),
    ),
    _code(
        "D58",
        "view_of_a_table_that_is_gone",
        "CREATE TABLE gone (id INT)",
        "CREATE VIEW v AS SELECT id FROM gone",
        "DROP TABLE gone",
        reported=("v",),
    ),
    _code(
        "D58",
        "view_of_a_column_that_is_gone",
        "CREATE TABLE u (id INT, c INT)",
        "CREATE VIEW v AS SELECT c FROM u",
        "ALTER TABLE u DROP c",
        reported=("v",),
    ),
    _code(
        "D58",
        "view_of_a_function_that_is_gone",
        "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
        "CREATE VIEW v AS SELECT f() AS n",
        "DROP FUNCTION f",
        reported=("v",),
    ),
    _code(
        "D58",
        "equal_names_in_two_schemas",
        "CREATE DATABASE `zz_{S}`",
        "CREATE TABLE `zz_{S}`.t (id INT)",
        "CREATE VIEW v AS SELECT 1 AS a",
        "CREATE VIEW `zz_{S}`.v AS SELECT 2 AS b",
        also=("zz_{S}",),
    ),
    _code(
        "D58",
        "view_of_text_that_is_not_ascii",
        "CREATE VIEW `é` AS SELECT '漢' AS `ü`, v FROM t WHERE v <> 'ß'",
    ),
    _code(
        "D58",
        "view_of_latin1",
        "SET NAMES latin1",
        b"CREATE VIEW v AS SELECT 'caf\xe9' AS c FROM t WHERE v <> '\xfc'",
        probes=("SELECT HEX(c), CHARSET(c) FROM v",),
    ),
    _code(
        "D58",
        "view_of_everything",
        "CREATE VIEW v AS SELECT * FROM t UNION SELECT 1, 'z' ORDER BY 1 LIMIT 5",
    ),
    _code(
        "D58",
        "view_of_common_table_expression",
        "CREATE VIEW v AS WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5)"
        " SELECT i, ROW_NUMBER() OVER (ORDER BY i DESC) AS r FROM n",
        probes=("SELECT * FROM v ORDER BY i",),
    ),
    _code(
        "D59",
        "view_attributes",
        "CREATE ALGORITHM=TEMPTABLE SQL SECURITY INVOKER VIEW a AS SELECT id FROM t",
        "CREATE ALGORITHM=MERGE SQL SECURITY DEFINER VIEW b AS SELECT id FROM t WHERE id > 0 WITH LOCAL CHECK OPTION",
        "CREATE VIEW c AS SELECT id FROM b WHERE id < 9 WITH CASCADED CHECK OPTION",
    ),
    _code(
        "D59",
        "definer_that_is_missing",
        "CREATE DEFINER=`no body`@`10.%` VIEW v AS SELECT id FROM t",
        "CREATE DEFINER=`no body`@`10.%` SQL SECURITY INVOKER VIEW w AS SELECT id FROM t",
    ),
    _code(
        "D59",
        "definer_of_its_own",
        "CREATE USER d59_owner@localhost IDENTIFIED BY 'x'",
        "GRANT SELECT ON `{S}`.* TO d59_owner@localhost",
        "CREATE DEFINER=d59_owner@localhost VIEW v AS SELECT id FROM t",
        accounts=("`d59_owner`@`localhost`",),
        probes=("SELECT * FROM v ORDER BY 1",),
    ),
    _code(
        "D60",
        "order_of_triggers",
        "CREATE TRIGGER m BEFORE INSERT ON t FOR EACH ROW SET NEW.v = CONCAT(NEW.v, 'm')",
        "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW FOLLOWS m SET NEW.v = CONCAT(NEW.v, 'a')",
        "CREATE TRIGGER z BEFORE INSERT ON t FOR EACH ROW PRECEDES m SET NEW.v = CONCAT(NEW.v, 'z')",
        probes=("INSERT INTO t VALUES (9, '')", "SELECT v FROM t WHERE id = 9"),
    ),
    _code(
        "D60",
        "triggers_of_every_kind",
        "CREATE TABLE log (n INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20))",
        *(
            f"CREATE TRIGGER {time}_{event} {time} {event} ON t FOR EACH ROW"
            f" INSERT INTO log (what) VALUES ('{time} {event}')"
            for time in ("BEFORE", "AFTER")
            for event in ("INSERT", "UPDATE", "DELETE")
        ),
        probes=(
            "SELECT COUNT(*) FROM log",
            "UPDATE t SET v = 'q'",
            "SELECT what FROM log ORDER BY n",
        ),
    ),
    _code(
        "D60",
        "trigger_under_modes",
        "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'",
        """CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW."v" = 'a\\' || NEW.v""",
        "SET sql_mode = ''",
        'CREATE TRIGGER h BEFORE UPDATE ON t FOR EACH ROW SET NEW.v = "\\""',
        probes=("INSERT INTO t VALUES (9, 'n')", "SELECT HEX(v) FROM t WHERE id = 9"),
    ),
    _code(
        "D60",
        "trigger_of_latin1",
        "SET NAMES latin1 COLLATE latin1_german1_ci",
        b"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 'caf\xe9'",
        probes=("INSERT INTO t VALUES (9, 'n')", "SELECT HEX(v) FROM t WHERE id = 9"),
    ),
    _code(
        "D60",
        "trigger_whose_table_column_is_gone",
        "CREATE TABLE u (id INT, c INT)",
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW INSERT INTO u (c) VALUES (1)",
        "DROP TABLE u",
    ),
    _code(
        "D60",
        "trigger_for_two_events",
        "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW BEGIN DECLARE x INT; SET x = OLD.id; SET NEW.v = x; END",
    ),
    _code(
        "D61",
        "routine_bodies",
        "CREATE PROCEDURE one() SELECT 1",
        "CREATE PROCEDURE many(IN a INT, OUT b VARCHAR(9) CHARACTER SET latin1, INOUT c DECIMAL(9,3))"
        " READS SQL DATA SQL SECURITY INVOKER COMMENT 'it''s' BEGIN\n -- comment ; */\n SET b = 'x';\n\nEND",
        "CREATE FUNCTION f(a ENUM('x','it''s')) RETURNS SET('p','q') DETERMINISTIC NO SQL RETURN 'p'",
        "CREATE FUNCTION g() RETURNS TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DETERMINISTIC RETURN '😀'",
    ),
    _code(
        "D61",
        "routine_under_modes",
        "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE'",
        """CREATE FUNCTION f() RETURNS VARCHAR(9) DETERMINISTIC RETURN 'a' || 'b'""",
        """CREATE PROCEDURE p() SELECT "v" FROM "t" """,
        probes=("SELECT f()",),
    ),
    _code(
        "D61",
        "routine_of_latin1",
        "SET NAMES latin1",
        b"CREATE PROCEDURE p() SELECT '\xe9\xfc' AS `n\xe9`",
    ),
    _code(
        "D61",
        "routine_of_a_database_default_that_changed",
        "CREATE DATABASE `zz_{S}` COLLATE latin1_bin",
        "USE `zz_{S}`",
        "CREATE FUNCTION f(a VARCHAR(9)) RETURNS VARCHAR(9) DETERMINISTIC RETURN a",
        "ALTER DATABASE `zz_{S}` COLLATE utf8mb4_bin",
        probes=("SELECT CHARSET(`zz_{S}`.f('x'))",),
        also=("zz_{S}",),
    ),
    _code(
        "D61",
        "routine_and_function_of_one_name",
        "CREATE PROCEDURE same() SELECT 1",
        "CREATE FUNCTION same() RETURNS INT DETERMINISTIC RETURN 1",
        "CREATE TABLE same (id INT)",
    ),
    _code(
        "D61",
        "aggregate_function",
        "CREATE AGGREGATE FUNCTION total(x INT) RETURNS INT DETERMINISTIC BEGIN DECLARE s INT DEFAULT 0;"
        " DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END",
        probes=("SELECT total(id) FROM t",),
        on=MARIADB,
    ),
    _code(
        "D61",
        "packages",
        "SET sql_mode = 'ORACLE'",
        "CREATE PACKAGE pk AS FUNCTION f RETURN INT; PROCEDURE p; END",
        "CREATE PACKAGE BODY pk AS FUNCTION f RETURN INT AS BEGIN RETURN 7; END; PROCEDURE p AS BEGIN NULL; END; END",
        on=MARIADB,
    ),
    _code(
        "D61",
        "oracle_routine",
        "SET sql_mode = 'ORACLE'",
        "CREATE PROCEDURE p(a IN VARCHAR2, b OUT t.id%TYPE) AS x NUMBER(9,2) := 1; BEGIN b := x; END",
        on=MARIADB,
    ),
    _code(
        "D62",
        "events",
        "CREATE EVENT a ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' ENDS '2036-01-01 00:00:00'"
        " ON COMPLETION PRESERVE COMMENT 'it''s' DO DROP DATABASE nothing",
        "CREATE EVENT b ON SCHEDULE EVERY '1:30' HOUR_MINUTE DISABLE DO BEGIN SET @a = 1; SET @b = 2; END",
        "CREATE EVENT c ON SCHEDULE AT '2037-01-01 01:02:03' DO SELECT 1",
    ),
    _code(
        "D62",
        "event_of_another_zone",
        "SET time_zone = '+05:30'",
        "CREATE EVENT e ON SCHEDULE EVERY 3 MONTH STARTS '2030-06-15 01:00:00' DO SELECT 1",
        probes=(
            "SELECT time_zone, starts, interval_value FROM information_schema.events WHERE event_schema = '{S}'",
        ),
    ),
    _code(
        "D62",
        "event_under_modes",
        "SET sql_mode = 'ANSI_QUOTES,ALLOW_INVALID_DATES'",
        'CREATE EVENT e ON SCHEDULE EVERY 1 WEEK STARTS \'2030-01-01\' DO SELECT "v" FROM "t"',
    ),
    _code(
        "D62",
        "event_that_is_disabled_on_replicas",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DISABLE ON SLAVE DO SELECT 1",
        on=MARIADB,
    ),
    Case(
        "D63",
        "accounts",
        (
            "CREATE USER d63_app@localhost IDENTIFIED BY 'it''s a \\\\ secret'",
            "CREATE USER d63_odd@`%.example` IDENTIFIED BY 'x' REQUIRE SSL",
            "CREATE USER d63_limited@`10.%` IDENTIFIED BY 'y' WITH MAX_USER_CONNECTIONS 3 MAX_QUERIES_PER_HOUR 7",
            "CREATE USER d63_locked@`%` IDENTIFIED BY 'y' PASSWORD EXPIRE INTERVAL 9 DAY ACCOUNT LOCK",
            "CREATE USER d63_bare@localhost",
            "CREATE TABLE t (id INT, secret INT)",
            "CREATE PROCEDURE p() SELECT 1",
            "GRANT SELECT (id), INSERT (id, secret) ON t TO d63_app@localhost",
            "GRANT EXECUTE ON PROCEDURE p TO d63_app@localhost WITH GRANT OPTION",
            "GRANT ALL ON `d63\\_%`.* TO d63_limited@`10.%`",
            "GRANT PROCESS, RELOAD ON *.* TO d63_limited@`10.%`",
        ),
        accounts=(
            "`d63_app`@`localhost`",
            "`d63_odd`@`%.example`",
            "`d63_limited`@`10.%`",
            "`d63_locked`@`%`",
            "`d63_bare`@`localhost`",
        ),
        faults={EVERYWHERE: "grants on routines come before the routines; the restore tells"},
    ),
    Case(
        "D63",
        "roles_of_mariadb",
        (
            "CREATE ROLE d63_a_role",
            "CREATE ROLE d63_z_role WITH ADMIN d63_a_role",
            "CREATE USER d63_user@localhost IDENTIFIED VIA unix_socket",
            "GRANT SELECT ON `{S}`.* TO d63_z_role",
            "GRANT d63_a_role TO d63_user@localhost WITH ADMIN OPTION",
            "SET DEFAULT ROLE d63_a_role FOR d63_user@localhost",
            "GRANT PROXY ON root@localhost TO d63_user@localhost",
        ),
        accounts=("`d63_user`@`localhost`",),
        probes=("SHOW GRANTS FOR d63_a_role", "SHOW GRANTS FOR d63_z_role"),
        on=MARIADB,
    ),
    Case(
        "D63",
        "roles_of_mysql",
        (
            "CREATE ROLE d63_a_role, d63_z_role",
            "GRANT SELECT ON `{S}`.* TO d63_z_role",
            "GRANT d63_z_role TO d63_a_role",
            "CREATE USER d63_user@localhost IDENTIFIED BY 'x' DEFAULT ROLE d63_a_role"
            " FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 2 PASSWORD HISTORY 5 ATTRIBUTE '{\"a\": \"it''s\"}'",
            "GRANT d63_a_role TO d63_user@localhost WITH ADMIN OPTION",
            "SET DEFAULT ROLE d63_a_role TO d63_user@localhost",
            "GRANT BACKUP_ADMIN, ROLE_ADMIN ON *.* TO d63_user@localhost",
            "GRANT PROXY ON root@localhost TO d63_user@localhost",
        ),
        accounts=("`d63_user`@`localhost`", "`d63_a_role`@`%`", "`d63_z_role`@`%`"),
        on=MYSQL,
    ),
    Case(
        "D63",
        "partial_revokes",
        (
            "SET GLOBAL partial_revokes = ON",
            "CREATE USER d63_part@localhost IDENTIFIED BY 'x'",
            "GRANT SELECT ON *.* TO d63_part@localhost",
            "REVOKE SELECT ON mysql.* FROM d63_part@localhost",
        ),
        accounts=("`d63_part`@`localhost`",),
        on=MYSQL,
        faults={MYSQL: "the target needs partial_revokes; told only behind the rows"},
    ),
    Case(
        "D64",
        "statistics_of_the_server",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY (v)) STATS_PERSISTENT=1",
            insert("t", ["1", "2", "3"]),
            "ANALYZE TABLE t",
        ),
    ),
    Case(
        "D64",
        "statistics_of_columns",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY (v))",
            insert("t", ["1", "2", "3"]),
            "ANALYZE TABLE t PERSISTENT FOR ALL",
        ),
        on=MARIADB,
    ),
    Case(
        "D64",
        "histograms",
        (
            "CREATE TABLE t (id INT PRIMARY KEY, v INT)",
            insert("t", ["1", "2", "3"]),
            "ANALYZE TABLE t UPDATE HISTOGRAM ON v WITH 3 BUCKETS",
        ),
        on=MYSQL,
    ),
    _code(
        "D65",
        "routine_whose_text_is_broken",
        "CREATE PROCEDURE p() SELECT 1",
        "UPDATE mysql.proc SET body = 'BEGIN nonsense', body_utf8 = 'BEGIN nonsense' WHERE db = '{S}' AND name = 'p'",
        reported=("p",),
        on=MARIADB,
    ),
    _code(
        "D65",
        "event_whose_text_is_broken",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO SELECT 1",
        "UPDATE mysql.event SET body = 'nonsense', body_utf8 = 'nonsense' WHERE db = '{S}' AND name = 'e'",
        reported=("e",),
        on=MARIADB,
    ),
    _code(
        "D65",
        "view_on_a_broken_view",
        "CREATE TABLE gone (id INT)",
        "CREATE VIEW a AS SELECT id FROM gone",
        "CREATE VIEW b AS SELECT id FROM a",
        "CREATE VIEW c AS SELECT id FROM t",
        "DROP TABLE gone",
        reported=("a", "b"),
    ),
    _code(
        "D65",
        "routine_that_needs_what_is_gone",
        "CREATE TABLE gone (id INT)",
        "CREATE PROCEDURE p() SELECT * FROM gone",
        "DROP TABLE gone",
    ),
)
