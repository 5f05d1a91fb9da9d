"""Find where a definition refers to a schema by name; pure.

A name in front of a dot may be a schema, but also a table, an alias, a variable or a package.
Where the grammar does not decide, it is taken for a schema only if nothing else in the text
has that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from shardvault.mysql.tokens import Token, TokenKind

IsWanted = Callable[[str], bool]
"""Says whether a name is, as the server compares them, that of a schema that is looked for."""

_BEFORE_PLACE = frozenset(
    {"JOIN", "REFERENCES", "TABLE", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"}
)
_INSERTING = frozenset({"INSERT", "REPLACE", "IGNORE", "DELAYED", "LOW_PRIORITY", "HIGH_PRIORITY"})
_SEQUENCE_FUNCTIONS = frozenset({"NEXTVAL", "LASTVAL", "SETVAL"})
_FROM_INSIDE = frozenset({"EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID"})
"""Functions whose arguments have a FROM among them."""
_DATABASE_OPTIONS = frozenset(
    {"CHARACTER", "CHARSET", "COLLATE", "COMMENT", "DEFAULT", "ENCRYPTION", "IF", "READ"}
)
_OF_SEQUENCE = frozenset({"NEXTVAL", "CURRVAL"})
"""What Oracle mode puts behind a sequence's name."""


class CannotRename(Exception):
    """Say why a definition, or a grant, cannot follow a schema to another name."""


def find_table_references(tokens: Sequence[Token], is_wanted: IsWanted) -> tuple[int, ...]:
    """Find references to schemas in SHOW CREATE TABLE; other names there are always columns'.

    Args:
        tokens: all tokens of the definition.
        is_wanted: which schemas are looked for.

    Returns:
        the references' places among the tokens.
    """
    text = _Text(tokens)
    return tuple(
        text.places[at]
        for at in text.named(is_wanted)
        if text.heads_chain(at) and (text.is_long(at) or text.is_certain(at))
    )


def find_code_references(
    tokens: Sequence[Token], is_wanted: IsWanted, others: frozenset[str]
) -> tuple[int, ...]:
    """Find references to schemas in a view, routine, trigger or event.

    Args:
        tokens: all tokens of the definition.
        is_wanted: which schemas are looked for.
        others: folded names of what else can stand before a dot though the text does not
            introduce it: packages, and a trigger's rows.

    Returns:
        the references' places among the tokens.

    Raises:
        CannotRename: a name may mean a schema or something else.
    """
    text = _Text(tokens)
    return tuple(
        text.places[at]
        for at in text.named(is_wanted)
        if text[at - 1] != "@" and _is_reference(text, at, others)
    )


def _is_reference(text: _Text, at: int, others: frozenset[str]) -> bool:
    """Decide for one name of a code object; a host or variable behind ``@`` is no such name."""
    if not text.heads_chain(at):
        return _is_lone_schema(text, at)
    if text.is_long(at) or text.is_certain(at):
        return True
    if text.is_column_type(at):
        return False
    folded = text.folded(at)
    if text.is_call(at) and folded not in others:
        return True
    if folded in others | text.lone_names or text[at + 2] in _OF_SEQUENCE:
        raise CannotRename(f"{text.name(at)} before a dot may mean the schema or something else")
    return True


def _is_lone_schema(text: _Text, at: int) -> bool:
    if text.is_schema_shown(at):
        raise CannotRename(f"{text.name(at)} in SHOW may mean the schema or a table")
    return text.is_schema_word(at)


