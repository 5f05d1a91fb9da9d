"""Split a logged statement into tokens, as far as finding names needs it; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_OLDEST_SKIPPED, _NEWEST_SKIPPED = 50700, 99999

_PARTS = r"""
  (?P<space> [\x00-\x20]+ | --(?=[\x00-\x20]|$)[^\n]* | \#[^\n]* )
| (?P<open> /\*(?P<only_mariadb>M?)!(?P<version>\d{{5,6}})? )
| (?P<comment> /\*.*?\*/ )
| (?P<close> \*/ )
| (?P<name> `(?:[^`]|``)*` )
| (?P<single> '(?:[^'{escape}]|''{escaped})*' )
| (?P<double> "(?:[^"{escape}]|""{escaped})*" )
| (?P<word> [0-9A-Za-z_$\u0080-\uffff]+ )
| (?P<symbol> . )
"""
_FLAGS = re.VERBOSE | re.DOTALL
_WITH_BACKSLASH = re.compile(_PARTS.format(escape=r"\\", escaped=r"|\\."), _FLAGS)
_WITHOUT_BACKSLASH = re.compile(_PARTS.format(escape="", escaped=""), _FLAGS)


class CannotJudge(Exception):
    """Say that a statement is beyond this reader; the caller must assume the worst."""


class TokenKind(Enum):
    """Tell tokens apart; only a WORD can be a keyword."""

    WORD = "word"
    NAME = "name"
    TEXT = "text"
    SYMBOL = "symbol"


@dataclass(frozen=True)
class Token:
    """Hold a token; quotes of names are removed."""

    kind: TokenKind
    text: str

    @property
    def keyword(self) -> str:
        """Return a word in upper case, and nothing for everything else."""
        return self.text.upper() if self.kind is TokenKind.WORD else ""


@dataclass(frozen=True)
class Dialect:
    """Hold what decides how a server read a statement.

    Attributes:
        version_id: as 101119 for 10.11.19, for comments that are code from a version on.
    """

    version_id: int
    ansi_quotes: bool = False
    no_backslash_escapes: bool = False


def tokenize(statement: str, dialect: Dialect) -> list[Token]:
    """Split a statement; comments vanish, comments that the server executed stay.

    Raises:
        CannotJudge: a quote or a comment does not end.
    """
    return list(_tokens(statement, dialect))


def first_keyword(statement: str, dialect: Dialect) -> str:
    """Return the first word in upper case, without reading further; nothing if there is none."""
    token = next(_tokens(statement, dialect), None)
    return token.keyword if token else ""


def _tokens(statement: str, dialect: Dialect) -> Iterator[Token]:
    pattern = _WITHOUT_BACKSLASH if dialect.no_backslash_escapes else _WITH_BACKSLASH
    at = 0
    while at < len(statement):
        match = pattern.match(statement, at)
        if match is None:
            raise CannotJudge("unreadable statement")
        at = match.end()
        if match.lastgroup == "open" or match["open"]:
            at = _after_opening(statement, match, dialect)
        elif match["space"] is None and match["comment"] is None and match["close"] is None:
            yield _token(statement, match, dialect)


def _after_opening(statement: str, match: re.Match[str], dialect: Dialect) -> int:
    """Return where reading goes on: inside an executed comment, behind a skipped one.

    Source: MariaDB manual, "Comment Syntax": versions 50700 to 99999 belong to MySQL alone.
    """
    version = int(match["version"] or 0)
    is_mysql_only = not match["only_mariadb"] and _OLDEST_SKIPPED <= version <= _NEWEST_SKIPPED
    if version <= dialect.version_id and not is_mysql_only:
        return match.end()
    end = statement.find("*/", match.end())
    if end < 0:
        raise CannotJudge("comment without end")
    return end + 2


def _token(statement: str, match: re.Match[str], dialect: Dialect) -> Token:
    text = match[0]
    if match["word"]:
        return Token(TokenKind.WORD, text)
    if match["name"]:
        return Token(TokenKind.NAME, text[1:-1].replace("``", "`"))
    if match["double"] and dialect.ansi_quotes:
        return Token(TokenKind.NAME, text[1:-1].replace('""', '"'))
    if match["single"] or match["double"]:
        return Token(TokenKind.TEXT, text)
    if text in "`'\"" or statement.startswith("/*", match.start()):
        raise CannotJudge("quote or comment without end")
    return Token(TokenKind.SYMBOL, text)
