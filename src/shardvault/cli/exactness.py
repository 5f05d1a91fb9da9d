"""Write docs/exactness.md from the rules of dump and load.

Run ``python -m shardvault.cli.exactness``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shardvault.dump.columns import READ_JSON_TEXT, READ_ROW_END, READ_RULES, ReadRule
from shardvault.fleet.inventory import DEFINITION_ONLY_ENGINES
from shardvault.load.columns import (
    TYPE_BLOB,
    WRITE_BOUNDED,
    WRITE_ROW_END,
    WRITE_RULES,
    WriteRule,
)
from shardvault.model.column_types import COLUMN_TYPES, TypeGroup, Version
from shardvault.model.loss import LossKind
from shardvault.model.position import Family
from shardvault.model.schema import ObjectKind
from shardvault.mysql.state import LOAD_MODE

PAGE = Path("docs/exactness.md")

SEEN_WITH = "MariaDB 10.5.23, 10.11.18 and 11.8.9, and MySQL 9.7.4"
"""The servers of the last run of tests/exactness; known-differences.md names the same ones."""

_NAMES = {Family.MARIADB: "MariaDB", Family.MYSQL: "MySQL"}
_NO_CONVERSION = "{v}"
_LONG_CELL = 80  # a longer expression stands below the table

_HEAD = """\
# Exactness

<!-- Made from src/shardvault/dump/columns.py, load/columns.py, model/column_types.py and
     model/loss.py; change it there, then run python -m shardvault.cli.exactness -->

How each type is read, written and compared; what is refused before any lock; what else comes back.
The cases in `tests/exactness` try it; last seen with {seen_with}.
What they found that is not so is on the page of [known differences](known-differences.md); what
[other tools change](other-tools.md) has a page too.

## Column types

What is stored is the text, or the bytes, that the server gives for the expression under *read as*,
where `c` is the column. Nothing between the server's socket and the chunk makes a number, a date or
a string of it. Sessions are put into a known state first, and prove it: `time_zone` +00:00, no
`sql_mode` when reading, `character_set_results` NULL.

MariaDB takes values as parameters `?` of a bulk insert: *bytes* are not converted, *text* is ASCII
that the server parses. MySQL takes them by LOAD DATA LOCAL in character set binary, straight into
the column or through a variable `@v`. Both load with `sql_mode` {load_mode}.

What is compared is the hash of what was read. The hashes of a table's rows are added up; this sum
and the number of rows must be the same when the restored table is read by the same expressions.

A version in brackets is the first that has the type. JSON of MariaDB is a `longtext`.

| types | read as | hashed and stored | why it is read so | MariaDB takes | MySQL takes | why |
|---|---|---|---|---|---|---|
"""

_COLUMNS = """
## Columns that are special

- **Generated** columns are not stored: the target computes them. Their values are hashed beside the
  stored ones, at the source and of the restored table, wherever the source can still compute them.
- **Invisible** columns are like all others: statements name every column. So is the invisible
  primary key that MySQL generates.
- **Row start and row end** of system-versioned tables are read with the whole history and written
  back.
- **AUTO_INCREMENT** keeps 0 and negative values; the table's counter is set and compared.

## Refused before any lock

`shardvault check` names each of these, and `backup` refuses before it locks anything. With
`--allow-loss KIND` it goes on, and the manifest records which tables lost what:

| kind | what comes back | what to do instead |
|---|---|---|
"""

_REFUSED = """
Refused without such a way out: a column of a type that the table above lacks, a table that has only
generated columns, a foreign key that the server's own SHOW CREATE TABLE misspells, and tables of
engines without snapshots that are together too large to be copied while the barrier is held.

Tables of these engines hold no rows of their own and come back as definitions, which `check` says:
{engines}.

## Definitions and objects

A definition is stored as the bytes of SHOW CREATE, and compared byte for byte after a restore to a
server of the same version; on another version a difference is a finding.

