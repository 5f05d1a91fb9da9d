"""Judge the definitions of views, routines, packages, triggers and events; no I/O.

What a body does when it is called is the owner's own code and no business of a restore. The
statement that creates it must do nothing but that. No session of ours lets a server run more
than one statement at a time, so nothing can follow a body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shardvault.fleet.stored_text.cursor import Cursor, Fold, Forged, read_any_tokens, read_tokens
from shardvault.fleet.stored_text.values import read_charset
from shardvault.model.schema import CodeObject, ObjectKind
from shardvault.mysql.tokens import Dialect, Token, TokenKind

_EVENTS = frozenset({"INSERT", "UPDATE", "DELETE"})
_COMPOUND = frozenset({"BEGIN", "IF", "CASE", "LOOP", "REPEAT", "WHILE", "FOR"})
_COMPOUND_IN_ORACLE = _COMPOUND | {"AS", "IS"}
_STATES = frozenset({"ENABLE", "DISABLE"})


def judge_code(item: CodeObject, text: bytes, dialect: Dialect, folds: Sequence[Fold]) -> None:
    """Judge that a text creates the object of this kind and name and does nothing else.

    Args:
        item: what it should be.
        text: what a server is to run.
        dialect: how that server reads it, in the object's own sql_mode and character set.
        folds: rules by which names can be one.

    Raises:
        Forged: it is something else.
    """
    is_own = item.kind is ObjectKind.VIEW
    tokens = (read_tokens if is_own else read_any_tokens)(text, dialect)
    cursor = _Cursor(tokens, folds)
    cursor.take("CREATE")
    _JUDGES[item.kind](cursor, item)
    is_oracle = "ORACLE" in item.sql_mode.split(",")
    _judge_end(cursor.rest, _COMPOUND_IN_ORACLE if is_oracle else _COMPOUND)
    if item.kind is ObjectKind.EVENT:
        _judge_event_comments(tokens)


class _Cursor(Cursor):
    """Know by which rules names can be one."""

    def __init__(self, tokens: Sequence[Token], folds: Sequence[Fold]) -> None:
        super().__init__(tokens)
        self.folds = folds


def _take_definer(cursor: _Cursor) -> None:
    cursor.take("DEFINER", "=")
    cursor.take_account()


def _take_name(cursor: _Cursor, item: CodeObject) -> None:
    cursor.take_place(item.schema, item.name, item.kind, cursor.folds)


def _judge_view(cursor: _Cursor, item: CodeObject) -> None:
    cursor.take("ALGORITHM", "=")
    cursor.take_one_of(("UNDEFINED", "MERGE", "TEMPTABLE"), "an algorithm")
    _take_definer(cursor)
    cursor.take("SQL", "SECURITY")
    cursor.take_one_of(("DEFINER", "INVOKER"), "a kind of security")
    if cursor.accept("JSON"):
        cursor.take("RELATIONAL", "DUALITY")
    cursor.take("VIEW")
    _take_name(cursor, item)
    if cursor.accept("("):
        while not cursor.accept(")"):
            cursor.take_name()
            cursor.accept(",")
    cursor.take("AS")
    if not cursor.accept("("):
        cursor.take_one_of(("SELECT", "WITH", "VALUES", "TABLE"), "a query")
    for token in cursor.rest:
        if token.keyword == "INTO":
            raise Forged("has INTO, which no view has")


def _judge_library(cursor: _Cursor, item: CodeObject) -> None:
    cursor.take("LIBRARY")
    _take_name(cursor, item)
    if cursor.accept("COMMENT"):
        cursor.take_text()
    cursor.take("LANGUAGE")
    cursor.take_name()
    cursor.take("AS")
    cursor.take_text()
    if cursor.token is not None:
        raise cursor.refuse("the end of a library")


def _judge_routine(cursor: _Cursor, item: CodeObject) -> None:
    _take_definer(cursor)
    if item.kind is ObjectKind.FUNCTION:
        cursor.accept("AGGREGATE")
    cursor.take(item.kind.upper())
    _take_name(cursor, item)
    if cursor.keyword not in ("RETURN", "AS", "IS"):  # Oracle's mode needs no parentheses
        cursor.take("(")


def _judge_package(cursor: _Cursor, item: CodeObject) -> None:
    _take_definer(cursor)
    cursor.take(*item.kind.upper().split())
    if item.kind is ObjectKind.PACKAGE and cursor.keyword == "BODY":
        raise cursor.refuse("the name of a package")
    _take_name(cursor, item)


def _judge_trigger(cursor: _Cursor, item: CodeObject) -> None:
    _take_definer(cursor)
    cursor.take("TRIGGER")
    if cursor.accept("IF"):
        cursor.take("NOT", "EXISTS")
    _take_name(cursor, item)
    cursor.take_one_of(("BEFORE", "AFTER"), "the time of a trigger")
    cursor.take_one_of(_EVENTS, "the event of a trigger")
    while cursor.accept("OR"):
        cursor.take_one_of(_EVENTS, "the event of a trigger")
    cursor.take("ON")
    cursor.take_place(item.schema, item.table, "a trigger of table", cursor.folds)
    cursor.take("FOR", "EACH", "ROW")


def _judge_event(cursor: _Cursor, item: CodeObject) -> None:
    _take_definer(cursor)
    cursor.take("EVENT")
    _take_name(cursor, item)
    cursor.take("ON", "SCHEDULE")
    while cursor.keyword != "ON":
        if cursor.token is None or cursor.keyword in ("SELECT", "DO") or cursor.token.text == ";":
            raise cursor.refuse("a schedule")
        cursor.skip()
    cursor.take("ON", "COMPLETION")
    cursor.accept("NOT")
    cursor.take("PRESERVE")
    if cursor.take_one_of(_STATES, "the state of an event") == "DISABLE" and cursor.accept("ON"):
        cursor.take_one_of(("SLAVE", "REPLICA"), "a replica")
    if cursor.accept("COMMENT"):
        cursor.take_text()
    cursor.take("DO")


def _judge_event_comments(tokens: Sequence[Token]) -> None:
    """An event is created disabled; its head is read again for that, and must have one meaning."""
    for token in tokens:
        if token.keyword == "DO":
            return
        if token.kind is TokenKind.BLANK and token.raw.strip():
            raise Forged("has a comment before its body")


def _judge_end(rest: Sequence[Token], compound: frozenset[str]) -> None:
    """Refuse a second statement after a body that is but one."""
    if any(token.keyword in compound for token in rest):
        return
    ends = [at for at, token in enumerate(rest) if token.text == ";" and not token.keyword]
    if ends and ends[0] < len(rest) - 1:
        raise Forged("has a second statement")


def choose_dialect(item: CodeObject, version_id: int, *, is_mysql: bool) -> Dialect:
    """Give the dialect in which an object's text is run; a view's is not that of its mode.

    Raises:
        Forged: its character set is none of a client.
    """
    modes = () if item.kind is ObjectKind.VIEW else item.sql_mode.split(",")
    return Dialect(
        version_id=version_id,
        ansi_quotes="ANSI_QUOTES" in modes,
        no_backslash_escapes="NO_BACKSLASH_ESCAPES" in modes,
        is_mysql=is_mysql,
        charset=read_charset(item.charset),
    )


_JUDGES: Mapping[ObjectKind, Callable[[_Cursor, CodeObject], None]] = {
    ObjectKind.LIBRARY: _judge_library,
    ObjectKind.FUNCTION: _judge_routine,
    ObjectKind.PROCEDURE: _judge_routine,
    ObjectKind.PACKAGE: _judge_package,
    ObjectKind.PACKAGE_BODY: _judge_package,
    ObjectKind.VIEW: _judge_view,
    ObjectKind.TRIGGER: _judge_trigger,
    ObjectKind.EVENT: _judge_event,
}
