"""Compare definitions and code objects of a target with those of the backup."""

from __future__ import annotations

from shardvault.errors import ServerError, VerificationFailed
from shardvault.fleet.inventory import read_inventory, strip_auto_increment
from shardvault.fleet.objects import read_objects
from shardvault.fleet.occupied import NO_SUCH_TABLE
from shardvault.load.schema import count_orphans
from shardvault.model.manifest import ServerIdentity
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import CodeObject, ForeignKey, ObjectKind, Table
from shardvault.mysql.quoting import quote_table
from shardvault.mysql.session import Session, parse_version
from shardvault.mysql.state import LOAD_MODE, prepare_load
from shardvault.operations.restore_plan import ShardRestore

ObjectKey = tuple[ObjectKind, str, str]


def read_tables(shard: ShardRestore, session: Session) -> dict[tuple[str, str], Table]:
    """Read the restored tables' definitions from the target."""
    names = frozenset((record.table.schema, record.table.name) for record in shard.tables)
    inventory = read_inventory(session, [schema.name for schema in shard.schemas], names)
    return {(table.schema, table.name): table for table in inventory.tables}


def compare_tables(
    shard: ShardRestore, session: Session, source: ServerIdentity
) -> tuple[Finding, ...]:
    """Compare each table's definition and counter, byte for byte.

    A server of another version may print the same definition in other words; there a
    difference is a finding, on the same version it is a failure.

    Raises:
        VerificationFailed: a definition differs although the server's version does not.
    """
    restored = read_tables(shard, session)
    is_same_version = session.version == parse_version(source.version)
    findings = []
    for record in shard.tables:
        wanted, got = record.table, restored[record.table.schema, record.table.name]
        what = _difference(wanted, got)
        if what and is_same_version:
            raise VerificationFailed(
                f"restored {what}",
                shard=shard.source,
                table=wanted.qualified,
                hint="the target stays marked incomplete; was something else changing it? "
                "compare SHOW CREATE TABLE with `shardvault show ID --sql`",
            )
        if what:
            findings.append(
                Finding(
                    Severity.WARNING,
                    f"{shard.source}: {wanted.qualified}",
                    "definition",
                    f"{what} on {session.version_text}",
                    "compare SHOW CREATE TABLE on both sides",
                )
            )
    return tuple(findings)


def _difference(wanted: Table, got: Table) -> str:
    if strip_auto_increment(wanted.create_sql) != strip_auto_increment(got.create_sql):
        return "definition reads differently"
    if wanted.sequence_next != got.sequence_next:
        return f"sequence goes on at {got.sequence_next}, not at {wanted.sequence_next}"
    if (wanted.auto_increment or 1) != (got.auto_increment or 1):
        return f"AUTO_INCREMENT is {got.auto_increment}, not {wanted.auto_increment}"
    return ""


def find_orphans(shard: ShardRestore, session: Session) -> tuple[Finding, ...]:
    """Look for rows whose foreign key points nowhere: the source had them, or not all came."""
    return tuple(
        Finding(
            Severity.WARNING,
            f"{shard.source}: {record.table.qualified}",
            "foreign key",
            fault,
            "look for the missing parents before the application writes",
        )
        for record in shard.tables
        for key in record.table.foreign_keys
        if (fault := _find_fault(session, record.table, key))
    )


def _find_fault(session: Session, table: Table, key: ForeignKey) -> str:
    """Say what is wrong with a foreign key; a parent that was not chosen may be missing."""
    try:
        has_orphans = count_orphans(session, table, key) > 0
    except ServerError as error:
        if error.code not in NO_SUCH_TABLE:
            raise
        return f"{key.name} refers to {key.ref_schema}.{key.ref_table}, which is not there"
    return f"rows violate {key.name}, as they did at the source" if has_orphans else ""


def drop_objects(shard: ShardRestore, session: Session) -> None:
    """Drop what an interrupted run, or --replace, left of the objects to create."""
    for item in reversed(shard.objects):
        if item.kind is ObjectKind.PACKAGE_BODY:
            continue  # goes with its package
        # MariaDB 10.11 knows packages in this mode only, and drops everything else in it too.
        mode = "ORACLE" if item.kind is ObjectKind.PACKAGE else LOAD_MODE
        session.execute(f"SET SESSION sql_mode = '{mode}'")
        session.execute(f"DROP {item.kind.upper()} IF EXISTS {quote_table(item.schema, item.name)}")
    prepare_load(session)


def compare_objects(shard: ShardRestore, session: Session) -> tuple[Finding, ...]:
    """Compare every code object that was created, byte for byte."""
    tables = frozenset((record.table.schema, record.table.name) for record in shard.tables)
    restored = {_key(item): item for item in read_objects(session, sorted(shard.whole), tables)}
    return tuple(
        Finding(
            Severity.WARNING,
            f"{shard.source}: {item.schema}.{item.name}",
            item.kind,
            "reads back differently",
            f"compare SHOW CREATE {item.kind.upper()} on both sides",
        )
        for item in shard.objects
        if _key(item) in restored and _text(restored[_key(item)]) != _text(item)
    )


def _key(item: CodeObject) -> ObjectKey:
    return item.kind, item.schema, item.name


def _text(item: CodeObject) -> tuple[bytes, str, str, str]:
    return item.create_sql, item.sql_mode, item.charset, item.collation