| object | what comes back |
|---|---|
"""

_ROUTINE = "body, definer, `sql_mode`, character set and collations"
_PACKAGE = "as procedures; MariaDB's Oracle mode"
_OBJECTS = {
    "database": "name, character set, collation, other options",
    "table": "every option, key, constraint and partition; the AUTO_INCREMENT counter",
    "sequence": "definition, next value that no cache has taken, number of cycles",
    ObjectKind.LIBRARY: "code and comment, created before the routines that import it",
    ObjectKind.FUNCTION: _ROUTINE,
    ObjectKind.PROCEDURE: _ROUTINE,
    ObjectKind.PACKAGE: _PACKAGE,
    ObjectKind.PACKAGE_BODY: _PACKAGE,
    ObjectKind.VIEW: "created behind what it reads, also in other schemas; one that the server "
    "can no longer read is kept as text and reported",
    ObjectKind.TRIGGER: "created behind the rows, in order, with definer and `sql_mode`",
    ObjectKind.EVENT: "created disabled, with its time zone; switched on at the end",
    "account": "on request: users and roles with password hashes, limits, grants, default roles",
}


@dataclass(frozen=True)
class _Row:
    """Hold one line of the table of types."""

    types: str
    read: ReadRule
    written: dict[Family, WriteRule]


def render_exactness() -> str:
    """Write the page, as Markdown."""
    rows = _list_rows()
    return "".join(
        [
            _HEAD.format(load_mode=LOAD_MODE.replace(",", ", "), seen_with=SEEN_WITH),
            *map(_render_row, rows),
            *map(_render_long, rows),
            _COLUMNS,
            *(f"| `{kind}` | {kind.meaning} | {kind.remedy} |\n" for kind in LossKind),
            _REFUSED.format(engines=", ".join(sorted(DEFINITION_ONLY_ENGINES))),
            *(f"| {kind} | {text} |\n" for kind, text in _OBJECTS.items()),
        ]
    )


def write_page(path: Path = PAGE) -> None:
    """Write the file."""
    path.write_text(render_exactness(), encoding="utf-8")


def _list_rows() -> list[_Row]:
    rows = [_group_row(group) for group in TypeGroup]
    bounded = dict.fromkeys(Family, WRITE_BOUNDED)
    period_end = {Family.MARIADB: WRITE_ROW_END}
    json = {Family.MYSQL: WRITE_RULES[Family.MYSQL][TypeGroup.JSON]}
    return [
        *rows,
        _Row("`float(M,D)`", READ_RULES[TypeGroup.FLOAT], bounded),
        _Row("`double(M,D)`", READ_RULES[TypeGroup.DOUBLE], bounded),
        _Row(f"`json`, with `--allow-loss {LossKind.JSON_TYPES}`", READ_JSON_TEXT, json),
        _Row("`timestamp` as row end", READ_ROW_END, period_end),
    ]


def _group_row(group: TypeGroup) -> _Row:
    known = sorted(COLUMN_TYPES.items())  # sets of names have another order in each process
    types = {name: found for name, found in known if found.group is group}
    families = {family for found in types.values() for family in found.since}
    return _Row(
        ", ".join(f"`{name}`{_tell_since(found.since.items())}" for name, found in types.items()),
        READ_RULES[group],
        {family: WRITE_RULES[family][group] for family in Family if family in families},
    )


def _tell_since(since: Iterable[tuple[Family, Version]]) -> str:
    told = [f"{_NAMES[family]} {_spell(version)}" for family, version in since if any(version)]
    return f" ({', '.join(told)})" if told else ""


def _spell(version: Version) -> str:
    return ".".join(map(str, version)).removesuffix(".0")


def _render_row(row: _Row) -> str:
    reasons = dict.fromkeys(rule.reason for rule in row.written.values())
    cells = (
        row.types,
        _show(row.read.expression.format(c="c")),
        row.read.gives,
        row.read.reason,
        _show_parameter(row.written.get(Family.MARIADB)),
        _show_variable(row.written.get(Family.MYSQL)),
        "; ".join(reasons),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _show_parameter(rule: WriteRule | None) -> str:
    if rule is None:
        return "–"
    form = "bytes" if rule.parameter == TYPE_BLOB else "text"
    return f"{_show(rule.expression.format(v='?', limit='limit'))}, {form}"


def _show_variable(rule: WriteRule | None) -> str:
    if rule is None:
        return "–"
    if rule.expression == _NO_CONVERSION:
        return "the column"
    return _show(rule.expression.format(v="@v", limit="limit"))


def _show(expression: str) -> str:
    return "below" if len(expression) > _LONG_CELL else f"`{expression}`"


def _render_long(row: _Row) -> str:
    """Write the expressions that no cell holds."""
    texts = {"read as": row.read.expression.format(c="c")}
    if rule := row.written.get(Family.MARIADB):
        texts["written as"] = rule.expression.format(v="?", limit="limit")
    return "".join(
        f"\n{row.types} is {how}\n\n```sql\n{text}\n```\n"
        for how, text in texts.items()
        if len(text) > _LONG_CELL
    )


if __name__ == "__main__":
    write_page()
