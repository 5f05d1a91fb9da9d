"""Say which tables and objects a logged statement defines anew; pure.

What is not understood is never waved through: it raises CannotJudge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shardvault.mysql.tokens import CannotJudge, Token, TokenKind

NO_DDL = frozenset(
    {
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "XA",
        "START",
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "REPLACE",
        "LOAD",
        "DO",
        "WITH",
        "CALL",
        "ANALYZE",
        "CHECK",
        "CHECKSUM",
        "FLUSH",
        "GRANT",
        "REVOKE",
        "KILL",
        "INSTALL",
        "UNINSTALL",
        "PURGE",
        "RESET",
        "CHANGE",
        "STOP",
    }
)
"""First words of statements that define nothing; SET is not one: SET STATEMENT … FOR."""
_TABLES = frozenset({"TABLE", "TABLES"})
_SCHEMAS = frozenset({"DATABASE", "SCHEMA"})
_CODE = frozenset({"VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "PACKAGE", "SEQUENCE"})
_NOT_OURS = frozenset({"USER", "ROLE", "SERVER", "TABLESPACE", "LOGFILE", "UNDO", "INSTANCE"})
_OBJECTS = _TABLES | _SCHEMAS | _CODE | _NOT_OURS | {"INDEX"}
_NOT_A_NEW_NAME = frozenset({"COLUMN", "INDEX", "KEY"})


@dataclass(frozen=True)
class Touched:
    """Name one thing whose definition or place a statement changes.

    Attributes:
        kind: what was done, as ``alter table``.
        table: the table; None for a whole schema, a view or other code object.
        name: name of the object, empty for a whole schema.
    """

    kind: str
    schema: str
    table: str | None
    name: str


class _Reader:
    """Walk over the tokens of one statement."""

    def __init__(self, tokens: Sequence[Token], default_schema: str) -> None:
        self.tokens = tokens
        self._default_schema = default_schema
        self.at = 0

    @property
    def keyword(self) -> str:
        """Return the next token as a keyword; nothing if it is none or the end."""
        return self.tokens[self.at].keyword if self.at < len(self.tokens) else ""

    @property
    def is_at_end(self) -> bool:
        return self.at >= len(self.tokens)

    def take_keyword(self) -> str:
        word = self.keyword
        self.at += 1
        return word

    def accept(self, *texts: str) -> bool:
        """Step over the next token if it is one of these words or symbols."""
        if self.is_at_end:
            return False
        token = self.tokens[self.at]
        found = token.kind in (TokenKind.WORD, TokenKind.SYMBOL) and token.text.upper() in texts
        self.at += found
        return found

    def seek(self, words: frozenset[str]) -> str:
        """Step behind the next of these words and return it; it is no user's or host's name."""
        while not self.is_at_end:
            before = self.tokens[self.at - 1].text if self.at else ""
            word = self.take_keyword()
            if word in words and before not in ("=", "@", "."):
                return word
        raise CannotJudge("no word that says what is changed")

    def skip_if_exists(self) -> None:
        if self.accept("IF"):
            self.accept("NOT")
            self.accept("EXISTS")

    def identifier(self) -> str:
        if self.is_at_end or self.tokens[self.at].kind not in (TokenKind.WORD, TokenKind.NAME):
            raise CannotJudge("no name where one must be")
        self.at += 1
        return self.tokens[self.at - 1].text

    def qualified(self) -> tuple[str, str]:
        """Read ``schema.name`` or ``name``."""
        first = self.identifier()
        if self.accept("."):
            return first, self.identifier()
        return self.schema(), first

    def schema(self) -> str:
        if not self._default_schema:
            raise CannotJudge("name without schema")
        return self._default_schema

    def names(self) -> list[tuple[str, str]]:
        found = [self.qualified()]
        while self.accept(","):
            found.append(self.qualified())
        return found


def judge(tokens: Sequence[Token], default_schema: str) -> tuple[Touched, ...]:
    """Name what a statement touches; nothing if it is no DDL that matters.

    Temporary tables, accounts and ANALYZE do not matter.

    Raises:
        CannotJudge: it may be DDL, but what it touches is not understood.
    """
    reader = _Reader(tokens, default_schema)
    if reader.is_at_end:
        return ()
    verb = reader.take_keyword()
    if verb == "SET":
        if not reader.accept("STATEMENT"):
            return ()
        reader.seek(frozenset({"FOR"}))
        verb = reader.take_keyword()
    if verb in NO_DDL:
        return ()
    if verb not in _VERBS:
        raise CannotJudge(f"unknown statement {verb}")
    return _VERBS[verb](reader, verb.lower())


def _tables(kind: str, names: Sequence[tuple[str, str]]) -> tuple[Touched, ...]:
    return tuple(Touched(f"{kind} table", schema, name, name) for schema, name in names)


def _define(reader: _Reader, verb: str) -> tuple[Touched, ...]:
    """Judge ALTER, CREATE and DROP."""
    begin = reader.at
    what = reader.seek(_OBJECTS)
    between = {token.keyword for token in reader.tokens[begin : reader.at - 1]}
    if what in _NOT_OURS or ("TEMPORARY" in between and what in _TABLES | {"SEQUENCE"}):
        return ()
    kind = f"{verb} or replace" if {"OR", "REPLACE"} <= between else verb
    if what == "INDEX":
        reader.seek(frozenset({"ON"}))
        schema, table = reader.qualified()
        return (Touched(f"{kind} index", schema, table, table),)
    reader.skip_if_exists()
    if what in _SCHEMAS:
        return _define_schema(reader, kind)
    if what in _TABLES:
        return _define_table(reader, kind)
    return _define_code(reader, kind, what.lower())


def _define_schema(reader: _Reader, kind: str) -> tuple[Touched, ...]:
    touched = []
    if reader.is_at_end or reader.keyword in {
        "CHARACTER",
        "CHARSET",
        "COLLATE",
        "DEFAULT",
        "COMMENT",
        "UPGRADE",
    }:
        touched.append(reader.schema())
    if not reader.is_at_end:
        touched.append(reader.identifier())
    return tuple(Touched(f"{kind} schema", schema, None, "") for schema in touched)


def _define_table(reader: _Reader, kind: str) -> tuple[Touched, ...]:
    if kind == "drop":
        return _tables(kind, reader.names())
    names = [reader.qualified()]
    if kind == "alter":
        names += _other_tables(reader)
    return _tables(kind, names)


def _other_tables(reader: _Reader) -> list[tuple[str, str]]:
    """Find the partner of RENAME, EXCHANGE and CONVERT in the rest of an ALTER TABLE."""
    found = []
    while not reader.is_at_end:
        word = reader.take_keyword()
        if word == "TABLE":
            found.append(reader.qualified())
        elif word == "RENAME" and reader.keyword not in _NOT_A_NEW_NAME:
            reader.accept("TO", "AS", "=")
            found.append(reader.qualified())
    return found


def _define_code(reader: _Reader, kind: str, what: str) -> tuple[Touched, ...]:
    if what == "package" and reader.accept("BODY"):
        what = "package body"
    reader.skip_if_exists()
    names = reader.names() if kind == "drop" else [reader.qualified()]
    return tuple(Touched(f"{kind} {what}", schema, None, name) for schema, name in names)


def _rename(reader: _Reader, verb: str) -> tuple[Touched, ...]:
    if reader.accept("USER"):
        return ()
    reader.seek(_TABLES)
    reader.skip_if_exists()
    names = []
    while not reader.is_at_end:
        names.append(reader.qualified())
        while not reader.is_at_end and not reader.accept("TO", ","):
            reader.at += 1  # WAIT n, NOWAIT
    return _tables(verb, names)


def _truncate(reader: _Reader, verb: str) -> tuple[Touched, ...]:
    reader.accept("TABLE")
    return _tables(verb, [reader.qualified()])


def _maintain(reader: _Reader, verb: str) -> tuple[Touched, ...]:
    reader.seek(_TABLES)
    return _tables(verb, reader.names())


_VERBS: dict[str, Callable[[_Reader, str], tuple[Touched, ...]]] = {
    "ALTER": _define,
    "CREATE": _define,
    "DROP": _define,
    "RENAME": _rename,
    "TRUNCATE": _truncate,
    "OPTIMIZE": _maintain,
    "REPAIR": _maintain,
}
