"""Compare databases with what they were, and say which of them are closed to writes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shardvault.errors import ServerError
from shardvault.fleet.definitions import Contents, normal_charset
from shardvault.fleet.inventory import read_schema
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Schema
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session, decode

NO_SUCH_DATABASE = 1049

_READ_ONLY = b" /* READ ONLY = 1 */"
_OPTION = re.compile(r"(CHARACTER SET|COLLATE|ENCRYPTION|COMMENT)[ =]('.*'|\w+)", re.DOTALL)


def is_read_only(schema: Schema) -> bool:
    """Say whether a database of MySQL is closed to writes; its text says so in a comment only."""
    return schema.create_sql.endswith(_READ_ONLY)


def describe_difference(wanted: Schema, got: Schema, *, is_same_family: bool) -> str:
    """Say in what a database differs, empty if in nothing; whether it is read only is left out.

    Of another family's database only the options that both print are compared.
    """
    before, after = _options(wanted), _options(got)
    names = before.keys() | after.keys() if is_same_family else before.keys() & after.keys()
    if all(before.get(name) == after.get(name) for name in names):
        return ""
    return f"has {_write(after)}, not {_write(before)}"


def examine_databases(
    session: Session, source: Family, contents: Contents, *, replace: bool
) -> Iterator[Finding]:
    """Report databases on a target that are there and would not become what they were.

    Args:
        session: in any state.
        source: family of the server that the contents came from.
        contents: what shall be restored.
        replace: those that are restored whole are dropped first.
    """
    for schema in contents.schemas:
        is_whole = schema.name in contents.whole
        present = find_schema(session, schema.name)
        if present is None or (is_whole and replace):
            continue
        where = f"{session.shard}: {schema.name}"
        if is_read_only(present):
            remedy = f"ALTER DATABASE {quote_name(schema.name)} READ ONLY = 0"
            yield Finding(Severity.BLOCKER, where, "database", "is read only", remedy)
        if what := describe_difference(schema, present, is_same_family=source is session.family):
            severity = Severity.BLOCKER if is_whole else Severity.WARNING
            remedy = "change it, or drop it with --replace" if is_whole else ""
            yield Finding(severity, where, "database", f"is there and {what}", remedy)


def find_schema(session: Session, name: str) -> Schema | None:
    """Read the definition of a database, None if there is none of the name."""
    try:
        return read_schema(session, name)
    except ServerError as error:
        if error.code == NO_SUCH_DATABASE:
            return None
        raise


def _options(schema: Schema) -> dict[str, str]:
    text = decode(schema.create_sql.removesuffix(_READ_ONLY))
    rest = text.removeprefix(f"CREATE DATABASE {quote_name(schema.name)}")
    return {match[1].lower(): _normal(match[2]) for match in _OPTION.finditer(rest)}


def _normal(value: str) -> str:
    return value if value.startswith("'") else normal_charset(value)


def _write(options: dict[str, str]) -> str:
    return " ".join(f"{name} {value}" for name, value in options.items())
