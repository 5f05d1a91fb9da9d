"""Write tables of a backup into a file, as SQL statements or as CSV; needs no server."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shardvault.clock import monotonic_s
from shardvault.errors import IntegrityError, RefusedError, ShardvaultError, UsageError
from shardvault.events import Noticed
from shardvault.fleet.definitions import Contents
from shardvault.fleet.name_rule import NameRule
from shardvault.fleet.stored_text.examine import in_default_place
from shardvault.fleet.stored_text.judge import Server, find_forgeries
from shardvault.interfaces import ChunkKind, ChunkSource, EventSink
from shardvault.kernel.pure import HASH_MODULUS
from shardvault.kernel.select import hash_rows, join_columns
from shardvault.load.csv_text import write_csv_rows, write_header
from shardvault.load.script import write_head, write_rows, write_schema, write_table
from shardvault.load.values import Values, read_values
from shardvault.model.export import ExportForm, ExportReport
from shardvault.model.ids import ShardName
from shardvault.model.manifest import Manifest, RangeRecord, ShardPart, TableRecord
from shardvault.model.position import Family
from shardvault.model.schema import Column, TableKind
from shardvault.model.target import Scope
from shardvault.mysql.session import parse_version
from shardvault.operations.dumping import format_hash
from shardvault.operations.loading import stored_columns
from shardvault.operations.losses import tell_losses
from shardvault.operations.progress import Meter
from shardvault.operations.selection import select_in_backup
from shardvault.repository.parts import get_part

STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class _Chosen:
    """Hold what is written of one shard."""

    shard: ShardName
    family: Family
    version: str
    rule: NameRule
    part: ShardPart
    tables: tuple[TableRecord, ...]


def run_export(
    manifest: Manifest,
    store: ChunkSource,
    scope: Scope,
    *,
    form: ExportForm,
    place: str,
    sink: EventSink,
) -> ExportReport:
    """Write the tables in scope, every row checked against its hash.

    A file appears under its name only when it is whole. On standard output the end can be
    missing after an error: mind the exit code.

    Args:
        manifest: the backup.
        store: gives its chunks.
        scope: which tables; SQL takes any number, CSV only tables with the same columns.
        form: how they are written.
        place: a file that does not exist, or ``-``.
        sink: takes progress.

    Raises:
        UsageError: the file exists, or the tables do not fit into one output.
        RefusedError: a stored definition is not what it should be.
        IntegrityError: rows are not what the manifest says.
    """
    begin_s = monotonic_s()
    chosen = _choose(manifest, store, scope)
    _refuse_doubles(chosen)
    for one in chosen:
        _refuse_forgeries(one)
    notices = _find_losses(manifest, chosen)
    for notice in notices:
        sink.emit(Noticed(notice))
    meter = Meter(sink, "write", {one.shard: _size(one.tables) for one in chosen})
    reader = _Reader(store, meter)
    write = _write_sql if form is ExportForm.SQL else _write_csv
    with _opened(place) as put:
        size = sum(map(put, write(manifest, chosen, reader)))
    return ExportReport(
        id=manifest.id,
        form=form,
        place=place,
        tables=sum(len(one.tables) for one in chosen),
        rows=sum(record.rows for one in chosen for record in one.tables),
        bytes_written=size,
        seconds=round(monotonic_s() - begin_s, 3),
        notices=notices,
    )


def _choose(manifest: Manifest, store: ChunkSource, scope: Scope) -> list[_Chosen]:
    wanted = scope.shards
    records = [shard for shard in manifest.shards if not wanted or shard.name in wanted]
    parts = {record.name: get_part(store, record.part) for record in records}
    selection = select_in_backup(manifest, parts, scope)
    chosen = []
    for record in records:
        names = {(n.schema, n.table) for n in selection.on_shard(record.name).tables}
        part, server = parts[record.name], record.server
        tables = tuple(
            in_default_place(found)
            for found in part.tables
            if (found.table.schema, found.table.name) in names
        )
        if tables:
            family = Family(server.family)
            rule = NameRule(server.lower_case_table_names)
            chosen.append(_Chosen(record.name, family, server.version, rule, part, tables))
    if not chosen:
        raise UsageError("no table is in scope", hint="name tables with --tables")
    return chosen


def _refuse_doubles(chosen: Iterable[_Chosen]) -> None:
    seen: dict[str, ShardName] = {}
    for one in chosen:
        for record in one.tables:
            name = record.table.qualified
            if name in seen:
                raise UsageError(
                    f"table {name} is on shard {seen[name]} and on shard {one.shard}",
                    hint="choose one with --shards",
                )
            seen[name] = one.shard


def _refuse_forgeries(one: _Chosen) -> None:
    """Let no text into a script that is more than the definition of its table."""
    schemas = tuple(s for s in one.part.schemas if s.name in {t.table.schema for t in one.tables})
    contents = Contents(schemas, frozenset(), one.tables, (), ())
    server = Server(one.family, parse_version(one.version), one.rule.fold)
    for found in find_forgeries(contents, server, {}):
        raise RefusedError(found.message, shard=one.shard, table=found.table or None)


def _find_losses(manifest: Manifest, chosen: Iterable[_Chosen]) -> tuple[str, ...]:
    """Say which of the tables the backup does not hold exactly, for example without rows."""
    names = {(one.shard, record.table.qualified) for one in chosen for record in one.tables}
    lost = [loss for loss in manifest.allowed_losses if (loss.shard, loss.table) in names]
    return tuple(f"shard {finding.where}: {finding.message}" for finding in tell_losses(lost))


def _size(tables: Iterable[TableRecord]) -> int:
    return sum(record.raw_bytes for record in tables)


class _Reader:
    """Read rows of tables and prove that they are those of the backup."""

    def __init__(self, store: ChunkSource, meter: Meter) -> None:
        self._store = store
        self._meter = meter

    def rows(self, shard: ShardName, record: TableRecord) -> Iterator[Values]:
        """Give all rows of a table."""
        for part in record.ranges:
            try:
                yield from self._range(shard, record, part)
            except ShardvaultError as error:
                error.shard, error.table = shard, record.table.qualified
                raise

    def _range(self, shard: ShardName, record: TableRecord, found: RangeRecord) -> Iterator[Values]:
        rows = total = 0
        for chunk in found.chunks:
            try:
                data = join_columns(self._store.get(chunk, ChunkKind.ROWS))
                count, content_hash = hash_rows(data)
            except ValueError as error:
                raise IntegrityError(f"chunk {chunk.hex()} is not rows: {error}") from error
            rows, total = rows + count, total + content_hash
            yield from read_values(data, len(record.select_columns))
            self._meter.add(shard, len(data), count)
        if (rows, format_hash(total % HASH_MODULUS)) != (found.rows, found.content_hash):
            raise IntegrityError("rows in the store are not those that the manifest describes")


def _write_sql(manifest: Manifest, chosen: Sequence[_Chosen], reader: _Reader) -> Iterator[bytes]:
    title = f"backup {manifest.id} of fleet {manifest.fleet}, cut {manifest.begin}"
    yield from write_head([title, *_find_losses(manifest, chosen)])
    for one in chosen:
        names = {record.table.schema for record in one.tables}
        for schema in one.part.schemas:
            if schema.name in names:
                yield write_schema(schema)
        for record in one.tables:
            yield from write_table(record.table)
            rows = reader.rows(one.shard, record)
            yield from write_rows(record.table, stored_columns(record), rows, one.family)


def _write_csv(_: Manifest, chosen: Sequence[_Chosen], reader: _Reader) -> Iterator[bytes]:
    places = [(one.shard, record) for one in chosen for record in one.tables if _has_rows(record)]
    if not places:
        raise UsageError("no table in scope has rows of its own")
    columns = stored_columns(places[0][1])
    for _shard, record in places:
        if _shapes(stored_columns(record)) != _shapes(columns):
            raise UsageError(
                f"{record.table.qualified} and {places[0][1].table.qualified} have other columns",
                hint="write tables with different columns into files of their own",
            )
    yield write_header(columns)
    for shard, record in places:
        yield from write_csv_rows(stored_columns(record), reader.rows(shard, record))


def _has_rows(record: TableRecord) -> bool:
    return record.table.kind is TableKind.ROWS


def _shapes(columns: Iterable[Column]) -> list[tuple[str, str]]:
    return [(column.name, column.column_type) for column in columns]


@contextlib.contextmanager
def _opened(place: str) -> Iterator[Callable[[bytes], int]]:
    """Open the output; a file gets its name at the end, and none after an error."""
    if place == STANDARD_OUTPUT:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    path = Path(place)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    if path.exists():
        raise UsageError(f"{place} exists", hint="name another file, or remove it")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file.write
        os.link(partial, path)
    except OSError as error:
        raise ShardvaultError(f"cannot write {place}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
