"""Texts as servers give them, and texts that a forger would put in their place."""

from __future__ import annotations

from dataclasses import replace

from shardvault.fleet.definitions import Contents
from shardvault.fleet.stored_text.judge import Server, find_forgeries
from shardvault.model.manifest import RangeRecord, TableRecord
from shardvault.model.position import Family
from shardvault.model.schema import (
    Account,
    CodeObject,
    Column,
    ForeignKey,
    InstanceKind,
    InstanceObject,
    ObjectKind,
    Schema,
    Table,
    TableKind,
)

MARIADB = Server(Family.MARIADB, (11, 8, 9))
MYSQL = Server(Family.MYSQL, (9, 7, 0))
SHOP = Schema("shop", b"CREATE DATABASE `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */")
ID = Column("id", "int", "int", None, None, False, False)
ORDERS_SQL = b"CREATE TABLE `orders` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB"
ORDERS = Table("shop", "orders", TableKind.ROWS, "InnoDB", True, ORDERS_SQL, (ID,), ("id",), "x")
COUNTER_SQL = (
    b"CREATE SEQUENCE `counter` start with -5 minvalue -9 maxvalue 9223372036854775806 "
    b"increment by 1 cache 1000 nocycle ENGINE=InnoDB"
)
COUNTER = Table("shop", "counter", TableKind.SEQUENCE, "InnoDB", True, COUNTER_SQL, ())
APP = "`app`@`%`"


def code(kind: ObjectKind, sql: bytes, name: str = "one", **state: str) -> CodeObject:
    """Make a code object of its text, in the state that most have."""
    made = {"sql_mode": "", "charset": "utf8mb4", "collation": "utf8mb4_general_ci", **state}
    table = "orders" if kind is ObjectKind.TRIGGER else ""
    return CodeObject(kind, "shop", name, sql, table=table, **made)  # type: ignore[arg-type]


def record(sql: bytes = ORDERS_SQL, **changes: object) -> TableRecord:
    """Make the record of a table without rows."""
    table = replace(ORDERS, create_sql=sql, **changes)  # type: ignore[arg-type]
    return TableRecord(table, ("id",), 0, "", 0, ())


def record_of(table: Table) -> TableRecord:
    """Make the record of a table that has no columns of its own."""
    return TableRecord(table, (), 0, "", 0, ())


def with_border(literal: str) -> TableRecord:
    """Make a record with one range that begins at a literal."""
    return replace(record(), ranges=(RangeRecord((literal,), None, 0, "", 0, ()),))


def with_key(*columns: str) -> TableRecord:
    """Make a record whose foreign key has these columns and one of the parent."""
    return record(foreign_keys=(ForeignKey("f", columns, "shop", "orders", ("id",)),))


def account(create: bytes = b"", *grants: bytes, name: str = APP, is_role: bool = False) -> Account:
    """Make an account."""
    return Account(name, is_role, create or b"CREATE USER " + name.encode(), grants)


Thing = Schema | TableRecord | CodeObject | InstanceObject | Account


def judge(thing: Thing, server: Server = MARIADB) -> list[str]:
    """Give why a thing is refused, beside a schema that is sound."""
    contents = Contents(schemas=(SHOP,))
    match thing:
        case Schema():
            contents = Contents(schemas=(thing,))
        case TableRecord():
            contents = replace(contents, tables=(thing,))
        case CodeObject():
            contents = replace(contents, objects=(thing,))
        case InstanceObject():
            contents = replace(contents, instance_objects=(thing,))
        case Account():
            contents = replace(contents, accounts=(thing,))
    return [found.reason for found in find_forgeries(contents, server)]


