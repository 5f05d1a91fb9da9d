"""Split a statement into tokens as the server that holds it does; pure.

Nothing gets lost: the tokens' bytes, put together, are the statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from shardvault.mysql.charsets import find_codec, hide_halves

_OLDEST_SKIPPED, _NEWEST_SKIPPED = 50700, 99999

_PARTS = rb"""
  (?P<space> [\x00-\x20]+ | --(?=[\x00-\x20]|\Z)[^\n]* | \#[^\n]* )
| (?P<open> /\*(?P<only_mariadb>M?)!(?P<version>\d{5,6})? )
| (?P<comment> /\*.*?\*/ )
| (?P<name> `(?:[^`]|``)*+` )
| (?P<single> [bnxBNX]?'(?:[^'ESCAPE]|''ESCAPED)*+' )
| (?P<double> "(?:[^"ESCAPE]|""ESCAPED)*+" )
| (?P<dollars> \$[0-9A-Za-z_\x80-\xff]*\$ )
| (?P<word> [0-9A-Za-z_$\x80-\xff]+ )
| (?P<symbol> . )
"""
_INNER_OR_END = re.compile(rb"/\*.*?\*/|\*/", re.DOTALL)
_WORD = re.compile(rb"[0-9A-Za-z_$\x80-\xff]+")
_DOLLAR_QUOTES_SINCE = 90000
_NUMBER = re.compile(r"\d+(?:e\d*)?|0x[0-9a-f]+|0b[01]+", re.IGNORECASE | re.ASCII)


def _compile(escape: bytes, escaped: bytes) -> re.Pattern[bytes]:
    parts = _PARTS.replace(b"ESCAPED", escaped).replace(b"ESCAPE", escape)
    return re.compile(parts, re.VERBOSE | re.DOTALL)


_WITH_BACKSLASH = _compile(rb"\\", rb"|\\.")
_WITHOUT_BACKSLASH = _compile(b"", b"")


class CannotJudge(Exception):
    """Say that a statement is beyond this reader; the caller must assume the worst."""


class TokenKind(Enum):
    """Tell tokens apart; only a WORD can be a keyword, a BLANK means nothing."""

    WORD = "word"
    NAME = "name"
    TEXT = "text"
    SYMBOL = "symbol"
    BLANK = "blank"


_PLAIN = {
    "space": TokenKind.BLANK,
    "comment": TokenKind.BLANK,
    "word": TokenKind.WORD,
    "single": TokenKind.TEXT,
}
"""Parts of a statement that mean the same in every dialect."""


@dataclass(frozen=True)
class Token:
    """Hold a token.

    Attributes:
        raw: as it stands in the statement.
        text: the same as text; quotes of names are removed.
    """

    kind: TokenKind
    raw: bytes
    text: str

    @property
    def keyword(self) -> str:
        """Return a word in upper case, and nothing for everything else."""
        return self.text.upper() if self.kind is TokenKind.WORD else ""

    @property
    def is_identifier(self) -> bool:
        """Say whether the token can name something; a number cannot."""
        if self.kind is TokenKind.WORD:
            return _NUMBER.fullmatch(self.text) is None
        return self.kind is TokenKind.NAME


@dataclass(frozen=True)
class Dialect:
    """Hold what decides how a server read a statement.

    Attributes:
        version_id: as 101119 for 10.11.19, for comments that are code from a version on.
        is_mysql: MySQL and MariaDB differ in which of these comments they obey.
        charset: character set of the statement's bytes.
    """

    version_id: int
    ansi_quotes: bool = False
    no_backslash_escapes: bool = False
    is_mysql: bool = False
    charset: str = "utf8mb4"


def tokenize(statement: bytes, dialect: Dialect) -> list[Token]:
    """Split a statement; comments vanish, comments that the server executed stay.

    Raises:
        CannotJudge: a quote or a comment does not end, or the character set is unknown.
    """
    return [token for token in scan(statement, dialect) if token.kind is not TokenKind.BLANK]


def first_keyword(statement: bytes, dialect: Dialect) -> str:
    """Return the first word in upper case, without reading further; nothing if there is none."""
    tokens = (token for token in scan(statement, dialect) if token.kind is not TokenKind.BLANK)
    token = next(tokens, None)
    return token.keyword if token else ""


def scan(statement: bytes, dialect: Dialect) -> Iterator[Token]:
    """Give every token of a statement in order, blanks and comments among them.

    The marks around a comment that the server executed are blanks, its inside is not.

    Raises:
        CannotJudge: a quote or a comment does not end, or the character set is unknown.
    """
    codec = _choose_codec(statement, dialect)
    masked = hide_halves(statement, dialect.charset)
    pattern = _WITHOUT_BACKSLASH if dialect.no_backslash_escapes else _WITH_BACKSLASH
    at, is_inside = 0, False
    while at < len(masked):
        if is_inside and masked.startswith(b"*/", at):
            kind, end, is_inside = TokenKind.BLANK, at + 2, False
        else:
            match = pattern.match(masked, at)
            assert match is not None  # the last alternative takes any byte
            kind, end = _judge(match, dialect)
            is_inside = is_inside or (match["open"] is not None and end == match.end())
        raw = statement[at:end]
        yield Token(kind, raw, _read(kind, raw.decode(codec, "surrogateescape")))
        at = end
    if is_inside:
        raise CannotJudge("comment without end")


def _choose_codec(statement: bytes, dialect: Dialect) -> str:
    codec = find_codec(dialect.charset)
    if codec is None and not (statement.isascii() and dialect.charset != "swe7"):
        raise CannotJudge(f"text in character set {dialect.charset}")
    return codec or "ascii"


def _judge(match: re.Match[bytes], dialect: Dialect) -> tuple[TokenKind, int]:
    """Say what kind of token begins here and where it ends."""
    if match["open"] is not None:
        return TokenKind.BLANK, _after_opening(match, dialect)
    if match["dollars"] is not None:
        return _judge_dollars(match, dialect)
    kind = _PLAIN.get(match.lastgroup or "")
    if kind is not None:
        return kind, match.end()
    if match["name"] is not None or (match["double"] is not None and dialect.ansi_quotes):
        return TokenKind.NAME, match.end()
    if match["double"] is not None:
        return TokenKind.TEXT, match.end()
    if match[0] in b"`'\"" or match.string.startswith(b"/*", match.start()):
        raise CannotJudge("quote or comment without end")
    return TokenKind.SYMBOL, match.end()


