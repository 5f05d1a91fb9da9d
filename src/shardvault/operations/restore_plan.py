"""Plan a restore as a frozen value: what goes where, and what stands in its way."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from shardvault.errors import PrivilegeError, TargetRefused, UsageError
from shardvault.fleet.compatibility import Terms, examine_target
from shardvault.fleet.definitions import Contents
from shardvault.fleet.scope import Selection, select_tables
from shardvault.fleet.topology import split_name
from shardvault.interfaces import ChunkSource
from shardvault.model.ids import BackupId, ShardName
from shardvault.model.manifest import Manifest, ServerIdentity, ShardPart, TableRecord
from shardvault.model.report import Finding, PlannedTable, RestorePlanReport, Severity
from shardvault.model.schema import Account, CodeObject, ObjectKind, Schema, TableKind
from shardvault.model.target import Endpoint, Fleet, LogicalTable, Login, Node, Scope, Shard
from shardvault.mysql.session import Session
from shardvault.operations.restore_mark import RestoreMark, is_marked_verified, read_mark
from shardvault.repository.parts import get_part
from shardvault.workers.local import map_parallel

_MOST_THREADS = 32
_READ_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class RestoreOptions:
    """Say what a restore shall do.

    Attributes:
        mapping: shard of the backup to shard of the target; others keep their name.
        replace: drop what is in the way.
        confirmed_source: the fleet's name as typed, to restore onto the source itself.
        threads: ranges loaded at the same time, over all shards.
    """

    threads: int
    sessions_per_shard: int = 4
    mapping: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    replace: bool = False
    confirmed_source: str | None = None
    with_accounts: bool = False


@dataclass(frozen=True)
class ShardRestore:
    """Say what one shard of the target gets from one shard of the backup.

    Attributes:
        whole: names of schemas that are restored with everything in them.
        findings: what was found when the target was examined.
        is_resumed: the target holds an interrupted run of this very plan.
        is_verified: that run had verified every target; only its marks are left.
    """

    source: ShardName
    target: Shard
    schemas: tuple[Schema, ...]
    whole: frozenset[str]
    tables: tuple[TableRecord, ...]
    objects: tuple[CodeObject, ...]
    accounts: tuple[Account, ...]
    findings: tuple[Finding, ...] = ()
    is_resumed: bool = False
    is_verified: bool = False


@dataclass(frozen=True)
class RestorePlan:
    """Say what a restore does; nothing else decides anything afterwards.

    Attributes:
        mark: what is written on each target while it is incomplete.
    """

    manifest: Manifest
    shards: tuple[ShardRestore, ...]
    mark: RestoreMark
    options: RestoreOptions

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give the findings of all targets."""
        return tuple(finding for shard in self.shards for finding in shard.findings)

    @property
    def is_verified(self) -> bool:
        """Say whether an interrupted run had verified everything; one target's word is enough."""
        return any(shard.is_verified for shard in self.shards)

    def refuse_blockers(self) -> None:
        """Stop here if any target must not, or cannot, take its data.

        Raises:
            TargetRefused: lists every blocker; nothing was changed.
        """
        blockers = [item for item in self.findings if item.severity is Severity.BLOCKER]
        if blockers:
            lines = [f"{item.where}: {item.message}" for item in blockers]
            remedies = dict.fromkeys(item.remedy for item in blockers if item.remedy)
            raise TargetRefused(
                "the target cannot take this restore: " + "; ".join(lines),
                hint="; ".join(remedies) or None,
            )


def plan_restore(
    manifest: Manifest, store: ChunkSource, target: Fleet, options: RestoreOptions
) -> RestorePlan:
    """Read the backup's parts, choose, and examine every target; nothing is changed.

    Raises:
        UsageError: a mapping or filter that fits nothing.
        IntegrityError: a part of the backup is damaged.
        ConnectError: a target cannot be reached.
    """
    wanted = options.scope.shards
    records = [shard for shard in manifest.shards if not wanted or shard.name in wanted]
    parts = {shard.name: get_part(store, shard.part) for shard in records}
    selection = _select(manifest, parts, options.scope)
    targets = _map_targets(parts, target, options.mapping)
    chosen = [_choose(parts[name], targets[name], selection, options) for name in parts]
    chosen = [shard for shard in chosen if shard.schemas]
    _refuse_collisions(chosen)
    mark = RestoreMark(manifest.id, manifest.fleet, _digest(manifest.id, chosen, options))
    terms = Terms(
        replace=options.replace,
        sources=frozenset(shard.server.identity for shard in manifest.shards),
        allow_source=options.confirmed_source == manifest.fleet,
    )
    servers = {shard.name: shard.server for shard in manifest.shards}

    def examine(shard: ShardRestore) -> ShardRestore:
        return _examine(shard, servers[shard.source], mark, terms)

    examined = map_parallel(examine, chosen, limit=_MOST_THREADS)
    return RestorePlan(manifest, tuple(examined), mark, options)


def _select(manifest: Manifest, parts: Mapping[ShardName, ShardPart], scope: Scope) -> Selection:
    """Choose tables of the backup by the names that its fleet had."""
    fleet = Fleet(
        manifest.fleet,
        tuple(Shard(shard.name, Endpoint(), Login("")) for shard in manifest.shards),
        tuple(
            LogicalTable(table.name, tuple(_node(text) for text in table.nodes), table.broadcast)
            for table in manifest.logical_tables
        ),
    )
    nodes = [
        Node(name, record.table.schema, record.table.name)
        for name, part in parts.items()
        for record in part.tables
    ]
    places = [(name, schema.name) for name, part in parts.items() for schema in part.schemas]
    include = scope.include or ("*.*",)
    return select_tables(fleet, Scope(scope.shards, include, scope.exclude), nodes, places)