_COLUMNS = b"CREATE TABLE `orders` (\n  `id` int NOT NULL\n) "
_D = b"DEFINER=`root`@`localhost`"
_VIEW = b"CREATE ALGORITHM=UNDEFINED " + _D + b" SQL SECURITY DEFINER VIEW "
_EVENT = b"CREATE " + _D + b" EVENT `one` ON SCHEDULE "
_STATE = b" ON COMPLETION NOT PRESERVE ENABLE DO SET @a = 1"
_PROCEDURE = b"CREATE " + _D + b" PROCEDURE `one`()\nSELECT 1"


def _procedure(**state: str) -> CodeObject:
    return code(ObjectKind.PROCEDURE, _PROCEDURE, **state)


FORGED: dict[str, Thing] = {
    # databases
    "another_database": Schema("shop", b"CREATE DATABASE `bank`"),
    "a_database_that_is_dropped": Schema("shop", b"DROP DATABASE `bank`"),
    "a_database_or_what_replaces_it": Schema("shop", b"CREATE OR REPLACE DATABASE `shop`"),
    "a_database_and_a_second_statement": Schema("shop", b"CREATE DATABASE `shop`; DROP DATABASE b"),
    "a_database_of_the_server": Schema("mysql", b"CREATE DATABASE `mysql`"),
    "a_database_of_our_own": Schema("_shardvault", b"CREATE DATABASE `_shardvault`"),
    "a_database_with_a_hidden_option": Schema(
        "shop", b"CREATE DATABASE `shop` /*!50000 COLLATE x READ ONLY = 1 */"
    ),
    "a_database_behind_a_comment": Schema("shop", b"CREATE DATABASE /* ` */ `shop`"),
    # tables
    "another_table": record(b"CREATE TABLE `other` (\n  `id` int\n) ENGINE=InnoDB"),
    "a_table_of_another_database": record(b"CREATE TABLE `bank`.`orders` (`id` int) ENGINE=InnoDB"),
    "a_temporary_table": record(b"CREATE TEMPORARY TABLE `orders` (`id` int) ENGINE=InnoDB"),
    "a_table_that_replaces": record(b"CREATE OR REPLACE TABLE `orders` (`id` int) ENGINE=InnoDB"),
    "a_table_that_may_be_there": record(
        b"CREATE TABLE IF NOT EXISTS `orders` (`id` int) ENGINE=InnoDB"
    ),
    "a_user_instead_of_a_table": record(b"CREATE USER `x`@`%` IDENTIFIED BY 'y'"),
    "a_grant_instead_of_a_table": record(b"GRANT ALL ON *.* TO `app`@`%`"),
    "a_block_of_statements": record(b"BEGIN NOT ATOMIC DROP DATABASE bank; END"),
    "a_global_variable": record(b"SET GLOBAL general_log = 1"),
    "a_table_made_of_a_query": record(_COLUMNS + b"ENGINE=InnoDB SELECT 1"),
    "a_table_made_as_a_query": record(_COLUMNS + b"ENGINE=InnoDB AS SELECT * FROM mysql.user"),
    "a_table_made_of_a_query_in_parentheses": record(_COLUMNS + b"ENGINE=InnoDB (SELECT 1)"),
    "a_table_made_of_a_whole_table": record(_COLUMNS + b"ENGINE=InnoDB TABLE mysql.user"),
    "a_table_made_of_values": record(_COLUMNS + b"ENGINE=InnoDB VALUES ROW(1)"),
    "a_table_made_of_a_with": record(
        _COLUMNS + b"ENGINE=InnoDB WITH c AS (SELECT 1) SELECT * FROM c"
    ),
    "a_table_that_replaces_rows": record(_COLUMNS + b"ENGINE=InnoDB REPLACE SELECT 1"),
    "a_query_for_columns": record(b"CREATE TABLE `orders` (SELECT 1) ENGINE=InnoDB"),
    "a_table_like_another": record(b"CREATE TABLE `orders` (LIKE mysql.user) ENGINE=InnoDB"),
    "a_query_in_an_expression": record(
        b"CREATE TABLE `orders` (`id` int DEFAULT (select 1)) ENGINE=InnoDB"
    ),
    "a_query_in_a_mark_of_a_version": record(_COLUMNS + b"ENGINE=InnoDB /*!50000 SELECT 1 */"),
    "a_query_in_a_mark_without_a_version": record(_COLUMNS + b"ENGINE=InnoDB /*! SELECT 1 */"),
    "a_query_in_a_mark_of_mariadb": record(_COLUMNS + b"ENGINE=InnoDB /*M! SELECT 1 */"),
    "a_query_after_the_partitions": record(
        _COLUMNS + b"ENGINE=InnoDB PARTITION BY HASH (`id`) PARTITIONS 2 SELECT 1"
    ),
    "a_query_in_options_that_come_back_to_life": record(
        _COLUMNS + b"ENGINE=InnoDB /* `x`=1 SELECT 1 */"
    ),
    "a_folder_of_its_own": record(_COLUMNS + b"ENGINE=InnoDB DATA DIRECTORY='/etc'"),
    "a_folder_behind_a_comment": record(_COLUMNS + b"ENGINE=InnoDB DATA/**/DIRECTORY='/etc'"),
    "a_folder_of_a_partition": record(
        _COLUMNS + b"ENGINE=InnoDB PARTITION BY HASH (`id`) "
        b"(PARTITION a DATA DIRECTORY = '/etc' ENGINE = InnoDB)"
    ),
    "another_engine": record(_COLUMNS + b"ENGINE=BLACKHOLE"),
    "rows_for_other_tables": record(
        _COLUMNS + b"ENGINE=MRG_MyISAM INSERT_METHOD=LAST UNION=(`bank`.`a`)", engine="MRG_MyISAM"
    ),
    "rows_for_another_server": record(
        _COLUMNS + b"ENGINE=FEDERATED CONNECTION='mysql://x@h/d/t'", engine="FEDERATED"
    ),
    "two_engines": record(_COLUMNS + b"ENGINE=InnoDB ENGINE=FEDERATED CONNECTION='fs/t'"),
    "an_unknown_option": record(_COLUMNS + b"ENGINE=InnoDB WHATEVER=1"),
    "a_comment_to_the_end_of_the_line": record(_COLUMNS + b"ENGINE=InnoDB # '\nSELECT 1 -- '"),
    "a_comma_in_a_mark": record(
        b"CREATE TABLE `orders` (`id` int, KEY `k` (`id`) /*!50000 , RENAME TO `bank`.`t` */) "
        b"ENGINE=InnoDB"
    ),
    "a_text_without_end": record(_COLUMNS + b"ENGINE=InnoDB COMMENT='"),
    "a_nul_byte": record(_COLUMNS + b"\0ENGINE=InnoDB"),
    "a_second_statement_after_a_table": record(ORDERS_SQL + b"; DROP DATABASE `bank`"),
    "a_table_in_a_database_that_is_not_there": record(schema="mysql"),
    # sequences
    "another_sequence": record_of(replace(COUNTER, name="other")),
    "a_sequence_and_more": record_of(replace(COUNTER, create_sql=COUNTER_SQL + b"; DROP TABLE t")),
    "a_sequence_that_is_a_table": record_of(replace(COUNTER, create_sql=ORDERS_SQL)),
    "a_sequence_that_replaces": record_of(
        replace(COUNTER, create_sql=COUNTER_SQL.replace(b"CREATE", b"CREATE OR REPLACE"))
    ),
    "a_sequence_that_goes_on_at_an_expression": record_of(replace(COUNTER, sequence_next="f()")),
    # rows
    "a_border_that_is_a_call": with_border("sleep(9)"),
    "a_border_that_is_a_query": with_border("(SELECT f())"),
    "a_border_that_goes_on": with_border("1 OR f() INTO OUTFILE '/tmp/x'"),
    "a_border_in_a_comment": with_border("1/*!50000 OR f() */"),
    "a_border_without_a_key": replace(with_border("1"), table=replace(ORDERS, key=())),
    "rows_with_an_unknown_column": replace(record(), select_columns=("id", "x")),
    "a_key_over_an_unknown_column": record(key=("x",)),
    "a_foreign_key_without_columns": with_key(),
    "a_foreign_key_of_two_lengths": with_key("id", "id"),
    "a_counter_below_nothing": record(auto_increment=-1),
    # views
    "another_view": code(ObjectKind.VIEW, _VIEW + b"`shop`.`two` AS select 1 AS `a`"),
    "a_view_of_another_database": code(ObjectKind.VIEW, _VIEW + b"`bank`.`one` AS select 1 AS `a`"),
    "a_view_that_replaces": code(
        ObjectKind.VIEW, _VIEW.replace(b"CREATE", b"CREATE OR REPLACE") + b"`one` AS select 1"
    ),
    "a_view_into_a_file": code(
        ObjectKind.VIEW, _VIEW + b"`shop`.`one` AS select 1 INTO OUTFILE '/tmp/x'"
    ),
    "a_view_into_a_file_in_a_mark": code(
        ObjectKind.VIEW, _VIEW + b"`shop`.`one` AS select 1 /*!50000 INTO OUTFILE '/tmp/x' */"
    ),
    "a_procedure_that_is_a_view": code(ObjectKind.PROCEDURE, _VIEW + b"`shop`.`one` AS select 1"),
    "a_view_that_is_a_table": code(ObjectKind.VIEW, ORDERS_SQL),
    "a_view_and_a_second_statement": code(
        ObjectKind.VIEW, _VIEW + b"`shop`.`one` AS select 1; DROP DATABASE bank"
    ),
    # routines
    "another_procedure": code(ObjectKind.PROCEDURE, _PROCEDURE.replace(b"`one`", b"`two`")),
    "a_procedure_of_another_database": code(
        ObjectKind.PROCEDURE, _PROCEDURE.replace(b"`one`", b"`mysql`.`one`")
    ),
    "a_call_instead_of_a_procedure": code(ObjectKind.PROCEDURE, b"CALL mysql.x()"),
    "a_user_instead_of_a_procedure": code(
        ObjectKind.PROCEDURE, b"CREATE USER `one`@`%` IDENTIFIED BY 'x'"
    ),
    "a_procedure_and_a_second_statement": code(
        ObjectKind.PROCEDURE, _PROCEDURE + b"; DROP DATABASE bank"
    ),
    "a_function_of_a_library": code(
        ObjectKind.FUNCTION, b"CREATE FUNCTION `one` RETURNS STRING SONAME 'udf.so'"
    ),
    "a_function_of_a_library_with_a_definer": code(
        ObjectKind.FUNCTION, b"CREATE " + _D + b" FUNCTION `one` RETURNS STRING SONAME 'udf.so'"
    ),
    "a_definer_that_is_an_expression": code(
        ObjectKind.PROCEDURE, b"CREATE DEFINER=(SELECT 1) PROCEDURE `one`() SELECT 1"
    ),
    "another_library": code(
        ObjectKind.LIBRARY, b"CREATE LIBRARY `shop`.`two` LANGUAGE JAVASCRIPT AS $$ x $$"
    ),
    "a_library_and_a_second_statement": code(
        ObjectKind.LIBRARY,
        b"CREATE LIBRARY `one` LANGUAGE JAVASCRIPT AS $$ x $$; DROP DATABASE bank; SELECT $$ $$",
    ),
    "a_library_or_what_replaces_it": code(
        ObjectKind.LIBRARY, b"CREATE LIBRARY IF NOT EXISTS `one` LANGUAGE JAVASCRIPT AS 'x'"
    ),
    "a_package_that_is_a_body": code(
        ObjectKind.PACKAGE, b"CREATE " + _D + b" PACKAGE BODY `one` AS END"
    ),
    "a_text_that_ends_otherwise_without_backslashes": code(
        ObjectKind.PROCEDURE,
        b"CREATE " + _D + rb" PROCEDURE `one`() COMMENT '\' SELECT 1; DROP DATABASE bank -- '",
        sql_mode="NO_BACKSLASH_ESCAPES",
    ),
    "a_quote_that_is_the_half_of_a_character": code(
        ObjectKind.PROCEDURE,
        b"CREATE " + _D + b" PROCEDURE `\x81`one`() SELECT 1",
        charset="gbk",
    ),
    # what belongs to an instance
    "a_spatial_system_whose_number_is_a_call": InstanceObject(
        InstanceKind.SPATIAL_SYSTEM, "sleep(9)", (("name", "n"), ("definition", "d"))
    ),
    "a_spatial_system_of_an_organisation_that_goes_on": InstanceObject(
        InstanceKind.SPATIAL_SYSTEM,
        "4000001",
        (("name", "n"), ("definition", "d"), ("organization", "o"), ("organization id", "1; x")),
    ),
    "a_spatial_system_without_a_definition": InstanceObject(
        InstanceKind.SPATIAL_SYSTEM, "4000001", (("name", "n"),)
    ),
    "a_foreign_server_without_a_wrapper": InstanceObject(InstanceKind.SERVER, "s", ()),
    # triggers
    "a_trigger_of_another_table": code(
        ObjectKind.TRIGGER,
        b"CREATE " + _D + b" TRIGGER `one` BEFORE INSERT ON `bank` FOR EACH ROW SET @a = 1",
    ),
    "a_trigger_of_a_table_elsewhere": code(
        ObjectKind.TRIGGER,
        b"CREATE " + _D + b" TRIGGER one BEFORE INSERT ON bank.orders FOR EACH ROW SET @a = 1",
    ),
    "another_trigger": code(
        ObjectKind.TRIGGER,
        b"CREATE " + _D + b" TRIGGER two BEFORE INSERT ON orders FOR EACH ROW SET @a = 1",
    ),
    # events
    "another_event": code(ObjectKind.EVENT, _EVENT.replace(b"`one`", b"`two`") + b"EVERY 1 DAY"),
    "a_query_for_a_schedule": code(ObjectKind.EVENT, _EVENT + b"AT (SELECT 1)" + _STATE),
    "a_state_in_a_comment": code(
        ObjectKind.EVENT,
        _EVENT + b"EVERY 1 SECOND /* ON COMPLETION PRESERVE ENABLE */" + _STATE,
    ),
    "an_event_without_a_state": code(ObjectKind.EVENT, _EVENT + b"EVERY 1 SECOND DO SET @a = 1"),
    # the state that code is created in
    "an_sql_mode_that_sets_a_variable": _procedure(sql_mode="', GLOBAL general_log = 'ON"),
    "an_sql_mode_that_is_an_expression": _procedure(sql_mode="' + sleep(9) + '"),
    "a_character_set_that_goes_on": _procedure(charset="utf8mb4, GLOBAL general_log = 1"),
    "a_character_set_of_no_client": _procedure(charset="utf16"),
    "a_character_set_without_ascii": _procedure(charset="swe7"),
    "a_collation_that_goes_on": _procedure(collation="utf8mb4_bin, GLOBAL general_log = 1"),
    "a_time_zone_that_goes_on": _procedure(time_zone="+00:00', GLOBAL general_log = 'ON"),
    "a_database_collation_that_goes_on": _procedure(database_collation="x READ ONLY = 1"),
    # accounts
    "another_account": account(b"CREATE USER `evil`@`%`"),
    "an_account_that_replaces": account(b"CREATE OR REPLACE USER `app`@`%`"),
    "two_accounts": account(b"CREATE USER `app`@`%` IDENTIFIED BY 'x', `evil`@`%`"),
    "two_accounts_after_options": account(
        b"CREATE USER `app`@`%` DEFAULT ROLE `r`@`%` ACCOUNT UNLOCK, `evil`@`%`"
    ),
    "a_name_that_goes_on": account(name="`app`@`%` IDENTIFIED BY 'x'"),
    "a_name_without_quotes": account(name="app@localhost"),
    "a_grant_for_somebody_else": account(b"", b"GRANT SUPER ON *.* TO `evil`@`%`"),
    "a_grant_for_two": account(b"", b"GRANT SUPER ON *.* TO `app`@`%`, `evil`@`%`"),
    "a_grant_that_is_another_statement": account(b"", b"SET GLOBAL general_log = 1"),
    "a_grant_that_sets_a_password": account(b"", b"SET PASSWORD FOR `app`@`%` = 'x'"),
    "a_grant_that_drops": account(b"", b"DROP USER `root`@`localhost`"),
    "a_grant_and_a_second_statement": account(
        b"", b"GRANT SELECT ON *.* TO `app`@`%`; DROP DATABASE bank"
    ),
    "a_grant_in_a_mark": account(b"", b"GRANT SUPER ON *.* TO /*!50000 `evil`@`%`, */ `app`@`%`"),
    "a_role_for_somebody_else": account(
        b"CREATE ROLE `r`", b"GRANT `r` TO `evil`@`%`", name="`r`", is_role=True
    ),
    "a_role_with_a_password": account(
        b"CREATE ROLE `r` IDENTIFIED BY 'x'", name="`r`", is_role=True
    ),
    "privileges_of_a_role_for_root": account(
        b"CREATE ROLE `r`", b"GRANT SUPER ON *.* TO `root`@`%`", name="`r`", is_role=True
    ),
}  # fmt: skip
"""What a rogue server or the holder of a stolen source key would store."""

