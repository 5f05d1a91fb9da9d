"""Treat the case of names in definitions where source and target compare names by other rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from shardvault.fleet.definitions import Contents
from shardvault.fleet.inventory import TableName
from shardvault.fleet.name_rule import NameRule
from shardvault.load.renaming import Surroundings
from shardvault.model.manifest import ServerIdentity
from shardvault.model.schema import CodeObject, ObjectKind, Table
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import encode
from shardvault.mysql.tokens import CannotJudge, Dialect, Token, TokenKind, scan

_Known = Mapping[str, TableName]
_Chain = tuple[int, ...]


def fold_names(sql: bytes, dialect: Dialect, rule: NameRule) -> bytes:
    """Fold each quoted name of a definition, to compare it with another; all else stays.

    A server whose case rule is not 0 prints names of tables, databases and aliases in its own
    case. A definition that cannot be read stays as it is.
    """
    if not rule.is_case_blind:
        return sql
    try:
        tokens = tuple(scan(sql, dialect))
    except CannotJudge:
        return sql
    return b"".join(
        encode(quote_name(rule.fold(token.text))) if token.kind is TokenKind.NAME else token.raw
        for token in tokens
    )


def restore_case(contents: Contents, source: ServerIdentity) -> Contents:
    """Write tables that definitions refer to in the case of their own definition.

    The source compared names without case, and a target to which case counts would not find
    them: MariaDB keeps a trigger's text as it was typed, and under rule 2 foreign keys name
    their parent in lower case.
    """
    blind = NameRule(source.lower_case_table_names)
    names = ((record.table.schema, record.table.name) for record in contents.tables)
    known = {blind.fold(f"{schema}.{name}"): (schema, name) for schema, name in names}
    around = Surroundings(source)
    tables = tuple(
        replace(record, table=_restore_table(record.table, known, blind, around))
        for record in contents.tables
    )
    objects = tuple(_restore_trigger(item, blind, around) for item in contents.objects)
    return replace(contents, tables=tables, objects=objects)


def _restore_table(table: Table, known: _Known, rule: NameRule, around: Surroundings) -> Table:
    if not table.foreign_keys:
        return table

    def own_case(schema: str, name: str) -> TableName:
        return known.get(rule.fold(f"{schema}.{name}"), (schema, name))

    tokens = tuple(scan(table.create_sql, around.dialect()))
    parts = [token.raw for token in tokens]
    for chain in _find_chains(tokens, "REFERENCES"):
        names = [tokens[place].text for place in chain]
        place = own_case(names[0] if len(names) > 1 else table.schema, names[-1])
        _write_chain(parts, chain, place)
    keys = []
    for key in table.foreign_keys:
        schema, name = own_case(key.ref_schema, key.ref_table)
        keys.append(replace(key, ref_schema=schema, ref_table=name))
    return replace(table, create_sql=b"".join(parts), foreign_keys=tuple(keys))


def _restore_trigger(item: CodeObject, rule: NameRule, around: Surroundings) -> CodeObject:
    """Write the names in a trigger's head; they stand in it as they were typed."""
    if item.kind is not ObjectKind.TRIGGER or item.fault is not None:
        return item
    try:
        tokens = tuple(scan(item.create_sql, around.dialect(item.sql_mode, item.charset)))
    except CannotJudge:
        return item
    parts = [token.raw for token in tokens]
    for word, name in (("TRIGGER", item.name), ("EXISTS", item.name), ("ON", item.table)):
        chain = next(_find_chains(tokens, word), ())
        typed = tuple(tokens[place].text for place in chain)
        own = (item.schema, name)[-len(chain) :]
        if typed and typed != own and rule.fold(typed[-1]) == rule.fold(name):
            _write_chain(parts, chain, own)
    return replace(item, create_sql=b"".join(parts))


def _write_chain(parts: list[bytes], chain: _Chain, names: Sequence[str]) -> None:
    """Write ``schema.table`` or ``table`` over the names that are there."""
    for at, name in zip(reversed(chain), reversed(names), strict=False):
        parts[at] = encode(quote_name(name))


def _find_chains(tokens: Sequence[Token], word: str) -> Iterator[_Chain]:
    """Find each name that follows a keyword, alone or with its schema before a dot."""
    places = [place for place, token in enumerate(tokens) if token.kind is not TokenKind.BLANK]
    for at, place in enumerate(places):
        if tokens[place].keyword == word:
            following = places[at + 1 : at + 4]
            is_long = len(following) > 2 and tokens[following[1]].text == "."
            yield (following[0], following[2]) if is_long else tuple(following[:1])
