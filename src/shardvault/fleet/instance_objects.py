"""Read what belongs to an instance, not to a database, and what tables need of it.

Foreign servers hold passwords: they are secrets, as accounts are, and never shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from shardvault.errors import PrivilegeError
from shardvault.fleet.definitions import Contents, shorten
from shardvault.fleet.foreign import strip_quoted
from shardvault.fleet.grants import read_grants
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import InstanceKind, InstanceObject, Table
from shardvault.mysql.quoting import quote_literal, quote_name
from shardvault.mysql.session import Session, decode

_OPTION_OF = {
    "host": "HOST",
    "db": "DATABASE",
    "username": "USER",
    "password": "PASSWORD",
    "port": "PORT",
    "socket": "SOCKET",
    "owner": "OWNER",
}
_TEXT = rb"'((?:[^'\\]|\\.|'')*)'"
_CONNECTION = re.compile(rb"\bCONNECTION=" + _TEXT)
_SPIDER_SERVER = re.compile(rb"\b(?:srv|server)\s+\"([^\"]+)\"|\bREMOTE_SERVER=\"?([^\"\s,)]+)")
_SRID = re.compile(rb"\bSRID (\d+)\b")
_FEDERATED = frozenset({"FEDERATED", "FEDERATEDX"})
_WHAT = "instance"
_MASK = "***"
_HAS_OPTIONS = (
    "SELECT 1 FROM information_schema.columns WHERE table_schema = 'mysql' "
    "AND table_name = 'servers' AND column_name = 'Options'"
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

OWN_SYSTEMS = (
    "srs_id <> 0 AND (organization IS NULL OR organization <> 'EPSG' "
    "OR organization_coordsys_id <> srs_id)"
)
"""SQL that says of a spatial reference system that a user made it."""


def read_instance_objects(session: Session) -> tuple[InstanceObject, ...]:
    """Read foreign servers, and spatial reference systems that users made.

    Raises:
        PrivilegeError: the login cannot read ``mysql.servers``.
    """
    return (*_read_systems(session), *_read_servers(session))


def _read_servers(session: Session) -> Iterator[InstanceObject]:
    """Read servers with the options that were given, as far as the server tells them apart."""
    is_exact = bool(session.rows(_HAS_OPTIONS))
    columns = "options" if is_exact else ", ".join(_OPTION_OF)
    for name, wrapper, *values in session.rows(
        f"SELECT server_name, wrapper, {columns} FROM mysql.servers ORDER BY 1"
    ):
        texts = [decode(one or b"") for one in values]
        options = _parse_options(texts[0]) if is_exact else _filled_options(texts)
        first = ("wrapper", decode(wrapper or b""))
        yield InstanceObject(InstanceKind.SERVER, decode(name or b""), (first, *options))


def _parse_options(text: str) -> list[tuple[str, str]]:
    """Read what newer servers of MariaDB keep: each option as it was given."""
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    return [(str(key), str(value)) for key, value in found.items()]


def _filled_options(texts: Iterable[str]) -> list[tuple[str, str]]:
    found = zip(_OPTION_OF, texts, strict=True)
    return [
        (_OPTION_OF[key], value)
        for key, value in found
        if value not in ("", "0" if key == "port" else "")
    ]


def _read_systems(session: Session) -> Iterator[InstanceObject]:
    if session.family is not Family.MYSQL:
        return
    rows = session.rows(
        "SELECT srs_id, srs_name, definition, organization, organization_coordsys_id, description "
        f"FROM information_schema.st_spatial_reference_systems WHERE {OWN_SYSTEMS} ORDER BY 1"
    )
    names = ("name", "definition", "organization", "organization id", "description")
    for number, *values in rows:
        options = tuple(
            (key, decode(value))
            for key, value in zip(names, values, strict=True)
            if value is not None
        )
        yield InstanceObject(InstanceKind.SPATIAL_SYSTEM, decode(number or b""), options)


def choose_used(
    objects: Iterable[InstanceObject], tables: Iterable[Table]
) -> tuple[InstanceObject, ...]:
    """Choose what some tables refer to; a value can have any spatial reference system.

    A server takes names of foreign servers that differ only in case for one.
    """
    used = {name.lower() for table in tables for name in named_servers(table)}
    return tuple(
        item
        for item in objects
        if item.kind is not InstanceKind.SERVER or item.name.lower() in used
    )


def named_servers(table: Table) -> frozenset[str]:
    """Name the foreign servers that a table's definition refers to."""
    engine = table.engine.upper()
    if engine in _FEDERATED:
        found = [match[1] for match in _CONNECTION.finditer(table.create_sql)]
        return frozenset(decode(one.split(b"/")[0]) for one in found if b"://" not in one)
    if engine == "SPIDER":
        matches = _SPIDER_SERVER.finditer(table.create_sql)
        return frozenset(decode(match[1] or match[2]) for match in matches)
    return frozenset()


