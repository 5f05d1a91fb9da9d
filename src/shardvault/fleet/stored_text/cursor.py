"""Walk over the tokens of a stored text and stop at the first that does not belong there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from shardvault.mysql.session import decode
from shardvault.mysql.tokens import CannotJudge, Dialect, Token, TokenKind, scan

_SHOWN = 40  # characters of a token that a message repeats
_VERSION_MARK = re.compile(rb"/\*M?!\d{0,6}")
_DOUBLED = re.compile(r"''|\\(.)", re.DOTALL)


Fold = Callable[[str], str]
"""Write a name so that names are equal if they are one."""


class Forged(Exception):
    """Say why a text is not the definition that it should be."""


def read_tokens(
    sql: bytes, dialect: Dialect, comment: re.Pattern[bytes] | None = None
) -> list[Token]:
    """Split a text, blanks included, that a server wrote itself.

    Servers write no comments into it, but for marks of versions. So every reader splits it in
    the same way.

    Args:
        sql: the text.
        dialect: how the server reads it.
        comment: form of the only comment that such a text can have.

    Raises:
        Forged: a quote does not end, or a comment is of another form.
    """
    tokens = read_any_tokens(sql, dialect)
    for token in tokens:
        if token.kind is TokenKind.BLANK and not _is_plain(token.raw, comment):
            raise Forged(f"has a comment: {show(token)}")
    return tokens


def read_any_tokens(sql: bytes, dialect: Dialect) -> list[Token]:
    """Split a text that a person wrote, whose comments are kept.

    Raises:
        Forged: a quote or comment does not end, or there is a NUL byte outside of quotes.
    """
    try:
        tokens = list(scan(sql, dialect))
    except CannotJudge as error:
        raise Forged(f"cannot be read: {error}") from error
    for token in tokens:
        is_comment = token.raw[:1] in (b"/", b"#", b"-")
        if b"\0" in token.raw and token.kind is not TokenKind.TEXT and not is_comment:
            raise Forged("has a NUL byte")
    return tokens


def _is_plain(blank: bytes, comment: re.Pattern[bytes] | None) -> bool:
    if not blank.strip() or blank == b"*/" or _VERSION_MARK.fullmatch(blank):
        return True
    if not blank.startswith(b"/*") or blank.count(b"/*") > 1:
        return False
    is_known = comment is not None and comment.fullmatch(blank) is not None
    return is_known or _VERSION_MARK.match(blank) is not None


def without_blanks(tokens: Sequence[Token]) -> list[Token]:
    """Leave the blanks and comments out."""
    return [token for token in tokens if token.kind is not TokenKind.BLANK]


def show(token: Token) -> str:
    """Write a token for a message."""
    text = decode(token.raw)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


class Cursor:
    """Take tokens one after another; each one that does not belong there ends it.

    Every method that takes something raises ``Forged`` if something else is there.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = without_blanks(tokens)
        self._at = 0

    @property
    def rest(self) -> list[Token]:
        """Return the tokens that were not taken."""
        return self._tokens[self._at :]

    @property
    def token(self) -> Token | None:
        """Return the next token, None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    @property
    def keyword(self) -> str:
        """Return the next word in upper case; empty if the next token is none."""
        return self.token.keyword if self.token is not None else ""

    def refuse(self, wanted: str) -> Forged:
        """Make the error that says what is there and what belongs there."""
        found = "the end" if self.token is None else show(self.token)
        return Forged(f"has {found} where {wanted} belongs")

    def skip(self) -> None:
        """Take one token, whatever it is."""
        self._at += 1

    def accept(self, word: str) -> bool:
        """Take a word or a mark if it is next; say whether it was."""
        token = self.token
        if token is None or token.kind in (TokenKind.NAME, TokenKind.TEXT):
            return False
        if word not in (token.keyword, token.text):
            return False
        self._at += 1
        return True

    def take(self, *words: str) -> None:
        """Take words or marks that must follow one another."""
        for word in words:
            if not self.accept(word):
                raise self.refuse(word)

    def take_one_of(self, words: Collection[str], wanted: str) -> str:
        """Take one of some words and return it."""
        word = self.keyword
        if word not in words:
            raise self.refuse(wanted)
        self._at += 1
        return word

    def take_text(self) -> None:
        """Take a quoted text."""
        if self.token is None or self.token.kind is not TokenKind.TEXT:
            raise self.refuse("a text")
        self._at += 1

    def take_name(self) -> str:
        """Take a name, quoted or not."""
        token = self.token
        if token is None or not token.is_identifier:
            raise self.refuse("a name")
        self._at += 1
        return token.text

    def take_place(self, schema: str, name: str, what: str, folds: Sequence[Fold]) -> None:
        """Take a name, perhaps after its schema, that must be the one given.

        Args:
            schema: where the thing is.
            name: its name.
            what: for messages.
            folds: rules by which names can be one; one of them is enough.
        """
        found = [self.take_name()]
        if self.accept("."):
            found.append(self.take_name())
        wanted = [schema, name][-len(found) :]
        if not any(list(map(fold, found)) == list(map(fold, wanted)) for fold in folds):
            raise Forged(f"is of {what} {'.'.join(found)}")

    def take_account(self) -> tuple[str, ...]:
        """Take an account, ``user@host`` or a role, and return its parts without quotes."""
        parts = [self._take_part()]
        if self.accept("@"):
            parts.append(self._take_part())
        return tuple(parts)

    def _take_part(self) -> str:
        token = self.token
        if token is None or token.kind in (TokenKind.SYMBOL, TokenKind.BLANK):
            raise self.refuse("an account")
        self._at += 1
        if token.kind is not TokenKind.TEXT:
            return token.text
        return _DOUBLED.sub(lambda match: match[1] or match[0][0], token.text[1:-1])

    def end(self) -> None:
        """Prove that nothing is left."""
        if self.token is not None:
            raise Forged(f"goes on with {show(self.token)}")
