"""Find the backups that hold a table or object of some name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shardvault.errors import IntegrityError, StorageError, UsageError
from shardvault.events import PhaseStarted
from shardvault.fleet.scope import compile_pattern
from shardvault.fleet.topology import split_name
from shardvault.interfaces import ChunkSource, EventSink
from shardvault.model.comparison import FindReport, FoundName
from shardvault.model.ids import BackupId, ShardName
from shardvault.model.manifest import Manifest, ShardPart
from shardvault.operations.diff import definition_of
from shardvault.repository.parts import get_part
from shardvault.repository.store import Repository

_Matches = Callable[[ShardName, str, str], bool]
_Seen = dict[tuple[ShardName, str, str, str], object]


def run_find(pattern: str, repository: Repository, sink: EventSink) -> FindReport:
    """Search the tables and code objects of every backup; no row is read.

    Args:
        pattern: a name, schema.name or shard.schema.name, with ``*`` and ``?``.
        repository: all its backups are read, oldest first.
        sink: takes the number of backups as a phase.

    Raises:
        UsageError: the pattern has too many parts, or cannot be read.
    """
    matches = _matcher(pattern)
    known = repository.overview()
    backups = [summary.id for summary in known.backups]
    store = repository.reader()
    found: list[FoundName] = []
    unreadable: dict[BackupId, str] = {}
    seen: _Seen = {}
    sink.emit(PhaseStarted("find", f"search {len(backups)} backups"))
    for backup in backups:
        try:
            found += _search(repository.load(backup), store, matches, seen)
        except (IntegrityError, StorageError) as error:
            unreadable[backup] = str(error)
    damaged = tuple(map(str, known.damaged))
    return FindReport(pattern, len(backups), tuple(found), unreadable, damaged=damaged)


def _matcher(pattern: str) -> _Matches:
    parts = split_name(pattern)
    if not 1 <= len(parts) <= 3:
        raise UsageError(
            f"{pattern!r} is not a pattern",
            hint="write a name, schema.name or shard.schema.name, with * and ?; a part with a "
            "dot or blank goes in backticks",
        )
    shard, schema, name = map(compile_pattern, ("*", "*", *parts)[-3:])

    def matches(*place: str) -> bool:
        likes = zip((shard, schema, name), place, strict=True)
        return all(like.fullmatch(word) for like, word in likes)

    return matches


def _search(
    manifest: Manifest, store: ChunkSource, matches: _Matches, seen: _Seen
) -> Iterator[FoundName]:
    """Give what matches in one backup, and remember it for the next one."""
    for shard in manifest.shards:
        part = get_part(store, shard.part)
        for kind, schema, name, volume, state in _list(part):
            if not matches(part.name, schema, name):
                continue
            key = (part.name, kind, schema, name)
            is_changed = key not in seen or seen[key] != state
            seen[key] = state
            place = (manifest.id, manifest.begin, part.name, kind, schema, name)
            yield FoundName(*place, *volume, is_changed=is_changed)


_Volume = tuple[int, int, str]
_NO_ROWS: _Volume = (0, 0, "")


def _list(part: ShardPart) -> Iterator[tuple[str, str, str, _Volume, object]]:
    """Give kind, schema, name, volume, and what makes each thing what it is."""
    for record in part.tables:
        table, volume = record.table, (record.rows, record.raw_bytes, record.content_hash)
        state = (record.rows, record.content_hash, definition_of(record))
        yield str(table.kind), table.schema, table.name, volume, state
    for item in part.objects:
        yield str(item.kind), item.schema, item.name, _NO_ROWS, item
