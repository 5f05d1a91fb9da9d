"""Look at every shard before a backup and say what stands in its way; change nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shardvault.errors import ConnectError, ShardvaultError
from shardvault.fleet.activity import find_obstacles, find_prepared
from shardvault.fleet.grants import read_grants
from shardvault.fleet.inventory import list_schemas, list_tables, read_inventory
from shardvault.fleet.privileges import Purpose, missing_privileges, write_grant
from shardvault.fleet.servers import OLDEST, compare_shards, read_server, read_variables
from shardvault.fleet.settings import EXAMINED, examine_settings
from shardvault.fleet.topology import SYSTEM_SCHEMAS
from shardvault.fleet.unsupported import examine_tables
from shardvault.fleet.untold_json import find_untold_json
from shardvault.model.manifest import ServerIdentity
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.target import Endpoint, Fleet, Shard
from shardvault.mysql.quoting import quote_name
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_read

READ_LIMIT_S = 60.0

_THREADS = 16


@dataclass(frozen=True)
class Examination:
    """Report one shard.

    Attributes:
        server: what it is, None if it could not be asked.
    """

    shard: Shard
    server: ServerIdentity | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Look:
    """Hold what the checks of one shard share."""

    session: Session
    shard: Shard
    schemas: Collection[str]
    copy_limit_bytes: int

    def finding(self, severity: Severity, what: str, message: str, remedy: str = "") -> Finding:
        return Finding(severity, self.shard.name, what, message, remedy)


def examine_fleet(fleet: Fleet, *, copy_limit_bytes: int) -> tuple[Finding, ...]:
    """Examine all shards at once, then compare them; a shard's fault is never raised.

    Args:
        fleet: whose primaries are asked. If it names logical tables, only schemas of the
            names that these use are in scope.
        copy_limit_bytes: most of non-transactional tables that may be copied while the
            barrier is held, per shard [bytes].
    """
    schemas = frozenset(node.schema for table in fleet.tables for node in table.nodes)

    def examine(shard: Shard) -> Examination:
        return examine_shard(shard, schemas=schemas, copy_limit_bytes=copy_limit_bytes)

    with ThreadPoolExecutor(max(1, min(len(fleet.shards), _THREADS))) as pool:
        found = tuple(pool.map(examine, fleet.shards))
    servers = {one.shard.name: one.server for one in found if one.server is not None}
    return (*(finding for one in found for finding in one.findings), *compare_shards(servers))


def examine_shard(
    shard: Shard, *, schemas: Collection[str] = (), copy_limit_bytes: int
) -> Examination:
    """Look at one shard's primary; every fault is a finding.

    Args:
        shard: which one.
        schemas: names in scope; empty = every schema that is not the server's own.
        copy_limit_bytes: see ``examine_fleet`` [bytes].
    """
    server = None
    findings: list[Finding] = []
    try:
        with Session.open(
            shard.primary, shard.login, shard=shard.name, read_timeout_s=READ_LIMIT_S
        ) as session:
            server = read_server(session)
            look = _Look(session, shard, schemas, copy_limit_bytes)
            for what, check in _CHECKS:
                findings += _run(what, check, look)
    except ShardvaultError as error:
        findings.append(_failure(shard.name, "connection", error))
    return Examination(shard, server, tuple(findings))


def _run(what: str, check: _Check, look: _Look) -> list[Finding]:
    """Run one check; what it cannot find out is a blocker, unless the connection is gone."""
    try:
        return list(check(look))
    except ConnectError:
        raise
    except ShardvaultError as error:
        return [_failure(look.shard.name, what, error)]


def _failure(where: str, what: str, error: ShardvaultError) -> Finding:
    return Finding(Severity.BLOCKER, where, what, error.message, error.hint or "")


def _check_connection(look: _Look) -> Iterator[Finding]:
    place = look.shard.primary
    row = look.session.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0]
    if place.socket is not None:
        yield look.finding(Severity.OK, "connection", f"socket {place}")
    elif row[1]:
        yield look.finding(Severity.OK, "connection", f"{place}, TLS")
    elif _is_loopback(place):
        yield look.finding(Severity.INFO, "connection", f"{place}, without TLS, on this machine")
    else:
        yield look.finding(
            Severity.WARNING,
            "connection",
            f"{place}, without TLS: rows cross the network readable",
            "give the instance `tls: {ca: …}` in the fleet file",
        )


def _is_loopback(place: Endpoint) -> bool:
    host = place.host or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _check_version(look: _Look) -> Iterator[Finding]:
    family, version = look.session.family, look.session.version
    text = look.session.text("SELECT VERSION()")
    if version >= OLDEST[family]:
        yield look.finding(Severity.OK, "version", text)
        return
    oldest = ".".join(map(str, OLDEST[family][:2]))
    yield look.finding(
        Severity.BLOCKER, "version", f"{text} has no backup locks", f"upgrade to {oldest} or newer"
    )


def _check_privileges(look: _Look) -> Iterator[Finding]:
    missing = missing_privileges(look.session, Purpose.BACKUP, look.schemas)
    if not missing:
        yield look.finding(Severity.OK, "privileges", "complete for a backup")
        return
    named = ", ".join(f"{item.name} ({item.reason})" for item in missing)
    grant = write_grant(look.session, missing)
    yield look.finding(Severity.BLOCKER, "privileges", f"missing: {named}", grant)


def _check_metadata_locks(look: _Look) -> Iterator[Finding]:
    """Say what an ALTER during the dump would do; see ``barrier.links``."""
    if look.session.family is not Family.MARIADB:
        return
    grants = read_grants(look.session)
    if any(grants.allows(name) for name in ("BINLOG ADMIN", "SUPER")):
        yield look.finding(Severity.OK, "metadata locks", "given back after each range")
        return
    user, _, host = look.session.text("SELECT CURRENT_USER()").rpartition("@")
    yield look.finding(
        Severity.WARNING,
        "metadata locks",
        "kept to the end of the dump: an ALTER waits, and new statements on its table behind it",
        f"GRANT BINLOG ADMIN ON *.* TO {quote_name(user)}@{quote_name(host)} "
        "(it takes our snapshots out of the binlog)",
    )


def _check_settings(look: _Look) -> Iterable[Finding]:
    variables = read_variables(look.session, *EXAMINED)
    return examine_settings(look.shard.name, look.session.family, variables)


def _check_tables(look: _Look) -> Iterator[Finding]:
    prepare_read(look.session)
    present = [name for name in list_schemas(look.session) if name.lower() not in SYSTEM_SCHEMAS]
    names = [name for name in present if not look.schemas or name in look.schemas]
    wanted = frozenset(list_tables(look.session, names)) if names else frozenset()
    inventory = read_inventory(look.session, names, wanted)
    yield from examine_tables(look.shard.name, inventory, look.copy_limit_bytes)
    yield from find_untold_json(look.shard, inventory)


_Check = Callable[[_Look], Iterable[Finding]]
_CHECKS: tuple[tuple[str, _Check], ...] = (
    ("connection", _check_connection),
    ("version", _check_version),
    ("privileges", _check_privileges),
    ("metadata locks", _check_metadata_locks),
    ("settings", _check_settings),
    ("xa", lambda look: find_prepared(look.session)),
    ("statements", lambda look: find_obstacles(look.session)),
    ("tables", _check_tables),
)
