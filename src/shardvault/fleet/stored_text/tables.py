"""Judge the definitions of databases, tables and sequences; no I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shardvault.fleet.inventory import DEFINITION_ONLY_ENGINES
from shardvault.fleet.stored_text.cursor import Cursor, Fold, Forged, read_tokens, show
from shardvault.model.schema import Schema, Table, TableKind
from shardvault.mysql.tokens import Dialect, Token, TokenKind

# MariaDB writes options that no engine knows as a comment; they are judged as options too.
_UNKNOWN_OPTIONS = re.compile(rb"/\* `.*\*/", re.DOTALL)
_READ_ONLY = re.compile(rb"/\* READ ONLY = 1 \*/")
_PART_BEGINS = frozenset(
    {"PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "VECTOR"}
    | {"CONSTRAINT", "PERIOD", "CHECK"}
)
# No definition that a server prints has them outside of quotes; each begins another statement.
_NEVER = frozenset({"SELECT", "TABLE", "INTO", "DIRECTORY", "PROCEDURE"})
_NEVER_IN_PARTITIONS = _NEVER | {"AS", "LIKE", "REPLACE", "IGNORE", "WITH"}

_OPTIONS = frozenset(
    {"ENGINE", "TYPE", "AUTO_INCREMENT", "AVG_ROW_LENGTH", "CHARSET", "COLLATE", "CHECKSUM"}
    | {"TABLE_CHECKSUM", "PAGE_CHECKSUM", "COMMENT", "COMPRESSION", "CONNECTION", "ENCRYPTION"}
    | {"ENCRYPTED", "ENCRYPTION_KEY_ID", "DELAY_KEY_WRITE", "INSERT_METHOD", "KEY_BLOCK_SIZE"}
    | {"MAX_ROWS", "MIN_ROWS", "PACK_KEYS", "ROW_FORMAT", "SEQUENCE", "STATS_AUTO_RECALC"}
    | {"STATS_PERSISTENT", "STATS_SAMPLE_PAGES", "TRANSACTIONAL", "TABLESPACE", "STORAGE"}
    | {"SECONDARY_ENGINE", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", "AUTOEXTEND_SIZE"}
    | {"IETF_QUOTES", "PAGE_COMPRESSED", "PAGE_COMPRESSION_LEVEL"}
)
_PARTITIONING = frozenset(
    {"BY", "LINEAR", "HASH", "KEY", "RANGE", "LIST", "COLUMNS", "ALGORITHM", "PARTITIONS"}
    | {"SUBPARTITION", "SUBPARTITIONS", "SYSTEM_TIME", "INTERVAL", "LIMIT", "STARTS", "TIMESTAMP"}
    | {"AUTO", "MICROSECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER"}
    | {"YEAR", "DAY_HOUR", "DAY_MINUTE", "DAY_SECOND", "HOUR_MINUTE", "HOUR_SECOND"}
    | {"MINUTE_SECOND", "YEAR_MONTH"}
)
_SEQUENCE = frozenset(
    {"START", "WITH", "MINVALUE", "NOMINVALUE", "MAXVALUE", "NOMAXVALUE", "INCREMENT", "BY"}
    | {"CACHE", "NOCACHE", "CYCLE", "NOCYCLE", "NO", "UNSIGNED", "SIGNED"}
)
_INTEGER_TYPES = frozenset({"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT"})


def judge_schema(schema: Schema, dialect: Dialect, folds: Sequence[Fold]) -> None:
    """Judge that a text creates the database of this name and does nothing else.

    Raises:
        Forged: it is something else.
    """
    cursor = Cursor(read_tokens(schema.create_sql, dialect, _READ_ONLY))
    cursor.take("CREATE", "DATABASE")
    cursor.take_place("", schema.name, "database", folds)
    while cursor.token is not None:
        cursor.accept("DEFAULT")
        option = cursor.take_one_of(
            ("CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "COMMENT"), "an option of a database"
        )
        if option == "CHARACTER":
            cursor.take("SET")
        cursor.accept("=")
        if option in ("ENCRYPTION", "COMMENT"):
            cursor.take_text()
        else:
            cursor.take_name()


def judge_table(table: Table, dialect: Dialect, folds: Sequence[Fold]) -> None:
    """Judge that a text creates the table or sequence of this name and does nothing else.

    Raises:
        Forged: it is something else.
    """
    if table.kind is TableKind.SEQUENCE:
        _judge_sequence(table, dialect, folds)
        return
    tokens = read_tokens(table.create_sql, dialect, _UNKNOWN_OPTIONS)
    begin, end = _find_parts(tokens)
    head = Cursor(tokens[:begin])
    head.take("CREATE", "TABLE")
    head.take_place(table.schema, table.name, "table", folds)
    head.take("(")
    head.end()
    _refuse_words(tokens[begin:], _NEVER)
    _judge_parts(tokens[begin:end])
    _judge_engine(table, _judge_options(Cursor(tokens[end + 1 :])))


def _find_parts(tokens: Sequence[Token]) -> tuple[int, int]:
    """Find where the columns begin, and the parenthesis after them."""
    depth = begin = 0
    for at, token in enumerate(tokens):
        if token.kind is not TokenKind.SYMBOL:
            continue
        if token.text == "(":
            depth += 1
            begin = begin or at + 1
        elif token.text == ")":
            depth -= 1
            if depth == 0:
                return begin, at
    raise Forged("has no list of columns")


def _judge_parts(tokens: Sequence[Token]) -> None:
    """Judge columns and keys, which may be moved to statements of their own one by one."""
    depth, is_marked, is_first = 0, False, True
    for token in tokens:
        if token.kind is TokenKind.BLANK:
            is_marked = _is_marked(token, is_marked)
            continue
        if is_first and token.kind is not TokenKind.NAME and token.keyword not in _PART_BEGINS:
            raise Forged(f"has {show(token)} where a column or a key belongs")
        is_symbol = token.kind is TokenKind.SYMBOL
        if is_symbol and is_marked and token.text in "(),":
            raise Forged(f"has a mark of a version with {token.text!r} in it")
        depth += is_symbol and token.text == "("
        depth -= is_symbol and token.text == ")"
        is_first = is_symbol and token.text == "," and depth == 0


def _is_marked(blank: Token, is_marked: bool) -> bool:
    """Say whether what follows stands in a comment that only some versions run."""
    if blank.raw == b"*/":
        return False
    return is_marked or (blank.raw.startswith(b"/*") and not blank.raw.endswith(b"*/"))


def _judge_options(cursor: Cursor) -> str:
    """Judge the options of a table and return its engine in upper case."""
    engine = ""
    while cursor.token is not None:
        if cursor.keyword == "PARTITION":
            _judge_partitions(cursor)
        elif cursor.accept("UNION"):
            _take_union(cursor)
        elif cursor.accept("WITH"):
            cursor.take("SYSTEM", "VERSIONING")
        elif cursor.token.kind is TokenKind.NAME:
            cursor.skip()
            cursor.take("=")
            _take_value(cursor)
        else:
            option, value = _take_option(cursor)
            engine = value if option == "ENGINE" else engine
    return engine


def _take_option(cursor: Cursor) -> tuple[str, str]:
    cursor.accept("DEFAULT")
    if cursor.accept("CHARACTER"):
        cursor.take("SET")
        option = "CHARSET"
    else:
        option = cursor.take_one_of(_OPTIONS, "an option of a table")
    cursor.accept("=")
    return option, _take_value(cursor)


def _take_value(cursor: Cursor) -> str:
    token = cursor.token
    if token is None or token.kind is TokenKind.SYMBOL:
        raise cursor.refuse("a value")
    cursor.skip()
    return token.text.upper()


def _take_union(cursor: Cursor) -> None:
    cursor.take("=", "(")
    while not cursor.accept(")"):
        cursor.take_name()
        if cursor.accept("."):
            cursor.take_name()
        cursor.accept(",")


def _judge_partitions(cursor: Cursor) -> None:
    """Judge how a table is partitioned, the last of its definition."""
    cursor.take("PARTITION", "BY")
    rest = cursor.rest
    _refuse_words(rest, _NEVER_IN_PARTITIONS)
    depth = 0
    for token in rest:
        depth += token.kind is TokenKind.SYMBOL and token.text == "("
        is_known = token.keyword in _PARTITIONING or not token.keyword or token.text.isdigit()
        if depth == 0 and not is_known:
            raise Forged(f"has {show(token)} where a rule of partitions belongs")
        if depth == 0 and token.kind is TokenKind.NAME:
            raise Forged(f"has {show(token)} where a rule of partitions belongs")
        depth -= token.kind is TokenKind.SYMBOL and token.text == ")"
        cursor.skip()


def _judge_engine(table: Table, engine: str) -> None:
    """Judge that rows go where the backup says: some engines send them to other tables."""
    if engine != table.engine.upper():
        raise Forged(f"has engine {engine or 'of no name'}, recorded is {table.engine}")
    if (engine in DEFINITION_ONLY_ENGINES) is not (table.kind is TableKind.DEFINITION):
        raise Forged(f"has engine {engine}, which is not for a table with rows of its own")


def _judge_sequence(table: Table, dialect: Dialect, folds: Sequence[Fold]) -> None:
    cursor = Cursor(read_tokens(table.create_sql, dialect))
    cursor.take("CREATE", "SEQUENCE")
    cursor.take_place(table.schema, table.name, "sequence", folds)
    while cursor.token is not None:
        if cursor.accept("AS"):
            cursor.take_one_of(_INTEGER_TYPES, "a type of integers")
        elif cursor.keyword in ("ENGINE", "COMMENT"):
            cursor.skip()
            cursor.accept("=")
            _take_value(cursor)
        elif not _accept_number(cursor):
            cursor.take_one_of(_SEQUENCE, "an option of a sequence")


def _accept_number(cursor: Cursor) -> bool:
    is_negative = cursor.accept("-")
    is_number = cursor.token is not None and cursor.token.text.isdigit()
    if is_number:
        cursor.skip()
    elif is_negative:
        raise cursor.refuse("a number")
    return is_number


def _refuse_words(tokens: Sequence[Token], words: frozenset[str]) -> None:
    for token in tokens:
        if token.keyword in words:
            raise Forged(f"has {show(token)}, which no such definition has")
