"""Let the grants of accounts follow schemas to other names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from shardvault.fleet.grants import matches
from shardvault.load.references import CannotRename
from shardvault.load.renaming import Renaming
from shardvault.model.schema import Account
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import decode
from shardvault.mysql.tokens import CannotJudge, Dialect, Token, TokenKind, scan

_KINDS = frozenset({"TABLE", "FUNCTION", "PROCEDURE", "PACKAGE", "BODY"})
_ESCAPED = re.compile(r"\\([\\%_])")
_WILD = re.compile(r"(?:[^\\%_]|\\.)*[%_]", re.DOTALL)


def rename_account(
    account: Account, renaming: Renaming, dialect: Dialect
) -> tuple[Account, tuple[str, ...]]:
    """Rename the schemas in an account's grants; give what was left out of them, with reasons."""
    grants, left_out = [], []
    for grant in account.grants:
        try:
            grants.append(_rename_grant(grant, renaming, dialect))
        except CannotRename as error:
            left_out.append(f"{decode(grant)}: {error}")
    return replace(account, grants=tuple(grants)), tuple(left_out)


def _rename_grant(grant: bytes, renaming: Renaming, dialect: Dialect) -> bytes:
    try:
        tokens = list(scan(grant, dialect))
    except CannotJudge as error:
        raise CannotRename(f"it cannot be read: {error}") from error
    at = _find_schema(tokens)
    if at is None:
        return grant
    parts = [token.raw for token in tokens]
    is_pattern = tokens[at + 2].text == "*"
    write = _rename_pattern if is_pattern else _rename_name
    new = write(tokens[at].text, renaming)
    if new != tokens[at].text:
        parts[at] = quote_name(new).encode("utf-8", "surrogateescape")
    return b"".join(parts)


def _find_schema(tokens: Sequence[Token]) -> int | None:
    """Find the schema behind ON; none if the grant is on everything, or of a role."""
    places = [place for place, token in enumerate(tokens) if token.kind is not TokenKind.BLANK]
    on = next((n for n, place in enumerate(places) if tokens[place].keyword == "ON"), None)
    if on is None:
        return None
    n = on + 1
    while tokens[places[n]].keyword in _KINDS:
        n += 1
    found = tokens[places[n] : places[n] + 3]
    is_qualified = len(found) == 3 and found[0].is_identifier and found[1].text == "."
    return places[n] if is_qualified else None


def _rename_name(name: str, renaming: Renaming) -> str:
    return renaming.new_name(name)


def _rename_pattern(pattern: str, renaming: Renaming) -> str:
    r"""Rename a pattern that means one schema; one that is only wild in form stays so.

    ``a_b`` is the name of a schema as people write it; ``a\_b`` is the same, but exact.

    Raises:
        CannotRename: it matches a schema that gets another name, and perhaps more.
    """
    is_wild = _WILD.match(pattern) is not None
    if renaming.knows(pattern) and is_wild:
        return renaming.new_name(pattern)
    name = pattern if is_wild else _ESCAPED.sub(r"\1", pattern)
    if renaming.knows(name):
        return re.sub(r"([\\%_])", r"\\\1", renaming.new_name(name))
    fold = renaming.fold
    for old in renaming.names:
        if matches(fold(pattern), fold(old)):
            raise CannotRename(f"its pattern matches {old}, and perhaps other schemas")
    return pattern
