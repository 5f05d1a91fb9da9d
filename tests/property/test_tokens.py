from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shardvault.load.renaming import Renaming, rename_object
from shardvault.mysql.charsets import hide_halves
from shardvault.mysql.tokens import CannotJudge, Dialect, TokenKind, scan
from tests.unit.load.renaming_support import AROUND, make_object

CHARSETS = ("utf8mb4", "latin1", "gbk", "sjis", "cp932", "big5", "gb18030", "ujis", "binary")
dialects = st.builds(
    Dialect,
    st.sampled_from([50100, 80400, 90700, 101119, 110800]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(CHARSETS),
)
marks = st.sampled_from(
    [b"'", b'"', b"`", b"\\", b"/*", b"*/", b"/*!", b"/*M!", b"50003", b"-- ", b"#", b"\n", b"."]
)
statements = st.lists(marks | st.binary(max_size=5)).map(b"".join)

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
FRESH = "fresh name"


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


@given(statements, dialects)
def test_the_tokens_of_any_bytes_put_together_are_the_bytes(
    statement: bytes, dialect: Dialect
) -> None:
    try:
        parts = [token.raw for token in scan(statement, dialect)]
    except CannotJudge:
        return
    assert b"".join(parts) == statement
    assert all(parts)


@given(names, dialects.filter(lambda dialect: dialect.charset == "utf8mb4"))
def test_any_name_in_backticks_is_one_name(name: str, dialect: Dialect) -> None:
    (token,) = scan(quote(name).encode(), dialect)
    assert (token.kind, token.text) == (TokenKind.NAME, name)


@given(st.binary(), st.sampled_from(CHARSETS))
def test_hiding_halves_of_characters_keeps_the_length_and_single_bytes(
    text: bytes, charset: str
) -> None:
    hidden = hide_halves(text, charset)
    assert len(hidden) == len(text)
    assert all(now in (was, 0x80) for now, was in zip(hidden, text, strict=True))


pieces = st.one_of(
    st.just("{}.`t`.`c`"),
    st.just("{}.f(1)"),
    st.just("FROM {}.`t`"),
    names.map(lambda name: quote(name).replace("{", "{{").replace("}", "}}")),
    st.text(st.characters(codec="utf-8"), max_size=8).map(
        lambda text: "X'" + text.encode().hex() + "'"
    ),
    st.just("/* {} */"),
    st.just("'{}'"),
)


@given(names.filter(lambda name: "'" not in name and "*" not in name), st.lists(pieces))
def test_there_and_back_is_where_it_began(name: str, parts: list[str]) -> None:
    joined = " , ".join(parts).replace("\\", "")
    text = joined.format(*[quote(name)] * len(parts)).encode()
    renamed = rename_object(make_object(text), Renaming({name: FRESH}), AROUND)
    back = rename_object(renamed, Renaming({FRESH: name}), AROUND)
    assert back.create_sql == text
