"""Plan a restore as a frozen value: what goes where, and what stands in its way."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from shardvault.errors import PrivilegeError, ServerError, TargetRefused, UsageError
from shardvault.failpoints import is_off
from shardvault.fleet.compatibility import Terms, examine_target
from shardvault.fleet.definitions import Contents
from shardvault.fleet.instance_objects import choose_used
from shardvault.fleet.inventory import TableName
from shardvault.fleet.name_rule import NameRule, read_name_rule, write_contents
from shardvault.fleet.scope import Selection
from shardvault.fleet.stored_text.examine import (
    RESTORE_REMEDY,
    examine_texts,
    in_default_place,
)
from shardvault.interfaces import ChunkSource
from shardvault.load.name_case import restore_case
from shardvault.load.renaming import Renaming
from shardvault.load.translation import translate_code, translate_schema, translate_table
from shardvault.model.definer import DefinerRules
from shardvault.model.ids import BackupId, ShardName
from shardvault.model.loss import AllowedLoss
from shardvault.model.manifest import Manifest, ServerIdentity, ShardPart, TableRecord
from shardvault.model.position import Family
from shardvault.model.report import Finding, Severity
from shardvault.model.schema import Account, CodeObject, InstanceObject, ObjectKind, Schema
from shardvault.model.target import Fleet, Scope, Shard
from shardvault.mysql.session import Session
from shardvault.operations.losses import tell_losses
from shardvault.operations.restore_damage import read_parts, refuse_damaged, refuse_empty
from shardvault.operations.restore_definers import read_definer_target, settle_definers
from shardvault.operations.restore_mark import RestoreMark, is_marked_verified, read_mark
from shardvault.operations.restore_renaming import rename_contents
from shardvault.operations.schema_names import Place, plan_renaming
from shardvault.operations.schema_only import note_missing_rows, without_rows
from shardvault.operations.selection import select_in_backup
from shardvault.operations.target_identity import identify_targets
from shardvault.operations.target_lock import find_running
from shardvault.workers.local import map_parallel

_MOST_THREADS = 32
_READ_TIMEOUT_S = 60.0
_ONE_EACH = "give each shard of the backup a target shard of its own with --map"


@dataclass(frozen=True)
class RestoreOptions:
    """Say what a restore shall do.

    Attributes:
        mapping: shard of the backup to shard of the target; others keep their name.
        rename: schema of the backup, or ``shard/schema``, to its name on the target.
        replace: drop what is in the way.
        confirmed_source: the fleet's name as typed, to restore onto the source itself.
        threads: ranges loaded at the same time, over all shards.
        events_on: switch the events on at the very end; else they stay disabled.
        definers: which definers objects get that the target cannot take as they are.
        skip_damaged: leave out tables whose rows cannot be read; all are read first.
        schema_only: restore every definition and no row.
    """

    threads: int
    sessions_per_shard: int = 4
    mapping: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)
    replace: bool = False
    confirmed_source: str | None = None
    with_accounts: bool = False
    events_on: bool = True
    definers: DefinerRules = field(default_factory=DefinerRules)
    skip_damaged: bool = False
    schema_only: bool = False


@dataclass(frozen=True)
class ShardRestore:
    """Say what one shard of the target gets from one shard of the backup.

    Attributes:
        whole: names of schemas that are restored with everything in them.
        renaming: which schemas have other names than in the backup; the names here are new.
        notes: what the backup does not hold exactly, and what could not follow to new names.
        findings: what was found when the target was examined.
        is_resumed: the target holds an interrupted run of this very plan.
        is_verified: that run had verified every target; only its marks are left.
        rule: how the target writes and compares names.
        recorded: names of all accounts that the backup has of this shard.
        other_names: of tables that have another name there: that name to the one before.
    """

    source: ShardName
    target: Shard
    schemas: tuple[Schema, ...]
    whole: frozenset[str]
    tables: tuple[TableRecord, ...]
    objects: tuple[CodeObject, ...]
    accounts: tuple[Account, ...]
    renaming: Renaming = field(default_factory=Renaming)
    notes: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_resumed: bool = False
    is_verified: bool = False
    rule: NameRule = field(default_factory=NameRule)
    recorded: tuple[str, ...] = ()
    other_names: Mapping[TableName, TableName] = field(default_factory=dict)
    instance_objects: tuple[InstanceObject, ...] = ()

    @property
    def contents(self) -> Contents:
        """Give what the target gets."""
        return Contents(
            self.schemas,
            self.whole,
            self.tables,
            self.objects,
            self.accounts,
            self.instance_objects,
        )

    def with_contents(self, contents: Contents) -> ShardRestore:
        """Return the same restore of other contents."""
        return replace(
            self,
            schemas=contents.schemas,
            whole=contents.whole,
            tables=contents.tables,
            objects=contents.objects,
            accounts=contents.accounts,
        )


@dataclass(frozen=True)
class RestorePlan:
    """Say what a restore does; nothing else decides anything afterwards.

    Attributes:
        mark: what is written on each target while it is incomplete.
        left_out: what of the backup is damaged and is not restored.
    """

    manifest: Manifest
    shards: tuple[ShardRestore, ...]
    mark: RestoreMark
    options: RestoreOptions
    left_out: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Give the findings of all targets."""
        found = (item for shard in self.shards for item in (*shard.notes, *shard.findings))
        return (*self.left_out, *found)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Give what is lost before any target is looked at, of all shards."""
        return (*self.left_out, *(item for shard in self.shards for item in shard.notes))

    @property
    def accounts_left_out(self) -> int:
        """Return how many accounts the backup has that are not restored, each name once."""
        recorded = {name for shard in self.shards for name in shard.recorded}
        return 0 if self.options.with_accounts else len(recorded)

    @property
    def is_verified(self) -> bool:
        """Say whether an interrupted run had verified everything; one target's word is enough."""
        return any(shard.is_verified for shard in self.shards)

    def refuse_blockers(self) -> None:
        """Stop here if any target must not, or cannot, take its data.

        Raises:
            TargetRefused: lists every blocker on a line, its remedy below; a remedy that all
                have in common is the hint. Nothing was changed.
        """
        blockers = [item for item in self.findings if item.severity is Severity.BLOCKER]
        if blockers:
            remedies = {item.remedy for item in blockers}
            hint = remedies.pop() if len(remedies) == 1 else ""
            lines = _list_blockers(blockers, has_remedies=not hint)
            raise TargetRefused(
                "\n".join(["the target cannot take this restore:", *lines]), hint=hint or None
            )


