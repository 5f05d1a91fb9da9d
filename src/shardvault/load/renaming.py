"""Give definitions schemas under other names; every byte that is no such name stays.

What cannot be judged for certain raises ``CannotRename``; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from shardvault.errors import IntegrityError
from shardvault.load.references import CannotRename, find_code_references, find_table_references
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.schema import CodeObject, ObjectKind, Schema, Table
from shardvault.mysql.charsets import find_codec
from shardvault.mysql.session import parse_version
from shardvault.mysql.tokens import CannotJudge, Dialect, Token, TokenKind, scan

_RUNNING_TEXT = frozenset({"PREPARE", "EXECUTE"})
_TRIGGERS_ROWS = frozenset({"old", "new"})


@dataclass(frozen=True)
class Renaming:
    """Say which schemas of a server get which names.

    Attributes:
        names: old name to new name.
        is_case_blind: the server took names that differ only in case for the same.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    is_case_blind: bool = False

    def knows(self, name: str) -> bool:
        """Say whether a schema gets another name."""
        return self.fold(name) in self._folded

    def new_name(self, name: str) -> str:
        """Give a schema's name on the target, its own if it keeps it."""
        return self._folded.get(self.fold(name), name)

    def old_name(self, name: str) -> str:
        """Give the name that a schema of the target has in the backup."""
        return next((old for old, new in self.names.items() if new == name), name)

    def fold(self, name: str) -> str:
        """Write a name as the server compares it."""
        return name.lower() if self.is_case_blind else name

    @cached_property
    def _folded(self) -> dict[str, str]:
        return {self.fold(old): new for old, new in self.names.items()}


@dataclass(frozen=True)
class Surroundings:
    """Hold what decides how a server reads a definition.

    Attributes:
        server: the server that gave the definition.
        packages: names of the packages there.
    """

    server: ServerIdentity
    packages: frozenset[str] = frozenset()

    def dialect(self, sql_mode: str = "", charset: str = "utf8mb4") -> Dialect:
        """Give the dialect of a definition."""
        major, minor, patch = parse_version(self.server.version)
        modes = sql_mode.split(",")
        return Dialect(
            version_id=major * 10000 + minor * 100 + patch,
            ansi_quotes="ANSI_QUOTES" in modes,
            no_backslash_escapes="NO_BACKSLASH_ESCAPES" in modes,
            is_mysql=self.server.family == Family.MYSQL,
            charset=charset,
        )


def rename_schema(schema: Schema, renaming: Renaming, around: Surroundings) -> Schema:
    """Give a database its new name.

    Raises:
        IntegrityError: not a database's definition.
    """
    if not renaming.knows(schema.name):
        return schema
    dialect = around.dialect()
    try:
        tokens = _scan(schema.create_sql, dialect)
        own = next(place for place, token in enumerate(tokens) if token.kind is TokenKind.NAME)
    except (CannotRename, StopIteration) as error:
        raise IntegrityError("stored database definition cannot be read") from error
    create_sql = _write(tokens, (own,), renaming, dialect)
    return Schema(renaming.new_name(schema.name), create_sql)


def rename_table(table: Table, renaming: Renaming, around: Surroundings) -> Table:
    """Let a table follow its schema, and those that it refers to, to their new names.

    Raises:
        CannotRename: its definition cannot be read.
    """
    dialect = around.dialect()
    tokens = _scan(table.create_sql, dialect)
    references = find_table_references(tokens, renaming.knows)
    return replace(
        table,
        schema=renaming.new_name(table.schema),
        create_sql=_write(tokens, references, renaming, dialect),
        foreign_keys=tuple(
            replace(key, ref_schema=renaming.new_name(key.ref_schema)) for key in table.foreign_keys
        ),
    )


def rename_object(item: CodeObject, renaming: Renaming, around: Surroundings) -> CodeObject:
    """Let a code object follow its schema, and those that it refers to, to their new names.

    Raises:
        CannotRename: a name in it may mean something else, or it makes statements of texts
            that hold a name.
    """
    dialect = around.dialect(item.sql_mode, item.charset)
    tokens = _scan_code(item, dialect)
    if _runs_text(tokens) and (found := _find_in_texts(tokens, renaming, r"{}")):
        raise CannotRename(f"it runs statements made of texts, and one holds {found}")
    others = frozenset(name.casefold() for name in around.packages)
    if item.kind is ObjectKind.TRIGGER:
        others |= _TRIGGERS_ROWS
    references = find_code_references(tokens, renaming.knows, others)
    create_sql = _write(tokens, references, renaming, dialect)
    return replace(item, schema=renaming.new_name(item.schema), create_sql=create_sql)


def describe_kept_texts(
    create_sql: bytes, renaming: Renaming, dialect: Dialect, *, is_code: bool
) -> str:
    """Say what a definition that could follow holds that did not: names in texts; else nothing."""
    tokens = _scan(create_sql, dialect)
    if found := _find_in_texts(tokens, renaming, r"(?<![\w$]){}(?![\w$])"):
        return f"a text in it holds {found} and was kept as it is"
    if is_code and _runs_text(tokens):
        return "it runs statements made at run time, with whatever names those have"
    return ""


def _scan_code(item: CodeObject, dialect: Dialect) -> tuple[Token, ...]:
    """Split a code object, whose name and comment are UTF-8 whatever its body is.

    Where that makes a difference, nobody can say where a name begins; a view is all of a piece.
    """
    tokens = _scan(item.create_sql, dialect)
    if item.kind is not ObjectKind.VIEW and not item.create_sql.isascii():
        as_utf8 = _scan(item.create_sql, replace(dialect, charset="utf8mb4"))
        if [token.raw for token in as_utf8] != [token.raw for token in tokens]:
            raise CannotRename(f"its bytes in {item.charset} can be read in two ways")
    return tokens


def _scan(sql: bytes, dialect: Dialect) -> tuple[Token, ...]:
    try:
        return tuple(scan(sql, dialect))
    except CannotJudge as error:
        raise CannotRename(f"its definition cannot be read: {error}") from error


def _runs_text(tokens: Sequence[Token]) -> bool:
    return any(token.keyword in _RUNNING_TEXT for token in tokens)


def _find_in_texts(tokens: Sequence[Token], renaming: Renaming, pattern: str) -> str:
    """Name the first schema whose old name a text holds; letters of any case are equal."""
    texts = [token.text for token in tokens if token.kind is TokenKind.TEXT]
    for name in renaming.names:
        place = re.compile(pattern.format(re.escape(name)), re.IGNORECASE)
        if any(place.search(text) for text in texts):
            return name
    return ""


def _write(
    tokens: Sequence[Token], references: Sequence[int], renaming: Renaming, dialect: Dialect
) -> bytes:
    """Put the tokens together with new names at some places, in the quotes of the old ones."""
    parts = [token.raw for token in tokens]
    for place in references:
        parts[place] = _quote(tokens[place], renaming, dialect)
    return b"".join(parts)


def _quote(token: Token, renaming: Renaming, dialect: Dialect) -> bytes:
    name = renaming.new_name(token.text)
    quote = '"' if token.raw[:1] == b'"' else "`"
    text = quote + name.replace(quote, quote * 2) + quote
    try:
        return text.encode(find_codec(dialect.charset) or "ascii")
    except UnicodeEncodeError as error:
        reason = f"character set {dialect.charset} cannot write {name}"
        raise CannotRename(f"its {reason}") from error
