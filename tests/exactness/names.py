"""List evil names, and say which of them the servers themselves refuse, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from tests.exactness.case import EVERYWHERE, MARIADB, MARIADB_1011, MYSQL
from tests.support.servers import Flavour


class Place(Enum):
    """Name the kinds of things that have a name."""

    SCHEMA = auto()
    TABLE = auto()
    COLUMN = auto()
    INDEX = auto()
    CHECK = auto()
    FOREIGN_KEY = auto()
    PARTITION = auto()
    SUBPARTITION = auto()
    VIEW = auto()
    VIEW_COLUMN = auto()
    ALIAS = auto()
    SEQUENCE = auto()
    TRIGGER = auto()
    PROCEDURE = auto()
    FUNCTION = auto()
    PARAMETER = auto()
    LABEL = auto()
    EVENT = auto()
    USER = auto()
    ROLE = auto()
    HOST = auto()


NAMES: Mapping[str, str] = {
    "backtick": "a`b",
    "only_backticks": "``",
    "quote": "it's",
    "double_quote": 'say "x"',
    "backslash": "a\\b",
    "last_backslash": "a\\",
    "percent": "%s%d%",
    "python_format": "%(name)s",
    "star": "*",
    "question": "?",
    "dot": "a.b",
    "only_a_dot": ".",
    "last_dot": "a.",
    "slash": "a/b",
    "semicolon": "a;DROP",
    "newline": "a\nb",
    "carriage_return": "a\rb",
    "last_newline": "a\r\n",
    "leading_space": " a",
    "last_space": "a ",
    "only_a_space": " ",
    "dash": "-a",
    "two_dashes": "-- ;",
    "parent": "..",
    "outside": "../escaped",
    "device": "CON",
    "git": ".git",
    "comment": "/*!x*/--#",
    "end_of_comment": "*/",
    "begin_of_comment": "/*M!",
    "unicode": "é漢ñß",
    "symbols": "☃❤\ufe0f",
    "longest": "漢" * 64,
    "longest_in_files": "é" * 64,
    "digits": "123",
    "leading_digit": "1a",
    "exponent": "1e5",
    "hexadecimal": "0x1F",
    "at": "@@x",
    "shell": "$(x)",
    "shell_words": "a&|<b>",
    "braces": "{0}",
    "empty_braces": "{}",
    "hash": "#x",
    "old_prefix": "#mysql50#a-b",
    "tab": "a\tb",
    "control": "a\x01\x1fb",
    "end_of_file": "a\x1ab",
    "escape_sequence": "a\x1b[31mb",
    "null": "NULL",
    "null_of_files": "\\N",
    "zero_of_files": "a\\0b",
    "zero_width": "a\u200bb",
    "only_zero_width": "\u200b",
    "combining": "e\u0301",
    "right_to_left": "\u202eabc",
    "hebrew": "אב",
    "line_separator": "a\u2028b",
    "no_break_space": "a\u00a0",
    "byte_order_mark": "\ufeffa",
    "last_of_its_plane": "a\uffff",
    "brackets": "a(b),c",
    "assignment": "a=b",
    "reserved": "select",
    "reserved_for_keys": "PRIMARY",
    "reserved_in_mixed_case": "sELeCt",
}

NUL = "a\0b"
"""Refused by every server, as a name of anything."""
FOUR_BYTES = "😀" * 64
"""Names are of utf8mb3: MariaDB refuses these, MySQL makes question marks of them."""

_FILES = frozenset({Place.SCHEMA, Place.TABLE, Place.SEQUENCE, Place.PARTITION, Place.SUBPARTITION})
_PARTITIONS = frozenset({Place.PARTITION, Place.SUBPARTITION})
_KEYS = frozenset({Place.INDEX, Place.FOREIGN_KEY})
_ACCOUNTS = frozenset({Place.USER, Place.ROLE, Place.HOST})
_COLUMNS = frozenset({Place.COLUMN, Place.VIEW_COLUMN})
_FREE = _ACCOUNTS | {Place.CHECK, Place.ALIAS, Place.LABEL}


@dataclass(frozen=True)
class Refusal:
    """Say which names servers take for nothing of a kind."""

    names: frozenset[str]
    places: frozenset[Place]
    on: frozenset[Flavour]


REFUSALS = (
    Refusal(
        frozenset({"last_space", "only_a_space"}),
        frozenset(Place) - _FREE - {Place.PARAMETER},
        EVERYWHERE,
    ),
    Refusal(frozenset({"last_space", "only_a_space"}), frozenset({Place.PARAMETER}), MYSQL),
    Refusal(frozenset({"only_a_space"}), frozenset({Place.ROLE}), EVERYWHERE),
    Refusal(frozenset({"last_newline"}), _COLUMNS | _KEYS, EVERYWHERE),
    Refusal(frozenset({"last_newline"}), _FILES | {Place.VIEW}, MARIADB_1011 | MYSQL),
    Refusal(frozenset({"longest"}), _FILES, EVERYWHERE),
    Refusal(frozenset({"longest"}), frozenset({Place.VIEW, Place.TRIGGER}), MARIADB),
    Refusal(frozenset({"longest"}), frozenset({Place.USER, Place.ROLE}), MYSQL),
    Refusal(frozenset({"longest_in_files"}), frozenset({Place.USER, Place.ROLE}), MYSQL),
    Refusal(frozenset({"old_prefix"}), _FILES | {Place.VIEW, Place.TRIGGER}, MARIADB_1011),
    Refusal(frozenset({"reserved_for_keys"}), _KEYS, EVERYWHERE),
    Refusal(frozenset({"exponent", "hexadecimal"}), _PARTITIONS, MYSQL),
    Refusal(frozenset({"at"}), frozenset({Place.HOST}), EVERYWHERE),
)


def is_refused(name: str, place: Place, flavour: Flavour) -> bool:
    """Say whether a server refuses a name, given by its key in NAMES, for a place."""
    return any(name in one.names and place in one.places and flavour in one.on for one in REFUSALS)


def names_of(place: Place, flavour: Flavour) -> tuple[str, ...]:
    """List every name that a server takes for things of a kind."""
    return tuple(text for name, text in NAMES.items() if not is_refused(name, place, flavour))