def _judge_dollars(match: re.Match[bytes], dialect: Dialect) -> tuple[TokenKind, int]:
    """Judge what begins with ``$$`` or ``$tag$``: a text of MySQL 9, else a name.

    Source: MySQL manual, "CREATE PROCEDURE and CREATE FUNCTION Statements", JavaScript.
    """
    if dialect.is_mysql and dialect.version_id >= _DOLLAR_QUOTES_SINCE:
        end = match.string.find(match[0], match.end())
        if end < 0:
            raise CannotJudge("dollar quote without end")
        return TokenKind.TEXT, end + len(match[0])
    word = _WORD.match(match.string, match.start())
    assert word is not None  # a dollar is one of its characters
    return TokenKind.WORD, word.end()


def _after_opening(match: re.Match[bytes], dialect: Dialect) -> int:
    """Return where reading goes on: inside an executed comment, behind a skipped one.

    Source: MariaDB manual, "Comment Syntax": versions 50700 to 99999 belong to MySQL alone;
    a skipped comment may hold another comment.
    """
    version = int(match["version"] or 0)
    if dialect.is_mysql:
        is_for_others = bool(match["only_mariadb"])
    else:
        is_mysqls = _OLDEST_SKIPPED <= version <= _NEWEST_SKIPPED
        is_for_others = is_mysqls and not match["only_mariadb"]
    if version <= dialect.version_id and not is_for_others:
        return match.end()
    for found in _INNER_OR_END.finditer(match.string, match.end()):
        if found[0] == b"*/":
            return found.end()
    raise CannotJudge("comment without end")


def _read(kind: TokenKind, text: str) -> str:
    if kind is not TokenKind.NAME:
        return text
    return text[1:-1].replace(text[0] * 2, text[0])
