from __future__ import annotations

import pytest

from shardvault.load.grant_renaming import rename_account
from shardvault.load.renaming import Renaming
from shardvault.model.schema import Account
from tests.unit.load.renaming_support import AROUND, SHOP


def rename_grant(grant: str, renaming: Renaming = SHOP) -> tuple[tuple[str, ...], tuple[str, ...]]:
    account = Account("`u`@`h`", False, b"CREATE USER `u`@`h`", (grant.encode(),))
    renamed, left_out = rename_account(account, renaming, AROUND.dialect())
    return tuple(kept.decode() for kept in renamed.grants), left_out


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        ("GRANT SELECT ON `shop`.* TO `u`@`h`", "GRANT SELECT ON `new`.* TO `u`@`h`"),
        (
            "GRANT SELECT (`ON`) ON `shop`.`t` TO `shop`",
            "GRANT SELECT (`ON`) ON `new`.`t` TO `shop`",
        ),
        (
            "GRANT EXECUTE ON FUNCTION `shop`.`f` TO 'u'@'h'",
            "GRANT EXECUTE ON FUNCTION `new`.`f` TO 'u'@'h'",
        ),
        (
            "GRANT EXECUTE ON PACKAGE BODY `shop`.`f` TO `u`",
            "GRANT EXECUTE ON PACKAGE BODY `new`.`f` TO `u`",
        ),
        ("REVOKE SELECT ON `shop`.* FROM `u`@`h`", "REVOKE SELECT ON `new`.* FROM `u`@`h`"),
    ],
)
def test_a_grant_on_a_renamed_schema_follows(grant: str, expected: str) -> None:
    assert rename_grant(grant) == ((expected,), ())


@pytest.mark.parametrize(
    "grant",
    [
        "GRANT USAGE ON *.* TO `shop`@`shop`",
        "GRANT PROXY ON `shop`@`h` TO `u`@`h`",
        "GRANT `shop` TO `u`@`h`",
        "SET DEFAULT ROLE `shop` FOR `u`@`h`",
        "GRANT SELECT ON `shop1`.* TO `u`@`h`",
        "GRANT SELECT ON `a%`.* TO `u`@`h`",
        "GRANT SELECT ON `s%`.`t` TO `u`@`h`",
    ],
)
def test_other_grants_keep_every_byte(grant: str) -> None:
    assert rename_grant(grant) == ((grant,), ())


@pytest.mark.parametrize("pattern", ["s%", "sho_", "%"])
def test_a_pattern_that_may_mean_more_is_left_out_and_named(pattern: str) -> None:
    kept, left_out = rename_grant(f"GRANT SELECT ON `{pattern}`.* TO `u`@`h`")
    assert kept == ()
    assert pattern in left_out[0]
    assert "pattern matches shop" in left_out[0]


def test_a_schema_with_an_underscore_follows_in_the_form_in_which_it_was_granted() -> None:
    renaming = Renaming({"a_b": "c_d"})
    assert rename_grant(r"GRANT SELECT ON `a\_b`.* TO `u`", renaming)[0] == (
        r"GRANT SELECT ON `c\_d`.* TO `u`",
    )
    assert rename_grant("GRANT SELECT ON `a_b`.* TO `u`", renaming)[0] == (
        "GRANT SELECT ON `c_d`.* TO `u`",
    )


def test_a_grant_never_becomes_wider_by_an_underscore_in_the_new_name() -> None:
    kept, _ = rename_grant("GRANT SELECT ON `shop`.* TO `u`", Renaming({"shop": "shop_2"}))
    assert kept == (r"GRANT SELECT ON `shop\_2`.* TO `u`",)


def test_a_grant_on_a_table_names_its_schema_exactly() -> None:
    renaming = Renaming({"a_b": "c_d"})
    kept, _ = rename_grant("GRANT SELECT ON `a_b`.`t` TO `u`", renaming)
    assert kept == ("GRANT SELECT ON `c_d`.`t` TO `u`",)


def test_a_grant_that_cannot_be_read_is_left_out() -> None:
    kept, left_out = rename_grant("GRANT SELECT ON `shop.* TO u")
    assert kept == ()
    assert "cannot be read" in left_out[0]
