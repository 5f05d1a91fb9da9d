"""Drop what is in the way of a restore that may replace it."""

from __future__ import annotations

from shardvault.fleet.databases import find_schema, is_read_only
from shardvault.mysql.quoting import quote_name, quote_table, quote_text
from shardvault.mysql.session import Session, decode
from shardvault.operations.restore_plan import ShardRestore

_DROPPED_AS = {"VIEW": "VIEW", "SYSTEM VIEW": "VIEW", "SEQUENCE": "SEQUENCE"}


def clear_target(shard: ShardRestore, session: Session) -> None:
    """Drop schemas that are restored whole, of others only what has a wanted table's name."""
    for schema in shard.schemas:
        if schema.name in shard.whole:
            _open(session, schema.name)
            session.execute(f"DROP DATABASE IF EXISTS {quote_name(schema.name)}")
        else:
            _clear_tables(shard, schema.name, session)


def _open(session: Session, schema: str) -> None:
    """Let a database of MySQL that is read only be dropped."""
    present = find_schema(session, schema)
    if present is not None and is_read_only(present):
        session.execute(f"ALTER DATABASE {quote_name(schema)} READ ONLY = 0")


def _clear_tables(shard: ShardRestore, schema: str, session: Session) -> None:
    fold = shard.rule.fold
    wanted = {fold(record.table.name) for record in shard.tables if record.table.schema == schema}
    rows = session.rows(
        "SELECT table_name, table_type FROM information_schema.tables "
        f"WHERE table_schema = {quote_text(schema)}"
    )
    for name, kind in ((decode(row[0] or b""), decode(row[1] or b"")) for row in rows):
        if fold(name) in wanted:
            session.execute(f"DROP {_DROPPED_AS.get(kind, 'TABLE')} {quote_table(schema, name)}")
