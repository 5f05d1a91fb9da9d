"""Definers are read from the texts of objects, compared with accounts, and replaced."""

from __future__ import annotations

import pytest

from shardvault.fleet.definers import (
    Accounts,
    describe_objects,
    find_definer,
    group_by_definer,
    needs_definer,
    parse_account_name,
    replace_definer,
)
from shardvault.model.definer import Definer
from shardvault.model.schema import CodeObject, ObjectKind

NEW = Definer('d"a', "h`x")


def object_of(text: bytes, kind: ObjectKind = ObjectKind.PROCEDURE, name: str = "p") -> CodeObject:
    return CodeObject(kind, "s", name, text, "", "", "")


@pytest.mark.parametrize(
    ("text", "definer", "replaced"),
    [
        (b"CREATE DEFINER=`a`@`%` PROCEDURE `p`()\nSELECT 1", Definer("a", "%"),
         b"CREATE DEFINER=`d\"a`@`h``x` PROCEDURE `p`()\nSELECT 1"),
        (b'CREATE DEFINER="a"@"%" PROCEDURE "p"()\nSELECT 1', Definer("a", "%"),
         b'CREATE DEFINER="d""a"@"h`x" PROCEDURE "p"()\nSELECT 1'),
        (b"CREATE ALGORITHM=UNDEFINED DEFINER=`r` SQL SECURITY DEFINER VIEW `s`.`v` AS select 1",
         Definer("r"),
         b"CREATE ALGORITHM=UNDEFINED DEFINER=`d\"a`@`h``x` SQL SECURITY DEFINER VIEW `s`.`v` AS"
         b" select 1"),
        (b"CREATE OR REPLACE DEFINER=`a``b`@`%` TRIGGER g", Definer("a`b", "%"),
         b"CREATE OR REPLACE DEFINER=`d\"a`@`h``x` TRIGGER g"),
        (b"CREATE PROCEDURE p() SELECT 'CREATE DEFINER=`a`@`b`'", None,
         b"CREATE PROCEDURE p() SELECT 'CREATE DEFINER=`a`@`b`'"),
    ],
)  # fmt: skip
def test_a_definer_is_found_and_replaced(
    text: bytes, definer: Definer | None, replaced: bytes
) -> None:
    item = object_of(text)
    assert find_definer(item) == definer
    assert replace_definer(item, NEW).create_sql == replaced


def test_an_account_serves_a_definer_whose_host_its_pattern_covers() -> None:
    accounts = Accounts(frozenset({Definer("a", "10.%"), Definer("", "%"), Definer("role")}))
    assert accounts.have(Definer("a", "10.%"))
    assert accounts.have(Definer("a", "10.1.2.3"))
    assert accounts.have(Definer("role"))
    for missing in (Definer("a", "%"), Definer("A", "10.%"), Definer("x", "%"), Definer("x")):
        assert not accounts.have(missing), missing


def test_objects_that_run_with_the_rights_of_who_calls_them_need_no_definer() -> None:
    head = b"CREATE DEFINER=`a`@`%` "
    view = b"CREATE ALGORITHM=MERGE DEFINER=`a`@`%` SQL SECURITY "
    needing = {
        object_of(head + b"PROCEDURE `p`()\nSELECT 1"): True,
        object_of(head + b"PROCEDURE `p`()\n    SQL SECURITY INVOKER\nSELECT 1"): False,
        object_of(view + b"DEFINER VIEW v AS select 1", ObjectKind.VIEW): True,
        object_of(view + b"INVOKER VIEW v AS select 1", ObjectKind.VIEW): False,
        object_of(head + b"TRIGGER g", ObjectKind.TRIGGER): True,
        object_of(head + b"EVENT e", ObjectKind.EVENT): True,
    }
    assert {item: needs_definer(item) for item in needing} == needing


def test_objects_are_grouped_counted_and_named() -> None:
    items = [object_of(b"CREATE DEFINER=`a`@`%` X", name=name) for name in "pqrstuv"]
    view = object_of(b"CREATE DEFINER=`b`@`%` X", ObjectKind.VIEW)
    groups = group_by_definer([*items, view])
    assert list(groups) == [Definer("a", "%"), Definer("b", "%")]
    assert describe_objects(items[:2]) == "2 procedures: s.p, s.q"
    assert describe_objects(items * 4).endswith("s.u and 8 more")
    assert describe_objects([view]) == "1 view: s.p"


def test_names_of_recorded_accounts_are_read() -> None:
    assert parse_account_name("`a``b`@`10.%`") == Definer("a`b", "10.%")
    assert parse_account_name("`role`") == Definer("role")
