from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardvault.cli.escape import escape, measure, shorten

ANY_TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=sys.maxunicode))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders_1", "orders_1"),
        ("größe, 表, \U0001f4a9", "größe, 表, \U0001f4a9"),
        ("a\nb\r\t\0\x7f", r"a\nb\r\t\x00\x7f"),
        ("\x1b[2J \x9b2J", r"\x1b[2J \x9b2J"),
        ("\u202e\u2066\u200b\ufeff", r"\u202e\u2066\u200b\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_a_terminal_would_act_on_is_written_out(text: str, expected: str) -> None:
    assert escape(text) == expected


@given(ANY_TEXT)
def test_escaped_text_is_one_printable_line(text: str) -> None:
    escaped = escape(text).replace("\xa0", " ").replace("\u3000", " ")
    assert len(escaped.splitlines()) <= 1
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in escaped)
    escaped.encode("utf-8")


@given(ANY_TEXT.map(escape), st.integers(3, 40))
def test_shortened_text_fits_and_keeps_both_ends(text: str, width: int) -> None:
    short = shorten(text, width)
    assert measure(short) <= width
    head, cut, tail = short.partition("…")
    assert short == text or (cut and text.startswith(head) and text.endswith(tail))


def test_a_text_that_fits_is_not_cut() -> None:
    assert shorten("12345678", 8) == "12345678"
    assert shorten("123456789", 8) == "1234…789"


def test_wide_characters_take_two_columns() -> None:
    assert measure("表a") == 3
    assert shorten("表表表表", 6) == "表…表"
