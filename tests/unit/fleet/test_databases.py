from __future__ import annotations

import pytest

from shardvault.fleet.databases import describe_difference, is_read_only
from shardvault.model.schema import Schema

MYSQL = (
    b"CREATE DATABASE `s` /*!40100 DEFAULT CHARACTER SET latin1%s */"
    b" /*!80016 DEFAULT ENCRYPTION='N' */"
)
MARIADB = b"CREATE DATABASE `s` /*!40100 DEFAULT CHARACTER SET latin1 COLLATE %s */%s"
CLOSED = b" /* READ ONLY = 1 */"


def difference(wanted: bytes, got: bytes, *, is_same_family: bool = True) -> str:
    return describe_difference(Schema("s", wanted), Schema("s", got), is_same_family=is_same_family)


@pytest.mark.parametrize(
    ("got", "told"),
    [
        (MYSQL % b"", ""),
        (MYSQL % b"" + CLOSED, ""),
        (MYSQL % b" COLLATE latin1_bin", "latin1_bin"),
        ((MYSQL % b"").replace(b"'N'", b"'Y'"), "encryption 'Y'"),
    ],
)
def test_databases_of_mysql_differ_by_their_options(got: bytes, told: str) -> None:
    found = difference(MYSQL % b"", got)
    assert told in found
    assert bool(found) is bool(told)


def test_a_comment_may_hold_anything() -> None:
    text = MARIADB % (b"latin1_bin", b" COMMENT 'it''s; COLLATE x\n*/'")
    assert difference(text, text) == ""
    assert "COLLATE y" in difference(text, text.replace(b"COLLATE x", b"COLLATE y"))
    assert difference(text, MARIADB % (b"latin1_bin", b""))


def test_of_another_family_only_what_both_print_counts() -> None:
    mysql, mariadb = MYSQL % b"", MARIADB % (b"latin1_swedish_ci", b"")
    assert difference(mysql, mariadb)
    assert difference(mysql, mariadb, is_same_family=False) == ""
    other = mariadb.replace(b"SET latin1", b"SET latin2")
    assert difference(mysql, other, is_same_family=False)


@pytest.mark.parametrize("name", [b"`s`", b"`/* READ ONLY = 1 */`"])
def test_only_the_note_behind_the_options_says_read_only(name: bytes) -> None:
    text = b"CREATE DATABASE " + name + b" /*!40100 DEFAULT CHARACTER SET utf8mb4 */"
    assert not is_read_only(Schema("s", text))
    assert is_read_only(Schema("s", text + CLOSED))
