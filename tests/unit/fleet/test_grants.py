"""What SHOW GRANTS prints is read as the server means it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shardvault.fleet.grants import Grants, parse_grants

TO = "TO `u`@`%`"


def test_privileges_everywhere_are_collected_from_all_lines() -> None:
    grants = parse_grants(
        [
            f"GRANT SELECT, SHOW VIEW, RELOAD ON *.* {TO} IDENTIFIED BY PASSWORD '*AB'",
            f"GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* {TO}",
            "GRANT PROCESS ON *.* TO `role`",
        ]
    )
    wanted = {"SELECT", "SHOW VIEW", "RELOAD", "BACKUP_ADMIN", "XA_RECOVER_ADMIN", "PROCESS"}
    assert grants == Grants(frozenset(wanted))


def test_all_privileges_hold_everything_but_the_grant_option() -> None:
    grants = parse_grants([f"GRANT ALL PRIVILEGES ON *.* {TO}"])
    assert grants.allows("SELECT")
    assert not grants.allows("GRANT OPTION")
    with_option = parse_grants([f"GRANT ALL PRIVILEGES ON *.* {TO} WITH GRANT OPTION"])
    assert with_option.allows("GRANT OPTION")


@pytest.mark.parametrize(
    "line",
    [
        f"GRANT USAGE ON *.* {TO}",
        f"GRANT SELECT ON `shop`.`orders` {TO}",
        f"GRANT SELECT (`a`, `b ON ``x``.* TO`), INSERT (`a`) ON `shop`.* {TO}",
        f"GRANT EXECUTE, SELECT ON PROCEDURE `shop`.`p` {TO}",
        f"GRANT `SELECT` {TO}",
        "GRANT PROXY ON ``@`%` TO `root`@`localhost` WITH GRANT OPTION",
        "SET DEFAULT ROLE `r` FOR `u`@`localhost`",
        "",
    ],
)
def test_what_does_not_cover_a_whole_schema_does_not_count(line: str) -> None:
    grants = parse_grants([line])
    assert not grants.allows("SELECT")
    assert not grants.allows("SELECT", ["shop"])


@pytest.mark.parametrize(
    ("pattern", "schema", "expected"),
    [
        ("`shop`", "shop", True),
        ("`shop`", "shop2", False),
        ("`shop%`", "shop2", True),
        ("`sh_p`", "shop", True),
        (r"`my\_shop`", "my_shop", True),
        (r"`my\_shop`", "myxshop", False),
        ("`a``b.c`", "a`b.c", True),
        ('"shop"', "shop", True),
        ("shop", "shop", True),
        ("`s.op`", "shop", False),
    ],
)
def test_a_schema_pattern_matches_as_on_the_server(
    pattern: str, schema: str, expected: bool
) -> None:
    grants = parse_grants([f"GRANT SELECT ON {pattern}.* {TO}"])
    assert grants.allows("SELECT", [schema]) is expected


def test_a_grant_on_schemas_does_not_count_for_everything() -> None:
    grants = parse_grants([f"GRANT SELECT ON `%`.* {TO}"])
    assert grants.allows("SELECT", ["a", "b"])
    assert not grants.allows("SELECT")


def test_every_schema_must_be_covered() -> None:
    grants = parse_grants([f"GRANT SELECT ON `a`.* {TO}"])
    assert not grants.allows("SELECT", ["a", "b"])


def test_only_the_most_exact_pattern_counts_because_patterns_do_not_add_up() -> None:
    grants = parse_grants(
        [f"GRANT SELECT ON `shop%`.* {TO}", rf"GRANT TRIGGER ON `shop\_a`.* {TO}"]
    )
    assert not grants.allows("SELECT", ["shop_a"])
    assert grants.allows("TRIGGER", ["shop_a"])
    assert grants.allows("SELECT", ["shop_b"])


def test_a_partial_revoke_takes_its_schema_out() -> None:
    grants = parse_grants([f"GRANT SELECT ON *.* {TO}", "REVOKE SELECT ON `secret`.* FROM `u`@`%`"])
    assert grants.allows("SELECT", ["shop"])
    assert not grants.allows("SELECT", ["shop", "secret"])
    assert not grants.allows("SELECT")


def test_a_long_list_that_does_not_match_is_passed_over_at_once() -> None:
    names = ", ".join(f"PRIVILEGE {letter} WITH WORDS" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert parse_grants([f"GRANT {names} ON FUNCTION `shop`.`f` {TO}"]) == Grants(frozenset())


def test_a_grant_on_a_table_counts_for_that_table_only() -> None:
    grants = parse_grants([f"GRANT SELECT, TRIGGER ON `sh.op`.`or``ders` {TO}"])
    assert grants.allows_on_table("SELECT", "sh.op", "or`ders")
    assert not grants.allows_on_table("SELECT", "sh.op", "other")
    assert not grants.allows_on_table("EVENT", "sh.op", "or`ders")


@pytest.mark.parametrize("place", ["*.*", "`shop`.*", "`sh%`.*"])
def test_a_wider_grant_counts_for_a_table(place: str) -> None:
    assert parse_grants([f"GRANT SELECT ON {place} {TO}"]).allows_on_table("SELECT", "shop", "a")


def test_columns_of_a_table_do_not_count_for_the_table() -> None:
    grants = parse_grants([f"GRANT SELECT (`a`), INSERT ON `shop`.`orders` {TO}"])
    assert not grants.allows_on_table("SELECT", "shop", "orders")
    assert grants.allows_on_table("INSERT", "shop", "orders")


def test_under_partial_revokes_names_of_schemas_are_no_patterns() -> None:
    grants = replace(parse_grants([f"GRANT SELECT ON `sh%`.* {TO}"]), has_patterns=False)
    assert grants.allows("SELECT", ["sh%"])
    assert not grants.allows("SELECT", ["shop"])
