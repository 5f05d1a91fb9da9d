"""Say how near a target can come to a table that no server can make again as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from shardvault.failpoints import is_off
from shardvault.fleet.counters import read_largest
from shardvault.load.ddl import first_name, is_foreign_key, is_ordered_key, parse_table
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Table
from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import Session, decode


@dataclass(frozen=True)
class NearestState:
    """Hold what a restored table has to be, and what it cannot be.

    Attributes:
        wanted: the table of the backup, without what no server takes.
        findings: what the table does not have of it.
    """

    wanted: Table
    findings: tuple[Finding, ...]


def find_nearest(
    session: Session, place: str, wanted: Table, got: Table, unfit: Collection[str]
) -> NearestState:
    """Take out of a table what the target could not take, and report it.

    Args:
        session: to the target.
        place: the table, for people.
        wanted: as the backup has it.
        got: as it was restored.
        unfit: foreign keys that were refused, and reported then.
    """
    if is_off("restore.nearest_state"):
        return NearestState(wanted, ())
    near = _without_keys(wanted, unfit)
    near, made = _with_made_keys(near, got)
    findings = [*_report_made(place, made)]
    if is_out_of_reach(session, wanted, got):
        near = replace(near, auto_increment=got.auto_increment)
        findings.append(_report_counter(place, wanted, got))
    return NearestState(near, tuple(findings))


def is_out_of_reach(session: Session, wanted: Table, got: Table) -> bool:
    """Say whether a counter lies below values of its table, and is now the lowest possible."""
    if wanted.auto_increment is None or got.auto_increment is None:
        return False
    if got.auto_increment <= wanted.auto_increment:
        return False
    largest = read_largest(session, got)
    return largest is not None and wanted.auto_increment <= largest == got.auto_increment - 1


def _report_counter(place: str, wanted: Table, got: Table) -> Finding:
    return Finding(
        Severity.WARNING,
        place,
        "counter",
        f"AUTO_INCREMENT is {got.auto_increment}, not {wanted.auto_increment} as at the source, "
        "where it is below the largest value; a server sets none so low",
        table=wanted.qualified,
    )


def _without_keys(table: Table, unfit: Collection[str]) -> Table:
    if not unfit:
        return table
    parts = parse_table(table.create_sql).parts
    kept = [part for part in parts if not _is_named(part, unfit)]
    keys = tuple(key for key in table.foreign_keys if key.name not in unfit)
    return replace(table, create_sql=_join(table, kept), foreign_keys=keys)


def _is_named(part: bytes, names: Collection[str]) -> bool:
    return is_foreign_key(part) and decode(first_name(part)) in names


def _with_made_keys(wanted: Table, got: Table) -> tuple[Table, tuple[str, ...]]:
    """Add the indexes that a server makes by itself for foreign keys that have none."""
    names = {key.name for key in wanted.foreign_keys}
    if not names:
        return wanted, ()
    parts = parse_table(wanted.create_sql).parts
    known = {part.strip() for part in parts}
    made = [
        part
        for part in parse_table(got.create_sql).parts
        if is_ordered_key(part) and part.strip() not in known and decode(first_name(part)) in names
    ]
    if not made:
        return wanted, ()
    foreign = [part for part in parts if is_foreign_key(part)]
    others = [part for part in parts if part not in foreign]
    text = _join(wanted, [*others, *made, *foreign])
    return replace(wanted, create_sql=text), tuple(decode(first_name(one)) for one in made)


def _report_made(place: str, names: Iterable[str]) -> Iterator[Finding]:
    for name in names:
        yield Finding(
            Severity.WARNING,
            place,
            "foreign key",
            f"the source has no index for {name}; the target made one, as each server does",
        )


def _join(table: Table, parts: Iterable[bytes]) -> bytes:
    """Put parts of a definition together again; a line break stands before what encloses them."""
    ddl = parse_table(table.create_sql)
    return ddl.head + b",".join(part.rstrip(b"\n") for part in parts) + b"\n" + ddl.tail


def report_unfit(place: str, table: Table, reasons: dict[str, str]) -> Iterator[Finding]:
    """Report the foreign keys that were left out."""
    for name, reason in reasons.items():
        yield Finding(
            Severity.WARNING,
            place,
            "foreign key",
            f"{name} is left out, no server takes it as the source has it: {reason}",
            "give parent and child equal types and an index on the columns, then add the key "
            f"to {quote_table(table.schema, table.name)} as `shardvault show ID --sql` has it",
            table=table.qualified,
        )