@dataclass(frozen=True)
class _Text:
    """Look at the tokens that mean something; before and behind them there is nothing."""

    tokens: Sequence[Token]

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Give the place among all tokens of each that means something."""
        return tuple(
            place for place, token in enumerate(self.tokens) if token.kind is not TokenKind.BLANK
        )

    @cached_property
    def _openers(self) -> tuple[int, ...]:
        """Give for each token the bracket that it stands in, -1 outside of all."""
        found, stack = [], [-1]
        for at in range(len(self.places)):
            if self[at] == ")" and len(stack) > 1:
                stack.pop()
            found.append(stack[-1])
            if self[at] == "(":
                stack.append(at)
        return tuple(found)

    def token(self, at: int) -> Token | None:
        return self.tokens[self.places[at]] if 0 <= at < len(self.places) else None

    def __getitem__(self, at: int) -> str:
        """Give a keyword in upper case or a symbol, nothing for names, texts and the ends."""
        token = self.token(at)
        if token is None:
            return ""
        return token.text if token.kind is TokenKind.SYMBOL else token.keyword

    def name(self, at: int) -> str:
        token = self.token(at)
        return token.text if token else ""

    def folded(self, at: int) -> str:
        return self.name(at).casefold()

    def named(self, is_wanted: IsWanted) -> Iterator[int]:
        """Give every identifier with a wanted name, whatever it means."""
        for at, place in enumerate(self.places):
            token = self.tokens[place]
            if (token.is_identifier or self[at - 1] == ".") and is_wanted(token.text):
                yield at

    @cached_property
    def lone_names(self) -> frozenset[str]:
        """Give the folded names that something else than a schema may have."""
        return frozenset(
            self.folded(at)
            for at in range(len(self.places))
            if not (self.heads_chain(at) or self.is_schema_word(at) or self[at - 1] == "@")
        )

    def heads_chain(self, at: int) -> bool:
        """Say whether this is the first of names with dots between them."""
        return self[at + 1] == "." and self[at - 1] != "."

    def is_long(self, at: int) -> bool:
        """Say whether two more names follow: the first of three is always a schema."""
        return self[at + 3] == "."

    def is_call(self, at: int) -> bool:
        """Say whether ``a.b(`` stands here; ``(+)`` is Oracle's outer join of a column."""
        return self[at + 3] == "(" and self[at + 4] != "+"

    def is_certain(self, at: int) -> bool:
        """Say whether only ``schema.name`` can stand here."""
        while self[at - 1] == "(" and self[at - 2] in ("FROM", "JOIN", "("):
            at -= 1
        before, earlier = self[at - 1], self[at - 2]
        return (
            before in _BEFORE_PLACE
            or (before == "FROM" and not self._is_argument(at - 1))
            or (before == "INTO" and earlier in _INSERTING)
            or (before == "UPDATE" and earlier != "KEY")
            or (before == "EXISTS" and earlier == "IF")
            or (before == "FOR" and earlier == "VALUE")
            or (before == "(" and earlier in _SEQUENCE_FUNCTIONS)
            or (before == "ON" and self._is_trigger_head(at))
            or self._is_in_union(at)
        )

    def _is_argument(self, at: int) -> bool:
        """Say whether a FROM stands among a function's arguments."""
        return self[self._openers[at] - 1] in _FROM_INSIDE

    def _is_trigger_head(self, at: int) -> bool:
        return (self[at + 3], self[at + 4]) == ("FOR", "EACH")

    def _is_in_union(self, at: int) -> bool:
        """Say whether this is in the list of a MERGE table's parts."""
        opener = self._openers[at]
        return (self[opener - 2], self[opener - 1]) == ("UNION", "=")

    def is_column_type(self, at: int) -> bool:
        """Say whether ``table.column`` stands here to lend its type."""
        is_lent = (self[at - 2], self[at - 1]) == ("TYPE", "OF") and self[at - 3] != "ROW"
        return is_lent or (self[at + 3], self[at + 4]) == ("%", "TYPE")

    def is_schema_word(self, at: int) -> bool:
        """Say whether a single name follows DATABASE or SCHEMA."""
        if self[at] in _DATABASE_OPTIONS:
            return False
        if self[at - 1] == "EXISTS":
            at -= 2 + (self[at - 2] == "NOT")
        return self[at - 1] in ("DATABASE", "SCHEMA")

    def is_schema_shown(self, at: int) -> bool:
        """Say whether a single name follows FROM or IN in a text with a SHOW."""
        return self[at - 1] in ("FROM", "IN") and "SHOW" in self._keywords

    @cached_property
    def _keywords(self) -> frozenset[str]:
        return frozenset(token.keyword for token in self.tokens)
