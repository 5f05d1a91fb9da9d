"""A grant that was refused is narrowed to what our login has itself."""

from __future__ import annotations

import pytest

from shardvault.fleet.grants import find_lost, parse_grants, split_grant
from shardvault.load.grant_narrowing import narrow_grant

OWN = parse_grants(["GRANT SELECT, INSERT, CREATE USER ON *.* TO `me`@`%` WITH GRANT OPTION"])


@pytest.mark.parametrize(
    ("grant", "kept", "lost"),
    [
        ("GRANT SELECT, FILE ON *.* TO `a`@`%`", "GRANT SELECT ON *.* TO `a`@`%`", ("FILE",)),
        ("GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION",
         "GRANT CREATE USER, INSERT, SELECT ON *.* TO `a`@`%` WITH GRANT OPTION",
         ("ALL PRIVILEGES",)),
        ("GRANT ALL PRIVILEGES ON `x ON y`.* TO `a`@`%`",
         "GRANT INSERT, SELECT ON `x ON y`.* TO `a`@`%`", ("ALL PRIVILEGES",)),
        ("GRANT SELECT (`a, b`, `c`), UPDATE (`d`) ON `x`.`t` TO `a`@`%`",
         "GRANT SELECT (`a, b`, `c`) ON `x`.`t` TO `a`@`%`", ("UPDATE (`d`)",)),
        ("GRANT ALL PRIVILEGES ON `x`.`t` TO `a`@`%`", "", ("ALL PRIVILEGES",)),
        ("GRANT SUPER ON *.* TO `a`@`%`", "", ("SUPER",)),
        ("GRANT SELECT ON *.* TO `a`@`%`", "", ()),
        ("GRANT `role` TO `a`@`%`", "", ()),
        ("GRANT PROXY ON 'x'@'y' TO `a`@`%`", "", ("PROXY",)),
    ],
)  # fmt: skip
def test_what_is_left_can_be_granted(grant: str, kept: str, lost: tuple[str, ...]) -> None:
    narrowed = narrow_grant(grant.encode(), OWN)
    assert (narrowed.statement.decode(), narrowed.lost) == (kept, lost)


def test_only_grants_on_everything_are_judged_before_the_restore() -> None:
    assert find_lost("GRANT SELECT, FILE, SUPER ON *.* TO `a`@`%`", OWN) == ("FILE", "SUPER")
    assert find_lost("GRANT DELETE ON `x`.* TO `a`@`%`", OWN) == ()
    assert find_lost("GRANT `role` TO `a`@`%`", OWN) == ()


def test_a_grant_is_split_without_loss() -> None:
    grant = "GRANT SELECT (`x`, `y`), INSERT ON `d`.`t` TO `a`@`%`"
    privileges, rest = split_grant(grant)
    assert privileges == ("SELECT (`x`, `y`)", "INSERT")
    assert grant == f"GRANT {', '.join(privileges)}{rest}"
