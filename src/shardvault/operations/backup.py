"""Take a hot logical backup of a fleet at one cut."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from shardvault.barrier.coordinator import take_cut
from shardvault.barrier.cut import Cut
from shardvault.barrier.limits import BarrierLimits
from shardvault.clock import format_time, monotonic_s, parse_time, utc_now
from shardvault.dump.plan import TablePlan, plan_table
from shardvault.dump.ranges import Border, plan_borders
from shardvault.errors import (
    BackupExists,
    DdlDetected,
    IntegrityError,
    ObjectMissing,
    StorageError,
    UnknownBackup,
)
from shardvault.events import Noticed, PhaseStarted, Retrying
from shardvault.failpoints import failpoint, is_off
from shardvault.fleet.inventory import TableName, strip_auto_increment
from shardvault.fleet.scope import choose_shards
from shardvault.interfaces import EventSink
from shardvault.model.ids import LATEST, ShardName
from shardvault.model.loss import ROWS_LEFT_OUT, LossKind
from shardvault.model.manifest import Manifest, ShardPart, TableRecord
from shardvault.model.report import BackupReport
from shardvault.model.schema import Table, TableKind
from shardvault.model.target import Fleet, Scope, Shard
from shardvault.mysql.session import Session
from shardvault.mysql.state import prepare_read
from shardvault.operations.definition_proof import prove_binlog, prove_tables
from shardvault.operations.dumping import (
    DumpedShard,
    dump_shards,
    refuse_missed_rows,
    table_record,
)
from shardvault.operations.examination import examine_sources, refuse_sources
from shardvault.operations.losses import Losses, judge_losses, list_left_out_rows
from shardvault.operations.manifests import Heading, Taken, build_manifest, report_of
from shardvault.operations.range_progress import RangeMeter
from shardvault.operations.small_tables import SmallTables
from shardvault.operations.survey import (
    ChosenScope,
    Sessions,
    ShardSurvey,
    choose_scope,
    compare_surveys,
    ddl_detected,
    opened_sessions,
    survey_shards,
)
from shardvault.repository.chunks import ChunkWriter
from shardvault.repository.lookup import Latest, find_latest
from shardvault.repository.parts import get_part
from shardvault.repository.store import Repository
from shardvault.units import format_size
from shardvault.workers.local import map_parallel

_OPERATION = "backup"
_MOST_PLANNERS = 32
_MOST_IDS = 16
_CUTS = 3  # how often DDL may come between looking at the definitions and the cut

Plans = Mapping[ShardName, Sequence[TablePlan]]
PreviousBorders = Mapping[ShardName, Mapping[TableName, tuple[Table, tuple[Border, ...]]]]


@dataclass(frozen=True)
class BackupOptions:
    """Say how a backup is taken.

    Attributes:
        threads: ranges read at the same time, over all shards.
        sessions_per_shard: snapshots on each shard.
        allowed_losses: kinds of loss with which a backup is taken all the same.
        parity_packs: packs that share one object of parity; 0 = none is stored.
        tags: names for the backup, as `latest:TAG` finds it.
    """

    threads: int
    sessions_per_shard: int = 4
    limits: BarrierLimits = field(default_factory=BarrierLimits)
    scope: Scope = field(default_factory=Scope)
    tool_version: str = ""
    zstd_level: int = 1
    allowed_losses: frozenset[LossKind] = frozenset()
    parity_packs: int = 0
    tags: tuple[str, ...] = ()


def run_backup(
    fleet: Fleet, repository: Repository, options: BackupOptions, sink: EventSink
) -> BackupReport:
    """Take a backup; it exists, complete and proven, once this returns.

    Raises:
        RefusedError: something in scope cannot be kept exact, or there is no schema; nothing
            was locked.
        BarrierError, XaInDoubt: no cut was to be had; no lock is left.
        DdlDetected: definitions changed; nothing is listed, stored chunks are used again.
        StorageError: the store failed; nothing is listed.
    """
    begin, begin_s = format_time(utc_now()), monotonic_s()
    scope, tags = options.scope, tuple(sorted(set(options.tags)))
    with (
        repository.writer(
            _OPERATION,
            fleet=fleet.name,
            level=options.zstd_level,
            parity_packs=options.parity_packs,
        ) as writer,
        opened_sessions(_chosen(fleet, options)) as found,
    ):
        if writer.reclaimed_bytes:
            freed = format_size(writer.reclaimed_bytes)
            sink.emit(Noticed(f"freed {freed} that an interrupted backup had left"))
        run = _Run(fleet, found, options, sink)
        previous = _previous_borders(repository, writer, Latest(fleet.name, scope.describe()), sink)
        taken = run.take(writer, previous)
        sink.emit(PhaseStarted(_OPERATION, "commit"))
        backup = repository.new_id(parse_time(begin), "full")
        heading = Heading(backup, begin, begin_s, options.tool_version, scope, tags)
        manifest = build_manifest(heading, fleet, taken, writer)
        failpoint("backup.before_manifest")
        manifest = _commit(repository, manifest)
        failpoint("backup.after_manifest")
    return report_of(manifest)


def _commit(repository: Repository, manifest: Manifest) -> Manifest:
    """Complete a backup; if another took its id just now, under the next one.

    Backups of several fleets may begin in the same second.
    """
    for _ in range(_MOST_IDS):
        try:
            repository.commit(manifest)
        except BackupExists:
            manifest = replace(manifest, id=repository.new_id(parse_time(manifest.begin), "full"))
        else:
            return manifest
    raise StorageError("other backups took every id; try again")


def _chosen(fleet: Fleet, options: BackupOptions) -> list[Shard]:
    wanted = choose_shards(fleet, options.scope.shards)
    return [shard for shard in fleet.shards if shard.name in wanted]


class _Run:
    """Take the cut and read all that is in scope."""

    def __init__(
        self, fleet: Fleet, sessions: Sessions, options: BackupOptions, sink: EventSink
    ) -> None:
        self._fleet = fleet
        self._sessions = sessions
        self._options = options
        self._sink = sink

    def take(self, writer: ChunkWriter, previous: PreviousBorders) -> Taken:
        """Survey, cut, dump, and prove that no definition changed meanwhile."""
        self._sink.emit(PhaseStarted(_OPERATION, "check servers"))
        refuse_sources(examine_sources(self._fleet, self._sessions, self._options.scope))
        for left in reversed(range(_CUTS)):
            try:
                before, losses, plans = self._survey(previous)
            except DdlDetected as error:
                self._retry(error, left)
                continue
            small = SmallTables({name: _small(tables) for name, tables in plans.items()})
            with self._cut(small) as cut:
                try:
                    chosen, surveys = self._look_again(before, cut)
                except DdlDetected as error:
                    self._retry(error, left)
                    continue
                taken = self._dump(cut, surveys, plans, small, writer)
                return replace(
                    taken,
                    left_out=chosen.left_out,
                    is_complete=chosen.is_complete,
                    losses=losses,
                )
        raise AssertionError("unreachable")

    def _survey(
        self, previous: PreviousBorders
    ) -> tuple[Mapping[ShardName, ShardSurvey], Losses, Plans]:
        """Read what is in scope, refuse what cannot be kept exact, and plan the ranges."""
        self._sink.emit(PhaseStarted(_OPERATION, "survey"))
        before = survey_shards(self._sessions, self._choose().selection, self._options.scope)
        losses = self._judge(before)
        return before, losses, self._plan(before, previous, losses)

    def _retry(self, error: DdlDetected, left: int) -> None:
        """Report that DDL came in between; raise the error if no attempt is left."""
        if not left:
            raise error
        self._sink.emit(Retrying("cut", str(error), _CUTS - left, 0.0))

    def _judge(self, surveys: Mapping[ShardName, ShardSurvey]) -> Losses:
        """Refuse what cannot be kept exact, while nothing is locked."""
        self._sink.emit(PhaseStarted(_OPERATION, "examine"))
        losses = judge_losses(
            self._fleet.shards,
            self._sessions,
            surveys,
            self._options.allowed_losses,
            self._options.scope,
        )
        left_out = list_left_out_rows(self._fleet, surveys)
        losses = replace(losses, allowed=(*losses.allowed, *left_out))
        for loss in losses.allowed:
            self._sink.emit(Noticed(f"shard {loss.shard}: loss allowed: {loss.detail}"))
        for notice in losses.notices:
            self._sink.emit(Noticed(notice))
        return losses

    def _plan(
        self,
        surveys: Mapping[ShardName, ShardSurvey],
        previous: PreviousBorders,
        losses: Losses,
    ) -> Plans:
        """Cut every table into ranges; needs no snapshot, since any border is exact."""

        def plan(name: ShardName) -> list[TablePlan]:
            session, borders = self._sessions[name], previous.get(name, {})
            with ddl_detected(name):
                return [
                    plan_table(
                        table,
                        _borders(session, table, borders),
                        tells_types=not losses.is_allowed(
                            LossKind.JSON_TYPES, name, table.qualified
                        ),
                        has_rows=not losses.is_allowed(ROWS_LEFT_OUT, name, table.qualified),
                    )
                    for table in surveys[name].inventory.tables
                ]

        names = list(surveys)
        return dict(zip(names, map_parallel(plan, names, limit=_MOST_PLANNERS), strict=True))

    @contextlib.contextmanager
    def _cut(self, small: SmallTables) -> Iterator[Cut]:
        self._sink.emit(PhaseStarted(_OPERATION, "barrier"))
        cut = take_cut(
            [shard for shard in self._fleet.shards if shard.name in self._sessions],
            snapshots_per_shard=self._options.sessions_per_shard + small.are_any,
            limits=self._options.limits,
            sink=self._sink,
            under_barrier=small.copy if small.are_any else None,
        )
        try:
            yield cut
        finally:
            cut.close()

    def _look_again(
        self, before: Mapping[ShardName, ShardSurvey], cut: Cut
    ) -> tuple[ChosenScope, Mapping[ShardName, ShardSurvey]]:
        """Read everything again after the cut; equal on both sides means equal at the cut."""
        chosen = self._choose()
        surveys = survey_shards(self._sessions, chosen.selection, self._options.scope)
        for name, survey in surveys.items():
            compare_surveys(before[name], survey)
        cut.assert_protected()
        failpoint("backup.discovered")
        return chosen, {
            name: replace(survey, binlog=before[name].binlog) for name, survey in surveys.items()
        }

    def _choose(self) -> ChosenScope:
        return choose_scope(self._fleet, self._sessions, self._options.scope)

    def _dump(
        self,
        cut: Cut,
        surveys: Mapping[ShardName, ShardSurvey],
        plans: Plans,
        small: SmallTables,
        writer: ChunkWriter,
    ) -> Taken:
        large = {name: [p for p in found if not _is_small(p)] for name, found in plans.items()}
        self._sink.emit(PhaseStarted(_OPERATION, "dump"))
        # Once a session has read an engine without savepoints, it can set none.
        snapshots = {name: part.snapshots[small.are_any :] for name, part in cut.shards.items()}
        map_parallel(prepare_read, [s for group in snapshots.values() for s in group], limit=32)
        dumped = dump_shards(
            large,
            snapshots,
            writer,
            RangeMeter(self._sink, large),
            threads=self._options.threads,
        )
        small.put(writer, dumped)
        failpoint("backup.rows_done")
        self._sink.emit(PhaseStarted(_OPERATION, "prove definitions"))
        self._prove_definitions(cut, surveys)
        records = {name: _records(surveys[name], plans[name], dumped[name]) for name in plans}
        for name, tables in records.items():
            refuse_missed_rows(name, tables, dumped[name].counted)
        return Taken(surveys, cut, records, dumped)

    def _prove_definitions(self, cut: Cut, surveys: Mapping[ShardName, ShardSurvey]) -> None:
        """Prove that no DDL touched what was read, from before the survey until now."""
        if is_off("backup.ddl_guard"):
            return
        cut.assert_protected()
        shards = {shard.name: shard for shard in self._fleet.shards}

        def prove(survey: ShardSurvey) -> None:
            session = self._sessions[survey.shard]
            prove_tables(session, survey)
            position = cut.shards[survey.shard].position
            prove_binlog(shards[survey.shard], survey, position)

        map_parallel(prove, list(surveys.values()), limit=_MOST_PLANNERS)


def _is_small(plan: TablePlan) -> bool:
    return plan.has_rows and not plan.table.is_transactional


def _small(plans: Sequence[TablePlan]) -> list[TablePlan]:
    return [
        plan_table(plan.table, (), tells_types=plan.tells_types)
        for plan in plans
        if _is_small(plan)
    ]


def _borders(
    session: Session, table: Table, previous: Mapping[TableName, tuple[Table, tuple[Border, ...]]]
) -> tuple[Border, ...]:
    """Choose borders, those of the last backup first if the table is still the same."""
    if table.kind is not TableKind.ROWS or not table.is_transactional:
        return ()
    known, borders = previous.get((table.schema, table.name), (None, ()))
    is_same = known is not None and _definition(known) == _definition(table)
    return plan_borders(session, table, borders if is_same else None)


def _definition(table: Table) -> bytes:
    return strip_auto_increment(table.create_sql)


def _previous_borders(
    repository: Repository, writer: ChunkWriter, narrow: Latest, sink: EventSink
) -> PreviousBorders:
    """Read the borders of the last backup that held all this, so that ranges stay the same.

    A damaged backup must not stop the next, which stores again what was lost. Borders go into
    statements: those that a source, or another repository, wrote down are not used.
    """
    if repository.is_write_only:
        return {}
    backups = [
        found for found in repository.list() if found.fleet == narrow.fleet and not found.source
    ]
    try:
        last = find_latest(LATEST, backups, narrow).id
    except UnknownBackup:
        return {}
    manifest = repository.load(last)
    if manifest.copied_from:
        return {}
    borders: dict[ShardName, dict[TableName, tuple[Table, tuple[Border, ...]]]] = {}
    for shard in manifest.shards:
        try:
            borders[shard.name] = _borders_of(get_part(writer, shard.part))
        except (IntegrityError, ObjectMissing) as error:
            sink.emit(Noticed(f"backup {last} is damaged, look at it: {error.message}"))
    return borders


def _borders_of(part: ShardPart) -> dict[TableName, tuple[Table, tuple[Border, ...]]]:
    return {
        (record.table.schema, record.table.name): (
            record.table,
            tuple(found.lower for found in record.ranges if found.lower is not None),
        )
        for record in part.tables
    }


def _records(
    survey: ShardSurvey, plans: Sequence[TablePlan], dumped: DumpedShard
) -> tuple[TableRecord, ...]:
    """Join definitions as they were behind the cut with the ranges that were read."""
    tables = {(table.schema, table.name): table for table in survey.inventory.tables}
    records = []
    for plan in plans:
        name = (plan.table.schema, plan.table.name)
        found = dumped.ranges.get(name, {})
        ranges = [found[index] for index in range(len(found))]
        longest = dumped.longest_row.get(name, 0)
        records.append(table_record(tables[name], plan.columns, ranges, longest))
    return tuple(records)
