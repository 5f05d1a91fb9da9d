from __future__ import annotations

import pytest

from shardvault.mysql.tokens import CannotJudge, Dialect, TokenKind, first_keyword, scan, tokenize

MARIADB = Dialect(version_id=101119)
MYSQL = Dialect(version_id=90700, is_mysql=True)


def words(statement: bytes, dialect: Dialect = MARIADB) -> list[str]:
    return [token.text for token in tokenize(statement, dialect)]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (b"a . b", ["a", ".", "b"]),
        (b"`a``b`.`c.d`", ["a`b", ".", "c.d"]),
        (b"'it''s' 'a\\'b'", ["'it''s'", "'a\\'b'"]),
        (b"x'41' N'a' b'01' _utf8mb4'z'", ["x'41'", "N'a'", "b'01'", "_utf8mb4", "'z'"]),
        (b"a--b", ["a", "-", "-", "b"]),
        (b"a-- b\nc", ["a", "c"]),
        (b"a#b\nc", ["a", "c"]),
        (b"a/* b ' */c", ["a", "c"]),
        (b"2*/*c*/3", ["2", "*", "3"]),
        (b"/*!50003 a */ b", ["a", "b"]),
        (b"/*!50003 a*/*b", ["a", "*", "b"]),
        (b"/*!50003 a /* b */ c */ d", ["a", "c", "d"]),
        (b"/*!990000 it's /* a */ */ b", ["b"]),
        (b"/*!80000 it's */ b", ["b"]),
        (b"/*M!100000 a */ b", ["a", "b"]),
        (b"/*! a */", ["a"]),
    ],
)
def test_a_statement_falls_into_the_tokens_that_mariadb_sees(
    statement: bytes, expected: list[str]
) -> None:
    assert words(statement) == expected


def test_mysql_obeys_its_own_comments_and_skips_those_of_mariadb() -> None:
    assert words(b"/*!80016 a */ /*M! it's */ b", MYSQL) == ["a", "b"]


@pytest.mark.parametrize(
    "statement", [b"`a", b"'a", b'"a', b"'a\\'", b"/* a", b"/*!50000 a", b"/*!990000 a", b"`a``"]
)
def test_what_does_not_end_cannot_be_judged(statement: bytes) -> None:
    with pytest.raises(CannotJudge):
        words(statement)


def test_a_backslash_ends_a_text_without_escapes() -> None:
    plain = Dialect(101119, no_backslash_escapes=True)
    assert words(rb"'a\' b", plain) == [r"'a\'", "b"]


def test_double_quotes_hold_a_name_or_a_text_as_the_mode_says() -> None:
    ansi = Dialect(101119, ansi_quotes=True)
    assert [token.kind for token in tokenize(b'"a""b"', ansi)] == [TokenKind.NAME]
    assert [token.kind for token in tokenize(b'"a""b"', MARIADB)] == [TokenKind.TEXT]
    assert words(b'"a""b"', ansi) == ['a"b']


@pytest.mark.parametrize(
    ("charset", "character"),
    [
        ("gbk", b"\x81\x60"),
        ("sjis", b"\x95\x5c"),
        ("cp932", b"\x95\x60"),
        ("big5", b"\xa5\x5c"),
        ("gb18030", b"\x81\x5c"),
    ],
)
def test_half_of_a_character_is_no_quote_and_no_backslash(charset: str, character: bytes) -> None:
    statement = b"`" + character + b"`.`b` '" + character + b"' c"
    found = list(tokenize(statement, Dialect(101119, charset=charset)))
    assert [token.raw for token in found][:3] == [b"`" + character + b"`", b".", b"`b`"]
    assert len(found) == 5


@pytest.mark.parametrize(("charset", "character"), [("gbk", b"\x81\x60"), ("sjis", b"\x95\x5c")])
def test_the_same_bytes_are_quotes_where_characters_are_single(
    charset: str, character: bytes
) -> None:
    with pytest.raises(CannotJudge):
        words(b"'" + character + b"' `", Dialect(101119, charset="latin1"))


def test_letters_outside_ascii_need_a_known_character_set() -> None:
    assert words(b"abc", Dialect(101119, charset="dec8")) == ["abc"]
    with pytest.raises(CannotJudge, match="dec8"):
        words(b"ab\xe9", Dialect(101119, charset="dec8"))
    with pytest.raises(CannotJudge, match="swe7"):
        words(b"abc", Dialect(101119, charset="swe7"))


def test_a_number_names_nothing() -> None:
    numbers = tokenize(b"12 1e5 0x1f 0b01", MARIADB)
    assert not any(token.is_identifier for token in numbers)
    assert all(token.is_identifier for token in tokenize(b"1a 1e5x $ `12`", MARIADB))


def test_the_first_keyword_is_found_without_reading_on() -> None:
    assert first_keyword(b"/* a */ insert into t values ('", MARIADB) == "INSERT"
    assert first_keyword(b" ", MARIADB) == ""


def test_blanks_comments_and_the_marks_of_comments_are_kept_apart() -> None:
    raw = [token.raw for token in scan(b"a /*!50003 b*/ #c", MARIADB)]
    assert raw == [b"a", b" ", b"/*!50003", b" ", b"b", b"*/", b" ", b"#c"]
