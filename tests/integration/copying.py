"""Copy tables from one instance to another with the project's own dump and load."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from shardvault.dump.columns import stored_columns
from shardvault.dump.plan import plan_table
from shardvault.dump.ranges import Border
from shardvault.dump.reader import RangeReader
from shardvault.fleet.inventory import read_inventory
from shardvault.kernel.pure import HASH_MODULUS
from shardvault.load.rows import open_loader
from shardvault.load.schema import create_schema, create_table, plan_steps, set_counter
from shardvault.load.warnings import run_clean
from shardvault.model.schema import Schema, Table
from shardvault.model.target import Endpoint, Login
from shardvault.mysql.quoting import quote_name, quote_table
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_load, prepare_read
from tests.support.servers import Instance

LIMIT_S = 60.0
PACKET_BYTES = 16 << 20
MANY_ROWS = 1 << 30  # makes the load build keys after the rows


@dataclass(frozen=True)
class Contents:
    """Hold what was read of one table.

    Attributes:
        chunks: the raw row packets.
        per_range: rows of each range.
    """

    table: Table
    chunks: tuple[bytes, ...]
    rows: int
    content_hash: int
    longest_row: int
    per_range: tuple[int, ...]


def login_of(instance: Instance) -> Login:
    return Login(instance.user, lambda: instance.password)


def open_session(instance: Instance, *, local_infile: bool = False) -> Session:
    return Session.open(
        Endpoint(socket=instance.socket),
        login_of(instance),
        shard="s0",
        read_timeout_s=LIMIT_S,
        local_infile=local_infile,
    )


def reading(instance: Instance) -> Session:
    session = open_session(instance)
    prepare_read(session)
    return session


def loading(instance: Instance) -> Session:
    session = open_session(instance, local_infile=True)
    prepare_load(session)
    return session


def run(instance: Instance, *statements: str | bytes) -> None:
    """Run statements as an application would, with a lenient sql_mode."""
    with loading(instance) as session:
        for statement in statements:
            session.execute(statement)


def fresh_schema(instance: Instance, schema: str, *statements: str | bytes) -> str:
    run(
        instance,
        f"DROP DATABASE IF EXISTS {quote_name(schema)}",
        f"CREATE DATABASE {quote_name(schema)} CHARACTER SET utf8mb4",
        f"USE {quote_name(schema)}",
        *statements,
    )
    return schema


def read_tables(session: Session, schema: str) -> tuple[tuple[Schema, ...], tuple[Table, ...]]:
    names = session.rows(
        "SELECT table_schema, table_name FROM information_schema.tables "
        f"WHERE table_type NOT LIKE '%VIEW%' AND table_schema = '{schema}'"
    )
    wanted = frozenset(((a or b"").decode(), (b or b"").decode()) for a, b in names)
    inventory = read_inventory(session, [schema], wanted)
    return inventory.schemas, inventory.tables


def read_table(session: Session, schema: str, name: str) -> Table:
    _, tables = read_tables(session, schema)
    return next(table for table in tables if table.name == name)


def read_contents(session: Session, table: Table, borders: Sequence[Border] = ()) -> Contents:
    plan = plan_table(table, borders)
    reader = RangeReader(session)
    chunks: list[bytes] = []
    found = [
        reader.read(
            plan.statement(part), len(plan.columns), lambda chunk: chunks.append(bytes(chunk))
        )
        for part in plan.ranges
    ]
    return Contents(
        table,
        tuple(chunks),
        sum(part.rows for part in found),
        sum(part.content_hash for part in found) % HASH_MODULUS,
        max((part.longest_row for part in found), default=0),
        tuple(part.rows for part in found),
    )


def copy_schema(source: Instance, target: Instance, schema: str) -> list[Contents]:
    """Copy every table with its keys; return what was read at the source."""
    with reading(source) as session:
        schemas, tables = read_tables(session, schema)
        contents = [read_contents(session, table) for table in tables]
    run(target, f"DROP DATABASE IF EXISTS {quote_name(schema)}")
    with loading(target) as session:
        for item in schemas:
            create_schema(session, item)
        for content in contents:
            load_contents(session, content)
        for table in tables:
            if foreign := plan_steps(table, 0).foreign_keys:
                run_clean(session, foreign)
    return contents


def load_contents(session: Session, content: Contents, packet_bytes: int = PACKET_BYTES) -> None:
    table = content.table
    steps = plan_steps(table, MANY_ROWS)
    create_table(session, table, steps)
    load_rows(session, content, packet_bytes)
    if steps.keys:
        run_clean(session, steps.keys)
    set_counter(session, table)


def load_rows(session: Session, content: Contents, packet_bytes: int = PACKET_BYTES) -> None:
    table = content.table
    columns = stored_columns(table.columns)
    loader = open_loader(session, table.schema, table.name, columns, packet_bytes)
    with closing(loader):
        assert sum(loader.load(chunk) for chunk in content.chunks) == content.rows


def show_create(session: Session, table: Table) -> bytes:
    return session.rows(f"SHOW CREATE TABLE {quote_table(table.schema, table.name)}")[0][1] or b""
