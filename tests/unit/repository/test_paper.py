from __future__ import annotations

import itertools
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardvault.errors import UsageError
from shardvault.repository.paper import PaperKey, read_paper, write_paper

KEY = PaperKey(bytes(range(16)), bytes(range(100, 132)))
LINES = write_paper(KEY)
LETTERS = string.ascii_uppercase + "234567"


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
def test_what_was_written_is_read_back(repository: bytes, master: bytes) -> None:
    key = PaperKey(repository, master)
    assert read_paper("\n".join(write_paper(key))) == key


def test_the_lines_are_short_and_numbered() -> None:
    assert [line[0] for line in LINES] == list("123456")
    assert {len(line) for line in LINES} == {22}


def test_small_letters_blanks_and_text_around_do_not_matter() -> None:
    typed = "my paper\n" + "\n".join(f" {line.lower()} " for line in LINES) + "\nin the safe\n"
    assert read_paper(typed.replace("  ", ". ", 1)) == KEY


def test_digits_that_never_occur_count_as_the_letters_they_look_like() -> None:
    typed = [line[:1] + line[1:].translate(str.maketrans("OIB", "018")) for line in LINES]
    assert typed != list(LINES)
    assert read_paper("\n".join(typed)) == KEY


def test_every_single_wrong_letter_is_found_with_its_line() -> None:
    for number, line in enumerate(LINES, 1):
        places = [place for place in range(3, len(line)) if line[place] != " "]
        for place, letter in itertools.product(places, LETTERS):
            if line[place] == letter:
                continue
            typed = [*LINES]
            typed[number - 1] = line[:place] + letter + line[place + 1 :]
            with pytest.raises(UsageError) as caught:
                read_paper("\n".join(typed))
            assert caught.value.message.endswith(f": line {number}")


def test_two_exchanged_letters_are_found() -> None:
    for place in range(3, 21):
        first, second = LINES[2][place], LINES[2][place + 1]
        if first == second or " " in (first, second):
            continue
        typed = [*LINES]
        typed[2] = LINES[2][:place] + second + first + LINES[2][place + 2 :]
        with pytest.raises(UsageError, match="line 3"):
            read_paper("\n".join(typed))


def test_exchanged_and_missing_lines_are_named() -> None:
    typed = [*LINES[:1], "2" + LINES[2][1:], "3" + LINES[1][1:], *LINES[3:5]]
    with pytest.raises(UsageError, match="line 2, 3, 6"):
        read_paper("\n".join(typed))


@pytest.mark.parametrize("text", ["", "rubbish", "1 A", "1 " + "A" * 300, "9  ABCD"])
def test_what_is_no_paper_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="line 1, 2, 3, 4, 5, 6"):
        read_paper(text)


def test_the_key_is_not_printed() -> None:
    assert repr(KEY.master) not in repr(KEY)