def _node(text: str) -> Node:
    shard, schema, table = split_name(text)
    return Node(ShardName(shard), schema, table)


def _map_targets(
    names: Iterable[ShardName], target: Fleet, mapping: Mapping[str, str]
) -> dict[ShardName, Shard]:
    known = {shard.name: shard for shard in target.shards}
    targets = {}
    names = list(names)
    for source in mapping:
        if source not in names:
            raise UsageError(
                f"--map: the backup has no shard {source!r} in scope",
                hint=f"shards in scope: {', '.join(names)}",
            )
    for name in names:
        wanted = ShardName(mapping.get(name, name))
        if wanted not in known:
            raise UsageError(
                f"the target has no shard {wanted!r} for shard {name!r} of the backup",
                hint=f"map it: --map {name}=NAME, with one of: {', '.join(known)}",
            )
        targets[name] = known[wanted]
    return targets


def _choose(
    part: ShardPart, target: Shard, selection: Selection, options: RestoreOptions
) -> ShardRestore:
    here = selection.on_shard(part.name)
    names = {(node.schema, node.table) for node in here.tables}
    schemas = {scope.schema for scope in here.schemas}
    whole = frozenset(scope.schema for scope in here.schemas if scope.is_whole)
    return ShardRestore(
        source=part.name,
        target=target,
        schemas=tuple(schema for schema in part.schemas if schema.name in schemas),
        whole=whole,
        tables=tuple(r for r in part.tables if (r.table.schema, r.table.name) in names),
        objects=tuple(item for item in part.objects if _is_chosen(item, names, whole)),
        accounts=part.accounts if options.with_accounts else (),
    )


def _is_chosen(item: CodeObject, tables: set[tuple[str, str]], whole: frozenset[str]) -> bool:
    if item.kind is ObjectKind.TRIGGER:
        return (item.schema, item.table) in tables
    return item.schema in whole


def _refuse_collisions(shards: Iterable[ShardRestore]) -> None:
    """Refuse two shards of the backup that would make the same thing on a target."""
    places = Counter((shard.target.name, name) for shard in shards for name in _names(shard))
    doubled = [f"{target}: {name}" for (target, name), count in places.items() if count > 1]
    if doubled:
        raise UsageError(
            f"several shards would be restored into the same place: {', '.join(doubled[:5])}",
            hint="give each shard of the backup a target shard of its own with --map",
        )


def _names(shard: ShardRestore) -> set[str]:
    """Name what a shard makes; a target's tables, views and code of one name are never two's."""
    objects = {f"{item.schema}.{item.name}" for item in shard.objects}
    return objects | {record.table.qualified for record in shard.tables}


def _digest(backup: BackupId, shards: Iterable[ShardRestore], options: RestoreOptions) -> str:
    """Tell one plan from another, so that only the same one is taken up again."""
    text = [str(backup), str(options.replace)]
    for shard in shards:
        text += [shard.source, shard.target.name, str(shard.target.primary)]
        text += [record.table.qualified for record in shard.tables]
    return hashlib.sha256(repr(text).encode("utf-8", "surrogateescape")).hexdigest()


def _examine(
    shard: ShardRestore, source: ServerIdentity, mark: RestoreMark, terms: Terms
) -> ShardRestore:
    """Look at one target and note what was found, and whether it is to be finished."""
    contents = Contents(shard.schemas, shard.whole, shard.tables, shard.objects, shard.accounts)
    target = shard.target
    with Session.open(
        target.primary, target.login, shard=target.name, read_timeout_s=_READ_TIMEOUT_S
    ) as session:
        is_resumed = _read_mark(session) == mark
        is_verified = is_resumed and is_marked_verified(session)
        terms = replace(terms, is_resumed=is_resumed)
        findings = examine_target(session, source, contents, terms)
    return replace(shard, findings=findings, is_resumed=is_resumed, is_verified=is_verified)


def _read_mark(session: Session) -> RestoreMark | None:
    """Read the mark; a login that may not see it is refused by the examination."""
    try:
        return read_mark(session)
    except PrivilegeError:
        return None


def report_plan(plan: RestorePlan) -> RestorePlanReport:
    """Tell a person or a machine what a plan does."""
    tables = tuple(
        PlannedTable(
            shard=shard.source,
            target=shard.target.name,
            schema=record.table.schema,
            name=record.table.name,
            rows=record.rows,
            raw_bytes=record.raw_bytes,
            action=_action(shard, record),
        )
        for shard in plan.shards
        for record in shard.tables
    )
    return RestorePlanReport(
        id=plan.manifest.id,
        fleet=plan.manifest.fleet,
        tables=tables,
        objects=dict(Counter(str(item.kind) for shard in plan.shards for item in shard.objects)),
        findings=plan.findings,
        rows=sum(table.rows for table in tables),
        raw_bytes=sum(table.raw_bytes for table in tables),
    )


def _action(shard: ShardRestore, record: TableRecord) -> str:
    if record.table.kind is not TableKind.ROWS:
        return "create the definition"
    return "finish the interrupted load" if shard.is_resumed else "create and load"
