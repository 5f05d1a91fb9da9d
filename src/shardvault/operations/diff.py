"""Compare two backups by their manifests; no row is read."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from shardvault.fleet.inventory import strip_auto_increment
from shardvault.interfaces import ChunkSource
from shardvault.model.comparison import Change, DiffReport, ObjectDifference, TableDifference
from shardvault.model.ids import ShardName
from shardvault.model.manifest import Manifest, ShardPart, TableRecord
from shardvault.repository.parts import get_part

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")
_TableKey = tuple[ShardName, str, str]
_ObjectKey = tuple[ShardName, str, str, str]


@dataclass(frozen=True)
class Side:
    """Name a backup and what reads it."""

    manifest: Manifest
    store: ChunkSource

    def parts(self) -> list[ShardPart]:
        """Read the part of each shard."""
        return [get_part(self.store, shard.part) for shard in self.manifest.shards]


def run_diff(first: Side, second: Side) -> DiffReport:
    """Report what is in one backup only, and what is not the same in both.

    Contents are compared by their hashes, definitions by their text without the counter.

    Raises:
        IntegrityError: a manifest's part is damaged.
    """
    before, after = first.parts(), second.parts()
    tables = tuple(_compare_tables(_tables(before), _tables(after)))
    objects = tuple(
        ObjectDifference(*key, change)
        for key, change, _, _ in _changes(_objects(before), _objects(after))
    )
    in_both = _tables(before).keys() & _tables(after).keys()
    changed = sum(one.change is Change.CHANGED for one in tables)
    return DiffReport(
        first=first.manifest.id,
        second=second.manifest.id,
        status="different" if tables or objects else "equal",
        tables=tables,
        objects=objects,
        equal_tables=len(in_both) - changed,
        first_scope=first.manifest.scope,
        second_scope=second.manifest.scope,
    )


def definition_of(record: TableRecord) -> bytes:
    """Give the CREATE statement of a table without its counter."""
    return strip_auto_increment(record.table.create_sql)


def _tables(parts: list[ShardPart]) -> dict[_TableKey, TableRecord]:
    return {
        (part.name, record.table.schema, record.table.name): record
        for part in parts
        for record in part.tables
    }


def _objects(parts: list[ShardPart]) -> dict[_ObjectKey, object]:
    """Give all but tables, each with what makes it what it is."""
    found: dict[_ObjectKey, object] = {}
    for part in parts:
        for schema in part.schemas:
            found[part.name, "database", schema.name, ""] = schema
        for item in part.objects:
            found[part.name, str(item.kind), item.schema, item.name] = item
        for one in part.instance_objects:
            found[part.name, str(one.kind), "", one.name] = one
        for account in part.accounts:
            found[part.name, "account", "", account.name] = account
    return found


def _changes(
    before: Mapping[_Key, _Value], after: Mapping[_Key, _Value]
) -> Iterator[tuple[_Key, Change, _Value | None, _Value | None]]:
    """Give what is not the same on both sides, in the order of the first, then the second."""
    for key, old in before.items():
        if key not in after:
            yield key, Change.REMOVED, old, None
        elif after[key] != old:
            yield key, Change.CHANGED, old, after[key]
    for key, new in after.items():
        if key not in before:
            yield key, Change.ADDED, None, new


def _compare_tables(
    before: Mapping[_TableKey, TableRecord], after: Mapping[_TableKey, TableRecord]
) -> Iterator[TableDifference]:
    for key, change, old, new in _changes(before, after):
        aspects = tuple(_aspects(old, new))
        if aspects or change is not Change.CHANGED:
            yield TableDifference(
                *key,
                change,
                aspects,
                rows=(old.rows if old else 0, new.rows if new else 0),
                raw_bytes=(old.raw_bytes if old else 0, new.raw_bytes if new else 0),
                content_hash=(old.content_hash if old else "", new.content_hash if new else ""),
            )


def _aspects(old: TableRecord | None, new: TableRecord | None) -> Iterator[str]:
    if old is None or new is None:
        return
    if (old.rows, old.content_hash) != (new.rows, new.content_hash):
        yield "rows"
    if definition_of(old) != definition_of(new):
        yield "definition"
