"""Prove after a dump that no DDL touched what was read."""

from __future__ import annotations

from collections.abc import Iterable

from shardvault.dump.guard import UNJUDGED, DdlFound, find_ddl
from shardvault.fleet.inventory import read_inventory
from shardvault.model.position import Family, Position
from shardvault.model.target import Shard
from shardvault.mysql.session import Session
from shardvault.operations.survey import ShardSurvey, changed_error


def prove_tables(session: Session, survey: ShardSurvey) -> None:
    """Compare the tables' fingerprints once more; catches DDL that no binlog saw.

    Raises:
        DdlDetected: names the tables.
    """
    known = survey.inventory.fingerprints
    schemas = [schema.name for schema in survey.inventory.schemas]
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
        start = Position(cut.family, "", file, offset)
        hits = find_ddl(session, start, is_in_scope)
    relevant = [hit for hit in hits if _matters(hit, tables, cut)]
    if relevant:
        raise changed_error(survey.shard, [str(hit) for hit in relevant])


def _matters(hit: DdlFound, tables: Iterable[tuple[str, str]], cut: Position) -> bool:
    is_table = (hit.schema, hit.name) in tables or hit.kind == UNJUDGED or not hit.name
    return is_table or (hit.file, hit.end_offset) <= (cut.file, cut.offset)