_ORACLE = "PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ORACLE"
SOUND: dict[str, Thing] = {
    "a_database": SHOP,
    "a_database_with_a_comment": Schema("shop", b"CREATE DATABASE `shop` COMMENT '; x'"),
    "a_database_that_is_read_only": Schema(
        "shop",
        b"CREATE DATABASE `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */ "
        b"/*!80016 DEFAULT ENCRYPTION='N' */ /* READ ONLY = 1 */",
    ),
    "a_table": record(),
    "a_table_with_partitions": record(
        _COLUMNS + b"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='select 1'\n"
        b"/*!50100 PARTITION BY RANGE (`id`)\nSUBPARTITION BY HASH (to_days(`d`))\nSUBPARTITIONS 2"
        b"\n(PARTITION p0 VALUES LESS THAN (10) COMMENT = 'x' ENGINE = InnoDB,\n"
        b" PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */"
    ),
    "a_table_with_versions": record(
        _COLUMNS + b"ENGINE=InnoDB WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME INTERVAL 1 WEEK "
        b"STARTS TIMESTAMP'2024-01-01 00:00:00' AUTO PARTITIONS 3"
    ),
    "a_table_with_unknown_options": record(_COLUMNS + b"ENGINE=InnoDB /* `X`='*/' `y`=1 */"),
    "a_table_with_marks": record(
        b"CREATE TABLE `orders` (\n  `id` int /*!80023 INVISIBLE */,\n  `g` int GENERATED ALWAYS "
        b"AS (`id` like 'x') STORED,\n  UNIQUE KEY `k` (`id`) /*!80000 INVISIBLE */,\n"
        b"  CONSTRAINT `c` CHECK (`id` > 0) /*!80016 NOT ENFORCED */\n) ENGINE=InnoDB"
    ),
    "a_table_of_other_tables": record(
        _COLUMNS + b"ENGINE=MRG_MyISAM INSERT_METHOD=LAST UNION=(`a`,`shop`.`b`)",
        engine="MRG_MyISAM",
        kind=TableKind.DEFINITION,
    ),
    "a_sequence": record_of(replace(COUNTER, sequence_next="-5")),
    "a_border": with_border("CONVERT(_utf8mb4 X'c3a4' USING latin1) COLLATE latin1_bin"),
    "a_border_that_is_a_number": with_border("-12.50"),
    "a_border_that_is_a_date": with_border("DATE'0001-01-01'"),
    "a_view": code(ObjectKind.VIEW, _VIEW + b"`shop`.`one` AS select 'into;' AS `into`"),
    "a_view_with_columns": code(
        ObjectKind.VIEW, _VIEW + b"`one` (`a`,`b`) AS select 1 AS `a`,2 AS `b` with check option"
    ),
    "a_procedure": _procedure(),
    "a_procedure_with_a_block": code(
        ObjectKind.PROCEDURE,
        b"CREATE " + _D + b" PROCEDURE `one`(IN `a` int)\n  /* it's */ BEGIN\n IF a THEN SELECT 1; "
        b"END IF; SELECT begin, end FROM orders; END",
    ),
    "a_function_of_oracles_mode": code(
        ObjectKind.FUNCTION,
        b"CREATE " + _D + b' FUNCTION "one" RETURN int AS a int; BEGIN RETURN 1; END',
        sql_mode=_ORACLE,
    ),
    "a_foreign_server": InstanceObject(
        InstanceKind.SERVER, "s", (("wrapper", "mysql"), ("HOST", "'; DROP DATABASE bank"))
    ),
    "a_spatial_system": InstanceObject(
        InstanceKind.SPATIAL_SYSTEM, "4000001", (("name", "n"), ("definition", "d"))
    ),
    "a_package_body": code(
        ObjectKind.PACKAGE_BODY,
        b"CREATE " + _D + b' PACKAGE BODY "one" AS FUNCTION f RETURN int AS BEGIN RETURN 1; END; '
        b"END",
        sql_mode=_ORACLE,
    ),
    "a_trigger_as_a_person_wrote_it": code(
        ObjectKind.TRIGGER,
        b"CREATE " + _D + b" trigger /* mine */ shop.One before insert on shop . orders\n"
        b"for each row follows two set new.id = 1",
    ),
    "an_event": code(
        ObjectKind.EVENT,
        _EVENT + b"EVERY 1 DAY STARTS '2024-01-01 00:00:00' ON COMPLETION PRESERVE "
        b"DISABLE ON SLAVE COMMENT 'it''s' DO begin /* x */ delete from orders; end",
        time_zone="Europe/Berlin",
    ),
    "code_in_one_byte_for_a_character": code(
        ObjectKind.PROCEDURE, _PROCEDURE + b" '\xe4'", charset="cp850", collation="cp850_bin"
    ),
    "an_account": account(
        b"CREATE USER `app`@`%` IDENTIFIED BY PASSWORD 'x' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3",
        b"GRANT SELECT, INSERT (`a`, `b`) ON `shop`.`orders` TO `app`@`%` WITH GRANT OPTION",
        b"GRANT `r` TO `app`@`%` WITH ADMIN OPTION",
        b"GRANT PROXY ON 'x'@'y' TO 'app'@'%' WITH GRANT OPTION",
        b"SET DEFAULT ROLE `r` FOR `app`@`%`",
        b"REVOKE INSERT ON `mysql`.* FROM `app`@`%`",
    ),
    "an_account_with_default_roles": account(
        b"CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$x' "
        b"DEFAULT ROLE `a`@`%`,`b`@`%` REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK"
    ),
    "a_role": account(
        b"CREATE ROLE `r`",
        b"GRANT SELECT ON *.* TO `r`",
        b"GRANT `r` TO `root`@`localhost` WITH ADMIN OPTION",
        name="`r`",
        is_role=True,
    ),
}  # fmt: skip
"""What servers give; none of it is refused."""
