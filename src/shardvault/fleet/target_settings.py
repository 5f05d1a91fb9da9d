"""Judge the variables of a server that shall take a restore; no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from shardvault.fleet.definitions import Contents, shorten, unsafe_functions
from shardvault.fleet.servers import is_on
from shardvault.fleet.table_options import names_row_format
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import ObjectKind
from shardvault.units import format_size

EXAMINED = (
    "event_scheduler",
    "innodb_default_row_format",
    "innodb_force_primary_key",
    "innodb_page_size",
    "innodb_read_only_compressed",
    "local_infile",
    "log_bin",
    "log_bin_trust_function_creators",
    "max_allowed_packet",
    "partial_revokes",
    "read_only",
    "sql_require_primary_key",
    "super_read_only",
)
"""The variables that are looked at."""

_SPARE_BYTES = 1024  # what the server counts on top of a packet's payload
_PACKET_STEP_BYTES = 1 << 20
_PAGE_BYTES = "16384"


@dataclass(frozen=True)
class TargetSettings:
    """Hold what is judged.

    Attributes:
        where: the target's name for people.
        has_super: whether our login has SUPER there.
    """

    where: str
    family: Family
    variables: Mapping[str, str]
    has_super: bool
    contents: Contents

    def is_on(self, name: str) -> bool:
        """Say whether a switch is on; one that the server lacks is off."""
        return is_on(self.variables.get(name))

    def finding(self, severity: Severity, what: str, message: str, remedy: str = "") -> Finding:
        """Report something about this target."""
        return Finding(severity, self.where, what, message, remedy)


def examine_target_settings(target: TargetSettings) -> Iterator[Finding]:
    """Report each setting that matters to these contents."""
    for check in _CHECKS:
        yield from check(target)


def _check_writable(target: TargetSettings) -> Iterator[Finding]:
    for name in ("super_read_only", "read_only"):
        if target.is_on(name):
            remedy = f"if this is no replica: SET GLOBAL {name}=OFF"
            yield target.finding(Severity.BLOCKER, "read only", f"{name} is on", remedy)
            return


def _check_infile(target: TargetSettings) -> Iterator[Finding]:
    if target.family is Family.MYSQL and not target.is_on("local_infile"):
        message, remedy = "local_infile is off: rows cannot be loaded", "SET GLOBAL local_infile=ON"
        yield target.finding(Severity.BLOCKER, "local infile", message, remedy)


def _check_packet(target: TargetSettings) -> Iterator[Finding]:
    """A bulk execute carries one byte more per column; LOAD DATA sends rows in any pieces.

    Reading back, the server sends each row as one packet, so the limit holds for both.
    """
    tables = target.contents.tables
    extra = max((len(one.select_columns) for one in tables), default=0)
    longest = max((one.longest_row for one in tables), default=0)
    needed = longest + _SPARE_BYTES + (extra if target.family is Family.MARIADB else 0)
    present = int(target.variables["max_allowed_packet"])
    if present >= needed:
        yield target.finding(Severity.OK, "max_allowed_packet", format_size(present))
        return
    wanted = -(-needed // _PACKET_STEP_BYTES) * _PACKET_STEP_BYTES
    yield target.finding(
        Severity.BLOCKER,
        "max_allowed_packet",
        f"{format_size(present)}, the longest row needs {format_size(needed)}",
        f"SET GLOBAL max_allowed_packet={wanted}",
    )


def _check_keys(target: TargetSettings) -> Iterator[Finding]:
    """Our own session can turn MySQL's rule off; MariaDB's holds for everybody."""
    keyless = [one.table.qualified for one in target.contents.tables if not one.table.key]
    if keyless and target.is_on("innodb_force_primary_key"):
        yield target.finding(
            Severity.BLOCKER,
            "primary keys",
            f"innodb_force_primary_key is on, these have none: {shorten(keyless)}",
            "SET GLOBAL innodb_force_primary_key=OFF",
        )
    if keyless and target.is_on("sql_require_primary_key"):
        message = "sql_require_primary_key is on; these are created without a key all the same: "
        yield target.finding(Severity.INFO, "primary keys", message + shorten(keyless))


def _check_compressed(target: TargetSettings) -> Iterator[Finding]:
    compressed = [
        one.table.qualified
        for one in target.contents.tables
        if b"ROW_FORMAT=COMPRESSED" in one.table.create_sql.rpartition(b"\n)")[2]
    ]
    if compressed and target.is_on("innodb_read_only_compressed"):
        yield target.finding(
            Severity.BLOCKER,
            "row format",
            f"innodb_read_only_compressed is on: {shorten(compressed)}",
            "SET GLOBAL innodb_read_only_compressed=OFF",
        )
    page_bytes = target.variables.get("innodb_page_size", _PAGE_BYTES)
    if page_bytes != _PAGE_BYTES:
        message = f"innodb_page_size is {page_bytes}: wide rows or compressed tables may not fit"
        yield target.finding(Severity.WARNING, "row format", message)


def _check_row_format(target: TargetSettings) -> Iterator[Finding]:
    """A table whose definition names no format gets the target's; no session can set it.

    No blocker: the definition says that the server decides, and where tables were made under
    several defaults, no setting of the target is right for all of them.
    """
    default = target.variables["innodb_default_row_format"]
    others: dict[str, list[str]] = defaultdict(list)
    for table in (one.table for one in target.contents.tables):
        if table.row_format.lower() not in ("", default) and not names_row_format(table.create_sql):
            others[table.row_format.lower()].append(table.qualified)
    for row_format, names in others.items():
        yield target.finding(
            Severity.WARNING,
            "row format",
            f"innodb_default_row_format is {default}, these are {row_format} "
            f"and do not say so: {shorten(names)}",
            f"for the time of the restore: SET GLOBAL innodb_default_row_format={row_format}",
        )


def _check_functions(target: TargetSettings) -> Iterator[Finding]:
    """With a binlog, functions and triggers need SUPER, and functions must say they are safe."""
    if target.is_on("log_bin_trust_function_creators") or not target.is_on("log_bin"):
        return
    kinds = {ObjectKind.FUNCTION, ObjectKind.TRIGGER}
    names = [f"{one.schema}.{one.name}" for one in target.contents.objects if one.kind in kinds]
    refused = unsafe_functions(target.contents) if target.has_super else names
    if refused:
        yield target.finding(
            Severity.BLOCKER,
            "functions",
            f"log_bin_trust_function_creators is off: {shorten(refused)} would be refused",
            "SET GLOBAL log_bin_trust_function_creators=ON, or log in with SUPER",
        )


def _check_events(target: TargetSettings) -> Iterator[Finding]:
    events = [one for one in target.contents.objects if one.kind is ObjectKind.EVENT]
    if not events:
        return
    if target.is_on("event_scheduler"):
        message = "the scheduler is on: events run once the restore has ended, unless left off"
        yield target.finding(Severity.INFO, "events", message)
    else:
        message, remedy = "the scheduler is off: events do not run", "SET GLOBAL event_scheduler=ON"
        yield target.finding(Severity.INFO, "events", message, remedy)


def _check_revokes(target: TargetSettings) -> Iterator[Finding]:
    """MySQL takes a privilege on ``*.*`` away from one schema only if told that this is possible.

    Source: MySQL manual, "Privilege Restriction Using Partial Revokes".
    """
    restricted = [
        account.name
        for account in target.contents.accounts
        if any(grant.startswith(b"REVOKE ") for grant in account.grants)
    ]
    if restricted and not target.is_on("partial_revokes"):
        yield target.finding(
            Severity.BLOCKER,
            "accounts",
            f"partial_revokes is off, these have partial revokes: {shorten(restricted)}",
            "SET GLOBAL partial_revokes=ON",
        )


_CHECKS: tuple[Callable[[TargetSettings], Iterator[Finding]], ...] = (
    _check_writable,
    _check_infile,
    _check_packet,
    _check_keys,
    _check_compressed,
    _check_row_format,
    _check_functions,
    _check_events,
    _check_revokes,
)