def _list_blockers(blockers: Iterable[Finding], *, has_remedies: bool) -> Iterator[str]:
    """Give a line for each blocker, and one for a remedy below the last that it helps."""
    for remedy, alike in groupby(blockers, key=lambda item: item.remedy):
        yield from (f"{item.where}: {item.message}" for item in alike)
        if has_remedies and remedy:
            yield from (f"  -> {line}" for line in remedy.split("\n"))


def plan_restore(
    manifest: Manifest,
    store: ChunkSource,
    target: Fleet,
    options: RestoreOptions,
    source: Fleet | None = None,
) -> RestorePlan:
    """Read the backup's parts, choose, and examine every target; nothing is changed.

    Args:
        manifest: of the backup.
        store: reads its chunks.
        target: the fleet that takes the data.
        options: what to restore, and how.
        source: the configured fleet, whose live servers must not be hit unasked.

    Raises:
        UsageError: a mapping or filter that fits nothing.
        IntegrityError: something that is to be restored is damaged.
        ConnectError: a target cannot be reached.
    """
    wanted = options.scope.shards
    records = [shard for shard in manifest.shards if not wanted or shard.name in wanted]
    parts, left_out = read_parts(
        records, store, skip_damaged=options.skip_damaged, threads=options.threads
    )
    refuse_empty(parts, left_out)
    selection = select_in_backup(manifest, parts, options.scope)
    targets = _map_targets(parts, target, options.mapping)
    chosen = [_choose(parts[name], targets[name], selection, options) for name in parts]
    for shard in chosen:
        refuse_damaged(shard.source, shard.tables, store)
    chosen = [_note_losses(shard, manifest.allowed_losses) for shard in chosen]
    if options.schema_only:
        chosen = [_leave_rows_out(shard) for shard in chosen]
    servers = {shard.name: shard.server for shard in manifest.shards}
    chosen = _rename([shard for shard in chosen if shard.schemas], servers, options.rename)
    _refuse_collisions(chosen)
    mark = RestoreMark(manifest.id, manifest.fleet, _digest(manifest.id, chosen, options))
    terms = Terms(
        replace=options.replace,
        sources=frozenset(shard.server.identity for shard in manifest.shards),
        allow_source=options.confirmed_source == manifest.fleet,
    )

    places = {shard.target.name: shard.target for shard in chosen}
    identities = identify_targets(list(places.values()), source)

    def examine(shard: ShardRestore) -> ShardRestore:
        identity = identities[shard.target.name]
        here = replace(terms, hits=identity.hits)
        shard = _examine(shard, servers[shard.source], mark, here, options.definers)
        return replace(shard, findings=(*identity.findings, *shard.findings))

    examined = map_parallel(examine, chosen, limit=_MOST_THREADS)
    return RestorePlan(manifest, tuple(block_mergers(chosen, examined)), mark, options, left_out)


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
        tables=tuple(
            in_default_place(record)
            for record in part.tables
            if (record.table.schema, record.table.name) in names
        ),
        objects=tuple(item for item in part.objects if _is_chosen(item, names, whole)),
        accounts=part.accounts if options.with_accounts else (),
        recorded=tuple(account.name for account in part.accounts),
        instance_objects=_choose_instance_objects(part, names, options),
    )


