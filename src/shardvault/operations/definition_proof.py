"""Prove after a dump that no DDL touched what was read."""

from __future__ import annotations

from collections.abc import Iterable

from shardvault.barrier.locks import lock_statements
from shardvault.barrier.positions import parse_position
from shardvault.dump.guard import UNJUDGED, DdlFound, find_ddl
from shardvault.errors import DdlDetected
from shardvault.fleet.inventory import read_inventory
from shardvault.model.ids import ShardName
from shardvault.model.position import Family, Position
from shardvault.model.target import Shard
from shardvault.mysql.session import Session
from shardvault.operations.survey import DDL_HINT, ShardSurvey, changed_error, ddl_detected


def prove_tables(session: Session, survey: ShardSurvey) -> None:
    """Compare the tables' fingerprints once more; catches DDL that no binlog saw.

    Raises:
        DdlDetected: names the tables.
    """
    known = survey.inventory.fingerprints
    schemas = [schema.name for schema in survey.inventory.schemas]
    with ddl_detected(survey.shard):
        now = read_inventory(session, schemas, frozenset(known)).fingerprints
    changed = [
        f"{schema}.{name}"
        for (schema, name), mark in known.items()
        if now.get((schema, name)) != mark
    ]
    if changed:
        raise changed_error(survey.shard, sorted(changed))


def prove_binlog(shard: Shard, survey: ShardSurvey, cut: Position) -> None:
    """Search MariaDB's binlog for DDL since before the survey; MySQL holds DDL off.

    DDL on a table in scope counts whenever it ran; DDL on views, routines, triggers and
    events only up to the cut, since they are not read in a snapshot.

    Raises:
        DdlDetected: names the statements.
    """
    if cut.family is not Family.MARIADB:
        return
    file, offset = survey.binlog
    tables = set(survey.inventory.fingerprints)
    schemas = {schema.name for schema in survey.inventory.schemas}

    def is_in_scope(schema: str, table: str | None) -> bool:
        return schema in schemas if table is None else (schema, table) in tables

    with Session.open(shard.primary, shard.login, shard=shard.name) as session:
        _prove_unbroken(session, survey.shard, cut)
        start = Position(cut.family, "", file, offset)
        hits = find_ddl(session, start, is_in_scope)
    relevant = [hit for hit in hits if _matters(hit, tables, cut)]
    if relevant:
        raise changed_error(survey.shard, [str(hit) for hit in relevant])


def _prove_unbroken(session: Session, shard: ShardName, cut: Position) -> None:
    """Prove that the binlog still continues the one of the cut.

    After RESET MASTER it begins again, and what ran before is in no file any more.

    Raises:
        DdlDetected: it does not.
    """
    statements = lock_statements(session.family, session.version).position
    now = parse_position(session.family, [session.rows(one) for one in statements])
    reached = _sequence_numbers(now.gtid_set)
    is_ahead = all(
        reached.get(domain, -1) >= number
        for domain, number in _sequence_numbers(cut.gtid_set).items()
    )
    if is_ahead and _place(now) >= _place(cut):
        return
    raise DdlDetected(
        f"the binlog was reset during the backup: it was at {cut.file}:{cut.offset} and is at "
        f"{now.file}:{now.offset}, so DDL in between cannot be found",
        shard=shard,
        hint=f"{DDL_HINT}; no RESET MASTER (RESET BINARY LOGS) either",
    )


def _place(position: Position) -> tuple[int, str, int]:
    """Order positions; a file's number can have one digit more than the one before."""
    return len(position.file), position.file, position.offset


def _sequence_numbers(gtid_set: str) -> dict[str, int]:
    """Read MariaDB's ``0-1-100,7-1-5`` as sequence numbers by domain."""
    parts = (gtid.split("-") for gtid in gtid_set.split(",") if gtid)
    return {domain: int(number) for domain, _, number in parts}


def _matters(hit: DdlFound, tables: Iterable[tuple[str, str]], cut: Position) -> bool:
    is_table = (hit.schema, hit.name) in tables or hit.kind == UNJUDGED or not hit.name
    return is_table or (hit.file, hit.end_offset) <= (cut.file, cut.offset)
