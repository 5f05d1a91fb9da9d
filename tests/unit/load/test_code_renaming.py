"""Which names in views, routines, triggers and events follow a renamed schema."""

from __future__ import annotations

import pytest

from shardvault.load.references import CannotRename
from shardvault.load.renaming import Renaming, Surroundings, describe_kept_texts, rename_object
from shardvault.model.schema import ObjectKind
from tests.unit.load.renaming_support import (
    AROUND,
    MARIADB,
    MYSQL,
    SHOP,
    make_object,
    rename_text,
)

FOLLOWS = [
    ("SELECT * FROM shop.t", "SELECT * FROM `new`.t"),
    ("SELECT * FROM `shop` . `t`", "SELECT * FROM `new` . `t`"),
    ("SELECT * FROM shop/* shop.t */.t", "SELECT * FROM `new`/* shop.t */.t"),
    ("SELECT shop.t.c, shop.f(1)", "SELECT `new`.t.c, `new`.f(1)"),
    ("SELECT shop.t.* FROM x, shop.t", "SELECT `new`.t.* FROM x, `new`.t"),
    ("CALL shop.p()", "CALL `new`.p()"),
    ("SELECT 1 /*!50003 FROM shop.t */", "SELECT 1 /*!50003 FROM `new`.t */"),
    ("SELECT 1 /*M! FROM shop.t */", "SELECT 1 /*M! FROM `new`.t */"),
    (
        "SELECT nextval(shop.s), NEXT VALUE FOR shop.s",
        "SELECT nextval(`new`.s), NEXT VALUE FOR `new`.s",
    ),
    ("DECLARE x ROW TYPE OF shop.t", "DECLARE x ROW TYPE OF `new`.t"),
    ("DECLARE x TYPE OF shop.t.c", "DECLARE x TYPE OF `new`.t.c"),
    ("x shop.t%ROWTYPE", "x `new`.t%ROWTYPE"),
    ("DROP TABLE IF EXISTS shop.t", "DROP TABLE IF EXISTS `new`.t"),
    ("CREATE DATABASE IF NOT EXISTS shop", "CREATE DATABASE IF NOT EXISTS `new`"),
    ("DROP SCHEMA shop", "DROP SCHEMA `new`"),
    ("GRANT SELECT ON shop.* TO u@shop", "GRANT SELECT ON `new`.* TO u@shop"),
    # The name means something else elsewhere; here the grammar decides.
    (
        "SELECT shop.shop.id AS shop FROM (shop.shop)",
        "SELECT `new`.shop.id AS shop FROM (`new`.shop)",
    ),
    ("INSERT INTO shop.shop(shop) VALUES (1)", "INSERT INTO `new`.shop(shop) VALUES (1)"),
    ("UPDATE shop.shop SET shop = 1", "UPDATE `new`.shop SET shop = 1"),
    (
        "SELECT shop.f(shop) FROM x JOIN shop.t ON 1",
        "SELECT `new`.f(shop) FROM x JOIN `new`.t ON 1",
    ),
    ("SELECT nextval(shop.shop)", "SELECT nextval(`new`.shop)"),
]

STAYS = [
    "SELECT * FROM t",
    "SELECT 'shop.t', \"shop.t\", x'73' FROM t -- shop.t",
    "SELECT shop FROM t AS shop",
    "SELECT t.shop, x.shop.y FROM t",
    "SELECT workshop.t, shop1.t, `shop `.t, `a``shop`.t, sho.p, SHOP.t, şhop.t",
    "SELECT @shop.x, @@shop.key_buffer_size",
    "CREATE DEFINER=`a`@`shop` VIEW v AS SELECT 1",
    "DECLARE x TYPE OF shop.id",
    "x shop.id%TYPE",
    "/* shop.t */ # shop.t\nSELECT 1",
    "ALTER DATABASE DEFAULT CHARACTER SET utf8mb4",
    "CREATE FUNCTION f() RETURNS INT RETURN '``shop`.`t`'",
]

