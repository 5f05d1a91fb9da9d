"""Say how the character sets that a client can use write characters as bytes; pure."""

from __future__ import annotations

import re

_CODECS = {
    "ascii": "ascii",
    "binary": "utf-8",
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "big5": "big5",
    "cp932": "cp932",
    "eucjpms": "euc_jp",
    "euckr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "sjis": "shift_jis",
    "ujis": "euc_jp",
}
"""Python's names; ``latin1`` is Windows' 1252. Source: MySQL manual, "Supported Character Sets"."""

_GB = rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]"
_JAPANESE = rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]"
_HIDING = {
    "big5": re.compile(rb"[\xa1-\xf9][\x40-\x7e\xa1-\xfe]"),
    "cp932": re.compile(_JAPANESE),
    "gb18030": re.compile(_GB + rb"|[\x81-\xfe][0-9][\x81-\xfe][0-9]"),
    "gbk": re.compile(_GB),
    "sjis": re.compile(_JAPANESE),
}
"""Sets in which a quote's or backslash's byte may be the second half of a character."""


def find_codec(charset: str) -> str | None:
    """Name Python's codec of a character set in which ASCII stays ASCII, None if unknown."""
    return _CODECS.get(charset.lower())


def hide_halves(text: bytes, charset: str) -> bytes:
    """Put 0x80 for each byte of a character that ends like a quote or backslash might.

    The result has the same length; every byte below 0x80 in it is a character of its own.
    """
    hiding = _HIDING.get(charset.lower())
    return hiding.sub(lambda found: b"\x80" * len(found[0]), text) if hiding else text
