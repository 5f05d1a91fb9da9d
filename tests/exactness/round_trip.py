"""Lay cases on an instance, read what they are there, and compare two sides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pymysql

from shardvault import app
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from tests.exactness.case import Case
from tests.exactness.quirks import is_answer
from tests.exactness.reading import Reader, Rows, State, asking, read_accounts, run_probes
from tests.integration.operations_support import Vault, query, quote, run_all, wipe
from tests.support.fleet import Fleet
from tests.support.servers import Flavour, Instance

# Two servers that agree on nothing: what a value becomes must not depend on any of it.
SOURCE_GLOBALS = (
    "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE'",
    "SET GLOBAL time_zone = '+05:30'",
    "SET GLOBAL event_scheduler = OFF",
)
TARGET_GLOBALS = (
    "SET GLOBAL sql_mode = 'TRADITIONAL'",
    "SET GLOBAL time_zone = '-08:00'",
    "SET GLOBAL event_scheduler = OFF",
)
_LAYING = "SET SESSION time_zone = '+00:00', sql_mode = '{}', foreign_key_checks = 1"

Hashes = dict[str, tuple[int, str]]
"""Rows and content hash, by table."""
Read = Callable[[Reader], State]


@dataclass
class Sighting:
    """Hold what was read of one case on one server."""

    state: State = field(default_factory=dict)
    probes: dict[str, Rows] = field(default_factory=dict)


@dataclass
class Outcome:
    """Hold what became of one case.

    Attributes:
        unlaid: why the case is not applicable, in the server's words; empty if it is.
        error: why the backup or the restore of this case alone failed, empty if it did not.
        locked: the barrier was taken before the backup failed.
        blockers: why the target cannot take the case, found before it was touched.
        hashes: rows and content hash per table, at the source and of the restored tables.
    """

    source: Sighting = field(default_factory=Sighting)
    target: Sighting = field(default_factory=Sighting)
    unlaid: str = ""
    error: str = ""
    locked: bool = False
    findings: list[Finding] = field(default_factory=list)
    blockers: list[Finding] = field(default_factory=list)
    hashes: tuple[Hashes, ...] = ({}, {})


def clear(*instances: Instance) -> None:
    """Empty instances; a schema that is read only could not be dropped."""
    for instance in instances:
        if instance.flavour.family is Family.MYSQL:
            locked = query(
                instance,
                "SELECT schema_name FROM information_schema.schemata_extensions"
                " WHERE options LIKE '%%READ ONLY=1%%'",
            )
            run_all(
                instance, *(f"ALTER DATABASE {quote(name)} READ ONLY = 0" for (name,) in locked)
            )
    wipe(*instances)


def lay(instance: Instance, case: Case, collation: str = "") -> str:
    """Lay a case's trap in a session of its own; return why that is not possible, or nothing.

    What was laid of a case that is not possible is removed.

    Args:
        collation: of the session; empty = the server's own.
    """
    with instance.connect() as connection, connection.cursor() as cursor:
        cursor.execute(_LAYING.format(case.mode))
        if collation:
            cursor.execute(f"SET SESSION collation_connection = {collation}")
        cursor.execute(f"CREATE DATABASE {quote(case.id)}")
        cursor.execute(f"USE {quote(case.id)}")
        for statement in case.statements:
            try:
                cursor.execute(case.fill(statement, instance.folder))
            except pymysql.MySQLError as error:
                if not is_answer(error):
                    raise
                remove(instance, case)
                return f"{statement!r:.300}: {error}"
    return ""


def remove(instance: Instance, *cases: Case) -> None:
    """Remove what cases have laid."""
    accounts = [one for case in cases for one in case.accounts]
    schemas = [name for case in cases for name in case.schemas]
    run_all(
        instance,
        "SET foreign_key_checks = 0",
        *(f"DROP DATABASE IF EXISTS {quote(name)}" for name in schemas),
        *(f"DROP {'USER' if '@' in one else 'ROLE'} IF EXISTS {one}" for one in accounts),
    )


def list_differences(case: Case, outcome: Outcome) -> list[str]:
    """Name all that is not as it must be; empty for a case that is exact, or well refused."""
    assert not outcome.unlaid, outcome.unlaid
    if case.refused:
        return _judge_refusal(case, outcome)
    if outcome.error:
        return [f"failed: {outcome.error}"]
    return [
        *_compare_holds(case, outcome),
        *_compare_state(case, outcome),
        *_compare_probes(outcome),
        *_compare_findings(case, outcome),
        *([f"hashes {outcome.hashes}"] if outcome.hashes[0] != outcome.hashes[1] else []),
    ]


def look(
    instance: Instance, cases: Sequence[Case], *reads: Read
) -> tuple[dict[str, Sighting], ...]:
    """Read what cases are on a server, in each of several ways; then run their probes once.

    The probes come last, since they are allowed to change rows.
    """
    with asking(instance) as reader:
        states = [_share_out(read(reader), cases) for read in reads]
        probes = {
            case.id: run_probes(reader, case) | read_accounts(reader, case.accounts)
            for case in cases
        }
    return tuple(
        {case.id: Sighting(state[case.id], probes[case.id]) for case in cases} for state in states
    )


def _share_out(state: State, cases: Iterable[Case]) -> dict[str, State]:
    owners = {schema: case.id for case in cases for schema in case.schemas}
    shared: dict[str, State] = defaultdict(dict)
    for key, rows in state.items():
        shared[owners.get(key[0], "")][key] = rows
    return shared


def read_hashes(vault: Vault, backup: str) -> dict[str, Hashes]:
    """Read rows and content hash per table of a backup, by schema."""
    found: dict[str, Hashes] = defaultdict(dict)
    for one in app.show(backup, vault.config).tables:
        found[one.schema][one.name] = (one.rows, one.content_hash)
    return found


def pick_hashes(hashes: dict[str, Hashes], case: Case) -> Hashes:
    """Pick the tables of a case."""
    return {
        f"{schema}.{name}": found
        for schema in case.schemas
        for name, found in hashes.get(schema, {}).items()
    }


def concerns(finding: Finding, case: Case) -> bool:
    """Say whether a finding is a serious one about a case."""
    if finding.severity not in (Severity.WARNING, Severity.BLOCKER):
        return False
    places = (finding.where.removeprefix("main: "), finding.table or "")
    for schema in case.schemas:
        if any(place == schema or place.startswith(f"{schema}.") for place in places):
            return True
    return any(account in finding.where for account in case.accounts)


def _judge_refusal(case: Case, outcome: Outcome) -> list[str]:
    if not outcome.error:
        return ["was not refused"]
    wrong = []
    if not re.search(case.refused, outcome.error):
        wrong.append(f"refused for another reason: {outcome.error}")
    if case.id not in outcome.error:
        wrong.append(f"the refusal does not name it: {outcome.error}")
    if outcome.locked:
        wrong.append("refused only behind the lock")
    return wrong


def _compare_holds(case: Case, outcome: Outcome) -> list[str]:
    wrong = []
    for probe, wanted in case.holds:
        rows = outcome.source.probes[str(probe)]
        got = ";".join(",".join(_show(value) for value in row) for row in rows)
        if got != wanted:
            wrong.append(f"the trap is not laid: {probe!r} gives {got}, not {wanted}")
    return wrong


def _compare_state(case: Case, outcome: Outcome) -> list[str]:
    """Compare all but what the restore must report as not created."""
    before, after = _render(case, outcome.source.state), outcome.target.state
    unread = [
        f"{'.'.join(key[:2])} {key[2]} cannot be read: {rows}"
        for key, rows in before.items()
        if rows and rows[0][0] == b"refused" and key[1] not in case.reported
    ]
    return unread + [
        f"{'.'.join(key[:2])} {key[2]}: {_describe(before.get(key), after.get(key))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key) and key[1] not in case.reported
    ]


def _render(case: Case, state: State) -> State:
    """Write what the source's catalogue tells as the target's must tell the same."""
    rendered = dict(state)
    for one in case.renderings:
        key = (case.id, one.name, one.view)
        source, target = (
            text.replace(b"{S}", case.id.encode()) for text in (one.source, one.target)
        )
        rendered[key] = [
            tuple(target if cell == source else cell for cell in row) for row in state[key]
        ]
    return rendered


def _compare_probes(outcome: Outcome) -> list[str]:
    before, after = outcome.source.probes, outcome.target.probes
    different = [
        f"probe {probe}: {_describe(before[probe], after[probe])}"
        for probe in before
        if before[probe] != after[probe]
    ]
    refused = [
        f"probe {probe} is refused: {rows}"
        for probe, rows in before.items()
        if rows and rows[0][0] == b"refused"
    ]
    return different + refused


def _compare_findings(case: Case, outcome: Outcome) -> list[str]:
    told = [f"{item.where} {item.what} {item.message}" for item in outcome.findings]
    wanted = [*(f".{name} " for name in case.reported), *case.findings]
    missing = [f"no finding tells {words!r}" for words in wanted if not _tells(told, words)]
    surprising = [
        f"finding: {text}" for text in told if not any(_tells([text], words) for words in wanted)
    ]
    return missing + surprising


def _tells(told: Iterable[str], words: str) -> bool:
    return any(words in text for text in told)


def _describe(before: Rows | None, after: Rows | None) -> str:
    """Show the rows that only one side has."""
    gone = [row for row in before or () if row not in (after or ())]
    new = [row for row in after or () if row not in (before or ())]
    return f"{_shorten(gone)} became {_shorten(new)}"


def _shorten(rows: Rows, most: int = 700) -> str:
    text = repr(rows)
    return text if len(text) <= most else f"{text[:most]}… ({len(rows)} rows)"


def _show(value: bytes | None) -> str:
    return "NULL" if value is None else value.decode("utf-8", "backslashreplace")


def describe_pair(flavour: Flavour, folder: Path) -> Fleet:
    """Describe the two instances that a round trip needs; entering it starts them."""
    return Fleet([flavour, flavour], folder=folder)