def write_create(item: InstanceObject, *, is_shown: bool = False) -> str:
    """Write the statement that makes an object.

    Args:
        item: what to make.
        is_shown: for people; a password is masked.
    """
    options = dict(item.options)
    if item.kind is InstanceKind.SERVER:
        return _write_server(item.name, options, is_shown=is_shown)
    text = f"CREATE SPATIAL REFERENCE SYSTEM {int(item.name)} NAME {quote_literal(options['name'])}"
    text += f" DEFINITION {quote_literal(options['definition'])}"
    if "organization" in options:
        number = int(options["organization id"])
        text += f" ORGANIZATION {quote_literal(options['organization'])} IDENTIFIED BY {number}"
    if "description" in options:
        text += f" DESCRIPTION {quote_literal(options['description'])}"
    return text


def _write_server(name: str, options: Mapping[str, str], *, is_shown: bool) -> str:
    shown = {
        key: _MASK if is_shown and key.lower() == "password" else value
        for key, value in options.items()
        if key != "wrapper"
    }
    listed = ", ".join(_write_option(key, value) for key, value in shown.items())
    wrapper = quote_name(options["wrapper"])
    listed = listed or "HOST ''"
    return f"CREATE SERVER {quote_name(name)} FOREIGN DATA WRAPPER {wrapper} OPTIONS ({listed})"


def _write_option(key: str, value: str) -> str:
    name = key if _WORD.fullmatch(key) else quote_name(key)
    is_number = key.lower() == "port" and value.isdecimal()
    return f"{name} {value if is_number else quote_literal(value)}"


def split_present(
    session: Session, objects: Iterable[InstanceObject]
) -> tuple[list[InstanceObject], list[InstanceObject]]:
    """Divide objects into those that a server lacks, and those that it has otherwise."""
    present = {(one.kind, one.name.lower()): one for one in read_instance_objects(session)}
    missing, different = [], []
    for item in objects:
        found = present.get((item.kind, item.name.lower()))
        if found is None:
            missing.append(item)
        elif _normal(found) != _normal(item):
            different.append(item)
    return missing, different


def _normal(item: InstanceObject) -> dict[str, str]:
    """Ignore the order of options, and the case in which some servers keep their names."""
    return {key.lower(): value for key, value in item.options}


def examine_instance_objects(session: Session, contents: Contents) -> Iterator[Finding]:
    """Report before a restore what of an instance the contents need and the target has not.

    Args:
        session: to the target, in any state.
        contents: what the target shall get.
    """
    yield from _examine_wanted(session, contents)
    yield from _examine_servers(session, contents)
    yield from _examine_systems(session, contents)