DOUBTFUL = [
    "SELECT shop.id FROM t AS shop",
    "SELECT `shop`.`id` FROM `x`.`t` `shop`",
    "SELECT SHOP.id, shop.id FROM t AS SHOP",
    "SELECT shop.id FROM shop.shop",
    "SELECT shop.* FROM shop",
    "DECLARE shop ROW TYPE OF t; SET shop.a = 1",
    "INSERT INTO t SET a = 1 ON DUPLICATE KEY UPDATE shop.a = shop",
    "SELECT extract(year FROM shop.d) FROM (SELECT now() AS d) shop",
    "SELECT trim('a' FROM (shop.d)) FROM x shop",
    "SELECT shop.nextval",
    "SHOW TABLES FROM shop",
    "SELECT shop.a(+) FROM shop",
]


@pytest.mark.parametrize(("text", "expected"), FOLLOWS)
def test_what_can_only_be_the_schema_gets_the_new_name(text: str, expected: str) -> None:
    assert rename_text(text) == expected


@pytest.mark.parametrize("text", STAYS)
def test_what_cannot_be_the_schema_keeps_every_byte(text: str) -> None:
    assert rename_text(text) == text


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_may_be_something_else_is_not_guessed(text: str) -> None:
    with pytest.raises(CannotRename, match="may mean"):
        rename_text(text, renaming=Renaming({"shop": "new", "SHOP": "x"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT shop.id FROM t AS x", "SELECT `new`.id FROM t AS x"),
        ("DECLARE x ROW TYPE OF t; SET shop.a = 1", "DECLARE x ROW TYPE OF t; SET `new`.a = 1"),
        ("SHOW TABLES FROM x", "SHOW TABLES FROM x"),
        ("SELECT extract(year FROM shop.d) FROM x", "SELECT extract(year FROM `new`.d) FROM x"),
    ],
)
def test_without_a_second_meaning_nothing_is_doubtful(text: str, expected: str) -> None:
    """Negative control: it is the second meaning that stops the renaming."""
    assert rename_text(text) == expected


def test_a_variable_of_other_case_makes_a_name_doubtful_too() -> None:
    with pytest.raises(CannotRename, match="may mean"):
        rename_text("DECLARE SHOP ROW TYPE OF t; SET shop.a = 1")


@pytest.mark.parametrize("text", ["SELECT * FROM `shop", "SELECT 'a", "SELECT 1 /* a"])
def test_a_text_that_does_not_end_is_not_guessed(text: str) -> None:
    with pytest.raises(CannotRename, match="cannot be read"):
        rename_text(text)


def test_a_triggers_rows_are_no_schemas() -> None:
    rows = Renaming({"old": "a", "new": "b"})
    with pytest.raises(CannotRename, match="may mean"):
        rename_text("SET x = NEW.id, y = new.id", ObjectKind.TRIGGER, rows)
    head = "CREATE TRIGGER new.tr BEFORE INSERT ON new.t FOR EACH ROW SET @a = 1"
    expected = "CREATE TRIGGER `b`.tr BEFORE INSERT ON `b`.t FOR EACH ROW SET @a = 1"
    assert rename_text(head, ObjectKind.TRIGGER, rows) == expected
    assert rename_text("SELECT old.id", ObjectKind.PROCEDURE, rows) == "SELECT `a`.id"


@pytest.mark.parametrize("text", ["CALL shop.p()", "SELECT shop.f(1)"])
def test_a_package_named_like_the_schema_is_not_taken_for_it(text: str) -> None:
    around = Surroundings(MARIADB, frozenset({"SHOP"}))
    with pytest.raises(CannotRename, match="may mean"):
        rename_text(text, around=around)
    assert rename_text("SELECT * FROM shop.t", around=around) == "SELECT * FROM `new`.t"


def test_two_names_are_swapped_at_once() -> None:
    swap = Renaming({"a": "b", "b": "a"})
    assert rename_text("SELECT `a`.`t`.`b`, `b`.`t`.`a`", renaming=swap) == (
        "SELECT `b`.`t`.`b`, `a`.`t`.`a`"
    )


EVIL = ["a`b", "a b", "select", "a.b", "ünïcode", "a''b\"", "日本", "a\\", "1", "-- x", "/*", "a=b"]


@pytest.mark.parametrize("name", EVIL)
def test_evil_names_are_found_and_written(name: str) -> None:
    quoted = "`" + name.replace("`", "``") + "`"
    text = f"SELECT {quoted}.`t`.`c`, 'x' FROM {quoted}.`t`"
    there = rename_text(text, ObjectKind.VIEW, Renaming({name: "plain"}))
    assert there == "SELECT `plain`.`t`.`c`, 'x' FROM `plain`.`t`"
    assert rename_text(there, ObjectKind.VIEW, Renaming({"plain": name})) == text


def test_double_quotes_hold_a_name_under_ansi_quotes_only() -> None:
    text = 'SELECT "shop"."t"."c", \'shop\''
    renaming = Renaming({"shop": 'n"w'})
    expected = 'SELECT "n""w"."t"."c", \'shop\''
    assert rename_text(text, renaming=renaming, sql_mode="ANSI_QUOTES,ORACLE") == expected
    assert rename_text(text, renaming=renaming) == text


def test_a_backslash_decides_by_the_mode_where_a_text_ends() -> None:
    text = r"SELECT 'a\', shop.t.c -- '"
    assert rename_text(text) == text
    expected = r"SELECT 'a\', `new`.t.c -- '"
    assert rename_text(text, sql_mode="NO_BACKSLASH_ESCAPES") == expected


def test_case_counts_unless_it_did_not_at_the_source() -> None:
    assert rename_text("SELECT SHOP.t.c") == "SELECT SHOP.t.c"
    blind = Renaming({"shop": "new"}, is_case_blind=True)
    assert rename_text("SELECT SHOP.t.c", renaming=blind) == "SELECT `new`.t.c"


def test_a_comment_is_code_where_its_server_obeys_it() -> None:
    text = "SELECT 1 /*!80013 FROM shop.t */"
    assert rename_text(text) == text
    renamed = rename_text(text, around=Surroundings(MYSQL))
    assert renamed == "SELECT 1 /*!80013 FROM `new`.t */"


def test_bytes_of_other_character_sets_stay_and_new_names_are_written_in_them() -> None:
    text = b"SELECT `shop`.`t`.`\x83\x5c`, '\x83\x5c', '\xff'"
    item = make_object(text, ObjectKind.VIEW, charset="sjis")
    renamed = rename_object(item, Renaming({"shop": "ソ"}), AROUND)
    assert renamed.create_sql == text.replace(b"`shop`", b"`\x83\x5c`")
    assert rename_object(renamed, Renaming({"ソ": "shop"}), AROUND).create_sql == text


def test_a_body_beside_a_head_in_utf_8_is_not_guessed_where_that_hides_a_quote() -> None:
    text = "`日`() SELECT `shop`.`t`.`c`".encode()
    with pytest.raises(CannotRename):
        rename_object(make_object(text, charset="gbk"), SHOP, AROUND)
    renamed = rename_object(make_object(text, charset="latin1"), SHOP, AROUND)
    assert renamed.create_sql == text.replace(b"shop", b"new")


def test_a_name_that_its_character_set_cannot_write_is_not_guessed() -> None:
    with pytest.raises(CannotRename, match="latin1 cannot write 日"):
        rename_object(
            make_object(b"SELECT shop.t.c", charset="latin1"), Renaming({"shop": "日"}), AROUND
        )


@pytest.mark.parametrize(
    "text",
    [
        "PREPARE s FROM 'SELECT * FROM shop.t'",
        "SET @a = CONCAT('SELECT * FROM ', 'Shop', '.t'); PREPARE s FROM @a",
        "EXECUTE IMMEDIATE CONCAT('DROP TABLE xshop_1', a)",
    ],
)
def test_a_name_in_a_text_that_may_be_run_is_not_guessed(text: str) -> None:
    with pytest.raises(CannotRename, match="made of texts, and one holds shop"):
        rename_text(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 'shop.t'", "a text in it holds shop"),
        ("SELECT 'SHOP'", "a text in it holds shop"),
        ("SELECT 'workshop', 'shop2', 'shop_a'", ""),
        ("SELECT `shop`, shop -- 'shop'", ""),
        ("PREPARE s FROM @a", "made at run time"),
    ],
)
def test_texts_that_keep_an_old_name_are_told(text: str, message: str) -> None:
    told = describe_kept_texts(text.encode(), SHOP, AROUND.dialect(), is_code=True)
    assert message in told
    assert bool(message) == bool(told)


def test_the_object_itself_moves_to_the_new_schema() -> None:
    assert rename_object(make_object(b""), SHOP, AROUND).schema == "new"
    assert rename_object(make_object(b"", schema="app"), SHOP, AROUND).schema == "app"