def _choose_instance_objects(
    part: ShardPart, tables: set[tuple[str, str]], options: RestoreOptions
) -> tuple[InstanceObject, ...]:
    """Choose all of them for a whole restore, else what the chosen tables use."""
    if not options.scope.include:
        return part.instance_objects
    records = (one.table for one in part.tables if (one.table.schema, one.table.name) in tables)
    return choose_used(part.instance_objects, records)


def _is_chosen(item: CodeObject, tables: set[tuple[str, str]], whole: frozenset[str]) -> bool:
    if item.kind is ObjectKind.TRIGGER:
        return (item.schema, item.table) in tables
    return item.schema in whole


def _note_losses(shard: ShardRestore, losses: Iterable[AllowedLoss]) -> ShardRestore:
    """Note which of the tables the backup does not hold exactly."""
    tables = {record.table.qualified for record in shard.tables}
    mine = [one for one in losses if one.shard == shard.source and one.table in tables]
    return replace(shard, notes=tell_losses(mine))


def _leave_rows_out(shard: ShardRestore) -> ShardRestore:
    note = note_missing_rows(shard.source, shard.tables)
    tables = tuple(map(without_rows, shard.tables))
    return replace(shard, tables=tables, notes=(*shard.notes, note))


def _rename(
    shards: Sequence[ShardRestore],
    servers: Mapping[ShardName, ServerIdentity],
    wanted: Mapping[str, str],
) -> list[ShardRestore]:
    """Give schemas their new names, so that everything that follows sees only those."""
    places = [
        Place(shard.source, shard.target.name, tuple(schema.name for schema in shard.schemas))
        for shard in shards
    ]
    renamings = plan_renaming(wanted, places, servers)
    return [_rename_one(shard, renamings[shard.source], servers[shard.source]) for shard in shards]


def _rename_one(shard: ShardRestore, renaming: Renaming, server: ServerIdentity) -> ShardRestore:
    contents, notes = rename_contents(shard.contents, shard.source, renaming, server)
    return replace(
        shard.with_contents(contents),
        renaming=renaming,
        notes=(*shard.notes, *notes),
    )


def _refuse_collisions(shards: Iterable[ShardRestore]) -> None:
    """Refuse two shards of the backup that would make the same thing on a target."""
    places = Counter((shard.target.name, name) for shard in shards for name in _names(shard))
    doubled = [f"{target}: {name}" for (target, name), count in places.items() if count > 1]
    if doubled:
        raise UsageError(
            f"several shards would be restored into the same place: {', '.join(doubled[:5])}",
            hint=_ONE_EACH,
        )


def _names(shard: ShardRestore) -> set[str]:
    """Name what a shard makes; a target's tables, views and code of one name are never two's."""
    objects = {f"{item.schema}.{item.name}" for item in shard.objects}
    return objects | {record.table.qualified for record in shard.tables}


def _digest(backup: BackupId, shards: Iterable[ShardRestore], options: RestoreOptions) -> str:
    """Tell one plan from another, so that only the same one is taken up again."""
    text = [str(backup), str(options.replace), str(options.events_on), str(options.schema_only)]
    text += options.definers.describe()
    for shard in shards:
        text += [shard.source, shard.target.name, str(shard.target.primary)]
        text += [record.table.qualified for record in shard.tables]
        text += [f"{old}={new}" for old, new in sorted(shard.renaming.names.items())]
    return hashlib.sha256(repr(text).encode("utf-8", "surrogateescape")).hexdigest()


def _examine(
    shard: ShardRestore,
    source: ServerIdentity,
    mark: RestoreMark,
    terms: Terms,
    definers: DefinerRules,
) -> ShardRestore:
    """Look at one target and note what was found, and whether it is to be finished.

    A session that cannot be brought into its state is a blocker as well.
    """
    try:
        return _examine_open(shard, source, mark, terms, definers)
    except ServerError as error:
        blocker = Finding(
            Severity.BLOCKER, shard.target.name, "session", error.message, error.hint or ""
        )
        return replace(shard, findings=(blocker,))


