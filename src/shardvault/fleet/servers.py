"""Read what a server is, and compare the servers of a fleet."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from shardvault.model.ids import ShardName
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.mysql.quoting import quote_text
from shardvault.mysql.session import Row, Session, decode

OLDEST = {Family.MARIADB: (10, 4, 0), Family.MYSQL: (8, 0, 0)}
"""The first versions with the locks that a cut needs."""

_FLEET = "fleet"
_DESCRIBED = (
    "lower_case_table_names",
    "character_set_server",
    "collation_server",
    "sql_mode",
    "time_zone",
    "system_time_zone",
)
_MARIADB_MARKS = ("hostname", "port", "datadir", "server_id", "server_uid")


def read_server(session: Session) -> ServerIdentity:
    """Describe a server; needs no privilege and leaves the session as it is."""
    found = read_variables(session, *_DESCRIBED)
    zone = found["time_zone"]
    return ServerIdentity(
        version=session.text("SELECT VERSION()"),
        family=session.family,
        identity=_read_identity(session),
        lower_case_table_names=int(found["lower_case_table_names"]),
        default_charset=found["character_set_server"],
        default_collation=found["collation_server"],
        sql_mode=found["sql_mode"],
        time_zone=found["system_time_zone"] if zone == "SYSTEM" else zone,
    )


def read_variables(session: Session, *names: str) -> dict[str, str]:
    """Read global variables by their names in lower case; those the server lacks are left out."""
    return parse_variables(session.rows(ask_variables(*names)))


def ask_variables(*names: str) -> str:
    """Write the statement that asks for global variables."""
    wanted = ", ".join(quote_text(name) for name in names)
    return f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({wanted})"


def parse_variables(rows: Iterable[Row]) -> dict[str, str]:
    """Read the answer to ``ask_variables``: values by names in lower case."""
    return {decode(row[0] or b"").lower(): decode(row[1] or b"") for row in rows}


def is_on(value: str | None) -> bool:
    """Say whether a switch is on; a switch that the server lacks is off."""
    return (value or "OFF").upper() not in {"OFF", "0", "DISABLED", ""}


def _read_identity(session: Session) -> str:
    """Return what stays over restarts and differs from every other data folder.

    MariaDB has no id of the data folder; a digest of where it lives stands in. It
    changes when the server moves.
    """
    if session.family is Family.MYSQL:
        return session.text("SELECT @@server_uuid")
    marks = read_variables(session, *_MARIADB_MARKS)
    text = "\n".join(f"{name}={marks.get(name, '')}" for name in _MARIADB_MARKS)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def compare_shards(servers: Mapping[ShardName, ServerIdentity]) -> tuple[Finding, ...]:
    """Compare the servers of a fleet: same version, same case rule."""
    if len(servers) < 2:
        return ()
    return (
        _compare("version", servers, lambda server: server.version),
        _compare("case rule", servers, lambda server: str(server.lower_case_table_names)),
    )


def find_doubles(instances: Iterable[Sequence[ShardName]]) -> Iterator[Finding]:
    """Report shards that are one instance: its rows would be taken twice.

    Args:
        instances: shards by instance, see ``instance_identity.group_instances``.
    """
    for names in instances:
        if len(names) > 1:
            yield Finding(
                Severity.BLOCKER,
                _FLEET,
                "instances",
                f"shards {' and '.join(names)} are one and the same instance",
                "give each shard its own instance in the fleet file",
            )


def _compare(
    what: str, servers: Mapping[ShardName, ServerIdentity], read: Callable[[ServerIdentity], str]
) -> Finding:
    groups = _group(servers, read)
    if len(groups) == 1:
        return Finding(Severity.OK, _FLEET, what, f"{next(iter(groups))} on every shard")
    message = "; ".join(f"{value} on {', '.join(names)}" for value, names in groups.items())
    return Finding(
        Severity.WARNING, _FLEET, what, f"differs: {message}", "make all shards alike when you can"
    )


def _group(
    servers: Mapping[ShardName, ServerIdentity], read: Callable[[ServerIdentity], str]
) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name, server in servers.items():
        groups[read(server)].append(name)
    return groups
