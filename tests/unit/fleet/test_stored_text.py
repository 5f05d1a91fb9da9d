"""No stored text runs anything but the definition that it should be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.fleet.definitions import Contents
from shardvault.fleet.stored_text.judge import find_forgeries
from shardvault.model.schema import ObjectKind
from tests.unit.fleet.stored_texts import (
    FORGED,
    MARIADB,
    MYSQL,
    SHOP,
    SOUND,
    Thing,
    code,
    judge,
    record,
)


@pytest.mark.parametrize("thing", FORGED.values(), ids=FORGED.keys())
def test_a_forged_text_is_refused_on_mariadb(thing: Thing) -> None:
    assert judge(thing, MARIADB)


MARIADBS_OWN = {"a_query_in_a_mark_of_mariadb", "a_query_in_options_that_come_back_to_life"}


@pytest.mark.parametrize("name", sorted(FORGED.keys() - MARIADBS_OWN))
def test_a_forged_text_is_refused_on_mysql(name: str) -> None:
    assert judge(FORGED[name], MYSQL)


@pytest.mark.parametrize("thing", SOUND.values(), ids=SOUND.keys())
def test_a_text_that_a_server_gave_is_not_refused(thing: Thing) -> None:
    assert judge(thing) == []


def test_there_are_many_forged_texts() -> None:
    assert len(FORGED) >= 60


def test_a_javascript_body_between_dollars_is_read_over_on_mysql() -> None:
    body = b"CREATE DEFINER=`a`@`b` FUNCTION `one`() RETURNS int LANGUAGE JAVASCRIPT AS $$ it's; $$"
    assert judge(code(ObjectKind.FUNCTION, body), MYSQL) == []
    assert judge(code(ObjectKind.FUNCTION, body + b"; DROP DATABASE x"), MYSQL)


def test_a_name_in_another_case_is_the_same_only_where_the_server_says_so() -> None:
    table = record(b"CREATE TABLE `Orders` (`id` int) ENGINE=InnoDB")
    contents = Contents(schemas=(SHOP,), tables=(table,))
    assert list(find_forgeries(contents, MARIADB))
    assert not list(find_forgeries(contents, replace(MARIADB, fold=str.lower)))


def test_a_finding_names_the_thing_and_the_reason() -> None:
    contents = Contents(schemas=(SHOP,), tables=(record(b"DROP DATABASE `bank`"),))
    (found,) = find_forgeries(contents, MARIADB)
    assert found.table == "shop.orders"
    assert found.message == (
        "the text of table shop.orders is not its definition: it has no list of columns"
    )


LIBRARY = b"CREATE LIBRARY `one`\n    COMMENT 'x'\n    LANGUAGE JAVASCRIPT\nAS $$ a; b $$"


def test_a_library_is_its_text_and_nothing_else() -> None:
    assert judge(code(ObjectKind.LIBRARY, LIBRARY), MYSQL) == []
    for forged in (
        LIBRARY + b"; DROP DATABASE x",
        LIBRARY.replace(b"`one`", b"`other`"),
        LIBRARY.replace(b"`one`", b"`mysql`.`one`"),
        LIBRARY.replace(b"LIBRARY", b"FUNCTION"),
        b"CREATE USER `one` IDENTIFIED BY 'x'",
    ):
        assert judge(code(ObjectKind.LIBRARY, forged), MYSQL), forged


def test_a_view_of_json_duality_is_judged_as_a_view() -> None:
    text = (
        b"CREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY DEFINER JSON RELATIONAL DUALITY"
        b" VIEW `one` AS select json_duality_object('_id':`t`.`id`) AS `Name_exp_1` from `t`"
    )
    assert judge(code(ObjectKind.VIEW, text), MYSQL) == []
    assert judge(code(ObjectKind.VIEW, text + b" INTO OUTFILE 'x'"), MYSQL)