def _examine_open(
    shard: ShardRestore,
    source: ServerIdentity,
    mark: RestoreMark,
    terms: Terms,
    definers: DefinerRules,
) -> ShardRestore:
    target = shard.target
    with Session.open(
        target.primary, target.login, shard=target.name, read_timeout_s=_READ_TIMEOUT_S
    ) as session:
        is_resumed = _read_mark(session) == mark
        is_verified = is_resumed and is_marked_verified(session)
        terms = replace(terms, is_resumed=is_resumed)
        before = shard.contents
        refused = _examine_texts(shard, session, source)
        unfit: tuple[Finding, ...] = ()
        if not refused:
            shard, unfit = _settle_definers(shard, session, definers)
        findings = examine_target(session, source, shard.contents, terms)
        findings = (*findings, *find_running(session))
        if not refused:
            shard = write_names(shard, source, read_name_rule(session, shard.contents))
            if session.family != source.family:
                shard = _translate(shard, session.family)
            if shard.contents != before:
                refused = _examine_texts(shard, session, source)
    findings = (*refused, *unfit, *findings)
    return replace(shard, findings=findings, is_resumed=is_resumed, is_verified=is_verified)


def _examine_texts(
    shard: ShardRestore, session: Session, source: ServerIdentity
) -> tuple[Finding, ...]:
    """Judge whether each text is the definition that it claims to be."""
    if is_off("restore.stored_text"):
        return ()
    session.execute("SET SESSION character_set_results = NULL")
    is_blind_source = source.lower_case_table_names != 0 and not shard.rule.is_case_blind
    fold = str.casefold if is_blind_source else shard.rule.fold
    return examine_texts(
        session,
        shard.contents,
        where=shard.source,
        remedy=RESTORE_REMEDY,
        fold=fold,
    )


def _settle_definers(
    shard: ShardRestore, session: Session, rules: DefinerRules
) -> tuple[ShardRestore, tuple[Finding, ...]]:
    """Give objects the definers that the target can take, or report those that it cannot."""
    created = (account.name for account in shard.accounts)
    settled = settle_definers(
        shard.objects, rules, read_definer_target(session, created, shard.recorded)
    )
    notes = (*shard.notes, *settled.notes)
    return replace(shard, objects=settled.objects, notes=notes), settled.findings


def write_names(shard: ShardRestore, source: ServerIdentity, rule: NameRule) -> ShardRestore:
    """Give everything the name that it will have on the target, by the target's rule."""
    contents = shard.contents
    if source.lower_case_table_names and not rule.is_case_blind:
        contents = restore_case(contents, source)
    written = write_contents(contents, rule)
    pairs = (
        ((new.table.schema, new.table.name), (old.table.schema, old.table.name))
        for new, old in zip(written.tables, contents.tables, strict=True)
    )
    other_names = {new: old for new, old in pairs if new != old}
    return replace(shard.with_contents(written), rule=rule, other_names=other_names)


def block_mergers(
    wanted: Sequence[ShardRestore], examined: Sequence[ShardRestore]
) -> Iterator[ShardRestore]:
    """Block what shards bring to one target under two names that it takes for one.

    Args:
        wanted: with the names of the backup, renamed where that was asked for.
        examined: the same shards, with the rule of their target.
    """
    makers: dict[tuple[ShardName, str], tuple[ShardName, str]] = {}
    for before, after in zip(wanted, examined, strict=True):
        target = after.target.name
        names = _names(before) | {schema.name for schema in before.schemas}
        made = {(target, after.rule.fold(name)): (before.source, name) for name in sorted(names)}
        met = [(makers[key], mine) for key, mine in made.items() if key in makers]
        blockers = tuple(
            Finding(Severity.BLOCKER, target, "case rule", _describe_merger(*pair), _ONE_EACH)
            for pair in met
            if pair[0][1] != pair[1][1] and not is_off("restore.case_rule")
        )
        makers |= made
        yield replace(after, findings=(*after.findings, *blockers))


def _describe_merger(one: tuple[ShardName, str], other: tuple[ShardName, str]) -> str:
    return f"{one[1]} of shard {one[0]} and {other[1]} of shard {other[0]} would become one"


def _translate(shard: ShardRestore, target: Family) -> ShardRestore:
    """Write all definitions in the words of the target's family."""
    return replace(
        shard,
        schemas=tuple(translate_schema(schema, target) for schema in shard.schemas),
        tables=tuple(
            replace(record, table=translate_table(record.table, target)) for record in shard.tables
        ),
        objects=tuple(translate_code(item, target) for item in shard.objects),
    )


def _read_mark(session: Session) -> RestoreMark | None:
    """Read the mark; a login that may not see it is refused by the examination."""
    try:
        return read_mark(session)
    except PrivilegeError:
        return None
