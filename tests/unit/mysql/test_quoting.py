from __future__ import annotations

import pytest

from shardvault.errors import ConnectError
from shardvault.mysql.quoting import quote_bytes, quote_name, quote_table, quote_text
from shardvault.mysql.session import decode, encode, parse_version


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("t", "`t`"),
        ("a`b", "`a``b`"),
        ("`", "````"),
        ("a'\"\\\n;--", "`a'\"\\\n;--`"),
        ("é😀", "`é😀`"),
    ],
)
def test_a_name_cannot_end_its_quotes(name: str, quoted: str) -> None:
    assert quote_name(name) == quoted


def test_a_table_is_quoted_part_by_part() -> None:
    assert quote_table("a.b", "c`d") == "`a.b`.`c``d`"


def test_text_and_bytes_become_hex() -> None:
    assert quote_text("it's\\") == "_utf8mb4 X'697427735c'"
    assert quote_bytes(b"\x00'") == "X'0027'"


def test_bytes_that_are_no_unicode_survive_as_text() -> None:
    name = decode(b"caf\xe9")
    assert encode(name) == b"caf\xe9"
    assert quote_text(name) == "_utf8mb4 X'636166e9'"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("5.5.5-10.11.19-MariaDB-0+deb12u1-log", (10, 11, 19)),
        ("11.8.6-MariaDB-deb13", (11, 8, 6)),
        ("9.7.4", (9, 7, 4)),
        ("8.0.36-28.1-log", (8, 0, 36)),
    ],
)
def test_a_version_is_three_numbers(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "8.0", "MariaDB", "a.b.c"])
def test_a_version_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConnectError, match="cannot read the server version"):
        parse_version(text)