def _examine_wanted(session: Session, contents: Contents) -> Iterator[Finding]:
    for item in contents.instance_objects:
        if not _is_sound(item):
            message = f"{item.kind} {item.name!r} is none that a server could have given"
            remedy = "the backup was forged; restore another"
            yield Finding(Severity.BLOCKER, session.shard, _WHAT, message, remedy)
    wanted = [item for item in contents.instance_objects if _is_sound(item)]
    if not wanted:
        return
    missing, different = split_present(session, wanted)
    for item in different:
        yield report_kept(session.shard, item)
    for kind in InstanceKind:
        names = [item.name for item in missing if item.kind is kind]
        lacking = _lacking_privilege(session, kind) if names else ""
        if lacking:
            message = f"missing: {lacking} ({kind} {shorten(names)})"
            remedy = f"GRANT {lacking} ON *.* TO the login, or create them there by hand"
            yield Finding(Severity.BLOCKER, session.shard, _WHAT, message, remedy)


def _is_sound(item: InstanceObject) -> bool:
    """Say whether an object has what its statement is written from."""
    options = dict(item.options)
    if item.kind is InstanceKind.SERVER:
        return bool(item.name) and "wrapper" in options
    has_number = options.get("organization id", "0" if "organization" not in options else "")
    needed = {"name", "definition"}
    return item.name.isdecimal() and needed <= options.keys() and has_number.isdecimal()


def report_kept(where: str, item: InstanceObject) -> Finding:
    """Report an object that a target has otherwise; it belongs to others too."""
    message = f"{item.kind} {item.name} is there with other options, and is kept as it is"
    return Finding(Severity.WARNING, where, _WHAT, message, "compare it with the source's")


def _lacking_privilege(session: Session, kind: InstanceKind) -> str:
    """Name the privilege that a login needs to make something; empty if it has it."""
    if kind is InstanceKind.SPATIAL_SYSTEM:
        if session.family is not Family.MYSQL:
            return ""
        names = ["SUPER", "CREATE_SPATIAL_REFERENCE_SYSTEM"]
    elif session.family is Family.MYSQL or session.version < (10, 5, 2):
        names = ["SUPER"]
    else:
        names = (
            ["FEDERATED ADMIN"] if session.version >= (11, 0, 0) else ["FEDERATED ADMIN", "SUPER"]
        )
    grants = read_grants(session)
    return "" if any(grants.allows(name) for name in names) else names[0]


def _examine_servers(session: Session, contents: Contents) -> Iterator[Finding]:
    """Name tables whose CREATE fails for want of the server that they refer to."""
    needed: dict[str, list[str]] = {}
    for table in (record.table for record in contents.tables):
        for name in named_servers(table) if table.engine.upper() in _FEDERATED else ():
            needed.setdefault(name, []).append(table.qualified)
    if not needed:
        return
    known = {item.name.lower() for item in contents.instance_objects}
    try:
        known |= {item.name.lower() for item in _read_servers(session)}
    except PrivilegeError:
        return  # the check of privileges names what is missing
    for name, tables in needed.items():
        if name.lower() not in known:
            message = f"{shorten(tables)} need the foreign server {name}, which is not there"
            remedy = "CREATE SERVER there first, or leave the tables out with --exclude"
            yield Finding(Severity.BLOCKER, session.shard, _WHAT, message, remedy)


def _examine_systems(session: Session, contents: Contents) -> Iterator[Finding]:
    """Name tables with columns of a spatial reference system that the target does not know."""
    if session.family is not Family.MYSQL:
        return
    needed: dict[str, list[str]] = {}
    for table in (record.table for record in contents.tables):
        for number in {match[1] for match in _SRID.finditer(strip_quoted(table.create_sql))}:
            needed.setdefault(decode(number), []).append(table.qualified)
    if not needed:
        return
    rows = session.rows(
        "SELECT srs_id FROM information_schema.st_spatial_reference_systems "
        f"WHERE srs_id IN ({', '.join(needed)})"
    )
    known = {decode(row[0] or b"") for row in rows}
    known |= {item.name for item in contents.instance_objects}
    for number, tables in needed.items():
        if number not in known:
            message = f"{shorten(tables)} need the spatial reference system {number}"
            remedy = "CREATE SPATIAL REFERENCE SYSTEM there first"
            yield Finding(Severity.BLOCKER, session.shard, _WHAT, message, remedy)
