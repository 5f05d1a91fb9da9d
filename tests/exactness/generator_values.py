"""Draw values at the edges of every column type, as SQL literals."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Literals = SearchStrategy[str]

_CHARACTERS = "a Z09'\"\\%_\0\x1a\n\r\t\x7f\u00e9\u00df\u6f22\U0001f600\u0301\u200b\u202e\ufffd"
# Where the second byte of a character is a backslash, or bytes have no character.
_RAW = {
    "sjis": ("835C", "815C27"),
    "cp932": ("835C", "FA54"),
    "gbk": ("BF5C", "815C"),
    "big5": ("A55C", "AE7C"),
    "latin1": ("80818D8F909D", "00275CFF"),
    "ucs2": ("D800", "005C0027"),
    "utf16": ("D83DDE00", "0027"),
    "utf32": ("0001F600",),
    "gb18030": ("81308130", "8138FD38"),
    "tis620": ("DBFF",),
    "binary": ("00FF5C27",),
}
_BYTES = (b"\0", b"\x1a", b"\\", b"'", b"\xff", b" ", b"\n", b"a", b"\x80", b"%")
_JSON = (
    "null", "1", "1.0", "-0.0", "18446744073709551615", "1e300", '""', '"é😀"', "[]", "{}",
    '{"b": 1, "a": [1, {"": null}]}', '"\\\\u0000\\\\""', '{"a": 1, "a": 2}', "[true, false, 0.1]",
)  # fmt: skip
_SHAPES: Mapping[str, tuple[str, ...]] = {
    "POINT": ("POINT(0 0)", "POINT(0.1 -0.30000000000000004)"),
    "LINESTRING": ("LINESTRING(0 0,1 1.5,2 2)",),
    "POLYGON": ("POLYGON((0 0,10 0,10 10,0 10,0 0),(1 1,2 1,2 2,1 1))",),
    "MULTIPOINT": ("MULTIPOINT(1 1,2 2)",),
    "MULTILINESTRING": ("MULTILINESTRING((0 0,1 1),(2 2,3 3))",),
    "MULTIPOLYGON": ("MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",),
    "GEOMETRYCOLLECTION": ("GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))",),
    "GEOMETRY": ("POINT(1 2)", "LINESTRING(0 0,1 1)", "GEOMETRYCOLLECTION EMPTY"),
}


def integers(bits: int, *, is_signed: bool) -> Literals:
    """Draw integers that fit."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    return st.one_of(st.sampled_from((0, 1, low, high)), st.integers(low, high)).map(str)


def decimals(digits: int, scale: int, *, is_signed: bool) -> Literals:
    """Draw decimals of all their digits."""
    most = 10**digits - 1
    numbers = st.one_of(st.sampled_from((0, 1, most)), st.integers(-most if is_signed else 0, most))
    return numbers.map(lambda number: _point(number, scale))


def _point(number: int, scale: int) -> str:
    text = str(abs(number)).zfill(scale + 1)
    whole, rest = text[: len(text) - scale], text[len(text) - scale :]
    return ("-" if number < 0 else "") + whole + (f".{rest}" if rest else "")


def floats() -> Literals:
    """Draw numbers of single precision, denormal ones and both zeros too."""
    edges = ("0e0", "-0e0", "3.4028234663852886e38", "1.1754943508222875e-38", "1e-45", "16777217")
    return st.one_of(
        st.sampled_from(edges),
        st.floats(width=32, allow_nan=False, allow_infinity=False).map(_real),
    )


def doubles() -> Literals:
    """Draw numbers of double precision, denormal ones and both zeros too."""
    edges = ("0e0", "-0e0", "1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "1e23")
    return st.one_of(
        st.sampled_from(edges), st.floats(allow_nan=False, allow_infinity=False).map(_real)
    )


def _real(number: float) -> str:
    text = repr(number)
    return text if "e" in text else f"{text}e0"


def dates() -> Literals:
    """Draw dates, impossible ones too."""
    edges = ("0000-00-00", "9999-12-31", "0001-01-01", "2024-00-15", "2023-02-31", "1000-01-01")
    return st.one_of(st.sampled_from(edges), st.dates().map(str)).map(quoted)


def datetimes() -> Literals:
    """Draw points in time without a zone."""
    edges = (
        "0000-00-00 00:00:00",
        "9999-12-31 23:59:59.999999",
        "0001-01-01 00:00:00.000001",
        "2023-02-31 12:00:00",
        "2021-10-31 02:30:00.5",
    )
    return st.one_of(st.sampled_from(edges), st.datetimes().map(str)).map(quoted)


def timestamps() -> Literals:
    """Draw points in time in UTC that every server has."""
    edges = (
        "0000-00-00 00:00:00",
        "1970-01-01 00:00:01",
        "2038-01-19 03:14:07",
        "2021-10-31 01:30:00.123456",
    )
    return st.sampled_from(edges).map(quoted)


def times() -> Literals:
    """Draw times of the day, and what else TIME takes."""
    edges = ("00:00:00", "838:59:59", "-838:59:59", "-00:00:00.000001", "25:00:00.5", "23:59:59.9")
    return st.sampled_from(edges).map(quoted)


def texts(charset: str, most: int) -> Literals:
    """Draw texts of odd characters; what the column cannot hold the server changes.

    Args:
        charset: the column's, if it has one of its own.
        most: characters that the column takes.
    """
    drawn = st.text(st.sampled_from(_CHARACTERS), max_size=min(most, 12))
    edges = ("", "x" * most, " " * min(most, 3), "NULL"[:most], "\\N"[:most])
    literals = st.one_of(drawn, st.sampled_from(edges)).map(utf8)
    raw = [f"_{charset} X'{code}'" for code in _RAW.get(charset, ())]
    return st.one_of(literals, st.sampled_from(raw)) if raw else literals


def utf8(text: str) -> str:
    """Write a text so that no byte of it means anything in SQL."""
    return f"_utf8mb4 X'{text.encode().hex()}'"


def binaries(most: int) -> Literals:
    """Draw bytes that mean something to those who do not expect it."""
    drawn = st.lists(st.sampled_from(_BYTES), max_size=min(most, 12)).map(b"".join)
    edges = (b"", b"\xff" * most, b"\0" * most, bytes(range(256))[:most])
    return st.one_of(drawn, st.sampled_from(edges)).map(lambda data: f"X'{data.hex()}'")


def json_texts() -> Literals:
    """Draw JSON whose types its text tells."""
    return st.sampled_from(_JSON).map(quoted)


def shapes() -> Mapping[str, tuple[str, ...]]:
    """Give the types of geometry, each with its values as text."""
    return _SHAPES


def quoted(text: str) -> str:
    """Put what has no quotes into quotes."""
    return f"'{text}'"
