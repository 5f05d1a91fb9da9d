"""List evil names, and where servers can refuse them; ``quirks`` asks the server which it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


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
class Suspect:
    """Say which names some server refuses for things of a kind."""

    names: frozenset[str]
    places: frozenset[Place]


SUSPECTS = (
    Suspect(frozenset({"last_space", "only_a_space"}), frozenset(Place) - _FREE),
    Suspect(frozenset({"only_a_space"}), frozenset({Place.ROLE})),
    Suspect(frozenset({"last_newline"}), _COLUMNS | _KEYS | _FILES | {Place.VIEW}),
    Suspect(frozenset({"longest"}), _FILES | {Place.VIEW, Place.TRIGGER, Place.USER, Place.ROLE}),
    Suspect(frozenset({"longest_in_files"}), frozenset({Place.USER, Place.ROLE})),
    Suspect(frozenset({"old_prefix"}), _FILES | {Place.VIEW, Place.TRIGGER}),
    Suspect(frozenset({"reserved_for_keys"}), _KEYS),
    Suspect(frozenset({"exponent", "hexadecimal"}), _PARTITIONS),
    Suspect(frozenset({"at"}), frozenset({Place.HOST})),
)
"""What is asked. A name that a server refuses beside these is not applicable in its case."""

MAKE: Mapping[Place, str] = {
    Place.SCHEMA: "CREATE DATABASE {}",
    Place.TABLE: "CREATE TABLE {} (i INT)",
    Place.COLUMN: "CREATE TABLE z ({} INT)",
    Place.INDEX: "CREATE TABLE z (i INT, KEY {} (i))",
    Place.CHECK: "CREATE TABLE z (i INT, CONSTRAINT {} CHECK (i > 0))",
    Place.FOREIGN_KEY: "CREATE TABLE z (i INT, CONSTRAINT {} FOREIGN KEY (i) REFERENCES p (i))",
    Place.PARTITION: "CREATE TABLE z (i INT) PARTITION BY RANGE (i)"
    " (PARTITION {} VALUES LESS THAN (5))",
    Place.SUBPARTITION: "CREATE TABLE z (i INT) PARTITION BY RANGE (i) SUBPARTITION BY HASH (i)"
    " (PARTITION p VALUES LESS THAN (5) (SUBPARTITION {}))",
    Place.VIEW: "CREATE VIEW {} AS SELECT 1 AS a",
    Place.VIEW_COLUMN: "CREATE VIEW z AS SELECT 1 AS {}",
    Place.ALIAS: "CREATE VIEW z AS SELECT {0}.i FROM p AS {0}",
    Place.SEQUENCE: "CREATE SEQUENCE {}",
    Place.TRIGGER: "CREATE TRIGGER {} BEFORE INSERT ON p FOR EACH ROW SET NEW.i = 9",
    Place.PROCEDURE: "CREATE PROCEDURE {}() SELECT 1",
    Place.FUNCTION: "CREATE FUNCTION {}() RETURNS INT DETERMINISTIC RETURN 1",
    Place.PARAMETER: "CREATE PROCEDURE z({} INT) SELECT 1",
    Place.LABEL: "CREATE PROCEDURE z() {}: BEGIN SELECT 1; END",
    Place.EVENT: "CREATE EVENT {} ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
    Place.USER: "CREATE USER {}@localhost",
    Place.ROLE: "CREATE ROLE {}",
    Place.HOST: "CREATE USER z@{}",
}
# Not a name; too long, also as that of a file; not in this syntax.
REFUSED_WITH = frozenset(
    {1, 13, 1005, 1030, 1064, 1102, 1103, 1105, 1166, 1280, 1396, 1458, 1470, 1567, 1959}
)
